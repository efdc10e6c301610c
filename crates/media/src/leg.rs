//! One leg: a port pair of ours and the far side that it talks to.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::MediaKey;
use crate::agent::TapInput;
use crate::command::{Counters, Digit, Event, Remote};
use crate::cover::Cover;
use crate::dial::{Dial, Line};
use crate::dice::Dice;
use crate::egress::Egress;
use crate::g711;
use crate::ingress::{Arrival, Ingress};
use crate::latch::{Admission, Latch};
use crate::packet::{FRAME, HEADER, Header, is_rtcp};
use crate::relay::Relay;
use crate::reports::Reports;
use crate::rtcp::Compound;
use crate::srtp::TRAILER;
use crate::table::{Channel, Outbox, Slot};
use crate::tap::{Kind, Tap};

pub(crate) struct Leg {
    pub(crate) media: MediaKey,
    slot: Slot,
    pub(crate) far: Option<Far>,
    cover: Cover,
    ingress: Ingress,
    egress: Egress,
    dial: Dial,
    reports: Reports,
    pub(crate) mode: Mode,
    counters: Counters,
}

/// The far side, as negotiated and as heard.
pub(crate) struct Far {
    pub(crate) remote: Remote,
    latch: Latch,
    heard: Instant,
    watch: Watch,
}

/// The silence timeout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Watch {
    Off,
    /// Looked at again at `check`: packets do not touch the clock.
    On {
        timeout: Duration,
        check: Instant,
    },
    Told,
}

/// What feeds the leg and what it feeds.
pub(crate) enum Mode {
    Idle,
    /// The agent speaks already, the tap has not begun.
    Waiting(Box<Tap>),
    Tapped(Box<Tap>),
    /// A bridge to `peer`, which is the leg itself for an echo. `relay` is there as soon as both are described.
    Bridged {
        peer: Slot,
        relay: Option<Relay>,
    },
}

/// A packet that belongs to the far side's stream.
pub(crate) struct Admitted {
    pub(crate) header: Header,
    pub(crate) kind: Kind,
    pub(crate) arrival: Arrival,
}

/// What a bridge needs of the leg that it sends from.
pub(crate) struct Outgoing<'a> {
    slot: Slot,
    target: Option<SocketAddr>,
    line: Line,
    egress: &'a mut Egress,
    cover: &'a mut Cover,
    reports: &'a mut Reports,
    counters: &'a mut Counters,
}

impl Leg {
    pub(crate) fn new(now: Instant, media: MediaKey, slot: Slot, dice: &mut Dice) -> Self {
        Self {
            media,
            slot,
            far: None,
            cover: Cover::Plain,
            ingress: Ingress::new(now),
            egress: Egress::new(dice.roll()),
            dial: Dial::new(),
            reports: Reports::new(now, dice.roll()),
            mode: Mode::Idle,
            counters: Counters::default(),
        }
    }

    pub(crate) fn describe(&mut self, now: Instant, remote: &Remote) {
        if remote.telephone_event.is_none() {
            self.dial.clear();
        }
        let watch = match remote.silence_timeout {
            Some(timeout) if remote.direction.send && remote.direction.receive => {
                Watch::On { timeout, check: now + timeout }
            }
            Some(_) | None => Watch::Off,
        };
        self.cover.negotiate(now, remote.srtp.as_deref(), self.egress.ssrc());
        self.reports.begin(now);
        match &mut self.far {
            Some(far) => {
                if far.remote.rtcp != remote.rtcp {
                    self.reports.forget_source();
                }
                far.latch.announce(remote.rtp);
                far.remote = remote.clone();
                far.heard = now;
                far.watch = watch;
            }
            None => {
                self.far =
                    Some(Far { remote: remote.clone(), latch: Latch::new(remote.rtp), heard: now, watch });
            }
        }
    }

    pub(crate) fn dial(&mut self, now: Instant, digit: Digit, duration: Duration) {
        let speaks = self.far.as_ref().is_some_and(|far| far.remote.telephone_event.is_some());
        if !speaks || self.dial.push(now, digit, duration).is_err() {
            self.counters.overrun += 1;
        }
    }

