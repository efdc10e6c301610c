//! The packet path on real sockets: worker threads that drive a [`media::Table`] each.
//!
//! A worker's turn: wait for a packet, an order or the table's deadline; carry out orders; take what agents want played;
//! receive and forward packets; run what is due. Each part has a budget, so that none starves the others, and none waits.
//!
//! Orders are never lost: they queue without a bound of their own, which the calls that they belong to bound, so that the call
//! logic never waits for a worker. Nor are events: those that the channel has no room for are held in order and tried
//! again; a leg has a handful of them in its life, so the legs bound what is held. Audio may be lost, and is counted.

mod bell;
mod epoll;
mod outlet;
mod sockets;
mod taps;
mod worker;
mod workers;

pub use workers::{WorkerFailed, Workers};
