//! The packet path as data: RTP in, RTP out, in place; no sockets, no clock (RFC 3550, 3551, 4733).
//!
//! A worker owns a [`Table`]. It calls `open` when a port pair is bound, `apply` for the other commands, `receive` with each datagram,
//! `input` with what an agent says, and `expire` when `deadline` has come; what is to be sent and told comes out through its [`Outbox`].

pub mod agent;
pub mod command;
mod cover;
mod dial;
mod dice;
mod dtmf;
mod egress;
pub mod g711;
mod ingress;
mod jitter;
mod latch;
mod leg;
mod packet;
mod playout;
pub mod ports;
pub mod quality;
mod relay;
mod reports;
mod rtcp;
pub mod srtp;
pub mod table;
mod tap;
pub mod threads;
mod timers;

pub use command::{Command, Event, MediaKey};
pub use packet::Datagram;
pub use ports::PortPool;
pub use table::{Channel, Outbox, Slot, Table, Taken};
pub use threads::{Mishap, ThreadCounts};
