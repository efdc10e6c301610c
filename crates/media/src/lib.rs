//! The packet path as data: RTP in, RTP out, in place; no sockets, no clock (RFC 3550, 3551, 4733).

pub mod agent;
pub mod command;
pub mod ports;
pub mod table;

pub use command::{Command, Event, MediaKey};
pub use ports::PortPool;
pub use table::{Channel, Outbox, Slot, Table, Taken};
