//! Answers of DNS for as long as they hold, those that deny too (RFC 2308).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::question::{Answer, Question, Trouble};

/// The cache, of a fixed number of answers: beyond, the one that would end first makes room.
#[derive(Debug)]
pub struct Cache {
    room: usize,
    kept: BTreeMap<Question, Kept>,
}

#[derive(Debug)]
struct Kept {
    answer: Answer,
    until: Instant,
}

impl Cache {
    /// The longest that records are kept, whatever their TTL.
    pub const MAX_POSITIVE: Duration = Duration::from_hours(24);
    /// The longest that an absence is kept: a record that the operator adds is to be found soon.
    pub const MAX_NEGATIVE: Duration = Duration::from_mins(5);
    /// How long a question that found no answer is not asked again (RFC 2308 s.7).
    pub const AFTER_TROUBLE: Duration = Duration::from_secs(5);

    /// An empty one for that many answers.
    pub fn new(room: usize) -> Self {
        Self { room, kept: BTreeMap::new() }
    }

    /// The answer, if it still holds.
    pub fn get(&self, question: &Question, now: Instant) -> Option<&Answer> {
        self.kept.get(question).filter(|kept| kept.until > now).map(|kept| &kept.answer)
    }

    /// Keeps an answer. `ttl` is the lowest of its records; of an absence it is that of the SOA, zero without one.
    pub fn insert(&mut self, question: Question, answer: Answer, ttl: Duration, now: Instant) {
        let time = match &answer {
            Answer::Naptr(_) | Answer::Srv(_) | Answer::Addresses(_) | Answer::Alias(_) => {
                ttl.min(Self::MAX_POSITIVE)
            }
            Answer::Absent(_) => ttl.min(Self::MAX_NEGATIVE),
            Answer::Failed(Trouble::Timeout | Trouble::Server(_) | Trouble::Aliases) => Self::AFTER_TROUBLE,
            Answer::Failed(Trouble::Busy) => Duration::ZERO,
        };
        let Some(until) = now.checked_add(time) else { return };
        if time.is_zero() || self.room == 0 {
            self.kept.remove(&question);
            return;
        }
        if self.kept.len() >= self.room && !self.kept.contains_key(&question) {
            self.make_room(now);
        }
        self.kept.insert(question, Kept { answer: answer.bounded(), until });
    }

    /// How many answers are kept, ended ones too.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn make_room(&mut self, now: Instant) {
        self.kept.retain(|_, kept| kept.until > now);
        if self.kept.len() < self.room {
            return;
        }
        if let Some(first) =
            self.kept.iter().min_by_key(|(_, kept)| kept.until).map(|(question, _)| question.clone())
        {
            self.kept.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::question::{Absent, Kind};
    use super::*;
    use crate::transaction::clock::start;

    fn question(name: &str) -> Question {
        Question { kind: Kind::A, name: name.into() }
    }

    fn found() -> Answer {
        Answer::Addresses(vec!["192.0.2.1".parse().unwrap()])
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_answer_holds_for_its_ttl_and_not_a_moment_longer() {
        let (mut cache, start) = (Cache::new(8), start());
        cache.insert(question("a."), found(), seconds(60), start);
        assert_eq!(cache.get(&question("a."), start + seconds(59)), Some(&found()));
        assert_eq!(cache.get(&question("a."), start + seconds(60)), None);
    }

    #[test]
    fn each_kind_of_answer_has_its_longest_time() {
        let start = start();
        let year = seconds(31_536_000);
        let cases = [
            (found(), year, Cache::MAX_POSITIVE),
            (Answer::Alias("b.".into()), year, Cache::MAX_POSITIVE),
            (Answer::Absent(Absent::Name), year, Cache::MAX_NEGATIVE),
            (Answer::Absent(Absent::Records), seconds(30), seconds(30)),
            (Answer::Failed(Trouble::Timeout), Duration::ZERO, Cache::AFTER_TROUBLE),
            (Answer::Failed(Trouble::Server("SERVFAIL".into())), year, Cache::AFTER_TROUBLE),
        ];
        for (answer, ttl, holds) in cases {
            let mut cache = Cache::new(8);
            cache.insert(question("a."), answer.clone(), ttl, start);
            let end = start + holds;
            assert_eq!(cache.get(&question("a."), end.checked_sub(seconds(1)).unwrap()), Some(&answer));
            assert_eq!(cache.get(&question("a."), end), None);
        }
    }

    #[test]
    fn what_has_no_time_to_live_is_not_kept_and_ends_what_was() {
        let (mut cache, start) = (Cache::new(8), start());
        cache.insert(question("a."), found(), seconds(60), start);
        for answer in [found(), Answer::Absent(Absent::Name), Answer::Failed(Trouble::Busy)] {
            cache.insert(question("a."), answer, Duration::ZERO, start);
            assert!(cache.is_empty());
        }
    }

    #[test]
    fn a_full_cache_drops_the_ended_and_then_the_first_to_end() {
        let (mut cache, start) = (Cache::new(2), start());
        cache.insert(question("short."), found(), seconds(10), start);
        cache.insert(question("long."), found(), seconds(100), start);
        cache.insert(question("third."), found(), seconds(50), start + seconds(1));
        assert_eq!(cache.get(&question("short."), start + seconds(1)), None);
        cache.insert(question("fourth."), found(), seconds(50), start + seconds(60));
        let held = ["long.", "third.", "fourth."]
            .map(|name| cache.get(&question(name), start + seconds(61)).is_some());
        assert_eq!((held, cache.len()), ([true, false, true], 2));
    }
}
