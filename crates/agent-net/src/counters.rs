//! What all streams of a node passed over or lost, since its start.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of the counters. They only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Messages of bots that were not understood.
    pub noise: u64,
    /// 20 ms frames of callers that a slow bot did not get.
    pub dropped_frames: u64,
    /// Digits and marks that a slow bot did not get.
    pub dropped_words: u64,
    /// Marks of bots that were refused: too many pending, or too long a name.
    pub refused_marks: u64,
}

/// Where the tasks count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) noise: AtomicU64,
    pub(crate) dropped_frames: AtomicU64,
    pub(crate) dropped_words: AtomicU64,
    pub(crate) refused_marks: AtomicU64,
}

impl Tally {
    pub(crate) fn read(&self) -> Counters {
        Counters {
            noise: self.noise.load(Ordering::Relaxed),
            dropped_frames: self.dropped_frames.load(Ordering::Relaxed),
            dropped_words: self.dropped_words.load(Ordering::Relaxed),
            refused_marks: self.refused_marks.load(Ordering::Relaxed),
        }
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
