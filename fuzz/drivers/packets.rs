//! Plays bytes as a story to a worker's table: what the call logic asks, what phones and strangers send, what agents say, how time
//! passes.
//!
//! Asserted: nothing panics; memory stays in its bounds and is given back; a held-up worker sends no flood; a leg sends one stream
//! whose numbers tell the order of what is in it; an agent hears the phone in order, every 20 ms, and each mark once.
//!
//! The phones of the first two legs say with each packet how many they sent before it, so that order can be told. The other two
//! legs get raw bytes as well, and are only to survive.

mod watcher;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::agent::{MarkId, TapInput};
use media::command::{Codec, Counters, Digit, Direction, Remote};
use media::{Channel, Command, MediaKey, Slot, Table, Taken};

use watcher::{Cause, HEADER, Heard, LEGS, TAGS, WATCHED, Watcher, tag};

/// Plays one story; panics where the table breaks its word.
pub(crate) fn play(story: &[u8], start: Instant) {
    let mut left = allocation_counter::AllocationInfo::default();
    let all = allocation_counter::measure(|| {
        let mut stage = Stage::new(story, start);
        while let Some(op) = stage.next() {
            stage.act(op);
        }
        left = allocation_counter::measure(|| (0..LEGS).for_each(|leg| stage.close(leg)));
        assert!(stage.table.is_empty() && stage.table.deadline().is_none(), "nothing is left");
    });
    // The list of free slots may grow.
    assert!(left.bytes_current <= 64, "closing gives back: {left:?}");
    assert_eq!(all.bytes_current, 0, "all is given back: {all:?}");
    assert!(all.bytes_max <= MAX_BYTES, "{all:?}");
}

struct Stage<'a> {
    story: std::slice::Iter<'a, u8>,
    table: Table,
    now: Instant,
    legs: [Option<Slot>; LEGS],
    phones: [Phone; LEGS],
    out: Watcher,
    marks: u32,
}

/// The far side of a leg.
#[derive(Clone, Copy)]
struct Phone {
    source: SocketAddr,
    ssrc: u32,
    /// The sequence number of the packet with count 0.
    sequence: u16,
    timestamp: u32,
    /// How many packets it sent.
    count: u32,
    /// The first one of its present stream.
    first: u32,
}

impl<'a> Stage<'a> {
    fn new(story: &'a [u8], start: Instant) -> Self {
        let phone = |leg: u8| Phone {
            source: address(leg),
            ssrc: 1000 * u32::from(leg),
            sequence: u16::MAX - 5,
            timestamp: u32::MAX - 1000,
            count: 0,
            first: 0,
        };
        Self {
            story: story.iter(),
            table: Table::new(42),
            now: start,
            legs: [None; LEGS],
            phones: [phone(0), phone(1), phone(2), phone(3)],
            out: Watcher::new(),
            marks: 0,
        }
    }

