//! How many connections each address has, so that one of them alone does not take all seats.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::access::Who;

/// The connections of each address; of IPv6 those of the network that one customer has. Clones share it. It holds no more entries than
/// there are connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(Arc<Mutex<HashMap<Who, usize>>>);

/// A connection of an address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    of: Who,
    shares: Shares,
}

impl Shares {
    /// None: the address has as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Share> {
        let of = Who::of_address(address);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of.clone()).or_default();
        // Who has no entry yet is below every bound: none is left behind here.
        if *count >= most(address) {
            return None;
        }
        *count += 1;
        Some(Share { of, shares: self.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.of);
            }
        }
    }
}

/// This machine has more: a proxy on it speaks for many.
fn most(address: IpAddr) -> usize {
    if address.to_canonical().is_loopback() { MOST_LOCAL } else { MOST }
}

const MOST: usize = 16;
pub(crate) const MOST_LOCAL: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(shares: &Shares, address: &str) -> Vec<Share> {
        std::iter::from_fn(|| shares.take(address.parse().unwrap())).collect()
    }

    #[test]
    fn an_address_has_its_share_and_takes_none_of_the_others() {
        let shares = Shares::default();
        let first = fill(&shares, "192.0.2.1");
        assert_eq!(first.len(), MOST);
        assert!(shares.take("::ffff:192.0.2.1".parse().unwrap()).is_none());
        assert_eq!(fill(&shares, "192.0.2.2").len(), MOST);
        assert_eq!(fill(&shares, "127.0.0.1").len(), MOST_LOCAL);
        assert_eq!(fill(&shares, "::1").len(), MOST_LOCAL);
        drop(first);
        assert!(shares.0.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn an_ipv6_customer_has_one_share_for_all_addresses() {
        let shares = Shares::default();
        let held = fill(&shares, "2001:db8::1");
        assert_eq!(held.len(), MOST);
        assert!(shares.take("2001:db8::ffff:2".parse().unwrap()).is_none());
        assert!(shares.take("2001:db8:0:1::1".parse().unwrap()).is_some());
        drop(held);
        assert!(shares.take("2001:db8::ffff:2".parse().unwrap()).is_some());
    }
}
