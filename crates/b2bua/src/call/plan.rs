//! Who is to answer, and who instead; and what they are told of the call.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use numbers::{Agent, Directory, Login, MediaEncryption, Ringback, Usage};

use super::Gateways;
use crate::headers::{Carried, Redirected};
use crate::io::Notice;
use crate::parties::Privacy;

/// Whom one call is to reach, and what they are told of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    callee: Callee,
    brief: Brief,
    /// What a stream is told beside that.
    parameters: BTreeMap<String, String>,
}

/// Who is to answer.
#[derive(Clone, Debug)]
pub(crate) enum Callee {
    Agent(Agents),
    /// Somebody in the telephone network.
    Network(Gateways),
}

/// The agents of one call: the routed one, then the chain of its fallbacks, each once.
#[derive(Clone, Debug)]
pub(crate) struct Agents {
    /// The snapshot that the call was admitted with.
    directory: Arc<Directory>,
    agent: Arc<Agent>,
    tried: Vec<String>,
}

/// What the far side is told of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Brief {
    /// The caller: `+E164`, else the user part as received, else `anonymous`.
    pub(crate) from: String,
    /// What the caller shows in From: `+E164`, else a user part, else `anonymous`.
    pub(crate) shown: String,
    /// The display name there.
    pub(crate) shown_name: Option<String>,
    /// The display name of the caller as the trunk names it.
    pub(crate) name: Option<String>,
    /// Whether the caller lets its number be shown.
    pub(crate) privacy: Privacy,
    /// The called number: `+E164`, else as received.
    pub(crate) to: String,
    /// By whom the call was diverted.
    pub(crate) redirected: Redirected,
    /// What of the INVITE some agents are let see.
    pub(crate) carried: Carried,
    /// For the next leg (RFC 7332).
    pub(crate) max_forwards: u8,
    /// `AC` and 32 hex digits.
    pub(crate) account_sid: String,
    /// `CA` and 32 hex digits.
    pub(crate) call_sid: String,
}

impl Plan {
    /// A call to an agent.
    pub(crate) fn to_agent(directory: Arc<Directory>, agent: Arc<Agent>, brief: Brief) -> Self {
        let callee = Callee::Agent(Agents { directory, tried: vec![agent.id.clone()], agent });
        Self { callee, brief, parameters: BTreeMap::new() }
    }

    /// A call to the telephone network.
    pub(crate) fn to_network(gateways: Gateways, brief: Brief) -> Self {
        Self { callee: Callee::Network(gateways), brief, parameters: BTreeMap::new() }
    }

    /// With these `customParameters` for a stream, in the place of its own of the same name.
    pub(crate) fn telling(self, parameters: BTreeMap<String, String>) -> Self {
        Self { parameters, ..self }
    }

    pub(crate) fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    pub(crate) fn callee(&self) -> &Callee {
        &self.callee
    }

    pub(crate) fn callee_mut(&mut self) -> &mut Callee {
        &mut self.callee
    }

    pub(crate) fn brief(&self) -> &Brief {
        &self.brief
    }

    /// Why a call must not go there, in words. The way to a carrier is that of a permit; to be an agent makes none.
    pub(crate) fn object_to(&self, place: SocketAddr) -> Option<String> {
        match &self.callee {
            Callee::Agent(agents) => agents.directory.carrier_at(place).map(|trunk_id| {
                format!("{place} is a server of trunk `{trunk_id}`, and the call would leave by it past the rules of outbound calls")
            }),
            Callee::Network(_) => None,
        }
    }

    /// What we have to show if we are asked who we are.
    pub(crate) fn login(&self) -> Option<Login<'_>> {
        match &self.callee {
            Callee::Agent(agents) => agents.agent.login(),
            Callee::Network(gateways) => gateways.login(),
        }
    }

    /// Whether the audio between it and us is to be encrypted.
    pub(crate) fn media_encryption(&self) -> MediaEncryption {
        match &self.callee {
            Callee::Agent(agents) => agents.agent.endpoint.media_encryption(),
            Callee::Network(gateways) => gateways.media_encryption(),
        }
    }

    /// What the caller hears before the answer. Of the telephone network that is what it says and plays.
    pub(crate) fn ringback(&self) -> Ringback {
        match &self.callee {
            Callee::Agent(agents) => agents.agent.ringback,
            Callee::Network(_) => Ringback::Relay,
        }
    }

    /// Whether another gateway is tried where this one says nothing.
    pub(crate) fn has_next_gateway(&self) -> bool {
        match &self.callee {
            Callee::Agent(_) => false,
            Callee::Network(gateways) => gateways.has_more(),
        }
    }

    /// For the log: whoever was tried last could not be reached.
    pub(crate) fn unreachable(&self, error: String) -> Notice {
        match &self.callee {
            Callee::Agent(agents) => Notice::AgentUnreachable { agent_id: agents.agent.id.clone(), error },
            Callee::Network(gateways) => gateways.failed(gateways.current(), error),
        }
    }

    /// For the log: a server of theirs could not be reached, and the next is tried.
    pub(crate) fn server_failed(&self, server: String, error: String) -> Notice {
        match &self.callee {
            Callee::Agent(agents) => {
                Notice::ServerFailed { agent_id: agents.agent.id.clone(), server, error }
            }
            Callee::Network(gateways) => gateways.failed(server, error),
        }
    }
}

impl Agents {
    pub(crate) fn current(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// Whether another agent may answer in this one's place.
    pub(crate) fn has_fallback(&self) -> bool {
        self.agent.fallback_agent_id.is_some()
    }

    /// The next agent of the chain that was not tried and is not full.
    pub(crate) fn fall_back(&mut self, usage: &impl Usage) -> Option<&Arc<Agent>> {
        let mut last = Arc::clone(&self.agent);
        loop {
            let id = last.fallback_agent_id.clone()?;
            if self.tried.contains(&id) {
                return None;
            }
            last = Arc::clone(self.directory.agent(&id)?);
            self.tried.push(id);
            if last.max_calls.is_none_or(|most| usage.agent_calls(&last.id) < most) {
                self.agent = last;
                return Some(&self.agent);
            }
        }
    }
}
