//! What a worker needs of the system: the narrow interface behind which the socket back ends differ.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use media::srtp::TRAILER;
use media::{Channel, Slot, ThreadCounts};

use crate::bell::Bell;
use crate::ports::Pair;

/// A datagram that was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Of the leg whose socket it came to.
    pub slot: Slot,
    /// Which of its two.
    pub channel: Channel,
    /// Who sent it.
    pub source: SocketAddr,
    /// In octets.
    pub length: usize,
}

/// The port pairs of one worker, by the slot of their leg. A worker that panics in one of these begins anew, with others of the kind.
pub trait Sockets: Sized {
    /// Without any pair. Belongs to the thread that opens it.
    ///
    /// # Errors
    /// The system gives not what it takes.
    fn open(bell: &Bell, counts: Arc<ThreadCounts>) -> io::Result<Self>;

    /// From here on packets arrive on, and leave from, `slot`.
    ///
    /// # Errors
    /// The system has no room for them.
    fn insert(&mut self, slot: Slot, pair: Pair) -> io::Result<()>;

    /// Closes a slot's sockets. What has arrived on them and was not taken is dropped.
    fn remove(&mut self, slot: Slot);

    /// Sends what was given to send, and waits until something may be received, the bell rings, or `limit` has passed; then, or before
    /// then, lets packets gather for `gather`, though not beyond `limit`. Does not wait while there are packets left from the
    /// last time.
    ///
    /// # Errors
    /// The system's, after which they are of no use.
    fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()>;

    /// The next datagram that had arrived by the end of `wait`, into `buffer`, which has room for `LARGEST_DATAGRAM`. What is longer is
    /// dropped and counted. A socket that is flooded holds up the others for 32 of its datagrams at the most.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival>;

    /// Sends, perhaps not before `wait`; what the system does not take is lost as on the wire, and counted.
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]);
}

/// Over any that a network carries whole.
pub(crate) const LARGEST_DATAGRAM: usize = 2_000;

/// What that may have grown to when it is sent: it may be encrypted on the way.
pub(crate) const LARGEST_PACKET: usize = LARGEST_DATAGRAM + TRAILER;

/// Both channels of a slot.
pub(crate) const CHANNELS: [Channel; 2] = [Channel::Rtp, Channel::Rtcp];

/// A slot's channel as one number.
pub(crate) const fn place(slot: Slot, channel: Channel) -> u32 {
    slot.0 * 2
        + match channel {
            Channel::Rtp => 0,
            Channel::Rtcp => 1,
        }
}

/// The slot and channel of such a number.
pub(crate) const fn at(place: u32) -> (Slot, Channel) {
    (Slot(place / 2), if place.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp })
}
