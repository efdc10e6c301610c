//! May this call come in, and who answers it? A snapshot and the live usage go in, a route or a refusal comes out.

use std::sync::Arc;

use crate::did::Did;
use crate::{Agent, Directory, E164, Number, Refusal, Trunk};

/// How many calls are up.
pub trait Usage {
    /// Of the trunk with this id.
    fn trunk_calls(&self, trunk_id: &str) -> u32;
    /// Of this number.
    fn number_calls(&self, number: E164) -> u32;
    /// Of the agent with this id.
    fn agent_calls(&self, agent_id: &str) -> u32;
    /// Of this node.
    fn node_calls(&self) -> u32;
}

/// What the node itself allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Most calls at once; unlimited if `None`.
    pub max_calls: Option<u32>,
    /// Are calls taken at all?
    pub state: NodeState,
}

/// Does the node take calls?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NodeState {
    /// Yes.
    #[default]
    Serving,
    /// No further ones.
    Draining,
}

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

/// Admits a call that came in by a trunk.
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
    let _ = (directory, trunk, did, usage.node_calls(), limits);
    todo!()
}
