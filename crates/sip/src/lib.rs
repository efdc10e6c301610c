//! SIP without sockets (RFC 3261): messages, transactions, dialogs, and the [`Endpoint`] that composes them.
//!
//! Bytes and the time come in as arguments, datagrams and events are drained. Nothing here reads a clock,
//! a random source or the network.

pub mod endpoint;
pub mod flow;
pub mod message;

pub use endpoint::{Endpoint, Event};
pub use message::{Message, Method, StatusCode};
pub use flow::{Flow, Transport};
