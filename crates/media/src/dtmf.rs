//! Digits as telephone-event: read and counted once (RFC 4733 s.2.3, s.2.5).

use std::time::{Duration, Instant};

use crate::command::Digit;
use crate::packet::timestamp_distance;

/// The payload of a telephone-event packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventPayload {
    pub(crate) event: u8,
    pub(crate) stage: Stage,
    /// In samples, since the event's timestamp.
    pub(crate) duration: u16,
}

/// The E bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Going,
    End,
}

impl EventPayload {
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low, ..] = *payload else { return None };
        let stage = if flags & 0x80 == 0 { Stage::Going } else { Stage::End };
        Some(Self { event, stage, duration: u16::from_be_bytes([high, low]) })
    }

    pub(crate) fn bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        let end = match self.stage {
            Stage::Going => 0,
            Stage::End => 0x80,
        };
        [self.event, end | VOLUME, high, low]
    }
}

/// Tells each digit of one stream once. An event is known by its timestamp: its packets repeat it, and any of them may be lost.
#[derive(Debug, Default)]
pub(crate) struct Digits {
    newest: Option<Pressed>,
}

#[derive(Debug)]
struct Pressed {
    digit: Digit,
    timestamp: u32,
    duration: u16,
    told: Told,
    ended: Stage,
    heard: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Yes,
    NotYet,
}

impl Digits {
    /// Another stream: its timestamps are its own.
    pub(crate) fn reset(&mut self) {
        self.newest = None;
    }

    /// A digit to tell, and a second one when the packet shows that the one before it is over.
    pub(crate) fn take(&mut self, now: Instant, timestamp: u32, payload: &[u8]) -> [Option<Digit>; 2] {
        let Some(packet) = EventPayload::read(payload) else { return [None, None] };
        let Some(digit) = Digit::from_event(packet.event) else { return [None, None] };
        let mut before = None;
        match &mut self.newest {
            Some(pressed) if pressed.timestamp == timestamp => {
                pressed.duration = pressed.duration.max(packet.duration);
                pressed.heard = now;
                if packet.stage == Stage::End {
                    pressed.ended = Stage::End;
                }
            }
            Some(pressed) if timestamp_distance(pressed.timestamp, timestamp) < 0 => return [None, None],
            Some(pressed) if pressed.goes_on_as(digit, timestamp) => {
                pressed.timestamp = timestamp;
                pressed.duration = packet.duration;
                pressed.ended = packet.stage;
                pressed.heard = now;
            }
            newest @ (Some(_) | None) => {
                before = newest.as_mut().and_then(Pressed::tell);
                *newest = Some(Pressed {
                    digit,
                    timestamp,
                    duration: packet.duration,
                    told: Told::NotYet,
                    ended: packet.stage,
                    heard: now,
                });
            }
        }
        let current = self.newest.as_mut().filter(|pressed| pressed.is_certain()).and_then(Pressed::tell);
        [before, current]
    }

    /// When a digit whose further packets are missing is told all the same.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.newest
            .as_ref()
            .filter(|pressed| pressed.told == Told::NotYet)
            .map(|pressed| pressed.heard + PATIENCE)
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Option<Digit> {
        let due = self.deadline().is_some_and(|deadline| deadline <= now);
        if due { self.newest.as_mut().and_then(Pressed::tell) } else { None }
    }
}

impl Pressed {
    fn is_certain(&self) -> bool {
        self.ended == Stage::End || self.duration >= CERTAIN
    }

    fn tell(&mut self) -> Option<Digit> {
        match std::mem::replace(&mut self.told, Told::Yes) {
            Told::NotYet => Some(self.digit),
            Told::Yes => None,
        }
    }

    /// An event longer than its duration field goes on as a segment that begins where the field ended (RFC 4733 s.2.5.1.3).
    fn goes_on_as(&self, digit: Digit, timestamp: u32) -> bool {
        self.digit == digit
            && self.ended == Stage::Going
            && self.duration >= LONGEST_SEGMENT
            && timestamp == self.timestamp.wrapping_add(u32::from(self.duration))
    }
}

/// 40 ms in samples: so long is no accident (RFC 4733 s.2.5.2.3 leaves it to the receiver).
const CERTAIN: u16 = 320;
/// A short digit whose end is lost.
const PATIENCE: Duration = Duration::from_millis(120);
/// Segments shorter than this are digits of their own.
const LONGEST_SEGMENT: u16 = 0xff00;
/// -10 dBm0.
const VOLUME: u8 = 10;
