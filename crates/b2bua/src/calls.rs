//! All calls, and the one timer index over them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use media::command::Counters;

use crate::call::{Call, CallEvent};
use crate::core::LiveCall;
use crate::desk::{Desk, Owner};
use crate::ids::Ids;
use crate::io::{CallKey, Milestone, Now, Output};

/// The calls that are not forgotten. In order of their keys, which is that of their coming.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    by_key: BTreeMap<CallKey, Entry>,
    timers: BTreeSet<(Instant, CallKey)>,
    ids: Ids,
}

#[derive(Debug)]
struct Entry {
    call: Box<Call>,
    armed: Option<Instant>,
}

impl Calls {
    pub(crate) fn insert(&mut self, key: CallKey, call: impl Into<Box<Call>>) {
        let call = call.into();
        if call.progress().is_some() {
            self.ids.put(call.record(), key);
        }
        self.keep(key, call);
    }

    /// Hands an event to a call. A key that is not here is of a call that was forgotten.
    pub(crate) fn step(&mut self, desk: &mut Desk, now: Now, key: CallKey, event: CallEvent) {
        let Some(Entry { call, armed }) = self.by_key.remove(&key) else { return };
        if let Some(armed) = armed {
            self.timers.remove(&(armed, key));
        }
        let was_up = call.record().status.is_none();
        let before = Milestone::ALL.map(|milestone| call.has_come_to(milestone));
        let call = Box::new(call.handle(desk, now, event));
        let come_to = Milestone::ALL.into_iter().zip(before);
        let mut come_to =
            come_to.filter(|(milestone, was_there)| call.has_come_to(*milestone) && !was_there).peekable();
        if come_to.peek().is_some() {
            let record = Arc::new(call.record().clone());
            for (milestone, _) in come_to {
                desk.put(Output::Happened(key, milestone, Arc::clone(&record)));
            }
        }
        if call.progress().is_none() {
            desk.index.forget_agent(call.record());
            self.ids.forget(call.record());
        } else if was_up && call.record().status.is_some() {
            self.ids.put(call.record(), key);
        }
        self.keep(key, call);
    }

    /// A leg tells how it does. That is noted, and no call changes its ways for it.
    pub(crate) fn measured(&mut self, owner: Owner, counters: &Counters) {
        if let Some(entry) = self.by_key.get_mut(&owner.call) {
            entry.call.measured(owner.side, counters);
        }
    }

    pub(crate) fn get(&self, key: CallKey) -> Option<&Call> {
        self.by_key.get(&key).map(|entry| &*entry.call)
    }

    /// A call whose timer is due.
    pub(crate) fn due(&self, now: Instant) -> Option<CallKey> {
        self.timers.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub(crate) fn keys(&self) -> Vec<CallKey> {
        self.by_key.keys().copied().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = LiveCall<'_>> {
        self.by_key.keys().filter_map(|key| self.live(*key))
    }

    /// The call that is up and whose record has this id.
    pub(crate) fn of(&self, id: &str) -> Option<LiveCall<'_>> {
        self.live(self.ids.up(id)?)
    }

    /// Those whose records' ids begin so.
    pub(crate) fn beginning(&self, id: &str) -> impl Iterator<Item = LiveCall<'_>> {
        self.ids.beginning(id).filter_map(|key| self.live(key))
    }

    /// Those that are up, by id, behind this one.
    pub(crate) fn behind(&self, id: &str) -> impl Iterator<Item = LiveCall<'_>> {
        self.ids.behind(id).filter_map(|key| self.live(key))
    }

    /// How many ids lead to a call.
    pub(crate) fn ids(&self) -> usize {
        self.ids.len()
    }

    fn live(&self, key: CallKey) -> Option<LiveCall<'_>> {
        let call = self.get(key)?;
        Some(LiveCall { key, progress: call.progress()?, record: call.record() })
    }

    fn keep(&mut self, key: CallKey, call: Box<Call>) {
        if call.progress().is_none() {
            return;
        }
        let armed = call.deadline();
        if let Some(armed) = armed {
            self.timers.insert((armed, key));
        }
        self.by_key.insert(key, Entry { call, armed });
    }
}
