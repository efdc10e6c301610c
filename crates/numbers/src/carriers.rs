//! Where the carriers are. An agent that is there would be called past the rules of outbound calls.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::prefixes::Prefixes;
use crate::{Agent, Endpoint, Transport, Trunk};

/// The servers of all trunks but those that may start outbound calls: such a one is a PBX, and its extensions may well be agents.
#[derive(Debug, Default)]
pub(crate) struct Carriers {
    /// By host, in one writing.
    gateways: BTreeMap<String, Server>,
    /// By where they call from: the trunk, unless it is a PBX, or a smaller network of a SIP agent.
    networks: Prefixes<Option<String>>,
}

/// What one host is to us.
#[derive(Debug)]
struct Server {
    trunk_id: String,
    ports: BTreeSet<u16>,
}

impl Carriers {
    pub(crate) fn of<'a>(
        trunks: impl IntoIterator<Item = &'a Trunk>,
        agents: impl IntoIterator<Item = &'a Agent>,
    ) -> Self {
        let mut gateways: BTreeMap<String, Server> = BTreeMap::new();
        // First, for the last of the same network counts: a carrier's own addresses stay its own.
        let mut networks: Vec<(IpNet, Option<String>)> =
            agents.into_iter().flat_map(networks_of).map(|network| (*network, None)).collect();
        for trunk in trunks {
            let is_pbx = trunk.inbound.as_ref().is_some_and(|inbound| inbound.originate);
            let owner = (!is_pbx).then(|| trunk.id.clone());
            let addresses = trunk.inbound.iter().flat_map(|inbound| &inbound.addresses);
            networks.extend(addresses.map(|network| (*network, owner.clone())));
            let Some(trunk_id) = owner else { continue };
            for gateway in trunk.outbound.iter().flat_map(|outbound| &outbound.gateways) {
                let server = gateways.entry(written(&gateway.host));
                let server =
                    server.or_insert_with(|| Server { trunk_id: trunk_id.clone(), ports: BTreeSet::new() });
                server.ports.insert(gateway.port.unwrap_or_else(|| gateway.transport.default_port()));
            }
        }
        Self { gateways, networks: networks.into_iter().collect() }
    }

    /// The trunk that has a server there, as far as the writing of the host tells.
    pub(crate) fn at(&self, host: &str, port: u16) -> Option<&str> {
        let host = written(host);
        match host.parse() {
            Ok(address) => self.at_address(SocketAddr::new(address, port)),
            Err(_) => self.at_gateway(&host, port, Host::of_name(&host)),
        }
    }

    /// The trunk that has a server there.
    pub(crate) fn at_address(&self, place: SocketAddr) -> Option<&str> {
        let address = place.ip().to_canonical();
        let host = Host::of(address);
        self.at_gateway(&address.to_string(), place.port(), host).or_else(|| match host {
            Host::Here => None,
            Host::Elsewhere => self.networks.find(address)?.as_deref(),
        })
    }

    fn at_gateway(&self, written: &str, port: u16, host: Host) -> Option<&str> {
        let server = self.gateways.get(written)?;
        let is_there = match host {
            Host::Here => server.ports.contains(&port),
            Host::Elsewhere => true,
        };
        is_there.then_some(server.trunk_id.as_str())
    }
}

fn networks_of(agent: &Agent) -> &[IpNet] {
    match &agent.endpoint {
        Endpoint::Sip { addresses, .. } => addresses,
        Endpoint::MediaStream { .. } | Endpoint::Echo => &[],
    }
}

/// Whose host it is. This machine may be several things, each at its port; elsewhere a carrier listens at more ports than a gateway
/// names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Host {
    Here,
    Elsewhere,
}

impl Host {
    fn of(address: IpAddr) -> Self {
        if address.is_loopback() { Self::Here } else { Self::Elsewhere }
    }

    fn of_name(name: &str) -> Self {
        if name == "localhost" { Self::Here } else { Self::Elsewhere }
    }
}

