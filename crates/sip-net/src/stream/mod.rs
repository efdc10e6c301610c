//! Connections: TCP, TLS, WebSocket. Each is a task that reads, frames, writes and watches the clock; the driver tells it
//! what to send by a bounded queue, and hears of it by a bounded channel. Neither waits for a peer.

mod accept;
mod connections;
mod conversation;
mod dial;
mod fault;
mod gate;
mod hub;
mod limits;
mod names;
mod owners;
mod queue;
mod vigil;
mod websocket;

pub(crate) use self::connections::{Connections, Lost, Unsent, is_stream};
pub use self::fault::StreamFault;
pub use self::gate::Full;
pub(crate) use self::hub::{End, Told};
pub use self::limits::StreamLimits;
