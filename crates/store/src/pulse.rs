//! How a store does, as those find who use it: for `/readyz` and metrics.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What is known of a store. Who watches it, who hands records on and who writes them share one.
#[derive(Debug, Default)]
pub struct Pulse {
    handed: AtomicU64,
    written: AtomicU64,
    failures: AtomicU64,
    reading: Mutex<Option<String>>,
    writing: Mutex<Option<String>>,
    taking: Mutex<Option<String>>,
}

impl Pulse {
    /// A record was handed on, to be written.
    pub fn handed(&self) {
        self.handed.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that were handed on and are not done with.
    pub fn waiting(&self) -> u64 {
        self.handed.load(Ordering::Relaxed).saturating_sub(self.written())
    }

    /// Records that are done with: on disk, or refused for good and in the log.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Attempts to write records that the store refused.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// What is wrong, in words; nothing while the store answers.
    pub fn trouble(&self) -> Option<String> {
        let writing = told(&self.writing).map(|error| format!("call records can't be written: {error}"));
        writing.or_else(|| told(&self.reading).map(|error| format!("the inventory can't be read: {error}")))
    }

    /// Which revision of the inventory is stored and not in force, and why; nothing while what is stored is in force.
    pub fn untaken(&self) -> Option<String> {
        told(&self.taking)
    }

    pub(crate) fn done(&self, records: usize) {
        self.written.fetch_add(u64::try_from(records).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// An attempt to write, and what came of it.
    pub(crate) fn wrote<T, E: Display>(&self, outcome: Result<T, E>) -> Result<T, E> {
        if outcome.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        keep(&self.writing, outcome)
    }

    /// What it did not write it refuses for good: the store itself is well.
    pub(crate) fn refused(&self) {
        keep(&self.writing, Ok::<_, &str>(())).ok();
    }

    /// An attempt to read, and what came of it.
    ///
    /// # Errors
    /// That of the attempt.
    pub fn read<T, E: Display>(&self, outcome: Result<T, E>) -> Result<T, E> {
        keep(&self.reading, outcome)
    }

    /// An attempt to put this revision in force, and what came of it. Of what has several lines the first is kept.
    pub fn took<E: Display>(&self, revision: u64, outcome: Result<(), E>) {
        let outcome = outcome.map_err(|error| {
            let error = error.to_string();
            format!("revision {revision} is not taken: {}", error.lines().next().unwrap_or_default())
        });
        keep(&self.taking, outcome).ok();
    }
}

fn told(trouble: &Mutex<Option<String>>) -> Option<String> {
    trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn keep<T, E: Display>(trouble: &Mutex<Option<String>>, outcome: Result<T, E>) -> Result<T, E> {
    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    *trouble = outcome.as_ref().err().map(ToString::to_string);
    drop(trouble);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_lasts_until_the_same_goes_well() {
        let pulse = Pulse::default();
        assert_eq!(pulse.trouble(), None);
        pulse.read::<(), _>(Err("gone")).unwrap_err();
        assert_eq!(pulse.trouble().as_deref(), Some("the inventory can't be read: gone"));
        pulse.wrote::<(), _>(Err("full")).unwrap_err();
        assert_eq!(pulse.trouble().as_deref(), Some("call records can't be written: full"));
        pulse.wrote(Ok::<_, &str>(())).unwrap();
        pulse.read(Ok::<_, &str>(())).unwrap();
        assert_eq!((pulse.trouble(), pulse.failures()), (None, 1));
    }

    #[test]
    fn a_store_that_refuses_one_record_for_good_is_no_trouble() {
        let pulse = Pulse::default();
        pulse.wrote::<(), _>(Err("no such column")).unwrap_err();
        pulse.refused();
        assert_eq!((pulse.trouble(), pulse.failures()), (None, 1));
    }

    #[test]
    fn a_revision_is_not_taken_until_one_is() {
        let pulse = Pulse::default();
        pulse.took(7, Err("no variable A\nno variable B"));
        assert_eq!(pulse.untaken().as_deref(), Some("revision 7 is not taken: no variable A"));
        pulse.took(8, Ok::<_, &str>(()));
        assert_eq!(pulse.untaken(), None);
    }

    #[test]
    fn what_was_handed_on_waits_until_it_is_done_with() {
        let pulse = Pulse::default();
        for _ in 0..3 {
            pulse.handed();
        }
        pulse.done(2);
        assert_eq!((pulse.waiting(), pulse.written()), (1, 2));
    }
}
