//! What a worker needs of the system: the narrow interface behind which the socket back ends differ.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use media::{Channel, Slot};

/// A datagram that was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    pub(crate) slot: Slot,
    pub(crate) channel: Channel,
    pub(crate) source: SocketAddr,
    pub(crate) length: usize,
}

/// The port pairs of one worker, by the slot of their leg.
pub(crate) trait Sockets {
    /// An RTP and an RTCP socket that no slot has yet.
    type Pair;

    /// Binds `port` and the port after it, or neither. The error is for people.
    fn bind(&self, address: IpAddr, port: u16) -> Result<Self::Pair, String>;

    /// From here on packets arrive on, and leave from, `slot`.
    fn insert(&mut self, slot: Slot, pair: Self::Pair) -> io::Result<()>;

    /// Closes a slot's sockets.
    fn remove(&mut self, slot: Slot);

    /// Waits until something may be received, the worker's bell rings, or `limit` has passed; without waiting while there
    /// are packets left from the last time.
    fn wait(&mut self, limit: Option<Duration>) -> io::Result<()>;

    /// The next datagram, into `buffer`; no socket has a second turn before the others had theirs.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival>;

    /// Sends, or drops as a full network would.
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]);
}
