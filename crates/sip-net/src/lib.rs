//! The signalling plane on real sockets: one task owns the core, reads the clock, and does what it says.
//!
//! [`run`] hands in what comes (datagrams, events, verdicts, commands, time) and drains what goes out, in order, before it
//! takes the next thing in. Nothing in it waits but the one `select!`. Each source has a budget, so that a flood on one socket
//! leaves the others and the timers their turn. Connections (TCP, TLS, WebSocket) are tasks beside it, which wait for their peers; it does
//! not wait for them.

mod bind;
mod brain;
mod datagrams;
mod driver;
mod listener;
mod lookups;
mod origins;
mod run;
mod stream;
mod tls;
mod trouble;
mod window;

pub use bind::{BindError, bind_tcp, bind_tls, bind_udp, bind_ws};
pub use driver::{Ending, Outlets};
pub use listener::Listener;
pub use run::{Sockets, run};
pub use sip_resolve::NameServers;
pub use stream::{Full, StreamFault, StreamLimits};
pub use tls::{Tls, TlsError, TlsFault, TlsFiles, Trust};
pub use window::{Collector, Inquiries, Inquiry, Watch, Window, inquiries, passages};
