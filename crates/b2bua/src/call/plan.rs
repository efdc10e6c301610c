//! Who is to answer, and who instead; and what they are told of the call.

use std::sync::Arc;

use numbers::{Agent, Directory, Usage};

use crate::headers::{Carried, Redirected};

/// The agents of one call: the routed one, then the chain of its fallbacks, each once.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The snapshot that the call was admitted with.
    directory: Arc<Directory>,
    agent: Arc<Agent>,
    tried: Vec<String>,
    brief: Brief,
}

/// What an agent is told of a call.
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
    pub(crate) fn new(directory: Arc<Directory>, agent: Arc<Agent>, brief: Brief) -> Self {
        Self { directory, tried: vec![agent.id.clone()], agent, brief }
    }

    pub(crate) fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    pub(crate) fn brief(&self) -> &Brief {
        &self.brief
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
