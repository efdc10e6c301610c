//! How many connections peers may open, and how few of them strangers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::StreamLimits;

/// Counts the connections that peers opened.
#[derive(Debug)]
pub(crate) struct Gate {
    total: usize,
    per_source: usize,
    /// Strangers from one source.
    per_stranger: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    strangers: usize,
    /// None has no connection, so there are at most `total`.
    sources: BTreeMap<IpAddr, Count>,
}

/// What one source has open.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    total: usize,
    /// Of these.
    strangers: usize,
}

/// Whether who opens a connection is somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// A trunk or agent of ours has the address, or the core has said on the connection what it says to no stranger.
    Known,
    Stranger,
}

/// A bound that is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// That of the source.
    Source(usize),
    /// That of the node.
    Node(usize),
    /// That of strangers from the source.
    Stranger(usize),
    /// That of all strangers.
    Strangers(usize),
}

/// One connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    source: IpAddr,
    is_known: AtomicBool,
}

impl Gate {
    pub(crate) fn new(limits: &StreamLimits) -> Arc<Self> {
        let StreamLimits { connections: total, per_source, per_stranger, .. } = *limits;
        Arc::new(Self { total, per_source, per_stranger, open: Mutex::default() })
    }

    /// Takes a place.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, standing: Standing) -> Result<Place, Full> {
        let source = network(address);
        let mut open = self.open();
        if open.total >= self.total {
            return Err(Full::Node(self.total));
        }
        let mut own = open.sources.get(&source).copied().unwrap_or_default();
        if own.total >= self.per_source {
            return Err(Full::Source(self.per_source));
        }
        if standing == Standing::Stranger {
            let bound = self.total.div_ceil(2);
            if open.strangers >= bound {
                return Err(Full::Strangers(bound));
            }
            if own.strangers >= self.per_stranger {
                return Err(Full::Stranger(self.per_stranger));
            }
            own.strangers += 1;
            open.strangers += 1;
        }
        own.total += 1;
        open.sources.insert(source, own);
        open.total += 1;
        let is_known = AtomicBool::new(standing == Standing::Known);
        Ok(Place { gate: Arc::clone(self), source, is_known })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    pub(crate) fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    /// The core has said on the connection what it says to no stranger.
    pub(crate) fn spoken(&self) {
        if !self.is_known.swap(true, Ordering::Relaxed) {
            self.gate.open().befriend(self.source);
        }
    }
}

impl Open {
    fn befriend(&mut self, source: IpAddr) {
        self.strangers = self.strangers.saturating_sub(1);
        if let Some(own) = self.sources.get_mut(&source) {
            own.strangers = own.strangers.saturating_sub(1);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.spoken();
        let mut open = self.gate.open();
        open.total = open.total.saturating_sub(1);
        match open.sources.get_mut(&self.source) {
            Some(own) if own.total > 1 => own.total -= 1,
            Some(_) | None => drop(open.sources.remove(&self.source)),
        }
    }
}

/// One subscriber has a whole IPv6 network of 64 bits as a rule.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn gate(connections: usize, per_source: usize, per_stranger: usize) -> Arc<Gate> {
        Gate::new(&StreamLimits { connections, per_source, per_stranger, ..StreamLimits::default() })
    }

    #[test]
    fn strangers_have_half_of_the_places_and_few_from_one_source_until_we_speak_to_them() {
        let gate = gate(6, 5, 2);
        let admit = |address: &str| gate.admit(ip(address), Standing::Stranger);
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1").unwrap_err(), Full::Stranger(2));
        let _known = gate.admit(ip("192.0.2.1"), Standing::Known).unwrap();
        let third = admit("192.0.2.2").unwrap();
        assert_eq!(admit("192.0.2.3").unwrap_err(), Full::Strangers(3));
        let _other = gate.admit(ip("192.0.2.3"), Standing::Known).unwrap();
        first.spoken();
        first.spoken();
        let _again = admit("192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.3").unwrap_err(), Full::Node(6));
        drop((first, third));
        assert_eq!(gate.open().strangers, 2);
        assert_eq!(gate.open().total, 4);
    }

    #[test]
    fn a_source_and_the_node_have_bounds_and_places_come_back() {
        let gate = gate(3, 2, 2);
        let first = gate.admit(ip("192.0.2.1"), Standing::Known).unwrap();
        let _second = gate.admit(ip("192.0.2.1"), Standing::Known).unwrap();
        assert_eq!(gate.admit(ip("192.0.2.1"), Standing::Known).unwrap_err(), Full::Source(2));
        let _other = gate.admit(ip("192.0.2.2"), Standing::Known).unwrap();
        assert_eq!(gate.admit(ip("192.0.2.3"), Standing::Known).unwrap_err(), Full::Node(3));
        drop(first);
        drop(gate.admit(ip("192.0.2.3"), Standing::Known).unwrap());
        let _again = gate.admit(ip("192.0.2.1"), Standing::Known).unwrap();
        assert_eq!(gate.open().sources.len(), 2);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let gate = gate(9, 1, 1);
        let _place = gate.admit(ip("2001:db8::1"), Standing::Known).unwrap();
        assert_eq!(gate.admit(ip("2001:db8::2"), Standing::Known).unwrap_err(), Full::Source(1));
        assert!(gate.admit(ip("2001:db8:0:1::1"), Standing::Known).is_ok());
    }
}
