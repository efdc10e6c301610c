//! Networks to what they belong to, by longest prefix.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net};

/// A table of networks. A look-up costs one probe for each prefix length that occurs, however many networks there
/// are.
#[derive(Debug)]
pub(crate) struct Prefixes<T> {
    networks: HashMap<IpNet, T>,
    /// The prefix lengths that occur, longest first.
    lengths_v4: Vec<u8>,
    lengths_v6: Vec<u8>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self { networks: HashMap::new(), lengths_v4: Vec::new(), lengths_v6: Vec::new() }
    }
}

impl<T> FromIterator<(IpNet, T)> for Prefixes<T> {
    fn from_iter<I: IntoIterator<Item = (IpNet, T)>>(networks: I) -> Self {
        let mut table = Self::default();
        for (network, owner) in networks {
            let network = canonical(network);
            let lengths = match network {
                IpNet::V4(_) => &mut table.lengths_v4,
                IpNet::V6(_) => &mut table.lengths_v6,
            };
            if let Err(place) = lengths.binary_search_by(|length| network.prefix_len().cmp(length)) {
                lengths.insert(place, network.prefix_len());
            }
            table.networks.insert(network, owner);
        }
        table
    }
}

impl<T> Prefixes<T> {
    /// The owner of the smallest network that holds the address.
    pub(crate) fn find(&self, address: IpAddr) -> Option<&T> {
        let address = address.to_canonical();
        let lengths = match address {
            IpAddr::V4(_) => &self.lengths_v4,
            IpAddr::V6(_) => &self.lengths_v6,
        };
        lengths.iter().find_map(|length| {
            let network = IpNet::new(address, *length).ok()?;
            self.networks.get(&network.trunc())
        })
    }
}

/// The network without host bits, and as IPv4 if it lies within `::ffff:0:0/96`.
pub(crate) fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network.trunc() };
    let mapped = |address: Ipv6Addr| address.to_ipv4_mapped();
    match (mapped(v6.network()), v6.prefix_len().checked_sub(96)) {
        (Some(address), Some(length)) => Ipv4Net::new(address, length).map_or(network, IpNet::V4).trunc(),
        (Some(_) | None, _) => network.trunc(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(networks: &[&str]) -> Prefixes<String> {
        networks.iter().map(|text| (text.parse().unwrap(), (*text).to_owned())).collect()
    }

    #[test]
    fn the_longest_prefix_wins() {
        let table = table(&[
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "2001:db8::/32",
            "2001:db8:1::/48",
        ]);
        for (address, owner) in [
            ("10.1.2.3", "10.1.2.3/32"),
            ("10.1.2.4", "10.1.0.0/16"),
            ("10.2.0.1", "10.0.0.0/8"),
            ("192.0.2.1", "0.0.0.0/0"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("2001:db8:1::5", "2001:db8:1::/48"),
            ("2001:db8:2::5", "2001:db8::/32"),
        ] {
            assert_eq!(table.find(address.parse().unwrap()).map(String::as_str), Some(owner), "{address}");
        }
        assert_eq!(table.find("2001:db9::1".parse().unwrap()), None);
    }

    #[test]
    fn a_mapped_network_holds_the_ipv4_addresses() {
        let table = table(&["::ffff:192.0.2.0/120"]);
        assert!(table.find("192.0.2.77".parse().unwrap()).is_some());
        assert!(table.find("192.0.3.1".parse().unwrap()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_finds_what_a_look_at_every_network_finds(
            networks in prop::collection::vec((0..8_u32, 0..=32_u8), 0..40),
            address in 0..8_u32,
        ) {
            let spread = |bits: u32| std::net::Ipv4Addr::from(bits.reverse_bits() | bits);
            let networks: Vec<IpNet> = networks
                .into_iter()
                .map(|(bits, length)| IpNet::new(spread(bits).into(), length).unwrap().trunc())
                .collect();
            let table: Prefixes<IpNet> = networks.iter().map(|network| (*network, *network)).collect();
            let address = IpAddr::V4(spread(address));
            let holders = networks.iter().filter(|network| network.contains(&address));
            prop_assert_eq!(table.find(address), holders.max_by_key(|network| network.prefix_len()));
        }
    }
}
