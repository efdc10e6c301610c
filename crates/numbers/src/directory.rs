//! An immutable snapshot of what we own, indexed for calls.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::carriers::Carriers;
use crate::prefixes::Prefixes;
use crate::principal::{Principal, Principals, Roaming};
use crate::{Agent, E164, Endpoint, Fault, Inventory, Number, NumberSource, Settings, Trunk};

/// An immutable snapshot of what we own. A change is another snapshot; a running call keeps what it was admitted
/// with.
///
/// Invariant: it has none of the faults that [`Inventory::faults`] finds, and every secret in it can be revealed.
#[derive(Debug, Default)]
pub struct Directory {
    revision: u64,
    settings: Settings,
    /// By id.
    agents: Vec<Arc<Agent>>,
    /// By id.
    trunks: Vec<Arc<Trunk>>,
    /// In ascending order.
    numbers: Vec<Arc<Number>>,
    by_e164: HashMap<E164, Arc<Number>>,
    trunk_sources: Prefixes<Arc<Trunk>>,
    agent_sources: Prefixes<Arc<Agent>>,
    principals: Principals,
    carriers: Carriers,
    /// By trunk id, for trunks that have exactly one number.
    only_numbers: HashMap<String, Arc<Number>>,
}

impl Directory {
    /// Indexes an inventory.
    ///
    /// # Errors
    ///
    /// What [`Inventory::faults`] finds, and every secret that is only named (see [`Inventory::resolve`]).
    pub fn new(inventory: Inventory) -> Result<Self, Vec<Fault>> {
        Self::after(&Self::empty(), inventory)
    }

