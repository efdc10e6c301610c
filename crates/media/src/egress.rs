//! The stream that a leg sends: one SSRC and one run of sequence numbers and timestamps, whatever feeds it.

use std::time::Instant;

use crate::packet::{Stamp, samples_between, timestamp_distance};

#[derive(Debug)]
pub(crate) struct Egress {
    ssrc: u32,
    /// Of the next packet.
    sequence: u16,
    /// Of the first packet.
    first_timestamp: u32,
    /// When the newest packet was sent, and its timestamp.
    newest: Option<(Instant, u32)>,
}

/// What a packet comes after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Follows {
    /// The packet before it, without a break.
    Audio,
    /// Nothing: it carries the marker bit (RFC 3551 s.4.1).
    Silence,
}

impl Egress {
    /// Random starts (RFC 3550 s.5.1), the number's in its lower half, so that no loss hides its first rollover from a decrypting receiver
    /// (RFC 4568 s.6.4).
    pub(crate) fn new(random: u64) -> Self {
        let [ssrc @ .., t0, t1, s0, s1] = random.to_be_bytes();
        Self {
            ssrc: u32::from_be_bytes(ssrc),
            sequence: u16::from_be_bytes([s0 & 0x7f, s1]),
            first_timestamp: u32::from_be_bytes([t0, t1, s0, s1]),
            newest: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The sequence number of the next packet.
    pub(crate) fn next_sequence(&self) -> u16 {
        self.sequence
    }

    /// The timestamp of a packet whose audio begins at `now`: the clock runs on while nothing is sent.
    pub(crate) fn timestamp(&self, now: Instant) -> u32 {
        match self.newest {
            Some((at, timestamp)) => timestamp.wrapping_add(samples_between(at, now)),
            None => self.first_timestamp,
        }
    }

    /// What a packet whose audio begins at `now` comes after.
    pub(crate) fn follows(&self, now: Instant) -> Follows {
        match self.newest {
            Some((at, _)) if samples_between(at, now) == FRAME => Follows::Audio,
            Some(_) | None => Follows::Silence,
        }
    }

    /// The timestamp of audio of our own that begins at `now`: beyond all that was sent.
    pub(crate) fn fresh_timestamp(&self, now: Instant) -> u32 {
        match self.newest {
            Some((at, timestamp)) => timestamp.wrapping_add(samples_between(at, now).max(FRAME)),
            None => self.first_timestamp,
        }
    }

    /// The header of a packet of our own making.
    pub(crate) fn stamp(
        &mut self,
        now: Instant,
        payload_type: u8,
        timestamp: u32,
        follows: Follows,
    ) -> Stamp {
        let sequence = self.sequence;
        self.sent(now, sequence, timestamp);
        let marker = follows == Follows::Silence;
        Stamp { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    /// A packet with these numbers, newer than all before it, is sent.
    pub(crate) fn sent(&mut self, now: Instant, sequence: u16, timestamp: u32) {
        self.sequence = sequence.wrapping_add(1);
        self.newest = Some((now, timestamp));
    }

    /// A packet of an event is sent, newer than all before it. Events repeat the timestamp of their start, which the clock must not
    /// take for the present unless it is ahead of it.
    pub(crate) fn sent_event(&mut self, now: Instant, sequence: u16, timestamp: u32) {
        self.sequence = sequence.wrapping_add(1);
        if timestamp_distance(self.timestamp(now), timestamp) > 0 {
            self.newest = Some((now, timestamp));
        }
    }

    /// The header of a later packet of an event of our own making.
    pub(crate) fn stamp_again(&mut self, payload_type: u8, timestamp: u32) -> Stamp {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Stamp { marker: false, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }
}

/// 20 ms.
const FRAME: u32 = 160;
