//! What is in use at the moment, and what the node bears: all that a decision weighs beside the directory.

mod idle;
mod others;
mod room;
mod spoken;
mod starts;
mod tally;

use crate::E164;

pub use idle::Idle;
pub use others::{Load, Others, Subject, Used};
pub(crate) use room::{check_calls, check_minutes, check_number_starts, check_starts, is_full};
pub use spoken::{Spoke, Spoken, Talk};
pub use starts::Starts;
pub use tally::Tally;

/// What calls take up at the moment of asking: on all nodes that share an inventory, as far as this one knows of the others, but the calls of the node
/// and those begun within a second, which are its own.
pub trait Usage {
    /// Calls that are up on the trunk with this id, in and out.
    fn trunk_calls(&self, trunk_id: &str) -> u32;
    /// Calls that are up on this number, in and out.
    fn number_calls(&self, number: E164) -> u32;
    /// Calls that are up with the agent with this id.
    fn agent_calls(&self, agent_id: &str) -> u32;
    /// Calls that are up on this node.
    fn node_calls(&self) -> u32;
    /// Calls begun on the trunk within the last second, in and out (see [`Starts`]).
    fn trunk_starts(&self, trunk_id: &str) -> u32;
    /// Calls begun on the number within the last second, in and out.
    fn number_starts(&self, number: E164) -> u32;
    /// Seconds spoken in outbound calls of the trunk in the running UTC day, those of running calls too (see [`Spoken`]).
    fn trunk_seconds_today(&self, trunk_id: &str) -> u64;
    /// The same of the number.
    fn number_seconds_today(&self, number: E164) -> u64;
    /// Seconds until the running UTC day is over.
    fn seconds_left_today(&self) -> u32;
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
