//! What calls take on other nodes.

use std::collections::BTreeMap;

use super::Tally;
use crate::E164;

/// Of what calls take a part.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// The trunk with this id.
    Trunk(String),
    /// A number of ours.
    Number(E164),
    /// The agent with this id.
    Agent(String),
}

/// What calls take of one subject.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Load {
    /// Calls that are up.
    pub calls: u32,
    /// What outbound calls have spoken.
    pub spoken: Tally,
}

/// What calls take of one subject, and of which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Used {
    /// Of which.
    pub subject: Subject,
    /// All together.
    pub load: Load,
}

/// What calls on all other nodes together take. It holds what it is told, an entry for each subject that has calls or minutes there.
#[derive(Debug, Default)]
pub struct Others {
    trunks: BTreeMap<String, Load>,
    numbers: BTreeMap<E164, Load>,
    agents: BTreeMap<String, Load>,
}

impl Load {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { calls: self.calls.saturating_add(other.calls), spoken: self.spoken.plus(other.spoken) }
    }

    /// Whether nothing of it is left on that day, since 1970-01-01.
    pub fn is_over(&self, day: u64) -> bool {
        let spoken = self.spoken.on(day);
        self.calls == 0 && spoken.running == 0 && spoken.finished_ms == 0
    }
}

impl Others {
    /// From here on it is so much.
    pub fn put(&mut self, Used { subject, load }: Used) {
        match subject {
            Subject::Trunk(id) => put(&mut self.trunks, id, load),
            Subject::Number(number) => put(&mut self.numbers, number, load),
            Subject::Agent(id) => put(&mut self.agents, id, load),
        }
    }

    /// Of the trunk with this id.
    pub fn of_trunk(&self, id: &str) -> Load {
        self.trunks.get(id).copied().unwrap_or_default()
    }

    /// Of the number.
    pub fn of_number(&self, number: E164) -> Load {
        self.numbers.get(&number).copied().unwrap_or_default()
    }

    /// Of the agent with this id.
    pub fn of_agent(&self, id: &str) -> Load {
        self.agents.get(id).copied().unwrap_or_default()
    }
}

fn put<K: Ord>(loads: &mut BTreeMap<K, Load>, key: K, load: Load) {
    if load.is_over(load.spoken.day) {
        loads.remove(&key);
    } else {
        loads.insert(key, load);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_takes_no_place() {
        let mut others = Others::default();
        let trunk = |calls| Used {
            subject: Subject::Trunk("acme".to_owned()),
            load: Load { calls, spoken: Tally::default() },
        };
        others.put(trunk(2));
        assert_eq!((others.of_trunk("acme").calls, others.of_agent("acme").calls), (2, 0));
        others.put(trunk(0));
        assert_eq!((others.of_trunk("acme"), others.trunks.len()), (Load::default(), 0));
    }

    #[test]
    fn a_load_is_over_when_its_calls_and_the_day_of_its_minutes_are() {
        let spoken = Tally { day: 7, finished_ms: 1, ..Tally::default() };
        assert!(!Load { calls: 0, spoken }.is_over(7));
        assert!(Load { calls: 0, spoken }.is_over(8));
        assert!(!Load { calls: 1, spoken }.is_over(8));
    }
}
