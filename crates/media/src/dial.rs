//! Digits sent as telephone-event: one timestamp, a growing duration, the end three times (RFC 4733 s.2.5.1).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::command::Digit;
use crate::dtmf::{EventPayload, Stage};
use crate::egress::{Egress, Follows};
use crate::packet::{HEADER, TICK};

/// The digits still to be sent. While one is on its way, the leg's audio waits.
#[derive(Debug)]
pub(crate) struct Dial {
    queue: VecDeque<(Digit, Duration)>,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    /// The next packet is due at `next`. `timestamp` is `None` before the first one.
    Sounding {
        digit: Digit,
        total: u16,
        elapsed: u16,
        timestamp: Option<u32>,
        ends_sent: u8,
        next: Instant,
    },
    /// The silence after a digit that makes the next one another.
    Pausing {
        until: Instant,
    },
}

/// Whether the leg's line is taken by a digit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    Free,
    Busy,
}

/// Too many digits wait already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

impl Dial {
    /// The most digits that wait.
    pub(crate) const MAX_WAITING: usize = 64;

    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::new(), state: State::Idle }
    }

    pub(crate) fn push(&mut self, now: Instant, digit: Digit, duration: Duration) -> Result<(), Full> {
        if self.queue.len() >= Self::MAX_WAITING {
            return Err(Full);
        }
        self.queue.push_back((digit, duration));
        if matches!(self.state, State::Idle) {
            self.begin_next(now);
        }
        Ok(())
    }

    pub(crate) fn line(&self) -> Line {
        match self.state {
            State::Sounding { .. } => Line::Busy,
            State::Idle | State::Pausing { .. } => Line::Free,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Sounding { next, .. } => Some(next),
            State::Pausing { until } => Some(until),
        }
    }

    /// The next packet that is due, if one is. To be asked until it gives none.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        payload_type: u8,
        egress: &mut Egress,
    ) -> Option<[u8; HEADER + 4]> {
        if let State::Pausing { until } = self.state
            && until <= now
        {
            self.begin_next(now);
        }
        let State::Sounding { digit, total, elapsed, timestamp, ends_sent, next } = &mut self.state else {
            return None;
        };
        if *next > now {
            return None;
        }
        if now.saturating_duration_since(*next) > MAX_CATCH_UP {
            *next = now;
        }
        *elapsed = elapsed.saturating_add(STEP).min(*total);
        let stage = if elapsed < total { Stage::Going } else { Stage::End };
        let payload = EventPayload { event: digit.event(), stage, duration: *elapsed };
        let stamp = if let Some(begun) = *timestamp {
            egress.stamp_again(payload_type, begun)
        } else {
            let begun = *timestamp.insert(egress.fresh_timestamp(now));
            egress.stamp(now, payload_type, begun, Follows::Silence)
        };
        *next += TICK;
        if stage == Stage::End {
            *ends_sent += 1;
            if *ends_sent == ENDS {
                self.state = State::Pausing { until: now + PAUSE };
            }
        }
        let mut packet = [0; HEADER + 4];
        packet[..HEADER].copy_from_slice(&stamp.bytes());
        packet[HEADER..].copy_from_slice(&payload.bytes());
        Some(packet)
    }

    /// Forgets all that is still to be sent.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.state = State::Idle;
    }

    fn begin_next(&mut self, now: Instant) {
        self.state = match self.queue.pop_front() {
            None => State::Idle,
            Some((digit, duration)) => State::Sounding {
                digit,
                total: samples(duration),
                elapsed: 0,
                timestamp: None,
                ends_sent: 0,
                next: now,
            },
        };
    }
}

/// 40 to 8,000 ms, in whole packets.
fn samples(duration: Duration) -> u16 {
    let ms = u16::try_from(duration.as_millis()).unwrap_or(MAX_MS).clamp(MIN_MS, MAX_MS);
    (ms * 8).next_multiple_of(STEP)
}

/// 20 ms.
const STEP: u16 = 160;
const MIN_MS: u16 = 40;
const MAX_MS: u16 = 8000;
/// RFC 4733 s.2.5.1.4.
const ENDS: u8 = 3;
/// A worker that was held up for longer does not make up for its ticks.
const MAX_CATCH_UP: Duration = Duration::from_millis(100);
/// Between two digits, for receivers that go by the gap.
const PAUSE: Duration = Duration::from_millis(60);