    /// A digit of the far side that came by another way than its packets.
    pub(crate) fn pressed(&mut self, now: Instant, digit: Digit) {
        match &mut self.mode {
            Mode::Waiting(tap) | Mode::Tapped(tap) => tap.press(now, digit, &mut self.counters),
            Mode::Idle | Mode::Bridged { .. } => {}
        }
    }

    /// Takes what the agent says, also before the tap begins.
    pub(crate) fn input(&mut self, now: Instant, input: TapInput) {
        if let Mode::Idle = self.mode {
            self.mode = Mode::Waiting(Box::new(Tap::new(now, self.media)));
        }
        let result = match &mut self.mode {
            Mode::Waiting(tap) | Mode::Tapped(tap) => tap.input(now, input),
            Mode::Idle | Mode::Bridged { .. } => Err(crate::playout::Overrun),
        };
        if result.is_err() {
            self.counters.overrun += 1;
        }
    }

    pub(crate) fn tap(&mut self, now: Instant) {
        let mut tap = match std::mem::replace(&mut self.mode, Mode::Idle) {
            Mode::Waiting(tap) => tap,
            tapped @ Mode::Tapped(_) => {
                self.mode = tapped;
                return;
            }
            Mode::Idle | Mode::Bridged { .. } => Box::new(Tap::new(now, self.media)),
        };
        tap.begin(now);
        self.ingress.welcome();
        self.mode = Mode::Tapped(tap);
    }

    /// Decides whether a datagram belongs to the far side's stream. Nothing is learnt from one that is not by its key.
    pub(crate) fn admit(
        &mut self,
        now: Instant,
        channel: Channel,
        source: SocketAddr,
        packet: &mut [u8],
        outbox: &mut impl Outbox,
    ) -> Option<Admitted> {
        let Some(far) = &mut self.far else {
            self.counters.unusable += 1;
            return None;
        };
        if channel == Channel::Rtcp || is_rtcp(packet) {
            if !far.latch.is_far_side(source) {
                self.counters.foreign += 1;
                return None;
            }
            let length = match self.cover.open_rtcp(now, packet) {
                Ok(length) => length,
                Err(why) => {
                    self.counters.refuse(why);
                    return None;
                }
            };
            far.heard = now;
            self.counters.rtcp += 1;
            if channel == Channel::Rtcp && is_rtcp(packet) {
                self.reports.comes_from(source);
            }
            self.reports.take(now, self.egress.ssrc(), &packet[..length]);
            return None;
        }
        let length = match self.cover.open_rtp(now, packet) {
            Ok(length) => length,
            Err(why) => {
                self.counters.refuse(why);
                return None;
            }
        };
        let Some(header) = Header::read(&packet[..length]) else {
            self.counters.unusable += 1;
            return None;
        };
        let kind = far.kind(header.payload_type);
        if kind == Kind::Unknown && !far.latch.hears(source) {
            self.counters.unusable += 1;
            return None;
        }
        if !far.remote.direction.receive {
            self.counters.unusable += 1;
            return None;
        }
        match far.latch.admit(now, source, &header) {
            Admission::Known => {}
            Admission::Taken => self.ingress.welcome(),
            Admission::Foreign => {
                self.counters.foreign += 1;
                return None;
            }
        }
        far.heard = now;
        if let Some(source) = far.latch.settle(now) {
            outbox.event(Event::Latched { media: self.media, source });
        }
        let arrival = self.ingress.take(now, &header);
        if arrival == Arrival::Stray {
            self.counters.unusable += 1;
            return None;
        }
        match kind {
            Kind::Audio(_) => self.ingress.measure(now, header.timestamp),
            Kind::Event | Kind::ComfortNoise | Kind::Unknown => {}
        }
        match kind {
            Kind::Audio(_) | Kind::Event | Kind::ComfortNoise => self.counters.received += 1,
            Kind::Unknown => self.counters.unusable += 1,
        }
        Some(Admitted { header, kind, arrival })
    }

