//! The calls begun within the last second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::E164;

/// When calls began, for [`crate::Usage::trunk_starts`] and [`crate::Usage::number_starts`].
///
/// Only calls that were let through are told to it, so that it holds no more than the node lets through in a second.
#[derive(Debug, Default)]
pub struct Starts(VecDeque<Start>);

#[derive(Debug)]
struct Start {
    at: Instant,
    trunk_id: String,
    number: E164,
}

const WINDOW: Duration = Duration::from_secs(1);

impl Starts {
    /// A call begins.
    pub fn begin(&mut self, now: Instant, trunk_id: &str, number: E164) {
        while self.0.front().is_some_and(|start| now.saturating_duration_since(start.at) >= WINDOW) {
            self.0.pop_front();
        }
        self.0.push_back(Start { at: now, trunk_id: trunk_id.to_owned(), number });
    }

    /// Those of the trunk within the last second.
    pub fn of_trunk(&self, now: Instant, trunk_id: &str) -> u32 {
        self.count(now, |start| start.trunk_id == trunk_id)
    }

    /// Those of the number within the last second.
    pub fn of_number(&self, now: Instant, number: E164) -> u32 {
        self.count(now, |start| start.number == number)
    }

    fn count(&self, now: Instant, is_meant: impl Fn(&Start) -> bool) -> u32 {
        let recent = self.0.iter().rev();
        let recent = recent.take_while(|start| now.saturating_duration_since(start.at) < WINDOW);
        u32::try_from(recent.filter(|start| is_meant(start)).count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test begins somewhere")]
mod tests {
    use super::*;

    #[test]
    fn a_start_counts_for_one_second() {
        let number = E164::parse("+14155550100").unwrap();
        let other = E164::parse("+14155550101").unwrap();
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut starts = Starts::default();
        starts.begin(at(0), "acme", number);
        starts.begin(at(600), "acme", other);
        starts.begin(at(700), "blue", other);
        assert_eq!((starts.of_trunk(at(999), "acme"), starts.of_number(at(999), other)), (2, 2));
        assert_eq!((starts.of_trunk(at(1000), "acme"), starts.of_number(at(1000), number)), (1, 0));
        assert_eq!(starts.of_trunk(at(1700), "blue"), 0);
        starts.begin(at(2000), "acme", number);
        assert_eq!(starts.0.len(), 1, "what is past is dropped");
    }
}
