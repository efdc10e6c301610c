//! An immutable snapshot of what we own, indexed for calls.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::{Agent, E164, Fault, Inventory, Number, Settings, Trunk};

/// An immutable snapshot of what we own. A change is another snapshot; a running call keeps what it was admitted with.
#[derive(Debug, Default)]
pub struct Directory {
    revision: u64,
    settings: Settings,
    agents: Vec<Arc<Agent>>,
    trunks: Vec<Arc<Trunk>>,
    numbers: Vec<Arc<Number>>,
    by_e164: HashMap<E164, Arc<Number>>,
}

impl Directory {
    /// Indexes an inventory.
    ///
    /// # Errors
    ///
    /// What [`Inventory::faults`] finds, and every secret that is only named.
    pub fn new(inventory: Inventory) -> Result<Self, Vec<Fault>> {
        let _ = inventory;
        todo!()
    }

    /// Owns nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same with the store's revision.
    #[must_use]
    pub fn with_revision(self, revision: u64) -> Self {
        Self { revision, ..self }
    }

    /// The store's revision that it was made of; 0 for none.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What holds for all.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All agents, by id.
    pub fn agents(&self) -> impl ExactSizeIterator<Item = &Arc<Agent>> {
        self.agents.iter()
    }

    /// All trunks, by id.
    pub fn trunks(&self) -> impl ExactSizeIterator<Item = &Arc<Trunk>> {
        self.trunks.iter()
    }

    /// All numbers, in ascending order.
    pub fn numbers(&self) -> impl ExactSizeIterator<Item = &Arc<Number>> {
        self.numbers.iter()
    }

    /// The agent of this id.
    pub fn agent(&self, id: &str) -> Option<&Arc<Agent>> {
        let index = self.agents.binary_search_by(|agent| agent.id.as_str().cmp(id)).ok()?;
        self.agents.get(index)
    }

    /// The trunk of this id.
    pub fn trunk(&self, id: &str) -> Option<&Arc<Trunk>> {
        let index = self.trunks.binary_search_by(|trunk| trunk.id.as_str().cmp(id)).ok()?;
        self.trunks.get(index)
    }

    /// The number, if it is ours.
    pub fn number(&self, e164: E164) -> Option<&Arc<Number>> {
        self.by_e164.get(&e164)
    }

    /// The trunk that owns a source address: of all networks that hold it, the longest prefix.
    pub fn trunk_by_source(&self, source: IpAddr) -> Option<&Arc<Trunk>> {
        let _ = source;
        todo!()
    }

    /// The SIP agent that owns a source address, by the same rule.
    pub fn agent_by_source(&self, source: IpAddr) -> Option<&Arc<Agent>> {
        let _ = source;
        todo!()
    }

    /// What an operator should know about a number that is no fault.
    pub fn warnings(&self, number: &Number) -> Vec<String> {
        let _ = number;
        todo!()
    }
}
