//! Datagrams that wait in the process, each in a place of its own.

use std::collections::VecDeque;

use crate::sockets::LARGEST_PACKET;

/// Up to [`PLACES`] datagrams, in the order in which they came, each with what is known about it. Allocates nothing once it is made.
pub(super) struct Waiting<About> {
    places: Box<[[u8; LARGEST_PACKET]]>,
    /// Places in use since all were free last: they are free again all at once.
    used: usize,
    queue: VecDeque<(usize, About)>,
}

impl<About> Waiting<About> {
    pub(super) fn new() -> Self {
        let places = vec![[0; LARGEST_PACKET]; PLACES].into_boxed_slice();
        Self { places, used: 0, queue: VecDeque::with_capacity(PLACES) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Where the next datagram may be written; none while all places are taken.
    pub(super) fn place(&mut self) -> Option<&mut [u8; LARGEST_PACKET]> {
        if self.queue.is_empty() {
            self.used = 0;
        }
        self.places.get_mut(self.used)
    }

    /// What was written there waits from here on.
    pub(super) fn push(&mut self, about: About) {
        debug_assert!(self.used < PLACES, "a place was asked for");
        self.queue.push_back((self.used, about));
        self.used += 1;
    }

    /// The first one, in its place.
    pub(super) fn pop(&mut self) -> Option<(About, &[u8; LARGEST_PACKET])> {
        let (place, about) = self.queue.pop_front()?;
        Some((about, self.places.get(place)?))
    }

    /// Drops those of which `keeps` says no.
    pub(super) fn retain(&mut self, keeps: impl Fn(&About) -> bool) {
        self.queue.retain(|(_, about)| keeps(about));
    }
}

/// Enough for the processor's caches to be worth filling, few enough for all to stay in them and for the first to wait 0.1 ms at the most.
const PLACES: usize = 16;