    fn next(&mut self) -> Option<u8> {
        self.story.next().copied()
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn leg(&mut self) -> usize {
        usize::from(self.byte()) % LEGS
    }

    fn act(&mut self, op: u8) {
        let leg = self.leg();
        let media = key(leg);
        match op % 24 {
            0 => self.close(leg),
            1 => {
                let slot = self.table.open(self.now, media);
                self.legs[leg] = Some(slot);
            }
            2 => self.describe(leg),
            3 => {
                let with = self.leg();
                self.apply(&Command::Relay { a: media, b: key(with) });
            }
            4 => self.apply(&Command::Echo { media }),
            5 => {
                self.apply(&Command::Tap { media });
                let sent = self.phones[leg].count;
                self.out.legs[leg] = Heard { sent, mark: self.out.legs[leg].mark, ..Heard::default() };
            }
            6 => {
                let digit = Digit::from_event(self.byte() % 16).expect("a digit");
                let duration = self.wait();
                self.apply(&Command::Dial { media, digit, duration });
            }
            7 => self.raw(leg),
            8 => {
                let ulaw = &SPEECH[..1 << (self.byte() % 18)];
                self.table.input(self.now, media, TapInput::Audio(Bytes::from_static(ulaw)));
            }
            9 => {
                self.marks += 1;
                self.table.input(self.now, media, TapInput::Mark(MarkId(self.marks)));
            }
            10 => self.table.input(self.now, media, TapInput::Clear),
            11 => {
                self.out.ring = if self.byte() & 1 == 1 { Taken::No } else { Taken::Yes };
            }
            12 => self.begin_stream(leg),
            13 => {
                let wait = self.wait();
                self.now += wait;
                self.expire();
            }
            14..=16 => {
                let end = self.now + self.wait();
                self.pass(end);
            }
            _ => self.speak(leg),
        }
    }

    fn wait(&mut self) -> Duration {
        Duration::from_millis(1 << (self.byte() % 15))
    }

    fn apply(&mut self, command: &Command) {
        self.out.cause = Cause::Own;
        self.out.wiring += u32::from(!matches!(command, Command::Describe { .. } | Command::Dial { .. }));
        self.table.apply(self.now, command);
    }

    fn describe(&mut self, leg: usize) {
        let (shape, place) = (self.byte(), self.byte());
        let codec = if leg < WATCHED || shape & 1 == 0 { Codec::Pcmu } else { Codec::Pcma };
        let rtp = match place % 8 {
            0 => SocketAddr::from(([0, 0, 0, 0], 4000)),
            1 => SocketAddr::from(([192, 0, 2, 9], 0)),
            place => address(place % 4),
        };
        // Another place is another stream, even from the same phone.
        self.begin_stream(leg);
        let remote = Remote {
            rtp,
            rtcp: rtp,
            codec,
            send_payload_type: 96,
            receive_payload_type: AUDIO,
            telephone_event: (shape & 2 == 0).then_some((101, EVENT)),
            direction: Direction { send: shape & 0b1100 != 0b0100, receive: shape & 0b1100 != 0b1000 },
            silence_timeout: (shape & 16 == 16).then_some(Duration::from_secs(2)),
            srtp: None,
        };
        self.apply(&Command::Describe { media: key(leg), remote });
    }

    /// Another stream, whose packets count on.
    fn begin_stream(&mut self, leg: usize) {
        let (source, sequence) = (self.byte(), self.byte());
        let phone = &mut self.phones[leg];
        phone.source = address(source % 5);
        phone.ssrc += 1;
        phone.sequence = phone.sequence.wrapping_add(u16::from(sequence) << 8);
        phone.timestamp = phone.timestamp.wrapping_add(u32::from(sequence) << 24);
        phone.first = phone.count;
    }

    /// A packet of a phone: the next one, or with others missing, or one that comes late or again.
    fn speak(&mut self, leg: usize) {
        let (order, kind) = (self.byte(), self.byte());
        let phone = &mut self.phones[leg];
        let count = match order {
            0..=159 => phone.count,
            160..=191 => phone.count + u32::from(order % 32),
            _ => phone.count.saturating_sub(u32::from(order % 16)).max(phone.first),
        };
        let count_before = phone.count;
        phone.count = phone.count.max(count + 1);
        let samples = match LENGTHS[usize::from(kind >> 4)] {
            // What fills a gap repeats 20 ms, and is to sound like one packet.
            short @ 1..160 if leg < WATCHED => 2 * short,
            samples => samples,
        };
        let payload_type = match kind & 15 {
            0 => 13,
            1 => 77,
            2 | 3 => EVENT,
            _ => AUDIO,
        };
        let mut packet = [0; HEADER + 1500];
        packet[0] = 0x80;
        packet[1] = payload_type;
        packet[2..4].copy_from_slice(&phone.sequence.wrapping_add(low(count)).to_be_bytes());
        packet[4..8].copy_from_slice(&phone.timestamp.wrapping_add(count.wrapping_mul(160)).to_be_bytes());
        packet[8..12].copy_from_slice(&phone.ssrc.to_be_bytes());
        packet[HEADER..].fill(tag(count));
        let length = if payload_type == EVENT {
            packet[HEADER..HEADER + 4].copy_from_slice(&[kind >> 4, order & 0x80, 1, kind]);
            4
        } else {
            samples
        };
        let source = phone.source;
        self.out.legs[leg].sent = phone.count;
        let received = self.table.counters(key(leg)).map(|counters| counters.received);
        self.receive(leg, Channel::Rtp, source, Cause::Phone(count), &mut packet[..HEADER + length]);
        if self.table.counters(key(leg)).map(|counters| counters.received) == received {
            // Nobody heard it: as if it had not been sent, or else what is heard lags behind by more than can be told.
            self.phones[leg].count = count_before;
            self.out.legs[leg].sent = count_before;
        }
    }

    /// Bytes of the story as a datagram.
    fn raw(&mut self, leg: usize) {
        let (shape, length) = (self.byte(), usize::from(self.byte()));
        let mut packet = [0; 256];
        for (to, from) in packet[..length].iter_mut().zip(self.story.by_ref()) {
            *to = *from;
        }
        let (leg, channel) = match shape & 3 {
            0 => (leg, Channel::Rtcp),
            _ => (leg | WATCHED, Channel::Rtp),
        };
        self.receive(leg, channel, address(shape >> 2 & 3), Cause::Raw, &mut packet[..length]);
    }

    fn receive(&mut self, leg: usize, channel: Channel, source: SocketAddr, cause: Cause, packet: &mut [u8]) {
        let slot = self.legs[leg].unwrap_or(Slot(77));
        self.out.cause = cause;
        self.table.receive(self.now, slot, channel, source, packet.into(), &mut self.out);
        self.out.cause = Cause::Own;
    }

    /// Lets time pass, doing what is due when it is due.
    fn pass(&mut self, end: Instant) {
        let mut turns = 0;
        let most = 100 + (end - self.now).as_millis();
        while let Some(at) = self.table.deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.expire();
            turns += 1;
            assert!(turns < most, "a leg has something to do every 20 ms, not more often");
        }
        self.now = end;
    }

