//! Who sends this: the trunk, or the SIP agent, that owns the source address.

use std::net::IpAddr;
use std::sync::Arc;

use numbers::{Agent, Directory, Trunk};
use sip::{Flow, Message, Transport};

use crate::io::Notice;

/// The owner of a source address.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Trunk(Arc<Trunk>),
    Agent(Arc<Agent>),
    Unknown,
}

/// Finds the owner. A trunk that does not use the transport does not own what comes by it.
pub(crate) fn identify(directory: &Directory, transport: Transport, address: IpAddr) -> Source {
    if let Some(trunk) = directory.trunk_by_source(address)
        && speaks(trunk, transport)
    {
        return Source::Trunk(Arc::clone(trunk));
    }
    match directory.agent_by_source(address) {
        Some(agent) => Source::Agent(Arc::clone(agent)),
        None => Source::Unknown,
    }
}

/// What is said of a request that nobody owns the source of. How many become lines of the log is for the log to bound.
pub(crate) fn stranger(request: &Message, flow: Flow) -> Notice {
    Notice::SourceUnknown {
        source: flow.remote,
        method: request.method().to_string(),
        user_agent: request.header("User-Agent").map(|value| value.chars().take(MAX_USER_AGENT).collect()),
    }
}

fn speaks(trunk: &Trunk, transport: Transport) -> bool {
    trunk.inbound.as_ref().is_some_and(|inbound| {
        inbound.transports.is_empty() || inbound.transports.iter().any(|own| same(*own, transport))
    })
}

fn same(own: numbers::Transport, transport: Transport) -> bool {
    match own {
        numbers::Transport::Udp => transport == Transport::Udp,
        numbers::Transport::Tcp => transport == Transport::Tcp,
        numbers::Transport::Tls => transport == Transport::Tls,
        numbers::Transport::Ws | numbers::Transport::Wss => transport == Transport::Ws,
    }
}

const MAX_USER_AGENT: usize = 256;
