//! How long the outbound calls of a UTC day have lasted, by trunk and by number.

use std::collections::BTreeMap;

use super::Tally;
use super::tally::DAY_MS;
use crate::E164;

/// The time spoken in outbound calls since midnight (UTC), for [`crate::Usage::trunk_seconds_today`] and
/// [`crate::Usage::number_seconds_today`]. A call that lasts over midnight counts to each day with its part.
///
/// Times are milliseconds since 1970-01-01T00:00:00Z. It holds one entry for each trunk and number that was spoken over since midnight.
#[derive(Debug, Default)]
pub struct Spoken {
    /// Days since 1970-01-01.
    day: u64,
    trunks: BTreeMap<String, Tally>,
    numbers: BTreeMap<E164, Tally>,
}

/// A running outbound call. Given back by [`Spoken::end`], once: so it can't be copied.
#[derive(Debug)]
#[must_use]
pub struct Talk {
    trunk_id: String,
    number: E164,
    begun_ms: u64,
}

/// What outbound calls of before the start have spoken in one day, by one trunk from one number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spoke {
    /// By which they left.
    pub trunk_id: String,
    /// Which called.
    pub number: E164,
    /// All together, in milliseconds.
    pub spoken_ms: u64,
}

impl Spoken {
    /// An outbound call was answered.
    pub fn begin(&mut self, now_ms: u64, trunk_id: &str, number: E164) -> Talk {
        self.turn_to(now_ms);
        let begun_ms = now_ms.max(self.midnight_ms());
        let since_midnight = begun_ms - self.midnight_ms();
        self.tallies(trunk_id, number, |tally| {
            tally.running += 1;
            tally.begun_ms += since_midnight;
        });
        Talk { trunk_id: trunk_id.to_owned(), number, begun_ms }
    }

    /// The call is over.
    pub fn end(&mut self, now_ms: u64, talk: Talk) {
        self.turn_to(now_ms);
        let Talk { trunk_id, number, begun_ms } = talk;
        let begun_ms = begun_ms.max(self.midnight_ms());
        let since_midnight = begun_ms - self.midnight_ms();
        self.tallies(&trunk_id, number, |tally| {
            tally.running = tally.running.saturating_sub(1);
            tally.begun_ms = tally.begun_ms.saturating_sub(since_midnight);
            tally.finished_ms = tally.finished_ms.saturating_add(now_ms.saturating_sub(begun_ms));
        });
    }

    /// Calls that were over before we were: what records tell at a start of the day that began at `midnight_ms`. Of a day that is over it
    /// counts nothing.
    pub fn recall(&mut self, midnight_ms: u64, spoke: &Spoke) {
        self.turn_to(midnight_ms);
        if midnight_ms < self.midnight_ms() {
            return;
        }
        self.tallies(&spoke.trunk_id, spoke.number, |tally| {
            tally.finished_ms = tally.finished_ms.saturating_add(spoke.spoken_ms);
        });
    }

    /// What the trunk has spoken.
    pub fn of_trunk(&self, trunk_id: &str) -> Tally {
        self.trunks.get(trunk_id).copied().unwrap_or_default()
    }

    /// What the number has spoken.
    pub fn of_number(&self, number: E164) -> Tally {
        self.numbers.get(&number).copied().unwrap_or_default()
    }

    /// When the day began that holds this moment.
    pub fn midnight(now_ms: u64) -> u64 {
        now_ms - now_ms % DAY_MS
    }

    /// Seconds until the day that holds this moment is over: 1 to 86,400.
    pub fn seconds_left(now_ms: u64) -> u32 {
        u32::try_from((DAY_MS - now_ms % DAY_MS).div_ceil(1000)).unwrap_or(u32::MAX)
    }

