//! By which name a peer's address was called, for its certificate must be for that name (RFC 5922 s.7.3), and it must hear it
//! when we connect (SNI).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// The names of the addresses resolved last, bounded.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: BTreeMap<SocketAddr, String>,
    /// Each address of `names` once, the oldest first.
    order: VecDeque<SocketAddr>,
}

impl Names {
    /// Takes note that `name` was resolved to `addresses`.
    pub(crate) fn learn(&mut self, name: &str, addresses: &[SocketAddr]) {
        let name = name.trim_end_matches('.');
        for &address in addresses {
            if self.names.insert(address, name.to_owned()).is_none() {
                self.order.push_back(address);
            }
        }
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.names.remove(&oldest);
            }
        }
    }

    /// The name last resolved to `address`, else one resolved to another port there, for a peer's Contact names the port that it likes;
    /// without one, the address is the name.
    pub(crate) fn of(&self, address: SocketAddr) -> String {
        let ports = SocketAddr::new(address.ip(), 0)..=SocketAddr::new(address.ip(), u16::MAX);
        let exact = self.names.get(&address);
        let name = exact.or_else(|| self.names.range(ports).next().map(|(_, name)| name));
        name.cloned().unwrap_or_else(|| address.ip().to_string())
    }
}

const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_goes_by_the_name_last_resolved_to_it_and_else_by_itself() {
        let mut names = Names::default();
        let address: SocketAddr = "192.0.2.1:5061".parse().unwrap();
        assert_eq!(names.of(address), "192.0.2.1");
        names.learn("a.example", &[address]);
        names.learn("b.example.", &[address]);
        assert_eq!(names.of(address), "b.example");
        assert_eq!(names.of("192.0.2.1:5071".parse().unwrap()), "b.example", "another port of the same peer");
        assert_eq!(names.of("192.0.2.2:5061".parse().unwrap()), "192.0.2.2");
    }

    #[test]
    fn old_names_make_room() {
        let mut names = Names::default();
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        for port in 0..=u16::try_from(MOST).unwrap() {
            names.learn("a.example", &[address(port)]);
        }
        assert_eq!((names.names.len(), names.order.len()), (MOST, MOST));
        assert!(!names.names.contains_key(&address(0)));
    }
}
