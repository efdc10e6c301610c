//! Plays bytes as a story to a worker's table: what the call logic asks, what phones and strangers send, what agents say, how time
//! passes.
//!
//! Asserted: nothing panics; memory stays in its bounds and is given back; a held-up worker sends no flood; a leg sends one stream
//! whose numbers tell the order of what is in it; an agent hears the phone in order, every 20 ms, and each mark once.
//!
//! The phones of the first two legs say with each packet how many they sent before it, so that order can be told. The other two
//! legs get raw bytes as well, and are only to survive.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::agent::{MarkId, TapEvent, TapInput};
use media::command::{Codec, Counters, Digit, Direction, Remote};
use media::{Channel, Command, Event, MediaKey, Outbox, Slot, Table, Taken};

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

/// Looks at all that comes out.
struct Watcher {
    legs: [Heard; LEGS],
    /// By slot.
    sent: [Sent; LEGS],
    /// What comes out comes of this packet.
    cause: Cause,
    ring: Taken,
    /// Counts the changes of who feeds whom.
    wiring: u32,
    /// Since the last look.
    packets: usize,
}

#[derive(Clone, Copy)]
enum Cause {
    /// Time, or a command.
    Own,
    /// A packet of a phone, with its count.
    Phone(u32),
    /// Bytes from anywhere.
    Raw,
}

/// What an agent heard.
#[derive(Default)]
struct Heard {
    /// Of the last frame, and of the newest sound in it.
    timestamp_ms: Option<u32>,
    count: u32,
    /// What the phone has sent so far.
    sent: u32,
    mark: Option<u32>,
}

/// What a leg sent.
#[derive(Default)]
struct Sent {
    packets: u64,
    ssrc: Option<u32>,
    recent: VecDeque<Numbers>,
}

#[derive(Clone, Copy)]
struct Numbers {
    sequence: u16,
    timestamp: u32,
    /// The wiring, and the phone's count.
    feed: Option<(u32, u32)>,
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
        let mut sent: [Sent; LEGS] = Default::default();
        for sent in &mut sent {
            sent.recent.reserve_exact(RECENT + 1);
        }
        Self {
            story: story.iter(),
            table: Table::new(42),
            now: start,
            legs: [None; LEGS],
            phones: [phone(0), phone(1), phone(2), phone(3)],
            out: Watcher {
                legs: Default::default(),
                sent,
                cause: Cause::Own,
                ring: Taken::Yes,
                wiring: 0,
                packets: 0,
            },
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
            direction: Direction { send: shape & 12 != 4, receive: shape & 12 != 8 },
            silence_timeout: (shape & 16 == 16).then_some(Duration::from_secs(2)),
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
        phone.count = phone.count.max(count + 1);
        let samples = LENGTHS[usize::from(kind >> 4)];
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
        self.receive(leg, Channel::Rtp, source, Cause::Phone(count), &mut packet[..HEADER + length]);
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
        self.table.receive(self.now, slot, channel, source, packet, &mut self.out);
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
        self.out.packets = 0;
        self.table.expire(self.now, &mut self.out);
        assert!(self.table.deadline().is_none_or(|at| at > self.now), "something due is left");
        assert!(self.out.packets <= LEGS * MAX_BURST, "{} packets at once", self.out.packets);
    }

    fn close(&mut self, leg: usize) {
        let closed = self.table.close(key(leg));
        assert_eq!(closed.map(|(slot, _)| slot), self.legs[leg].take());
        let Some((slot, Counters { sent, .. })) = closed else { return };
        let watched = &mut self.out.sent[slot.index()];
        assert_eq!(sent, watched.packets);
        watched.recent.clear();
        (watched.packets, watched.ssrc) = (0, None);
    }
}

