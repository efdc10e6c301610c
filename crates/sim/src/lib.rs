//! A world in which calls happen without a network or a clock: the core under test, scripted telephones and agents, a
//! wire with weather, and a ladder of all that was sent.
//!
//! Time is virtual and moves from event to event; chance is a function of the seed. [`World::run`] plays until nothing is left to happen
//! and then holds the core to its invariants: one final response for an INVITE, one finished record for a call, nothing left.

mod bot;
pub mod cast;
pub mod chance;
mod ledger;
mod outlets;
mod queue;
pub mod scenes;
pub mod stage;
mod weather;
mod workers;
mod world;

pub use bot::{Bot, Opening};
pub use ledger::Broken;
pub use weather::{Loss, Weather};
pub use workers::Workers;
pub use world::{Setup, SetupError, World};
