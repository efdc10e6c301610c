//! Scripted SIP telephones: the other side of the wire, for the simulator and the demo.
//!
//! A [`Phone`] plays one call, as caller or as callee, from a list of [`Step`]s. It has transactions of its own
//! (RFC 3261 s.17) and is built on rsip, so that no test shares our own parser's mistakes. A [`Proxy`] forwards and
//! stays in the route. No sockets, no clock: hand in bytes and the time, drain what is to be sent.

mod call;
mod change;
mod client;
mod dialog;
mod dice;
mod early;
mod ladder;
mod phone;
mod proxy;
mod receive;
mod script;
pub mod sdp;
mod server;
mod steps;
mod wire;

pub use call::{Ended, Outcome, Times};
pub use change::{Offer, Reaction};
pub use dice::Dice;
pub use ladder::{Ladder, Rung};
pub use phone::{Config, Phone};
pub use proxy::{Proxy, Recording};
pub use script::{Invite, Ring, Step};
pub use wire::{Fault, Glance};

#[cfg(test)]
mod tests;
