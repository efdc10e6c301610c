//! How many connections peers may open.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the connections that peers opened.
#[derive(Debug)]
pub(crate) struct Gate {
    total: usize,
    per_source: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    /// No entry is 0, so there are at most `total`.
    sources: BTreeMap<IpAddr, usize>,
}

/// A bound that is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// That of the source.
    Source(usize),
    /// That of the node.
    Node(usize),
}

/// One connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    source: IpAddr,
}

impl Gate {
    pub(crate) fn new(total: usize, per_source: usize) -> Arc<Self> {
        Arc::new(Self { total, per_source, open: Mutex::default() })
    }

    /// Takes a place.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let source = network(address);
        let mut open = self.open();
        if open.total >= self.total {
            return Err(Full::Node(self.total));
        }
        let own = open.sources.get(&source).copied().unwrap_or_default();
        if own >= self.per_source {
            return Err(Full::Source(self.per_source));
        }
        open.sources.insert(source, own + 1);
        open.total += 1;
        Ok(Place { gate: Arc::clone(self), source })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.gate.open();
        open.total = open.total.saturating_sub(1);
        match open.sources.get_mut(&self.source) {
            Some(own) if *own > 1 => *own -= 1,
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

    #[test]
    fn a_source_and_the_node_have_bounds_and_places_come_back() {
        let gate = Gate::new(3, 2);
        let first = gate.admit(ip("192.0.2.1")).unwrap();
        let _second = gate.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(gate.admit(ip("192.0.2.1")).unwrap_err(), Full::Source(2));
        let _other = gate.admit(ip("192.0.2.2")).unwrap();
        assert_eq!(gate.admit(ip("192.0.2.3")).unwrap_err(), Full::Node(3));
        drop(first);
        drop(gate.admit(ip("192.0.2.3")).unwrap());
        let _again = gate.admit(ip("192.0.2.1")).unwrap();
        assert_eq!(gate.open().sources.len(), 2);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let gate = Gate::new(9, 1);
        let _place = gate.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(gate.admit(ip("2001:db8::2")).unwrap_err(), Full::Source(1));
        assert!(gate.admit(ip("2001:db8:0:1::1")).is_ok());
    }
}
