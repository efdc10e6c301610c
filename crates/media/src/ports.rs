//! The port pairs of this node, each quarantined after use.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Even RTP ports whose RTCP port is the next one (RFC 3550 s.11). They are handed out in rotation, and a released one is not handed
/// out again before its quarantine is over, so that the packets of one call do not reach the next.
#[derive(Debug)]
pub struct PortPool {
    first: u16,
    free: VecDeque<u16>,
    quarantined: VecDeque<(Instant, u16)>,
    /// By pair: whether it is handed out.
    taken: Vec<bool>,
    quarantine: Duration,
}

impl PortPool {
    /// All pairs that lie wholly inside `range`.
    pub fn new(range: RangeInclusive<u16>, quarantine: Duration) -> Self {
        let first = range.start().saturating_add(range.start() % 2);
        let free: VecDeque<u16> =
            (first..*range.end()).step_by(2).filter(|port| port % 2 == 0 && *port != 0).collect();
        let first = free.front().copied().unwrap_or(first);
        Self { first, taken: vec![false; free.len()], free, quarantined: VecDeque::new(), quarantine }
    }

    /// The RTP port of a pair, or `None` when all are in use or quarantined.
    pub fn allocate(&mut self, now: Instant) -> Option<u16> {
        while self.quarantined.front().is_some_and(|(until, _)| *until <= now) {
            self.free.extend(self.quarantined.pop_front().map(|(_, port)| port));
        }
        let port = self.free.pop_front()?;
        let index = self.index(port)?;
        self.taken[index] = true;
        Some(port)
    }

    /// Takes back a pair that was handed out. Any other port is disregarded.
    pub fn release(&mut self, now: Instant, port: u16) {
        let Some(index) = self.index(port) else { return };
        if std::mem::replace(&mut self.taken[index], false) {
            self.quarantined.push_back((now + self.quarantine, port));
        }
    }

    /// How many pairs are handed out.
    pub fn in_use(&self) -> usize {
        self.taken.len() - self.free.len() - self.quarantined.len()
    }

    /// How many pairs there are.
    pub fn capacity(&self) -> usize {
        self.taken.len()
    }

    fn index(&self, port: u16) -> Option<usize> {
        let index = usize::from(port.checked_sub(self.first)?);
        (index.is_multiple_of(2) && index / 2 < self.taken.len()).then_some(index / 2)
    }
}
