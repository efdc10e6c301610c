//! Who is not to be asked for a while: servers that said so (RFC 3261 s.21.5.4), and those that failed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::candidates::{Candidate, Setback};
use crate::flow::Transport;

/// The list, at most [`Shunned::MAX`] long: beyond, the entry that would end first makes room.
#[derive(Clone, Default, Debug)]
pub struct Shunned {
    until: BTreeMap<Entry, Instant>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Entry {
    /// A host that answered 503 with Retry-After: over every transport, at each of its ports.
    Busy(String, IpAddr),
    /// A way that did not work: the host may answer over another.
    Failed(Transport, SocketAddr),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Good,
    Failed,
    Busy,
}

impl Shunned {
    /// Entries at most.
    pub const MAX: usize = 1024;
    /// How long a place that failed is tried after all others.
    pub const AFTER_FAILURE: Duration = Duration::from_secs(30);
    /// The longest Retry-After that is kept to.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what a candidate did. A 503 without Retry-After says nothing of the next request.
    pub fn note(&mut self, candidate: &Candidate, setback: Setback, now: Instant) {
        match setback {
            Setback::Transport | Setback::Timeout => {
                let entry = Entry::Failed(candidate.transport, candidate.address);
                self.insert(entry, now, Self::AFTER_FAILURE);
            }
            Setback::Unavailable { retry_after: Some(wait) } => {
                self.insert(busy(candidate), now, wait.min(Self::MAX_RETRY_AFTER));
            }
            Setback::Unavailable { retry_after: None } => {}
        }
    }

    /// It answers: what it failed at is forgotten. Its Retry-After is not.
    pub fn forgive(&mut self, candidate: &Candidate) {
        self.until.remove(&Entry::Failed(candidate.transport, candidate.address));
    }

    /// How many are on the list, ended ones too.
    pub fn len(&self) -> usize {
        self.until.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.until.is_empty()
    }

    /// How long a candidate asked to be left alone from here on.
    pub(super) fn wait(&self, candidate: &Candidate, now: Instant) -> Option<Duration> {
        let until = self.until.get(&busy(candidate))?;
        until.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    pub(super) fn standing(&self, candidate: &Candidate, now: Instant) -> Standing {
        if self.wait(candidate, now).is_some() {
            return Standing::Busy;
        }
        match self.until.get(&Entry::Failed(candidate.transport, candidate.address)) {
            Some(until) if *until > now => Standing::Failed,
            Some(_) | None => Standing::Good,
        }
    }

    fn insert(&mut self, entry: Entry, now: Instant, wait: Duration) {
        let Some(until) = now.checked_add(wait) else { return };
        if self.until.len() >= Self::MAX && !self.until.contains_key(&entry) {
            self.make_room(now);
        }
        self.until.insert(entry, until);
    }

    fn make_room(&mut self, now: Instant) {
        self.until.retain(|_, until| *until > now);
        if self.until.len() < Self::MAX {
            return;
        }
        if let Some(first) =
            self.until.iter().min_by_key(|(_, until)| **until).map(|(entry, _)| entry.clone())
        {
            self.until.remove(&first);
        }
    }
}

fn busy(candidate: &Candidate) -> Entry {
    Entry::Busy(candidate.server.clone(), candidate.address.ip())
}
