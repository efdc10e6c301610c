//! A table, a clock that only we move, and all that comes out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::agent::{TapEvent, TapInput};
use media::command::{Codec, Command, Counters, Direction, Remote};
use media::srtp::{Opener, TRAILER};
use media::{Channel, Datagram, Event, MediaKey, Outbox, Slot, Table, Taken};

pub(crate) const A: MediaKey = MediaKey(1);
pub(crate) const B: MediaKey = MediaKey(2);
pub(crate) const EVENT: u8 = 101;

pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    pub(crate) out: Recorder,
}

#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) sent: Vec<Sent>,
    pub(crate) reports: Vec<Report>,
    pub(crate) taps: Vec<(MediaKey, TapEvent)>,
    pub(crate) tap_times: Vec<Duration>,
    pub(crate) events: Vec<Event>,
    /// What legs told of themselves, and when.
    pub(crate) measured: Vec<(Duration, MediaKey, Counters)>,
    pub(crate) full: bool,
    /// The far sides of encrypted legs, who must be able to open what they are sent.
    pub(crate) openers: BTreeMap<Slot, Opener>,
    at: Duration,
}

/// A packet that the table sent, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) slot: Slot,
    pub(crate) to: SocketAddr,
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

/// A compound RTCP packet that the table sent, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) at: Duration,
    pub(crate) slot: Slot,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Sent {
    pub(crate) fn is_silence(&self) -> bool {
        let silence = if self.payload_type == payload_type(Codec::Pcma) { 0xd5 } else { 0xff };
        self.payload.iter().all(|sample| *sample == silence)
    }
}

impl Outbox for Recorder {
    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        let mut packet = packet.to_vec();
        if let Some(opener) = self.openers.get_mut(&slot) {
            let length = match channel {
                Channel::Rtp => opener.rtp(&mut packet),
                Channel::Rtcp => opener.rtcp(&mut packet),
            };
            packet.truncate(length.expect("what is sent is by our key"));
        }
        if channel == Channel::Rtcp {
            return self.reports.push(Report { at: self.at, slot, to, bytes: packet });
        }
        let reader = rtp_rs::RtpReader::new(&packet).expect("what is sent is RTP");
        self.sent.push(Sent {
            at: self.at,
            slot,
            to,
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            payload: reader.payload().to_vec(),
        });
    }

    fn tap(&mut self, media: MediaKey, event: TapEvent) -> Taken {
        if self.full {
            return Taken::No;
        }
        self.taps.push((media, event));
        self.tap_times.push(self.at);
        Taken::Yes
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Measured { media, counters } => self.measured.push((self.at, media, counters)),
            other @ (Event::Bound { .. }
            | Event::BindFailed { .. }
            | Event::Latched { .. }
            | Event::Silent { .. }
            | Event::Lost { .. }
            | Event::Released { .. }) => self.events.push(other),
        }
    }
}

impl Recorder {
    pub(crate) fn audio(&self) -> Vec<u8> {
        self.taps
            .iter()
            .filter_map(|(_, event)| match event {
                TapEvent::Audio(frame) => Some(frame.samples),
                TapEvent::Digit(_) | TapEvent::Mark(_) => None,
            })
            .flatten()
            .collect()
    }

    pub(crate) fn digits(&self) -> String {
        self.taps
            .iter()
            .filter_map(|(_, event)| match event {
                TapEvent::Digit(digit) => Some(digit.key()),
                TapEvent::Audio(_) | TapEvent::Mark(_) => None,
            })
            .collect()
    }

