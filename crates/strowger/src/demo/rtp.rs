//! The carrier's side of the audio: packets each 20 ms, digits between (RFC 3550, RFC 4733), and what comes back.

use std::collections::VecDeque;
use std::time::Instant;

use rtp_rs::{RtpPacketBuilder, RtpReader, Seq};

use super::audio::{FRAME, FRAMES_PER_SECOND};

/// What is said in a call, in 20 ms slots.
pub(super) struct Speaker {
    slots: VecDeque<Slot>,
    voice: VecDeque<u8>,
    sequence: Seq,
    timestamp: u32,
    /// Of the digit that is being sent.
    pressed_at: u32,
    /// When each frame of the voice went out.
    pub(super) spoken: Vec<Instant>,
}

enum Slot {
    Voice,
    /// A part of a key press, 0 to `PARTS` - 1.
    Digit {
        event: u8,
        part: u16,
    },
    Pause,
}

/// Where a packet stands in its talk or its key press: the first one is marked (RFC 3551 s.4.1, RFC 4733 s.2.5.1.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

/// What came back.
#[derive(Default)]
pub(super) struct Listener {
    packets: Vec<Packet>,
    /// Packets that are no RTP or of a payload type that we did not offer.
    pub(super) strange: usize,
}

struct Packet {
    sequence: u16,
    at: Instant,
    audio: Vec<u8>,
}

impl Speaker {
    /// Half of the voice, the keys, the other half, and a pause in which the last of it can come back.
    pub(super) fn new(voice: &[u8], keys: &str) -> Self {
        let frames = voice.len() / FRAME;
        let mut slots = VecDeque::new();
        slots.extend((0..frames / 2).map(|_| Slot::Voice));
        for event in keys.chars().filter_map(event_of) {
            slots.extend((0..PARTS).map(|part| Slot::Digit { event, part }));
            slots.extend([Slot::Pause, Slot::Pause]);
        }
        slots.extend((frames / 2..frames).map(|_| Slot::Voice));
        Self {
            slots,
            voice: voice.iter().copied().collect(),
            sequence: Seq::from(65_500),
            timestamp: 0xffff_e000,
            pressed_at: 0,
            spoken: Vec::new(),
        }
    }

    /// How many slots of 20 ms it takes.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The packets of the next 20 ms.
    pub(super) fn speak(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let packets = match self.slots.pop_front() {
            None => return Vec::new(),
            Some(Slot::Pause) => Vec::new(),
            Some(Slot::Voice) => {
                let frame: Vec<u8> = self.voice.drain(..FRAME.min(self.voice.len())).collect();
                let place = if self.spoken.is_empty() { Place::First } else { Place::Later };
                self.spoken.push(now);
                self.packet(PCMU, self.timestamp, place, &frame).into_iter().collect()
            }
            Some(Slot::Digit { event, part }) => {
                if part == 0 {
                    self.pressed_at = self.timestamp;
                }
                let place = if part == 0 { Place::First } else { Place::Later };
                let last = part + 1 == PARTS;
                let [high, low] = ((part + 1) * 160).to_be_bytes();
                let end = if last { END } else { 0 };
                let payload = [event, end | VOLUME, high, low];
                // The last packet goes out three times (RFC 4733 s.2.5.1.4).
                (0..if last { 3 } else { 1 })
                    .filter_map(|_| self.packet(EVENTS, self.pressed_at, place, &payload))
                    .collect()
            }
        };
        self.timestamp = self.timestamp.wrapping_add(160);
        packets
    }

    fn packet(&mut self, kind: u8, timestamp: u32, place: Place, payload: &[u8]) -> Option<Vec<u8>> {
        let sequence = self.sequence;
        self.sequence = sequence.next();
        RtpPacketBuilder::new()
            .payload_type(kind)
            .ssrc(SSRC)
            .sequence(sequence)
            .timestamp(timestamp)
            .marked(place == Place::First)
            .payload(payload)
            .build()
            .ok()
    }
}

impl Listener {
    /// Takes in a datagram.
    pub(super) fn hear(&mut self, at: Instant, datagram: &[u8]) {
        match RtpReader::new(datagram) {
            Ok(rtp) if rtp.payload_type() == PCMU => {
                let sequence = u16::from(rtp.sequence_number());
                self.packets.push(Packet { sequence, at, audio: rtp.payload().to_vec() });
            }
            Ok(rtp) if rtp.payload_type() == EVENTS => {}
            Ok(_) | Err(_) => self.strange += 1,
        }
    }

    /// The audio in the order of its sequence numbers.
    pub(super) fn audio(&self) -> Vec<u8> {
        self.ordered().flat_map(|packet| packet.audio.iter().copied()).collect()
    }

    /// When the sample at `place` of [`Self::audio`] came.
    pub(super) fn came(&self, place: usize) -> Option<Instant> {
        let mut end = 0;
        self.ordered().find_map(|packet| {
            end += packet.audio.len();
            (place < end).then_some(packet.at)
        })
    }

    fn ordered(&self) -> impl Iterator<Item = &Packet> {
        let first = self.packets.first().map_or(0, |packet| packet.sequence);
        let mut order: Vec<&Packet> = self.packets.iter().collect();
        // By the signed distance to the first: the numbers wrap, and the first to come need not be the first sent.
        order.sort_by_key(|packet| packet.sequence.wrapping_sub(first).cast_signed());
        order.into_iter()
    }
}

fn event_of(key: char) -> Option<u8> {
    match key {
        '0'..='9' => u8::try_from(u32::from(key) - u32::from('0')).ok(),
        '*' => Some(10),
        '#' => Some(11),
        _ => None,
    }
}

/// Static payload type of G.711 µ-law (RFC 3551).
const PCMU: u8 = 0;
/// What the phone's offer calls telephone-event.
const EVENTS: u8 = 101;
const SSRC: u32 = 0x5354_524f;
/// A key is held for 100 ms.
const PARTS: u16 = 5;
const END: u8 = 0x80;
/// -10 dBm0.
const VOLUME: u8 = 10;

/// Slots to milliseconds.
pub(super) const SLOT_MS: u64 = 1000 / FRAMES_PER_SECOND as u64;
