//! The latest events, so many and no more. Whoever reads keeps a place in the ring, and not the ring a queue for each: a reader that
//! falls behind costs nothing, and learns that it has missed something.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use b2bua::CallRecord;
use b2bua::io::Milestone;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::access::identity::now_ms;

/// The ring. Clones share it.
#[derive(Clone, Debug)]
pub struct Events(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Tells the ids of this run from those of another.
    run: String,
    ring: Mutex<VecDeque<Arc<Event>>>,
    /// How many there have been.
    count: watch::Sender<u64>,
    seats: Arc<Semaphore>,
}

/// Something that has happened.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Event {
    /// A call is up, or has ended.
    Call(Arc<CallRecord>),
    /// A call rings, is answered, is joined.
    Milestone(Milestone, Arc<CallRecord>),
    /// What is owned has changed.
    Inventory(Value),
}

/// What a reader finds at its place.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Found {
    /// These, and its next place.
    Events(Vec<Arc<Event>>, u64),
    /// What was there is gone; the next place.
    Missed(u64),
}

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Shared {
            run: format!("{:x}", now_ms()),
            ring: Mutex::default(),
            count: watch::Sender::new(0),
            seats: Arc::new(Semaphore::new(READERS)),
        }))
    }
}

impl Events {
    /// A call's record: it is up, or has ended.
    pub fn call(&self, record: Arc<CallRecord>) {
        self.tell(Event::Call(record));
    }

    /// A call has come so far.
    pub fn come_to(&self, milestone: Milestone, record: Arc<CallRecord>) {
        self.tell(Event::Milestone(milestone, record));
    }

    pub(super) fn tell(&self, event: Event) {
        let mut ring = self.ring();
        if ring.len() >= KEPT {
            ring.pop_front();
        }
        ring.push_back(Arc::new(event));
        self.0.count.send_modify(|count| *count += 1);
    }

    /// A place among the readers, if there is one.
    pub(super) fn seat(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.seats).try_acquire_owned().ok()
    }

    /// What is at this place, so many at most.
    pub(super) fn read(&self, place: u64, most: usize) -> Found {
        let ring = self.ring();
        let count = *self.0.count.borrow();
        let first = count - ring.len() as u64;
        if place < first || place > count {
            return Found::Missed(count);
        }
        let skipped = usize::try_from(place - first).unwrap_or(usize::MAX);
        let events: Vec<_> = ring.iter().skip(skipped).take(most).cloned().collect();
        let next = place + events.len() as u64;
        Found::Events(events, next)
    }

    /// How many there have been, and when there are more.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.0.count.subscribe()
    }

    /// The id of the event before this place.
    pub(super) fn id(&self, place: u64) -> String {
        format!("{}-{place}", self.0.run)
    }

    /// The place behind the event of this id; none if it is of another run.
    pub(super) fn place(&self, id: &str) -> Option<u64> {
        let (run, place) = id.split_once('-')?;
        place.parse().ok().filter(|_| run == self.0.run)
    }

    fn ring(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Event {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Call(record) if record.status.is_none() => "call.up",
            Self::Call(_) => "call.ended",
            Self::Milestone(Milestone::Ringing, _) => "call.ringing",
            Self::Milestone(Milestone::Answered, _) => "call.answered",
            Self::Milestone(Milestone::Joined, _) => "call.joined",
            Self::Inventory(_) => "inventory.changed",
        }
    }

    pub(super) fn data(&self) -> Value {
        match self {
            Self::Call(record) | Self::Milestone(_, record) => {
                serde_json::to_value(&**record).unwrap_or_else(|_| json!({ "id": record.id }))
            }
            Self::Inventory(change) => change.clone(),
        }
    }
}

/// Events that can be had again.
pub(super) const KEPT: usize = 4_096;
/// Streams at once.
pub(super) const READERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Event {
        Event::Inventory(number.into())
    }

    #[test]
    fn a_reader_goes_on_where_it_was_and_learns_what_it_missed() {
        let events = Events::default();
        assert_eq!(events.read(0, 9), Found::Events(Vec::new(), 0));
        for number in 0..3 {
            events.tell(event(number));
        }
        assert_eq!(events.read(1, 1), Found::Events(vec![Arc::new(event(1))], 2));
        assert_eq!(events.read(4, 9), Found::Missed(3), "a place that was never there");
        for number in 3..=KEPT as u64 {
            events.tell(event(number));
        }
        let count = KEPT as u64 + 1;
        assert_eq!(events.read(0, 9), Found::Missed(count));
        assert_eq!(events.read(1, 1), Found::Events(vec![Arc::new(event(1))], 2));
        assert_eq!(events.ring().len(), KEPT);
    }

    #[test]
    fn an_id_names_a_place_in_this_run_only() {
        let events = Events::default();
        assert_eq!(events.place(&events.id(7)), Some(7));
        for foreign in ["", "7", "x-7", "-", &format!("{}-", events.0.run), &format!("{}--1", events.0.run)] {
            assert_eq!(events.place(foreign), None, "{foreign}");
        }
    }
}
