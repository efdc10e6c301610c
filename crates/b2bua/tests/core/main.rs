//! The core, driven with SIP bytes written by hand: each behaviour as the story that a telephone engineer would tell.

#![cfg(test)]

mod change;
mod chaos;
mod digest;
mod early;
mod encryption;
mod endings;
mod headers;
mod house;
mod inbound;
mod inside;
mod limits;
mod lookup;
mod named;
mod outbound;
mod places;
mod refusals;
mod servers;
mod session;
mod sip_agent;
mod stream;
mod text;
