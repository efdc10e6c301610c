//! The packet path on real sockets: worker threads that drive a [`media::Table`] each.
//!
//! A worker's turn: wait for a packet, an order or the table's deadline; carry out orders; take what agents want played;
//! receive and forward packets; run what is due. Each part has a budget, so that none starves the others, and none waits.
//!
//! To be woken for a packet costs several times what the packet does. So a worker to which they come in close succession lets half a
//! millisecond of them gather before each turn (`pace`).
//!
//! Orders are never lost: whoever gives them faster than the worker carries them out waits, once a thousand are there. Nor are events: those
//! that the channel has no room for are held in order and tried again; a leg has a handful of them in its life, so the legs bound
//! what is held. A worker waits for neither. Audio may be lost, and is counted.
//!
//! A turn that fails, by an error of the system or a panic, loses the legs of its worker and no more: the worker begins anew with an
//! empty table, and each of its legs is told as lost.

mod backend;
mod bell;
mod epoll;
#[cfg(test)]
mod free;
mod keeper;
mod outlet;
mod pace;
mod ports;
mod sockets;
mod taps;
#[cfg(test)]
mod trials;
mod uring;
mod worker;
mod workers;

pub use backend::{Backend, Choice};
pub use bell::Bell;
pub use epoll::Epoll;
pub use ports::{Dscp, Pair};
pub use sockets::{Arrival, Sockets};
pub use workers::{Plan, WorkerFailed, Workers};
