//! The time that calls have spoken in one day, such that those of several nodes can be added up.

/// The time that calls have spoken in one UTC day, those that are up too.
///
/// What running calls have spoken at a moment comes from it and the moment alone.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    /// Which day, since 1970-01-01.
    pub day: u64,
    /// Milliseconds, of calls that are over.
    pub finished_ms: u64,
    /// Calls that are up.
    pub running: u64,
    /// When they began, in milliseconds since midnight, added up. Those of a day before begin with the day.
    pub begun_ms: u64,
}

pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl Tally {
    /// As it is on that day: on a later one than its own nothing is left but the calls that go on.
    #[must_use]
    pub fn on(self, day: u64) -> Self {
        if day <= self.day {
            return self;
        }
        Self { day, finished_ms: 0, running: self.running, begun_ms: 0 }
    }

    /// Both together, on the later day.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let day = self.day.max(other.day);
        let (one, two) = (self.on(day), other.on(day));
        Self {
            day,
            finished_ms: one.finished_ms.saturating_add(two.finished_ms),
            running: one.running.saturating_add(two.running),
            begun_ms: one.begun_ms.saturating_add(two.begun_ms),
        }
    }

    /// The same if the calls that are up ended then, in milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn ended(self, at_ms: u64) -> Self {
        let tally = self.on(at_ms / DAY_MS);
        Self { finished_ms: tally.spoken_ms(at_ms), running: 0, begun_ms: 0, ..tally }
    }

    /// Whole seconds that were spoken by then, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self, now_ms: u64) -> u64 {
        self.on(now_ms / DAY_MS).spoken_ms(now_ms) / 1000
    }

    fn spoken_ms(self, now_ms: u64) -> u64 {
        let since_midnight = now_ms.saturating_sub(self.day * DAY_MS);
        let running = since_midnight.saturating_mul(self.running).saturating_sub(self.begun_ms);
        self.finished_ms.saturating_add(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up_on_the_later_day() {
        let yesterday = Tally { day: 6, finished_ms: 50_000, running: 1, begun_ms: 40_000 };
        let today = Tally { day: 7, finished_ms: 3_000, running: 1, begun_ms: 1_000 };
        for both in [yesterday.plus(today), today.plus(yesterday)] {
            assert_eq!(both, Tally { day: 7, finished_ms: 3_000, running: 2, begun_ms: 1_000 });
            assert_eq!(both.seconds(7 * DAY_MS + 2_000), 6);
        }
        let ended = today.ended(7 * DAY_MS + 2_000);
        assert_eq!(ended, Tally { day: 7, finished_ms: 4_000, running: 0, begun_ms: 0 });
        assert_eq!(today.ended(7 * DAY_MS).finished_ms, 3_000, "by a clock that is behind");
        assert_eq!(yesterday.ended(7 * DAY_MS + 2_000), Tally { day: 7, finished_ms: 2_000, ..ended });
        assert_eq!(today.seconds(8 * DAY_MS + 9_000), 9, "the call that goes on, since midnight");
    }
}