impl Transport {
    /// Where a server listens that names no port (RFC 3261 s.19.1.2).
    pub(crate) const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp | Self::Ws => 5060,
            Self::Tls | Self::Wss => 5061,
        }
    }
}

/// One writing of a name or an address.
fn written(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => bare.trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Inventory;

    fn carriers(trunks: &str) -> Carriers {
        with_agents(trunks, "")
    }

    fn with_agents(trunks: &str, agents: &str) -> Carriers {
        let text = format!("trunks = [{trunks}]\nagents = [{agents}]");
        let inventory: Inventory = toml::from_str(&text).unwrap();
        Carriers::of(&inventory.trunks, &inventory.agents)
    }

    #[test]
    fn an_address_is_a_carriers_whatever_its_port_and_writing() {
        let carriers = carriers(
            "{ id = 'acme', inbound = { addresses = ['203.0.113.0/28'] }, outbound = { gateways = [{ host = '192.0.2.1' }] } }",
        );
        for (place, trunk) in [
            ("192.0.2.1:5060", Some("acme")),
            ("192.0.2.1:5090", Some("acme")),
            ("[::ffff:192.0.2.1]:5060", Some("acme")),
            ("203.0.113.9:5061", Some("acme")),
            ("192.0.2.2:5060", None),
        ] {
            assert_eq!(carriers.at_address(place.parse().unwrap()), trunk, "{place}");
        }
    }

    #[test]
    fn this_machine_is_a_carrier_at_the_ports_of_its_gateways_alone() {
        let carriers = carriers(
            "{ id = 'acme', inbound = { addresses = ['127.0.0.1'] }, outbound = { gateways = [{ host = '127.0.0.1', port = 5070 }, { host = 'localhost', transport = 'tls' }] } }",
        );
        let at = |place: &str| carriers.at_address(place.parse().unwrap());
        assert_eq!((at("127.0.0.1:5070"), at("127.0.0.1:5060")), (Some("acme"), None));
        assert_eq!((carriers.at("LocalHost.", 5061), carriers.at("localhost", 5060)), (Some("acme"), None));
    }

    #[test]
    fn a_pbx_within_the_network_of_a_carrier_is_none() {
        let carriers = carriers(
            "{ id = 'acme', inbound = { addresses = ['10.0.0.0/8'] } }, { id = 'pbx', inbound = { addresses = ['10.0.0.7'], originate = true } }",
        );
        let at = |place: &str| carriers.at_address(place.parse().unwrap());
        assert_eq!((at("10.0.0.7:5060"), at("10.0.0.8:5060")), (None, Some("acme")));
    }

    #[test]
    fn an_agents_own_smaller_network_within_that_of_a_carrier_is_none_and_its_exact_addresses_stay_its_own() {
        let carriers = with_agents(
            "{ id = 'acme', inbound = { addresses = ['10.0.0.0/8', '10.0.1.0/24', '10.0.2.9'] }, outbound = { gateways = [{ host = '10.0.0.9' }] } }",
            "{ id = 'desk', endpoint = { kind = 'sip', uri = 'sip:desk@pbx.example.com', addresses = ['10.0.0.0/29', '10.0.0.9', '10.0.1.0/24', '::ffff:10.0.2.9'] } }",
        );
        for (place, trunk) in [
            ("10.0.0.7:5060", None),
            ("[::ffff:10.0.0.7]:5060", None),
            ("10.0.0.8:5060", Some("acme")),
            ("10.0.0.9:5062", Some("acme")),
            ("10.0.1.7:5060", Some("acme")),
            ("10.0.2.9:5060", Some("acme")),
        ] {
            assert_eq!(carriers.at_address(place.parse().unwrap()), trunk, "{place}");
            let (host, port) = place.rsplit_once(':').unwrap();
            assert_eq!(carriers.at(host, port.parse().unwrap()), trunk, "{place}");
        }
    }
}