impl Outbox for Watcher {
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        assert_eq!(channel, Channel::Rtp);
        assert!(to.port() != 0 && !to.ip().is_unspecified());
        self.packets += 1;
        let sent = &mut self.sent[slot.index()];
        sent.packets += 1;
        let [first, _, s0, s1, t0, t1, t2, t3, ssrc @ ..] = *packet.first_chunk::<HEADER>().expect("a header");
        assert_eq!(first, 0x80);
        assert_eq!(*sent.ssrc.get_or_insert(u32::from_be_bytes(ssrc)), u32::from_be_bytes(ssrc), "one stream");
        let feed = match self.cause {
            Cause::Own => None,
            Cause::Phone(count) => Some((self.wiring, count)),
            // Its numbers are its own.
            Cause::Raw => return sent.recent.clear(),
        };
        let numbers =
            Numbers { sequence: u16::from_be_bytes([s0, s1]), timestamp: u32::from_be_bytes([t0, t1, t2, t3]), feed };
        for before in &sent.recent {
            numbers.check_order(before);
        }
        sent.recent.push_back(numbers);
        if sent.recent.len() > RECENT {
            sent.recent.pop_front();
        }
    }

    fn tap(&mut self, media: MediaKey, event: TapEvent) -> Taken {
        self.packets += 1;
        if self.ring == Taken::No {
            return Taken::No;
        }
        let leg = usize::try_from(media.0).expect("small");
        let heard = &mut self.legs[leg];
        match event {
            TapEvent::Audio(frame) => {
                if let Some(before) = heard.timestamp_ms.replace(frame.timestamp_ms) {
                    assert!(frame.timestamp_ms > before && (frame.timestamp_ms - before) % 20 == 0);
                }
                if leg < WATCHED {
                    frame.samples.iter().for_each(|&sample| heard.listen(sample));
                }
            }
            TapEvent::Mark(MarkId(mark)) => {
                assert!(heard.mark.is_none_or(|before| before < mark), "each mark once, in order");
                heard.mark = Some(mark);
            }
            TapEvent::Digit(_) => {}
        }
        Taken::Yes
    }

    fn event(&mut self, event: Event) {
        assert!(matches!(event, Event::Latched { .. } | Event::Silent { .. }), "{event:?}");
    }
}

impl Numbers {
    /// Whichever of the two packets was made first has the lower number, whatever the order in which they are sent.
    fn check_order(&self, before: &Self) {
        let ahead = self.sequence.wrapping_sub(before.sequence).cast_signed();
        let later = self.timestamp.wrapping_sub(before.timestamp).cast_signed();
        match (self.feed, before.feed) {
            (None, _) => assert!(ahead > 0, "what we make ourselves comes last"),
            (Some((wiring, count)), Some((wiring_before, count_before))) if wiring == wiring_before => {
                assert_eq!(ahead.cmp(&0), count.cmp(&count_before), "numbers tell the order");
            }
            (Some(_), _) => {}
        }
        assert!(later == 0 || (later > 0) == (ahead > 0), "timestamps tell the order");
    }
}

impl Heard {
    /// A sample of the phone: not older than the one before it.
    fn listen(&mut self, sample: u8) {
        if sample >= TAGS {
            return;
        }
        // The newest count that may be meant.
        let newest = self.sent.saturating_sub(1);
        let age = (u32::from(tag(newest)) + u32::from(TAGS) - u32::from(sample)) % u32::from(TAGS);
        let count = newest.checked_sub(age).expect("a packet that was sent");
        assert!(count >= self.count, "packet {count} is heard after {}", self.count);
        self.count = count;
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

/// What the packet sounds like.
fn tag(count: u32) -> u8 {
    u8::try_from(count % u32::from(TAGS)).expect("small")
}

const LEGS: usize = 4;
/// The legs whose order is watched.
const WATCHED: usize = 2;
const HEADER: usize = 12;
const AUDIO: u8 = 0;
const EVENT: u8 = 102;
/// Sounds that can be told from each other and from silence.
const TAGS: u8 = 250;
/// Packets that are looked back at.
const RECENT: usize = 48;
/// Frames, digits, marks and packets of a leg in one go: what is in a tap's buffer, and no more.
const MAX_BURST: usize = 8192;
/// A queue of five minutes, doubled as a vector grows, for each leg; and their buffers.
const MAX_BYTES: u64 = LEGS as u64 * 8_000_000;
const LENGTHS: [usize; 16] = [160, 160, 160, 160, 160, 160, 80, 240, 320, 480, 960, 1440, 1500, 40, 161, 0];
static SPEECH: [u8; 1 << 17] = [TAGS; 1 << 17];
