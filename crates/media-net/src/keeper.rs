//! What keeps a worker going: one that fails begins anew without its calls, which are told of; one that fails again and again is given up.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use media::command::WorkerId;
use media::{Mishap, ThreadCounts};

use crate::sockets::Sockets;
use crate::worker::Worker;

/// Runs a worker until it is told to stop.
///
/// # Errors
/// It has failed too often, or can't begin anew; why, in words.
pub(crate) fn keep<S: Sockets>(
    number: WorkerId,
    worker: &mut Worker<S>,
    counts: &ThreadCounts,
) -> Result<(), String> {
    let mut failures = Failures::default();
    loop {
        // After a panic nothing of the worker is used but what `begin_anew` says.
        let why = match catch_unwind(AssertUnwindSafe(|| worker.run())) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("it panicked: {}", words(&*panic)),
        };
        let (legs, is_over) = (worker.legs(), failures.are_too_many(Instant::now()));
        if !is_over {
            counts.add(Mishap::Restart);
        }
        // Also where it is over, so that its legs are told of.
        worker.begin_anew().map_err(|error| format!("{why}; and it can't begin anew: {error}"))?;
        if is_over {
            return Err(format!("{why}; this was failure {MOST} within {} s", WITHIN.as_secs()));
        }
        tracing::error!(
            thread = number.0,
            error = %why,
            legs,
            "a packet thread failed and began anew: the calls that it carried end"
        );
    }
}

/// When a worker failed of late.
#[derive(Default)]
struct Failures(VecDeque<Instant>);

impl Failures {
    /// It has failed once more.
    fn are_too_many(&mut self, now: Instant) -> bool {
        self.0.retain(|at| now.saturating_duration_since(*at) < WITHIN);
        self.0.push_back(now);
        self.0.len() >= MOST
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    panic.downcast_ref::<&str>().copied().or_else(owned).unwrap_or("without words")
}

/// So many failures within so long are no accident: whatever brings them about would end all calls that come.
const MOST: usize = 5;
const WITHIN: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests;