    /// Only forward: a clock that is set back does not give a day's minutes anew.
    fn turn_to(&mut self, now_ms: u64) {
        if now_ms / DAY_MS <= self.day {
            return;
        }
        self.day = now_ms / DAY_MS;
        self.trunks.retain(|_, tally| tally.running > 0);
        self.numbers.retain(|_, tally| tally.running > 0);
    }

    fn midnight_ms(&self) -> u64 {
        self.day * DAY_MS
    }

    fn tallies(&mut self, trunk_id: &str, number: E164, change: impl Fn(&mut Tally)) {
        let day = self.day;
        let change = |tally: &mut Tally| {
            *tally = tally.on(day);
            change(tally);
        };
        match self.trunks.get_mut(trunk_id) {
            Some(tally) => change(tally),
            None => change(self.trunks.entry(trunk_id.to_owned()).or_default()),
        }
        change(self.numbers.entry(number).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: u64 = 20_000 * DAY_MS;

    fn number() -> E164 {
        E164::parse("+14155550100").unwrap()
    }

    #[test]
    fn running_and_finished_calls_add_up() {
        let mut spoken = Spoken::default();
        let first = spoken.begin(MIDNIGHT, "acme", number());
        let second = spoken.begin(MIDNIGHT + 10_000, "acme", number());
        assert_eq!(spoken.of_trunk("acme").seconds(MIDNIGHT + 30_000), 50);
        spoken.end(MIDNIGHT + 30_000, first);
        spoken.end(MIDNIGHT + 40_000, second);
        let before = Spoke { trunk_id: "acme".to_owned(), number: number(), spoken_ms: 5_000 };
        spoken.recall(MIDNIGHT, &before);
        spoken.recall(MIDNIGHT - DAY_MS, &before);
        assert_eq!(spoken.of_trunk("acme").seconds(MIDNIGHT + 90_000), 65);
        assert_eq!(
            (
                spoken.of_number(number()).seconds(MIDNIGHT + 90_000),
                spoken.of_trunk("blue").seconds(MIDNIGHT)
            ),
            (65, 0)
        );
    }

    #[test]
    fn midnight_parts_a_call_that_goes_on() {
        let mut spoken = Spoken::default();
        let talk = spoken.begin(MIDNIGHT - 60_000, "acme", number());
        assert_eq!(spoken.of_trunk("acme").seconds(MIDNIGHT - 1), 59);
        assert_eq!(
            spoken.of_trunk("acme").seconds(MIDNIGHT + 7_000),
            7,
            "seen before anything turned the day"
        );
        let other = spoken.begin(MIDNIGHT + 10_000, "blue", number());
        assert_eq!(spoken.of_number(number()).seconds(MIDNIGHT + 20_000), 30);
        spoken.end(MIDNIGHT + 20_000, talk);
        spoken.end(MIDNIGHT + 20_000, other);
        assert_eq!(
            (
                spoken.of_trunk("acme").seconds(MIDNIGHT + 20_000),
                spoken.of_trunk("blue").seconds(MIDNIGHT + 20_000)
            ),
            (20, 10)
        );
        assert_eq!(spoken.of_trunk("acme").seconds(MIDNIGHT + DAY_MS), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_minutes_anew() {
        let mut spoken = Spoken::default();
        let talk = spoken.begin(MIDNIGHT + 1_000, "acme", number());
        spoken.end(MIDNIGHT + 61_000, talk);
        let talk = spoken.begin(MIDNIGHT - 1_000, "acme", number());
        spoken.end(MIDNIGHT - 500, talk);
        assert_eq!(spoken.of_trunk("acme").seconds(MIDNIGHT + 70_000), 60);
    }

    #[test]
    fn a_day_has_86400_seconds_left_at_its_begin() {
        assert_eq!(Spoken::seconds_left(MIDNIGHT), 86_400);
        assert_eq!(Spoken::seconds_left(MIDNIGHT + 1), 86_400);
        assert_eq!(Spoken::seconds_left(MIDNIGHT + DAY_MS - 1), 1);
    }
}
