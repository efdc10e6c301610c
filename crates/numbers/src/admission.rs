//! May this call come in, and who answers it? A snapshot and the live usage go in, a route or a refusal comes out.

use std::sync::Arc;

use crate::did::Did;
use crate::usage::{check_calls, check_number_starts, is_full};
use crate::{Agent, Directory, Limits, Number, NumberSource, NumberStatus, Refusal, Trunk, Usage};

/// Where an admitted call goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    /// The trunk that it came by.
    pub trunk: Arc<Trunk>,
    /// The number that was called.
    pub number: Arc<Number>,
    /// Who answers.
    pub agent: Arc<Agent>,
    /// How the agent was found.
    pub agent_source: AgentSource,
}

/// How an agent was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentSource {
    /// The number names it.
    Assigned,
    /// The number names none: the settings' default.
    Default,
}

/// Admits a call that came in by a trunk. An agent that is full hands over to its fallback agents.
///
/// # Errors
///
/// The first of the reasons against it.
pub fn admit_inbound(
    directory: &Directory,
    trunk: &Arc<Trunk>,
    did: &Did,
    usage: &impl Usage,
    limits: &Limits,
) -> Result<Route, Refusal> {
    if !trunk.inbound.as_ref().is_some_and(|inbound| inbound.enabled) {
        return Err(Refusal::InboundDisabled);
    }
    let number = did.e164.and_then(|e164| directory.number(e164)).ok_or(Refusal::DidUnknown)?;
    check_number(number)?;
    let (agent, agent_source) = assigned_agent(directory, number)?;
    check_calls(trunk, number, usage, limits)
        .and_then(|()| check_number_starts(number, usage))
        .map_err(|objection| objection.refusal)?;
    let agent = agent_with_room(directory, agent, usage)?;
    Ok(Route { trunk: Arc::clone(trunk), number: Arc::clone(number), agent: Arc::clone(agent), agent_source })
}

fn check_number(number: &Number) -> Result<(), Refusal> {
    if number.source == NumberSource::Personal {
        return Err(Refusal::InboundDisabled);
    }
    match number.status {
        NumberStatus::Active if number.inbound => Ok(()),
        NumberStatus::Active => Err(Refusal::InboundDisabled),
        NumberStatus::Pending | NumberStatus::Suspended => Err(Refusal::NumberInactive),
    }
}

/// Who answers for a number: its agent, else the settings' default.
///
/// # Errors
///
/// There is neither.
pub fn assigned_agent<'a>(
    directory: &'a Directory,
    number: &Number,
) -> Result<(&'a Arc<Agent>, AgentSource), Refusal> {
    let (id, source) = match (&number.agent_id, &directory.settings().default_agent_id) {
        (Some(id), _) => (id, AgentSource::Assigned),
        (None, Some(id)) => (id, AgentSource::Default),
        (None, None) => return Err(Refusal::NoAgent),
    };
    Ok((directory.agent(id).ok_or(Refusal::NoAgent)?, source))
}

/// The agent, or the first of its fallback agents that has room. A directory has no loop among them.
///
/// # Errors
///
/// All are full.
pub fn agent_with_room<'a>(
    directory: &'a Directory,
    agent: &'a Arc<Agent>,
    usage: &impl Usage,
) -> Result<&'a Arc<Agent>, Refusal> {
    let mut agent = agent;
    while is_full(agent.max_calls, usage.agent_calls(&agent.id)) {
        let fallback = agent.fallback_agent_id.as_deref().and_then(|id| directory.agent(id));
        agent = fallback.ok_or(Refusal::AgentFull)?;
    }
    Ok(agent)
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
