//! What the demo prints: a ladder for each call, and a line for each thing that had to hold.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::audio::{Comparison, FRAME, compare};
use super::carrier::Heard;

/// Prints as it goes, and remembers whether all held.
#[derive(Default)]
pub(super) struct Report {
    held: usize,
    failed: usize,
}

impl Report {
    /// One thing that had to hold, told as what was found.
    pub(super) fn check(&mut self, held: bool, found: impl Display) {
        if held {
            self.held += 1;
            println!("  ok      {found}");
        } else {
            self.failed += 1;
            println!("  FAILED  {found}");
        }
    }

    pub(super) fn equal(&mut self, what: &str, found: &str, expected: &str) {
        if found == expected {
            self.check(true, format_args!("{what}: {found}"));
        } else {
            self.check(false, format_args!("{what}: {found}, expected {expected}"));
        }
    }

    /// That the caller's INVITE had this final status, and the call went as its script says.
    pub(super) fn outcome(&mut self, heard: &Heard, expected: u16) {
        let (status, fault) = match &heard.outcome {
            Some(outcome) => (outcome.status, outcome.fault.as_deref()),
            None => (None, Some("the call did not end")),
        };
        let found = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.equal("final response", &found, &expected.to_string());
        if let Some(fault) = fault {
            self.check(false, fault);
        }
    }

    /// That one party heard all that the other said.
    pub(super) fn audio(&mut self, what: &str, sent: &[u8], received: &[u8]) -> Comparison {
        let comparison = compare(sent, received);
        let Comparison { matched, total, inserted, .. } = comparison;
        let gaps =
            if inserted == 0 { String::new() } else { format!(", {} ms of silence between", inserted / 8) };
        self.check(comparison.is_whole(), format_args!("{what}: {matched} of {total} samples equal{gaps}"));
        comparison
    }

    /// That the audio which came back is what was sent, and how much later it came.
    pub(super) fn echo(&mut self, heard: &Heard, sent: &[u8]) {
        let comparison = self.audio("the caller's audio came back to it", sent, &heard.audio.audio());
        let mut delays = delays(heard, &comparison);
        delays.sort_unstable();
        let (Some(middle), Some(longest)) = (delays.get(delays.len() / 2), delays.last()) else {
            return self.check(false, "no frame came back of which a delay could be taken");
        };
        let (middle, longest) = (middle.as_millis(), longest.as_millis());
        let held = middle < DELAY_MS;
        self.check(held, format_args!("delay there and back: {middle} ms (median), {longest} ms (longest)"));
    }

    /// Whether everything held.
    pub(super) fn close(&mut self, took: Duration) -> bool {
        let all = self.held + self.failed;
        println!("\n{} of {all} checks held, in {:.1} s.", self.held, took.as_secs_f64());
        self.failed == 0
    }
}

/// The head of a call.
pub(super) fn title(title: impl Display) {
    println!("\n{title}");
}

/// What went over the wire, as the caller saw it.
pub(super) fn ladder(heard: &Heard) {
    for line in heard.ladder.to_string().lines() {
        println!("  {line}");
    }
    if heard.datagrams == 0 {
        println!("  (nothing came back)");
    }
}

/// Of each frame that came back, from its sending to the arrival of its last sample.
fn delays(heard: &Heard, comparison: &Comparison) -> Vec<Duration> {
    let came = |place: usize| -> Option<Instant> { heard.audio.came(place + FRAME - 1) };
    let frames = heard.spoken.iter().zip(&comparison.places);
    frames.filter_map(|(sent, place)| Some(came((*place)?)?.saturating_duration_since(*sent))).collect()
}

/// More than this between two ends of one machine is a fault of ours.
const DELAY_MS: u128 = 400;
