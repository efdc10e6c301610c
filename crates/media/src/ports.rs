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

#[cfg(test)]
mod tests {
    use super::*;

    const QUARANTINE: Duration = Duration::from_secs(5);

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn only_pairs_that_lie_wholly_in_the_range_are_handed_out() {
        for (range, expected) in [
            (10_000..=10_005, vec![10_000, 10_002, 10_004]),
            (10_001..=10_004, vec![10_002]),
            (10_001..=10_002, vec![]),
            (65_532..=65_535, vec![65_532, 65_534]),
            (0..=3, vec![2]),
        ] {
            let mut pool = PortPool::new(range, QUARANTINE);
            let ports: Vec<_> = std::iter::from_fn(|| pool.allocate(start())).collect();
            assert_eq!(ports, expected);
            assert_eq!((pool.in_use(), pool.capacity()), (expected.len(), expected.len()));
        }
    }

    #[test]
    fn ports_rotate() {
        let now = start();
        let mut pool = PortPool::new(10_000..=10_007, Duration::ZERO);
        let mut ports = Vec::new();
        for _ in 0..6 {
            let port = pool.allocate(now).unwrap();
            pool.release(now, port);
            ports.push(port);
        }
        assert_eq!(ports, [10_000, 10_002, 10_004, 10_006, 10_000, 10_002]);
    }

    #[test]
    fn a_released_port_waits_out_its_quarantine() {
        let now = start();
        let mut pool = PortPool::new(10_000..=10_001, QUARANTINE);
        let port = pool.allocate(now).unwrap();
        pool.release(now, port);
        assert_eq!(pool.in_use(), 0);
        assert_eq!(pool.allocate(now + QUARANTINE.saturating_sub(Duration::from_millis(1))), None);
        assert_eq!(pool.allocate(now + QUARANTINE), Some(port));
    }

    #[test]
    fn a_port_that_is_not_handed_out_is_not_taken_back() {
        let now = start();
        let mut pool = PortPool::new(10_000..=10_003, Duration::ZERO);
        let port = pool.allocate(now).unwrap();
        for stranger in [0, 9_998, 10_001, 10_002, 10_004, 65_535] {
            pool.release(now, stranger);
        }
        pool.release(now, port);
        pool.release(now, port);
        let ports: Vec<_> = std::iter::from_fn(|| pool.allocate(now)).collect();
        assert_eq!(ports, [10_002, 10_000]);
    }
}