    fn expire(&mut self) {
        (self.out.packets, self.out.frames) = (0, 0);
        self.table.expire(self.now, &mut self.out);
        assert!(self.table.deadline().is_none_or(|at| at > self.now), "something due is left");
        assert!(self.out.packets <= LEGS * MAX_PACKETS, "{} packets at once", self.out.packets);
        assert!(self.out.frames <= LEGS * MAX_FRAMES, "{} frames at once", self.out.frames);
    }

    fn close(&mut self, leg: usize) {
        let closed = self.table.close(self.now, key(leg), &mut self.out);
        assert_eq!(closed.map(|(slot, _)| slot), self.legs[leg].take());
        let Some((slot, Counters { sent, .. })) = closed else { return };
        self.out.close(slot, sent);
    }
}

fn key(leg: usize) -> MediaKey {
    MediaKey(leg as u64)
}

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 4000))
}

fn low(count: u32) -> u16 {
    let [_, _, high, low] = count.to_be_bytes();
    u16::from_be_bytes([high, low])
}

const AUDIO: u8 = 0;
const EVENT: u8 = 102;
/// Of a leg in one go, for a worker that was held up: 100 ms of audio, and as much of a digit.
const MAX_PACKETS: usize = 16;
/// Of a leg in one go: two seconds, as much as is held.
const MAX_FRAMES: usize = 103;
/// A queue of five minutes, doubled as a vector grows, for each leg; and their buffers.
const MAX_BYTES: u64 = LEGS as u64 * 8_000_000;
const LENGTHS: [usize; 16] = [160, 160, 160, 160, 160, 160, 80, 240, 320, 480, 960, 1440, 1500, 90, 161, 0];
static SPEECH: [u8; 1 << 17] = [TAGS; 1 << 17];
