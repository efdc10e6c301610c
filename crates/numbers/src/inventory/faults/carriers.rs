//! An agent that is a carrier: a call to it would leave by no rule of outbound calls. This looks at what is written; what a name leads
//! to is looked at when it is called ([`crate::Directory::carrier_at`]).

use super::Faults;
use crate::carriers::Carriers;
use crate::inventory::uri;
use crate::{Agent, Endpoint, Trunk};

pub(super) fn check(agents: &[Agent], trunks: &[Trunk], faults: &mut Faults) {
    let carriers = Carriers::of(trunks, agents);
    for (index, agent) in agents.iter().enumerate() {
        let Endpoint::Sip { uri, transport, .. } = &agent.endpoint else { continue };
        let Some(place) = uri::Place::of(uri, *transport) else { continue };
        let found = place.hosts().find_map(|host| Some((host, carriers.at(host, place.port)?)));
        if let Some((host, trunk_id)) = found {
            let message = format!(
                "{} is a server of trunk `{trunk_id}`, and calls to the agent would leave by it past the rules of outbound calls",
                host.escape_debug(),
            );
            let remedy = "call out by POST /v1/calls or by an agent's own INVITE; if the trunk is a PBX, set its inbound.originate; \
                if the host is the agent's own within a wide network of the trunk, list it in the agent's endpoint.addresses";
            faults.add(format!("agents[{index}].endpoint.uri"), message, remedy);
        }
    }
}
