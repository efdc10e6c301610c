//! The traces, shared between the task that keeps them and those who ask for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Bounds, Passage, Secrets, Trace, Traces};

/// Traces behind a lock, which the signalling task never takes. Clones share them.
#[derive(Clone, Debug)]
pub struct Archive(Arc<Mutex<Traces>>);

impl Archive {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Traces::new(bounds))))
    }

    /// Keeps a message, less its secrets, if it is of a call.
    pub fn keep(&self, passage: &Passage, secrets: &Secrets) {
        self.lock().keep(passage, secrets);
    }

    /// What is kept of the call that has a leg of one of these Call-IDs.
    pub fn find<'a>(&self, call_ids: impl IntoIterator<Item = &'a str>) -> Option<Trace> {
        let traces = self.lock();
        call_ids.into_iter().find_map(|call_id| traces.find(call_id)).cloned()
    }

    /// The bounds.
    pub fn bounds(&self) -> Bounds {
        self.lock().bounds()
    }

    fn lock(&self) -> MutexGuard<'_, Traces> {
        // Whoever panicked with it left at worst a trace that lacks a message.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
