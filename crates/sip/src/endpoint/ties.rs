//! What hangs on which flow: a connection that dies costs what hangs on it, however much else there is.

use std::collections::{BTreeMap, BTreeSet};

use crate::Flow;

/// Keys by the flows that they hang on.
#[derive(Debug)]
pub(super) struct Ties<K>(BTreeMap<Flow, BTreeSet<K>>);

impl<K> Default for Ties<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Copy + Ord> Ties<K> {
    pub(super) fn tie(&mut self, flow: Flow, key: K) {
        self.0.entry(flow).or_default().insert(key);
    }

    pub(super) fn untie(&mut self, flow: Flow, key: K) {
        if let Some(keys) = self.0.get_mut(&flow) {
            keys.remove(&key);
            if keys.is_empty() {
                self.0.remove(&flow);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What hangs on a flow, in the order of the keys.
    pub(super) fn on(&self, flow: Flow) -> Vec<K> {
        self.0.get(&flow).into_iter().flatten().copied().collect()
    }
}
