//! SIP without sockets (RFC 3261): messages, transactions, dialogs, and the [`Endpoint`] that composes them.
//!
//! Bytes and the time come in as arguments, datagrams and events are drained. Nothing here reads a clock,
//! a random source or the network.

mod dialog;
pub mod digest;
pub mod endpoint;
pub mod flow;
pub mod framing;
pub mod host;
pub mod locate;
pub mod message;
pub mod name_addr;
pub mod params;
mod transaction;
pub mod uri;
pub mod via;
mod way;

pub use endpoint::{Endpoint, Event};
pub use flow::{Flow, Transport};
pub use message::{Message, Method, StatusCode, Writer};
pub use name_addr::NameAddr;
pub use uri::Uri;
pub use via::Via;
