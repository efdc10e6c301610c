//! What is to happen, in order of time, then in the order in which it was arranged.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use b2bua::Input;
use bytes::Bytes;

#[derive(Debug)]
pub(crate) enum Happening {
    /// A datagram arrives.
    Arrives { from: SocketAddr, to: SocketAddr, bytes: Bytes },
    /// Something other than a datagram is told to the core.
    Told(Box<Input>),
    /// A phone begins its script.
    Begins(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    arranged: u64,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    order: u64,
    happening: Happening,
}

impl Queue {
    pub(crate) fn arrange(&mut self, at: Duration, happening: Happening) {
        self.heap.push(Reverse(Entry { at, order: self.arranged, happening }));
        self.arranged += 1;
    }

    pub(crate) fn next_at(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Happening> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.happening)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