    /// Hands an admitted packet to the tap, if the leg has one.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        taken: &Admitted,
        packet: &mut [u8],
        outbox: &mut impl Outbox,
    ) {
        let Mode::Tapped(tap) = &mut self.mode else { return };
        tap.adapt(self.ingress.jitter_us());
        tap.receive(now, taken, packet, &mut self.counters);
        tap.deliver(now, &mut self.counters, outbox);
    }

    /// Both ends of an echo.
    pub(crate) fn echo(&mut self) -> Option<(&mut Relay, Outgoing<'_>)> {
        let target = self.target();
        let Mode::Bridged { relay: Some(relay), .. } = &mut self.mode else { return None };
        let line = self.dial.line();
        let (egress, cover) = (&mut self.egress, &mut self.cover);
        let (reports, counters) = (&mut self.reports, &mut self.counters);
        Some((relay, Outgoing { slot: self.slot, target, line, egress, cover, reports, counters }))
    }

    /// The far end of a bridge.
    pub(crate) fn outgoing(&mut self) -> Outgoing<'_> {
        let target = self.target();
        let line = self.dial.line();
        let (egress, cover) = (&mut self.egress, &mut self.cover);
        let (reports, counters) = (&mut self.reports, &mut self.counters);
        Outgoing { slot: self.slot, target, line, egress, cover, reports, counters }
    }

    /// Does all that is due.
    pub(crate) fn expire(&mut self, now: Instant, outbox: &mut impl Outbox) {
        self.watch_silence(now, outbox);
        self.play(now, outbox);
        if self.reports.is_due(now)
            && let Some(target) = self.reports_target()
        {
            let report = self.reports.report(now, &self.egress, &mut self.ingress);
            self.tell(target, report, outbox);
            outbox.event(Event::Measured { media: self.media, counters: self.counters() });
        }
    }

    /// Says goodbye. The far side may send still, and hears nothing any more.
    pub(crate) fn leave(&mut self, now: Instant, outbox: &mut impl Outbox) {
        if let Some(target) = self.reports_target()
            && let Some(goodbye) = self.reports.goodbye(now, &self.egress, &mut self.ingress)
        {
            self.tell(target, goodbye, outbox);
        }
    }

    fn tell(&mut self, target: SocketAddr, mut report: Compound, outbox: &mut impl Outbox) {
        let (buffer, length) = report.buffer();
        match self.cover.seal_rtcp(buffer, length) {
            Ok(sealed) => outbox.send(self.slot, Channel::Rtcp, target, &buffer[..sealed]),
            Err(why) => self.counters.refuse(why),
        }
    }

    /// Sends digits and the agent's audio, and hands the agent what is due.
    fn play(&mut self, now: Instant, outbox: &mut impl Outbox) {
        let target = self.target();
        let Some(far) = &self.far else { return };
        let slot = self.slot;
        let (egress, cover) = (&mut self.egress, &mut self.cover);
        let (reports, counters) = (&mut self.reports, &mut self.counters);
        let mut buffer = [0; HEADER + FRAME + TRAILER];
        let mut send = |header: &[u8], payload: &[u8]| {
            let Some(target) = target else { return };
            let length = header.len() + payload.len();
            buffer[..header.len()].copy_from_slice(header);
            buffer[header.len()..length].copy_from_slice(payload);
            match cover.seal_rtp(&mut buffer, length) {
                Ok(sealed) => {
                    counters.sent += 1;
                    reports.sent(length - HEADER);
                    outbox.send(slot, Channel::Rtp, target, &buffer[..sealed]);
                }
                Err(why) => counters.refuse(why),
            }
        };
        let line_before = self.dial.line();
        if let Some((payload_type, _)) = far.remote.telephone_event {
            while let Some(packet) = self.dial.poll(now, payload_type, egress) {
                send(&packet, &[]);
            }
        }
        let line = if line_before == Line::Busy { line_before } else { self.dial.line() };
        let Mode::Tapped(tap) = &mut self.mode else { return };
        while let Some(mut packet) = tap.playout.poll(now, line) {
            if target.is_none() {
                continue;
            }
            let timestamp = egress.fresh_timestamp(packet.due);
            let follows = egress.follows(packet.due);
            let stamp = egress.stamp(packet.due, far.remote.send_payload_type, timestamp, follows);
            if let Some(table) = g711::transcoder(crate::command::Codec::Pcmu, far.remote.codec) {
                g711::map(table, &mut packet.samples);
            }
            send(&stamp.bytes(), &packet.samples);
        }
        tap.deliver(now, counters, outbox);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let far = self.far.as_ref()?;
        let watch = match far.watch {
            Watch::On { check, .. } => Some(check),
            Watch::Off | Watch::Told => None,
        };
        let tap = match &self.mode {
            Mode::Tapped(tap) => tap.deadline(),
            Mode::Idle | Mode::Waiting(_) | Mode::Bridged { .. } => None,
        };
        [watch, tap, self.dial.deadline(), self.reports.deadline()].into_iter().flatten().min()
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            lost: self.ingress.lost(),
            jitter_us: self.ingress.jitter_mean_us(),
            jitter_max_us: self.ingress.jitter_max_us(),
            round_trip_us: self.reports.round_trip_us(),
            far: self.reports.told(),
            ..self.counters
        }
    }

    /// Where to send, if we may.
    fn target(&self) -> Option<SocketAddr> {
        self.far.as_ref().filter(|far| far.remote.direction.send).and_then(|far| far.latch.target())
    }

    /// Where to report, on hold too: to where its reports come from, or else beside its RTP.
    fn reports_target(&self) -> Option<SocketAddr> {
        let far = self.far.as_ref()?;
        let rtp = far.latch.target()?;
        let source = self.reports.source().filter(|source| far.latch.is_far_side(*source));
        let announced = Some(far.remote.rtcp).filter(|_| rtp == far.remote.rtp);
        let beside = || Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
        source
            .or(announced)
            .or_else(beside)
            .filter(|target| !target.ip().is_unspecified() && target.port() != 0)
    }

    fn watch_silence(&mut self, now: Instant, outbox: &mut impl Outbox) {
        let Some(far) = &mut self.far else { return };
        let Watch::On { timeout, check } = far.watch else { return };
        if check > now {
            return;
        }
        let check = far.heard + timeout;
        if check > now {
            far.watch = Watch::On { timeout, check };
        } else {
            far.watch = Watch::Told;
            outbox.event(Event::Silent { media: self.media });
        }
    }
}

