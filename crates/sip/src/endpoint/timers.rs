//! The one timer index: when which transaction or dialog wants to be looked at. The timers themselves live in their states.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::DialogKey;

/// Whose deadline it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    Client(u64),
    Server(u64),
    Dialog(DialogKey),
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Owner)>,
    armed: BTreeMap<Owner, Instant>,
}

impl Timers {
    /// Sets the owner's one deadline, or takes it away.
    pub(super) fn arm(&mut self, owner: Owner, deadline: Option<Instant>) {
        let before = match deadline {
            Some(at) => self.armed.insert(owner, at),
            None => self.armed.remove(&owner),
        };
        if before == deadline {
            return;
        }
        if let Some(at) = before {
            self.queue.remove(&(at, owner));
        }
        if let Some(at) = deadline {
            self.queue.insert((at, owner));
        }
    }

    /// Takes out the earliest owner whose deadline has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Owner> {
        let &(at, owner) = self.queue.first()?;
        if at > now {
            return None;
        }
        self.arm(owner, None);
        Some(owner)
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|&(at, _)| at)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transaction::clock::start;

    #[test]
    fn an_owner_has_one_deadline_and_the_earliest_comes_first() {
        let now = start();
        let at = |ms| now + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.arm(Owner::Client(1), Some(at(30)));
        timers.arm(Owner::Server(2), Some(at(20)));
        timers.arm(Owner::Client(1), Some(at(10)));
        assert_eq!((timers.len(), timers.next()), (2, Some(at(10))));
        assert_eq!(timers.take_due(at(9)), None);
        assert_eq!(timers.take_due(at(20)), Some(Owner::Client(1)));
        assert_eq!(timers.take_due(at(20)), Some(Owner::Server(2)));
        assert_eq!((timers.take_due(at(99)), timers.len()), (None, 0));
    }
}
