//! A leg whose audio goes to and from an agent stream.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use crate::MediaKey;
use crate::agent::{Frame, TapEvent, TapInput};
use crate::command::{Codec, Counters, Digit};
use crate::dtmf::Digits;
use crate::g711;
use crate::ingress::Arrival;
use crate::jitter::{Jitter, MAX_SAMPLES, Place, Placed};
use crate::leg::Admitted;
use crate::packet::{Header, TICK};
use crate::playout::{Overrun, Playout};
use crate::table::{Outbox, Taken};

pub(crate) struct Tap {
    media: MediaKey,
    began: Instant,
    jitter: Jitter,
    digits: Digits,
    pub(crate) playout: Playout,
    /// Digits and marks that the agent's ring has not taken yet.
    owed: VecDeque<TapEvent>,
    owed_due: Option<Instant>,
    /// Of the next frame.
    timestamp_ms: Option<u32>,
}

/// What a packet is, by its payload type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Audio(Codec),
    Event,
    ComfortNoise,
    Unknown,
}

impl Tap {
    pub(crate) fn new(now: Instant, media: MediaKey) -> Self {
        Self {
            media,
            began: now,
            jitter: Jitter::new(),
            digits: Digits::default(),
            playout: Playout::new(),
            owed: VecDeque::new(),
            owed_due: None,
            timestamp_ms: None,
        }
    }

    /// Its clock starts.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began = now;
        self.playout.begin(now);
        self.owed_due = (!self.owed.is_empty()).then_some(now);
    }

    /// A packet of the far side. The payload is changed to µ-law in place.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        taken: &Admitted,
        packet: &mut [u8],
        counters: &mut Counters,
    ) {
        let Admitted { header, kind, arrival } = taken;
        let Header { sequence, timestamp, .. } = *header;
        if *arrival == Arrival::Starts {
            self.jitter.restart(sequence, timestamp);
            self.digits.reset();
        }
        let payload = payload(packet, &header.payload);
        match kind {
            Kind::Audio(codec) if (1..=MAX_SAMPLES).contains(&payload.len()) => {
                if let Some(table) = g711::transcoder(*codec, Codec::Pcmu) {
                    g711::map(table, payload);
                }
                match self.jitter.push(now, sequence, timestamp, payload) {
                    Placed::Kept => {}
                    Placed::Dropped => counters.unusable += 1,
                }
            }
            Kind::Audio(_) | Kind::Unknown => self.jitter.note(now, sequence, timestamp, Place::Other),
            Kind::ComfortNoise => self.jitter.note(now, sequence, timestamp, Place::Pause),
            Kind::Event => {
                self.jitter.note(now, sequence, timestamp, Place::Pause);
                for digit in self.digits.take(now, timestamp, payload).into_iter().flatten() {
                    self.press(now, digit, counters);
                }
            }
        }
    }

    /// Adapts to the jitter of the far side's stream.
    pub(crate) fn adapt(&mut self, jitter_us: u32) {
        self.jitter.adapt(jitter_us);
    }

    /// From the agent.
    pub(crate) fn input(&mut self, now: Instant, input: TapInput) -> Result<(), Overrun> {
        let result = match input {
            TapInput::Audio(ulaw) => self.playout.push(now, &ulaw),
            TapInput::Mark(mark) => self.playout.mark(mark),
            TapInput::Clear => {
                self.playout.clear();
                Ok(())
            }
        };
        self.tell_marks(now).and(result)
    }

    /// Hands the agent what is due.
    pub(crate) fn deliver(&mut self, now: Instant, counters: &mut Counters, outbox: &mut impl Outbox) {
        while let Some(samples) = self.jitter.poll(now) {
            let began = self.began;
            let timestamp_ms = *self.timestamp_ms.get_or_insert_with(|| {
                let since = now.saturating_duration_since(began).as_millis();
                u32::try_from(since).unwrap_or(u32::MAX)
            });
            self.timestamp_ms = Some(timestamp_ms.saturating_add(20));
            match outbox.tap(self.media, TapEvent::Audio(Frame { timestamp_ms, samples })) {
                Taken::Yes => {}
                Taken::No => counters.overrun += 1,
            }
        }
        if let Some(digit) = self.digits.expire(now) {
            self.press(now, digit, counters);
        }
        if self.tell_marks(now).is_err() {
            counters.overrun += 1;
        }
        if self.owed_due.is_some_and(|due| due <= now) {
            self.owed_due = None;
            while let Some(event) = self.owed.pop_front() {
                if outbox.tap(self.media, event.clone()) == Taken::No {
                    self.owed.push_front(event);
                    self.owed_due = Some(now + TICK);
                    break;
                }
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.jitter.deadline(), self.digits.deadline(), self.playout.deadline(), self.owed_due]
            .into_iter()
            .flatten()
            .min()
    }

    fn tell_marks(&mut self, now: Instant) -> Result<(), Overrun> {
        let mut result = Ok(());
        while let Some(mark) = self.playout.reached() {
            result = self.owe(now, TapEvent::Mark(mark)).and(result);
        }
        result
    }

    /// Tells the agent of a digit.
    pub(crate) fn press(&mut self, now: Instant, digit: Digit, counters: &mut Counters) {
        if self.owe(now, TapEvent::Digit(digit)).is_err() {
            counters.overrun += 1;
        }
    }

    fn owe(&mut self, now: Instant, event: TapEvent) -> Result<(), Overrun> {
        if self.owed.len() >= MAX_OWED {
            return Err(Overrun);
        }
        self.owed.push_back(event);
        self.owed_due.get_or_insert(now);
        Ok(())
    }
}

fn payload<'a>(packet: &'a mut [u8], range: &Range<usize>) -> &'a mut [u8] {
    packet.get_mut(range.clone()).unwrap_or_default()
}

const MAX_OWED: usize = Playout::MAX_MARKS + 64;
