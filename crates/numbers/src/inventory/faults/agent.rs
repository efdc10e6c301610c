//! What may be wrong with an agent.

use std::collections::{BTreeMap, HashMap};

use super::headers::{self, check_headers};
use super::{Faults, Ids, check_limit, login};
use crate::inventory::uri;
use crate::{Agent, Endpoint, Ringback, Secret, Transport};

pub(super) fn check(path: &str, agent: &Agent, agents: &Ids<'_>, faults: &mut Faults) {
    let endpoint = format!("{path}.endpoint");
    match &agent.endpoint {
        Endpoint::MediaStream { url, headers, parameters } => {
            check_stream(&endpoint, url, headers, parameters, faults);
        }
        Endpoint::Sip {
            uri,
            transport,
            username,
            password,
            call_username,
            call_password,
            addresses,
            headers,
            ..
        } => {
            check_sip(&endpoint, uri, *transport, faults);
            login::check_shown(&endpoint, username.as_deref(), password.as_ref(), faults);
            let ours = format!("{endpoint}.call_");
            login::check_ours(&ours, call_username.as_deref(), call_password.as_ref(), faults);
            super::trunk::check_addresses(&format!("{endpoint}.addresses"), addresses, faults);
            headers::check_sip(&format!("{endpoint}.headers"), headers, faults);
        }
        Endpoint::Echo => {}
    }
    if let Some(id) = &agent.fallback_agent_id {
        agents.check_reference(|| format!("{path}.fallback_agent_id"), id, faults);
    }
    check_limit(|| format!("{path}.max_calls"), agent.max_calls, faults);
    headers::check_passed(path, agent, faults);
    match (&agent.endpoint, agent.ringback) {
        (Endpoint::Echo, Ringback::Local | Ringback::None) => {
            let message = "the echo agent answers at once, and nothing is heard before";
            faults.add(format!("{path}.ringback"), message, "remove it");
        }
        (Endpoint::Echo, Ringback::Relay) | (Endpoint::MediaStream { .. } | Endpoint::Sip { .. }, _) => {}
    }
}

fn check_stream(
    path: &str,
    url: &str,
    headers: &BTreeMap<String, Secret>,
    parameters: &BTreeMap<String, String>,
    faults: &mut Faults,
) {
    if let Err(message) = uri::check_stream_url(url) {
        faults.add(format!("{path}.url"), message, "write it like wss://bots.example.com/sales");
    }
    check_headers(&format!("{path}.headers"), headers, &UPGRADE_HEADERS, faults);
    for name in parameters.keys().filter(|name| OUR_PARAMETERS.contains(&name.as_str())) {
        faults.add(format!("{path}.parameters.{name}"), "each call sets this parameter itself", "remove it");
    }
}

fn check_sip(path: &str, uri: &str, transport: Option<Transport>, faults: &mut Faults) {
    match uri::check_sip_uri(uri) {
        Ok(Transport::Udp | Transport::Tcp | Transport::Tls) => {}
        Ok(Transport::Ws | Transport::Wss) => {
            faults.add_unsupported(
                format!("{path}.uri"),
                "reaches agents by UDP, TCP and TLS only",
                "write ;transport=tls, for example",
            );
        }
        Err(message) => {
            faults.add(format!("{path}.uri"), message, "write it like sip:bot@10.0.0.7:5060");
        }
    }
    match transport {
        None | Some(Transport::Udp | Transport::Tcp | Transport::Tls) => {}
        Some(Transport::Ws | Transport::Wss) => {
            faults.add_unsupported(
                format!("{path}.transport"),
                "reaches agents by UDP, TCP and TLS only",
                "set \"udp\", \"tcp\" or \"tls\", or remove it",
            );
        }
    }
}

/// Each loop is told once, at the first of its agents in the file.
pub(super) fn check_fallback_loops(agents: &[Agent], faults: &mut Faults) {
    let index_of: HashMap<_, _> =
        agents.iter().enumerate().map(|(index, agent)| (agent.id.as_str(), index)).collect();
    let fallback = |index: usize| {
        let id = agents.get(index)?.fallback_agent_id.as_deref()?;
        index_of.get(id).copied()
    };
    let mut is_done = vec![false; agents.len()];
    for start in 0..agents.len() {
        let mut chain = Vec::new();
        let mut next = Some(start);
        while let Some(index) = next.filter(|index| !is_done[*index]) {
            is_done[index] = true;
            chain.push(index);
            next = fallback(index);
        }
        let Some(place) = next.and_then(|index| chain.iter().position(|seen| *seen == index)) else {
            continue;
        };
        let members = &chain[place..];
        let Some(first) = members.iter().min() else { continue };
        let names: Vec<_> = members.iter().map(|index| agents[*index].id.as_str()).collect();
        let message = format!("the fallback agents go round in a circle: {}", names.join(", "));
        faults.add(
            format!("agents[{first}].fallback_agent_id"),
            message,
            "let the last of them have no fallback",
        );
    }
}

/// Headers of the WebSocket handshake (RFC 6455, section 4.1).
const UPGRADE_HEADERS: [&str; 8] = [
    "Host",
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

/// Parameters that every call's `start` message has.
const OUR_PARAMETERS: [&str; 3] = ["from_number", "to_number", "forwarded_from"];