    pub(crate) fn marks(&self) -> Vec<(Duration, u32)> {
        self.taps
            .iter()
            .zip(&self.tap_times)
            .filter_map(|((_, event), at)| match event {
                TapEvent::Mark(mark) => Some((*at, mark.0)),
                TapEvent::Audio(_) | TapEvent::Digit(_) => None,
            })
            .collect()
    }
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self { table: Table::new(42), start, now: start, out: Recorder::default() }
    }

    /// One leg, tapped.
    pub(crate) fn tapped(codec: Codec) -> Self {
        let mut world = Self::new();
        world.table.open(world.now, A);
        world.describe(A, remote(1, codec));
        world.apply(&Command::Tap { media: A });
        world
    }

    /// Two legs, bridged: A in slot 0, B in slot 1.
    pub(crate) fn bridged(a: Codec, b: Codec) -> Self {
        let mut world = Self::new();
        world.table.open(world.now, A);
        world.table.open(world.now, B);
        world.describe(A, remote(1, a));
        world.describe(B, remote(2, b));
        world.apply(&Command::Relay { a: A, b: B });
        world
    }

    pub(crate) fn apply(&mut self, command: &Command) {
        self.table.apply(self.now, command);
    }

    pub(crate) fn describe(&mut self, media: MediaKey, remote: Remote) {
        self.apply(&Command::Describe { media, remote });
    }

    pub(crate) fn input(&mut self, input: TapInput) {
        self.table.input(self.now, A, input);
        self.run_to(self.elapsed());
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Lets time pass, doing what is due when it is due.
    pub(crate) fn run_to(&mut self, until: Duration) {
        while let Some(deadline) = self.table.deadline().filter(|deadline| *deadline <= self.start + until) {
            self.now = self.now.max(deadline);
            self.out.at = self.elapsed();
            self.table.expire(self.now, &mut self.out);
        }
        self.now = self.start + until;
        self.out.at = until;
    }

    pub(crate) fn run(&mut self, ms: u64) {
        self.run_to(self.elapsed() + Duration::from_millis(ms));
    }

    /// A packet of the far side of a leg comes in.
    pub(crate) fn receive(&mut self, slot: u32, source: SocketAddr, packet: &[u8]) {
        self.out.at = self.elapsed();
        let mut buffer = [packet, &[0; TRAILER]].concat();
        let datagram = Datagram::new(&mut buffer, packet.len());
        self.table.receive(self.now, Slot(slot), Channel::Rtp, source, datagram, &mut self.out);
    }

    /// An RTCP packet comes in on the RTCP port of a leg.
    pub(crate) fn receive_report(&mut self, slot: u32, source: SocketAddr, packet: &[u8]) {
        self.out.at = self.elapsed();
        let mut buffer = [packet, &[0; TRAILER]].concat();
        let datagram = Datagram::new(&mut buffer, packet.len());
        self.table.receive(self.now, Slot(slot), Channel::Rtcp, source, datagram, &mut self.out);
    }

    pub(crate) fn close(&mut self, media: MediaKey) -> Option<(Slot, Counters)> {
        self.out.at = self.elapsed();
        self.table.close(self.now, media, &mut self.out)
    }

    /// What a leg sent, but for whole packets of silence.
    pub(crate) fn said_by(&self, slot: u32) -> Vec<Sent> {
        let mut sent = self.sent_by(slot);
        sent.retain(|sent| !sent.is_silence());
        sent
    }

    pub(crate) fn sent_by(&self, slot: u32) -> Vec<Sent> {
        self.out.sent.iter().filter(|sent| sent.slot == Slot(slot)).cloned().collect()
    }
}

/// A phone that counts as phones do.
pub(crate) struct Phone {
    pub(crate) address: SocketAddr,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) payload_type: u8,
}

impl Phone {
    pub(crate) fn new(last: u8, codec: Codec) -> Self {
        Self {
            address: address(last),
            ssrc: 0xaaaa_0000 + u32::from(last),
            sequence: 65_500,
            timestamp: u32::MAX - 1000,
            payload_type: payload_type(codec),
        }
    }

    pub(crate) fn audio(&mut self, samples: &[u8]) -> Vec<u8> {
        let packet = rtp(self.payload_type, false, self.sequence, self.timestamp, self.ssrc, samples);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(u32::try_from(samples.len()).expect("a packet"));
        packet
    }

    /// One packet of an event that began at the present timestamp.
    pub(crate) fn event(&mut self, event: u8, end: bool, duration: u16) -> Vec<u8> {
        let [high, low] = duration.to_be_bytes();
        let payload = [event, if end { 0x8a } else { 0x0a }, high, low];
        let packet = rtp(EVENT, false, self.sequence, self.timestamp, self.ssrc, &payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

pub(crate) fn rtp(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: &[u8],
) -> Vec<u8> {
    rtp_rs::RtpPacketBuilder::new()
        .payload_type(payload_type)
        .marked(marker)
        .sequence(sequence.into())
        .timestamp(timestamp)
        .ssrc(ssrc)
        .payload(payload)
        .build()
        .expect("a packet")
}

pub(crate) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4000))
}

pub(crate) fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
    }
}

pub(crate) fn remote(last: u8, codec: Codec) -> Remote {
    let rtp = address(last);
    Remote {
        rtp,
        rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1),
        codec,
        send_payload_type: payload_type(codec),
        receive_payload_type: payload_type(codec),
        telephone_event: Some((EVENT, EVENT)),
        direction: Direction { send: true, receive: true },
        silence_timeout: None,
        srtp: None,
    }
}

/// Sounds that are all different from each other and from silence, as far as bytes allow.
pub(crate) fn speech(samples: usize) -> Vec<u8> {
    let mut random = 1_u32;
    (0..samples)
        .map(|_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from((random >> 24) % 0x7f).expect("below 127")
        })
        .collect()
}
