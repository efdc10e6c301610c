//! The packet path as data: RTP in, RTP out, in place; no sockets, no clock (RFC 3550, 3551, 4733).

pub mod agent;
pub mod command;

pub use command::{Command, Event, MediaKey};
