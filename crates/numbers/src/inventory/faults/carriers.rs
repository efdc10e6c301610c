//! An agent that is a carrier: a call to it would leave by no rule of outbound calls.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Faults;
use crate::inventory::uri;
use crate::{Agent, Endpoint, Trunk};

/// Where the carriers are. A trunk that may start outbound calls is a PBX, and its extensions may well be agents.
struct Carriers<'a> {
    gateways: BTreeMap<String, (&'a Trunk, BTreeSet<Option<u16>>)>,
    networks: Vec<(IpNet, &'a Trunk)>,
}

pub(super) fn check(agents: &[Agent], trunks: &[Trunk], faults: &mut Faults) {
    let carriers = Carriers::of(trunks);
    for (index, agent) in agents.iter().enumerate() {
        let Endpoint::Sip { uri, .. } = &agent.endpoint else { continue };
        let Some((host, port)) = uri::host_and_port(uri) else { continue };
        if let Some(trunk) = carriers.at(host, port) {
            let message = format!(
                "{} is a server of trunk `{}`, and calls to the agent would leave by it past the rules of outbound calls",
                host.escape_debug(),
                trunk.id
            );
            let remedy = "call out by POST /v1/calls or by an agent's own INVITE; if the trunk is a PBX, set its inbound.originate";
            faults.add(format!("agents[{index}].endpoint.uri"), message, remedy);
        }
    }
}

impl<'a> Carriers<'a> {
    fn of(trunks: &'a [Trunk]) -> Self {
        let mut carriers = Self { gateways: BTreeMap::new(), networks: Vec::new() };
        let is_carrier = |trunk: &&Trunk| !trunk.inbound.as_ref().is_some_and(|inbound| inbound.originate);
        for trunk in trunks.iter().filter(is_carrier) {
            for gateway in trunk.outbound.iter().flat_map(|outbound| &outbound.gateways) {
                let ports = carriers.gateways.entry(written(&gateway.host));
                ports.or_insert_with(|| (trunk, BTreeSet::new())).1.insert(gateway.port);
            }
            let networks = trunk.inbound.iter().flat_map(|inbound| &inbound.addresses);
            carriers.networks.extend(networks.map(|network| (*network, trunk)));
        }
        carriers
    }

    /// A host of this machine may be several things, each at its port; elsewhere a carrier listens at more ports than a gateway names.
    fn at(&self, host: &str, port: Option<u16>) -> Option<&'a Trunk> {
        let host = written(host);
        let address: Option<IpAddr> = host.parse().ok();
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let gateway = self.gateways.get(&host).filter(|(_, ports)| !is_here || ports.contains(&port));
        gateway.map(|(trunk, _)| *trunk).or_else(|| {
            let address = address.filter(|_| !is_here)?;
            self.networks.iter().find(|(network, _)| network.contains(&address)).map(|(_, trunk)| *trunk)
        })
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
