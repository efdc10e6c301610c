//! The table of one worker: legs in an array, commands and packets in, packets and events out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

use crate::MediaKey;
use crate::agent::{TapEvent, TapInput};
use crate::command::{Command, Counters, Event};
use crate::dice::Dice;
use crate::leg::{Leg, Mode};
use crate::packet::Datagram;
use crate::relay::Relay;
use crate::timers::Timers;

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
    legs: Vec<Option<Leg>>,
    free: Vec<Slot>,
    /// For commands only: packets come with their slot.
    slots: BTreeMap<MediaKey, Slot>,
    timers: Timers,
    dice: Dice,
}

impl Table {
    /// An empty table. SSRCs, CNAMEs, the starts of sequence numbers and timestamps, and the times of reports are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            legs: Vec::new(),
            free: Vec::new(),
            slots: BTreeMap::new(),
            timers: Timers::default(),
            dice: Dice::new(seed),
        }
    }

    /// A leg whose sockets are bound. A key that is open already keeps its slot.
    pub fn open(&mut self, now: Instant, media: MediaKey) -> Slot {
        if let Some(slot) = self.slots.get(&media) {
            return *slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            // More legs than ports there are not.
            let slot = Slot(u32::try_from(self.legs.len()).unwrap_or(u32::MAX));
            self.legs.push(None);
            slot
        });
        self.timers.reserve(slot);
        self.slots.insert(media, slot);
        self.legs[slot.index()] = Some(Leg::new(now, media, slot, &mut self.dice));
        slot
    }

    /// Closes a leg, and the bridge that it is part of; the far side gets a goodbye. The worker then closes the sockets and tells
    /// `Event::Released`.
    pub fn close(
        &mut self,
        now: Instant,
        media: MediaKey,
        outbox: &mut impl Outbox,
    ) -> Option<(Slot, Counters)> {
        let slot = self.slots.remove(&media)?;
        self.unbridge(slot);
        self.timers.set(slot, None);
        let mut leg = self.legs[slot.index()].take()?;
        leg.leave(now, outbox);
        self.free.push(slot);
        Some((slot, leg.counters()))
    }

    /// How many legs are open.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no leg is open.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The counters of a leg so far.
    pub fn counters(&self, media: MediaKey) -> Option<Counters> {
        let slot = self.slots.get(&media)?;
        self.leg(*slot).map(Leg::counters)
    }

    /// Describe, Relay, Echo, Tap, Dial and Hear. Bind and Release are the worker's (`open`, `close`), and are disregarded here, as is an unknown leg.
    pub fn apply(&mut self, now: Instant, command: &Command) {
        match command {
            Command::Describe { media, remote } => {
                let Some(slot) = self.slot(*media) else { return };
                if let Some(leg) = self.leg_mut(slot) {
                    leg.describe(now, remote);
                }
                self.wire(slot);
                if let Some(peer) = self.peer(slot) {
                    self.wire(peer);
                }
                self.arm(slot);
            }
            Command::Relay { a, b } => {
                if let (Some(a), Some(b)) = (self.slot(*a), self.slot(*b)) {
                    self.bridge(a, b);
                    self.bridge(b, a);
                }
            }
            Command::Echo { media } => {
                if let Some(slot) = self.slot(*media) {
                    self.bridge(slot, slot);
                }
            }
            Command::Tap { media } => {
                let Some(slot) = self.slot(*media) else { return };
                self.unbridge(slot);
                if let Some(leg) = self.leg_mut(slot) {
                    leg.tap(now);
                }
                self.arm(slot);
            }
            Command::Dial { media, digit, duration } => {
                let Some(slot) = self.slot(*media) else { return };
                if let Some(leg) = self.leg_mut(slot) {
                    leg.dial(now, *digit, *duration);
                }
                self.arm(slot);
            }
            Command::Hear { media, digit } => {
                let Some(slot) = self.slot(*media) else { return };
                if let Some(leg) = self.leg_mut(slot) {
                    leg.pressed(now, *digit);
                }
                self.arm(slot);
            }
            Command::Bind { .. } | Command::Release { .. } => {}
        }
    }

    /// From the agent stream of a leg; also before `Tap`, so that no greeting is lost. Follow it with `expire` when `deadline` says so.
    pub fn input(&mut self, now: Instant, media: MediaKey, input: TapInput) {
        let Some(slot) = self.slot(media) else { return };
        if let Some(leg) = self.leg_mut(slot) {
            leg.input(now, input);
        }
        self.arm(slot);
    }

    /// A datagram came in on a leg's socket. It is rewritten in place.
    pub fn receive(
        &mut self,
        now: Instant,
        slot: Slot,
        channel: Channel,
        source: SocketAddr,
        mut datagram: Datagram<'_>,
        outbox: &mut impl Outbox,
    ) {
        let Some(leg) = self.leg_mut(slot) else { return };
        let Some(taken) = leg.admit(now, channel, source, datagram.bytes(), outbox) else { return };
        let packet = datagram.buffer;
        match &leg.mode {
            Mode::Idle | Mode::Waiting(_) => {}
            Mode::Tapped(_) => {
                leg.hear(now, &taken, packet, outbox);
                self.arm(slot);
            }
            Mode::Bridged { peer, .. } if *peer == slot => {
                if let Some((relay, outgoing)) = leg.echo() {
                    outgoing.pass(now, &taken, packet, relay, outbox);
                }
            }
            Mode::Bridged { peer, .. } => {
                let ends = [slot.index(), peer.index()];
                let Ok([Some(from), Some(to)]) = self.legs.get_disjoint_mut(ends) else { return };
                if let Mode::Bridged { relay: Some(relay), .. } = &mut from.mode {
                    to.outgoing().pass(now, &taken, packet, relay, outbox);
                }
            }
        }
    }

    /// Does all that is due by `now`.
    pub fn expire(&mut self, now: Instant, outbox: &mut impl Outbox) {
        while let Some((deadline, slot)) = self.timers.first() {
            if deadline > now {
                return;
            }
            if let Some(leg) = self.leg_mut(slot) {
                leg.expire(now, outbox);
            }
            self.arm(slot);
        }
    }

    /// When `expire` has something to do next. May be in the past.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(deadline, _)| deadline)
    }

    /// Sends what `from` receives to `to`.
    fn bridge(&mut self, from: Slot, to: Slot) {
        if self.peer(from) != Some(to) {
            self.unbridge(from);
            if let Some(leg) = self.leg_mut(from) {
                leg.mode = Mode::Bridged { peer: to, relay: None };
            }
        }
        self.wire(from);
        self.arm(from);
    }

    /// Ends the bridge that a leg is part of, on both sides.
    fn unbridge(&mut self, slot: Slot) {
        let peer = self.peer(slot);
        for end in [Some(slot), peer].into_iter().flatten() {
            if let Some(leg) = self.leg_mut(end)
                && let Mode::Bridged { peer, .. } = leg.mode
                && (end == slot || peer == slot)
            {
                leg.mode = Mode::Idle;
            }
        }
    }

    /// Brings the relay of a bridged leg in line with what both ends negotiated.
    fn wire(&mut self, from: Slot) {
        let Some(to) = self.peer(from) else { return };
        let Some(there) = self.leg(to).and_then(|leg| leg.far.as_ref()).map(|far| far.remote.clone()) else {
            return;
        };
        let Some(leg) = self.leg_mut(from) else { return };
        let (Some(far), Mode::Bridged { relay, .. }) = (&leg.far, &mut leg.mode) else { return };
        match relay {
            Some(relay) => relay.renegotiate(&far.remote, &there),
            None => *relay = Some(Relay::new(&far.remote, &there)),
        }
    }

    fn peer(&self, slot: Slot) -> Option<Slot> {
        match self.leg(slot)?.mode {
            Mode::Bridged { peer, .. } => Some(peer),
            Mode::Idle | Mode::Waiting(_) | Mode::Tapped(_) => None,
        }
    }

    fn arm(&mut self, slot: Slot) {
        let deadline = self.leg(slot).and_then(Leg::deadline);
        self.timers.set(slot, deadline);
    }

    fn slot(&self, media: MediaKey) -> Option<Slot> {
        self.slots.get(&media).copied()
    }

    fn leg(&self, slot: Slot) -> Option<&Leg> {
        self.legs.get(slot.index())?.as_ref()
    }

    fn leg_mut(&mut self, slot: Slot) -> Option<&mut Leg> {
        self.legs.get_mut(slot.index())?.as_mut()
    }
}