    /// Indexes an inventory that follows another. What is the same in both is shared, so that the snapshots that running calls
    /// hold on to cost what has changed between them, not the whole again.
    ///
    /// # Errors
    ///
    /// As [`Directory::new`].
    pub fn after(before: &Self, mut inventory: Inventory) -> Result<Self, Vec<Fault>> {
        let mut faults = inventory.faults();
        faults.extend(inventory.unresolved());
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut agents: Vec<_> =
            inventory.agents.into_iter().map(|agent| shared(before.agent(&agent.id), agent)).collect();
        agents.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut trunks: Vec<_> =
            inventory.trunks.into_iter().map(|trunk| shared(before.trunk(&trunk.id), trunk)).collect();
        trunks.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut numbers: Vec<_> =
            inventory.numbers.into_iter().map(|number| shared(before.number(number.e164), number)).collect();
        numbers.sort_unstable_by_key(|number| number.e164);
        Ok(Self {
            revision: 0,
            settings: inventory.settings,
            by_e164: numbers.iter().map(|number| (number.e164, Arc::clone(number))).collect(),
            trunk_sources: trunks.iter().flat_map(trunk_networks).collect(),
            agent_sources: agents.iter().flat_map(agent_networks).collect(),
            only_numbers: only_numbers(&numbers),
            principals: Principals::new(&trunks, &agents),
            carriers: Carriers::of(trunks.iter().map(Arc::as_ref), agents.iter().map(Arc::as_ref)),
            agents,
            trunks,
            numbers,
        })
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

    /// The trunk's number, if it has exactly one. Personal numbers, which are never called here, do not count.
    pub fn only_number(&self, trunk_id: &str) -> Option<&Arc<Number>> {
        self.only_numbers.get(trunk_id)
    }

    /// The trunk that owns a source address: of all networks that hold it, the longest prefix.
    pub fn trunk_by_source(&self, source: IpAddr) -> Option<&Arc<Trunk>> {
        self.trunk_sources.find(source)
    }

    /// The SIP agent that owns a source address, by the same rule. Where a trunk owns it too, the trunk goes first.
    pub fn agent_by_source(&self, source: IpAddr) -> Option<&Arc<Agent>> {
        self.agent_sources.find(source)
    }

    /// The id of the carrier that has a server there: a call to that place leaves by a permit, or not at all.
    pub fn carrier_at(&self, place: SocketAddr) -> Option<&str> {
        self.carriers.at_address(place)
    }

    /// Who has this user name: at most one.
    pub fn principal(&self, username: &str) -> Option<&Principal> {
        self.principals.find(username)
    }

    /// Whether somebody is known by its password alone, so that an unknown source may prove to be known.
    pub fn has_roaming(&self) -> bool {
        self.principals.roaming() == Roaming::Somebody
    }

    /// The names of the headers that hold a secret where they go out, of SIP agents and trunks; one may come several times.
    pub fn secret_headers(&self) -> impl Iterator<Item = &str> {
        let agents = self.agents.iter().filter_map(|agent| match &agent.endpoint {
            Endpoint::Sip { headers, .. } => Some(headers),
            Endpoint::MediaStream { .. } | Endpoint::Echo => None,
        });
        let trunks = self.trunks.iter().filter_map(|trunk| Some(&trunk.outbound.as_ref()?.headers));
        agents.chain(trunks).flat_map(|headers| headers.keys().map(String::as_str))
    }
}

/// What there was, if it is the same.
fn shared<T: PartialEq>(before: Option<&Arc<T>>, object: T) -> Arc<T> {
    match before {
        Some(before) if **before == object => Arc::clone(before),
        Some(_) | None => Arc::new(object),
    }
}

fn trunk_networks(trunk: &Arc<Trunk>) -> impl Iterator<Item = (ipnet::IpNet, Arc<Trunk>)> {
    let addresses = trunk.inbound.iter().flat_map(|inbound| &inbound.addresses);
    addresses.map(|network| (*network, Arc::clone(trunk)))
}

fn agent_networks(agent: &Arc<Agent>) -> impl Iterator<Item = (ipnet::IpNet, Arc<Agent>)> {
    let addresses = match &agent.endpoint {
        Endpoint::Sip { addresses, .. } => addresses.as_slice(),
        Endpoint::MediaStream { .. } | Endpoint::Echo => &[],
    };
    addresses.iter().map(|network| (*network, Arc::clone(agent)))
}

fn only_numbers(numbers: &[Arc<Number>]) -> HashMap<String, Arc<Number>> {
    let mut firsts: HashMap<&str, Option<&Arc<Number>>> = HashMap::new();
    for number in numbers.iter().filter(|number| number.source != NumberSource::Personal) {
        firsts.entry(&number.trunk_id).and_modify(|only| *only = None).or_insert(Some(number));
    }
    let mut only = HashMap::new();
    for number in numbers {
        if firsts
            .get(number.trunk_id.as_str())
            .is_some_and(|first| first.is_some_and(|first| Arc::ptr_eq(first, number)))
        {
            only.insert(number.trunk_id.clone(), Arc::clone(number));
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_shares_with_the_one_before_what_is_the_same() {
        let inventory = |label: &str| {
            let text = format!(
                "agents = [{{ id = 'a', endpoint = {{ kind = 'echo' }} }}]
                trunks = [{{ id = 't', inbound = {{ addresses = ['192.0.2.1'] }} }}]
                numbers = [
                    {{ e164 = '+14155550100', trunk_id = 't', agent_id = 'a' }},
                    {{ e164 = '+14155550101', trunk_id = 't', label = '{label}' }},
                ]"
            );
            toml::from_str::<Inventory>(&text).unwrap()
        };
        let before = Directory::new(inventory("one")).unwrap();
        let after = Directory::after(&before, inventory("other")).unwrap();
        let same = |number: &str| {
            let e164 = E164::parse(number).unwrap();
            Arc::ptr_eq(before.number(e164).unwrap(), after.number(e164).unwrap())
        };
        assert!(same("+14155550100"));
        assert!(!same("+14155550101"));
        assert!(Arc::ptr_eq(before.agent("a").unwrap(), after.agent("a").unwrap()));
        assert!(Arc::ptr_eq(before.trunk("t").unwrap(), after.trunk("t").unwrap()));
    }
}
