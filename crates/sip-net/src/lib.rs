//! The signalling plane on real sockets: one task owns the core, reads the clock, and does what it says.
//!
//! [`run`] hands in what comes (datagrams, events, verdicts, commands, time) and drains what goes out, in order, before it
//! takes the next thing in. Nothing in it waits but the one `select!`. Each source has a budget, so that a flood on one socket
//! leaves the others and the timers their turn.

mod bind;
mod brain;
mod driver;
mod listener;
mod lookups;
mod origins;
mod run;
mod trouble;

pub use bind::{BindError, bind_udp};
pub use driver::{Ending, Outlets};
pub use listener::Listener;
pub use run::run;
