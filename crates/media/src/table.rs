//! The table of one worker: legs in an array, commands and packets in, packets and events out.

use std::net::SocketAddr;
use std::time::Instant;

use crate::MediaKey;
use crate::agent::{TapEvent, TapInput};
use crate::command::{Command, Counters, Event};

/// The place of a leg in its worker's table. Reused after `close`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot(pub u32);

impl Slot {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which socket of a pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    /// The even port.
    Rtp,
    /// The odd port.
    Rtcp,
}

/// Whether the agent's ring had room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It has it.
    Yes,
    /// It was full, or nobody is attached: audio is dropped and counted, digits and marks are tried again at the next tick.
    No,
}

/// Where the table's effects go, in order.
pub trait Outbox {
    /// Sends a packet from a leg's socket.
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]);
    /// Hands something to the agent stream of a leg.
    fn tap(&mut self, media: MediaKey, event: TapEvent) -> Taken;
    /// Tells the call logic.
    fn event(&mut self, event: Event);
}

/// The legs of one worker.
pub struct Table {
    seed: u64,
}

impl Table {
    /// An empty table. SSRCs and the like are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A leg whose sockets are bound. A key that is open already keeps its slot.
    pub fn open(&mut self, now: Instant, media: MediaKey) -> Slot {
        let _unused = (now, media, self.seed);
        todo!()
    }

    /// Closes a leg, and the bridge that it is part of. The worker then closes the sockets and tells `Event::Released`.
    pub fn close(&mut self, media: MediaKey) -> Option<(Slot, Counters)> {
        let _unused = media;
        todo!()
    }

    /// Describe, Relay, Echo, Tap and Dial. Bind and Release are the worker's (`open`, `close`), and are disregarded here, as is an unknown leg.
    pub fn apply(&mut self, now: Instant, command: &Command) {
        let _unused = (now, command);
        todo!()
    }

    /// From the agent stream of a leg. Follow it with `expire`.
    pub fn input(&mut self, now: Instant, media: MediaKey, input: TapInput) {
        let _unused = (now, media, input);
        todo!()
    }

    /// A datagram came in on a leg's socket; `packet` is exactly its bytes, and is rewritten in place.
    pub fn receive(
        &mut self,
        now: Instant,
        slot: Slot,
        channel: Channel,
        source: SocketAddr,
        packet: &mut [u8],
        outbox: &mut impl Outbox,
    ) {
        let _unused = (now, slot, channel, source, packet, outbox);
        todo!()
    }

    /// Does all that is due by `now`.
    pub fn expire(&mut self, now: Instant, outbox: &mut impl Outbox) {
        let _unused = (now, outbox);
        todo!()
    }

    /// When `expire` has something to do next. May be in the past.
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }
}