impl Far {
    fn kind(&self, payload_type: u8) -> Kind {
        let event = self.remote.telephone_event.map(|(_, receive)| receive);
        let codec = || self.remote.audio().into_iter().find(|(own, _)| *own == payload_type);
        if Some(payload_type) == event {
            Kind::Event
        } else if let Some((_, codec)) = codec() {
            Kind::Audio(codec)
        } else if payload_type == COMFORT_NOISE {
            Kind::ComfortNoise
        } else {
            Kind::Unknown
        }
    }
}

impl Outgoing<'_> {
    /// Passes a packet on.
    pub(crate) fn pass(
        self,
        now: Instant,
        taken: &Admitted,
        packet: &mut [u8],
        relay: &mut Relay,
        outbox: &mut impl Outbox,
    ) {
        let (Some(target), Line::Free) = (self.target, self.line) else {
            relay.pause(taken.arrival, &taken.header);
            return;
        };
        let part = relay.forward(now, taken.arrival, &taken.header, packet, self.egress);
        let Some(Range { start, end }) = part else { return };
        let Some(buffer) = packet.get_mut(start..) else { return };
        let length = end - start;
        match self.cover.seal_rtp(buffer, length) {
            Ok(sealed) => {
                self.counters.sent += 1;
                self.reports.sent(length.saturating_sub(HEADER));
                outbox.send(self.slot, Channel::Rtp, target, &buffer[..sealed]);
            }
            Err(why) => self.counters.refuse(why),
        }
    }
}

/// RFC 3389: its static payload type.
const COMFORT_NOISE: u8 = 13;
