//! What the packet threads of a node count that belongs to no leg.

use std::sync::atomic::{AtomicU64, Ordering};

/// Shared by all of a node's packet threads and whoever shows the counts. All zero at first.
#[derive(Debug, Default)]
pub struct ThreadCounts {
    counts: [AtomicU64; Mishap::ALL.len()],
}

/// Something that is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mishap {
    /// A packet thread failed and began anew; its calls ended.
    Restart,
    /// A packet was not sent: the system did not take it, or there was no room for it.
    Unsent,
    /// A datagram was dropped, for it is longer than any packet that is taken.
    Oversize,
    /// There was no room to receive into: datagrams wait in their sockets meanwhile, and are lost where these are full.
    Starved,
}

impl Mishap {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Restart, Self::Unsent, Self::Oversize, Self::Starved];
}

impl ThreadCounts {
    /// It happened.
    pub fn add(&self, mishap: Mishap) {
        self.counts[mishap as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often it happened.
    pub fn of(&self, mishap: Mishap) -> u64 {
        self.counts[mishap as usize].load(Ordering::Relaxed)
    }
}
