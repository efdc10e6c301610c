//! The next deadline of every leg, in one heap with at most one entry a leg: nothing to allocate or to cancel on the packet path.

use std::time::Instant;

use crate::table::Slot;

/// A binary heap by time that knows where each slot is.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<(Instant, Slot)>,
    /// By slot: its place in the heap.
    places: Vec<Option<usize>>,
}

impl Timers {
    /// Makes room for slots up to this one.
    pub(crate) fn reserve(&mut self, slot: Slot) {
        if self.places.len() <= slot.index() {
            self.places.resize(slot.index() + 1, None);
            self.heap.reserve(self.places.len() - self.heap.len());
        }
    }

    pub(crate) fn first(&self) -> Option<(Instant, Slot)> {
        self.heap.first().copied()
    }

    /// Sets, moves or removes the deadline of a slot that has been reserved.
    pub(crate) fn set(&mut self, slot: Slot, deadline: Option<Instant>) {
        let Some(place) = self.places.get(slot.index()).copied() else { return };
        match (place, deadline) {
            (None, None) => {}
            (None, Some(deadline)) => {
                self.heap.push((deadline, slot));
                self.rise(self.heap.len() - 1);
            }
            (Some(place), Some(deadline)) => {
                if self.heap[place].0 != deadline {
                    self.heap[place].0 = deadline;
                    self.settle(place);
                }
            }
            (Some(place), None) => {
                self.places[slot.index()] = None;
                self.heap.swap_remove(place);
                if place < self.heap.len() {
                    self.settle(place);
                }
            }
        }
    }

    fn settle(&mut self, place: usize) {
        if self.rise(place) == place {
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) -> usize {
        while let Some(parent) = place.checked_sub(1).map(|below| below / 2)
            && self.heap[place] < self.heap[parent]
        {
            self.swap(place, parent);
            place = parent;
        }
        self.note(place);
        place
    }

    fn sink(&mut self, mut place: usize) {
        while let Some(child) = [2 * place + 1, 2 * place + 2]
            .into_iter()
            .filter(|child| *child < self.heap.len())
            .min_by_key(|child| self.heap[*child])
            && self.heap[child] < self.heap[place]
        {
            self.swap(place, child);
            place = child;
        }
        self.note(place);
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note(a);
        self.note(b);
    }

    fn note(&mut self, place: usize) {
        let slot = self.heap[place].1;
        self.places[slot.index()] = Some(place);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_first_deadline_is_always_the_earliest() {
        let start = start();
        let mut timers = Timers::default();
        let mut model: [Option<u64>; 23] = [None; 23];
        let mut random = 7_u64;
        for _ in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let slot = usize::try_from(random >> 33).unwrap() % model.len();
            let ms = (random >> 20) % 50;
            let deadline = (ms > 5).then_some(ms);
            model[slot] = deadline;
            let slot = Slot(u32::try_from(slot).unwrap());
            timers.reserve(slot);
            timers.set(slot, deadline.map(|ms| start + Duration::from_millis(ms)));
            let earliest = model.iter().flatten().min().map(|ms| start + Duration::from_millis(*ms));
            assert_eq!(timers.first().map(|(deadline, _)| deadline), earliest);
        }
    }
}
