//! Who sends this: the trunk, or the SIP agent, that owns the source address.

use std::net::IpAddr;
use std::sync::Arc;

use numbers::{Account, Agent, Country, Directory, MediaEncryption, Trunk};
use sip::{Flow, Message, Transport};

use crate::io::Notice;

/// Somebody that we know.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Trunk(Arc<Trunk>),
    Agent(Arc<Agent>),
}

impl Peer {
    /// Whether it may ask for calls to the telephone network: a SIP agent, and a PBX.
    pub(crate) fn may_originate(&self) -> bool {
        match self {
            Self::Trunk(trunk) => {
                trunk.inbound.as_ref().is_some_and(|inbound| inbound.enabled && inbound.originate)
            }
            Self::Agent(_) => true,
        }
    }

    /// What it has to show beside its address.
    pub(crate) fn account(&self) -> Option<Account<'_>> {
        match self {
            Self::Trunk(trunk) => trunk.account(),
            Self::Agent(agent) => agent.account(),
        }
    }

    /// The country whose national writing it uses for numbers.
    pub(crate) fn country(&self) -> Option<Country> {
        match self {
            Self::Trunk(trunk) => trunk.inbound.as_ref().and_then(|inbound| inbound.did_country),
            Self::Agent(_) => None,
        }
    }

    /// Whether the media between it and us is to be encrypted.
    pub(crate) fn media_encryption(&self) -> MediaEncryption {
        match self {
            Self::Trunk(trunk) => {
                trunk.inbound.as_ref().map(|inbound| inbound.media_encryption).unwrap_or_default()
            }
            Self::Agent(agent) => agent.endpoint.media_encryption(),
        }
    }
}

/// Finds the owner of a source address, if somebody owns it. A trunk that does not use the transport does not own what comes by it.
pub(crate) fn identify(directory: &Directory, transport: Transport, address: IpAddr) -> Option<Peer> {
    if let Some(trunk) = directory.trunk_by_source(address)
        && speaks(trunk, transport)
    {
        return Some(Peer::Trunk(Arc::clone(trunk)));
    }
    directory.agent_by_source(address).map(|agent| Peer::Agent(Arc::clone(agent)))
}

/// What is said of a request that nobody owns the source of. How many become lines of the log is for the log to bound.
pub(crate) fn stranger(request: &Message, flow: Flow) -> Notice {
    Notice::SourceUnknown {
        source: flow.remote,
        method: request.method().to_string(),
        user_agent: request.header("User-Agent").map(|value| value.chars().take(MAX_USER_AGENT).collect()),
    }
}

pub(crate) fn speaks(trunk: &Trunk, transport: Transport) -> bool {
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
