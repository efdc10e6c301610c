//! The agent's audio on its way to the far side: queued as it comes, sent in 20 ms packets on absolute deadlines.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::agent::MarkId;
use crate::dial::Line;
use crate::egress::Follows;
use crate::g711::ULAW_SILENCE;
use crate::packet::{FRAME, TICK};

pub(crate) struct Playout {
    /// µ-law.
    queue: VecDeque<u8>,
    /// In samples since the beginning: when each is reached.
    marks: VecDeque<(u64, MarkId)>,
    /// Samples taken from the queue and heard to their end.
    played: u64,
    /// Samples of the packet that is being heard.
    sounding: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing to play.
    Dry,
    /// Audio has come; a little more is waited for, so that an agent in real time does not stutter.
    Gathering { until: Instant },
    /// The next packet is due at `next`. `idle_ticks` counts those without a packet, in a row.
    Playing { next: Instant, idle_ticks: u32 },
}

/// A packet's worth of audio.
#[derive(Debug)]
pub(crate) struct Packet {
    /// When it was due: the clock of its timestamp.
    pub(crate) due: Instant,
    pub(crate) samples: [u8; FRAME],
    pub(crate) follows: Follows,
}

/// What did not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Overrun;

impl Playout {
    /// Five minutes.
    pub(crate) const MAX_SAMPLES: usize = 2_400_000;
    /// The most marks that wait.
    pub(crate) const MAX_MARKS: usize = 4096;

    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::new(), marks: VecDeque::new(), played: 0, sounding: 0, state: State::Dry }
    }

    /// Queues audio; what is beyond five minutes is dropped.
    pub(crate) fn push(&mut self, now: Instant, ulaw: &[u8]) -> Result<(), Overrun> {
        let fits = ulaw.len().min(Self::MAX_SAMPLES - self.queue.len());
        self.queue.extend(&ulaw[..fits]);
        if fits > 0 {
            match &mut self.state {
                State::Dry => self.state = State::Gathering { until: now + GATHERING },
                State::Gathering { .. } | State::Playing { .. } => {}
            }
        }
        if let State::Gathering { until } = &mut self.state
            && self.queue.len() >= ENOUGH
        {
            *until = now.min(*until);
        }
        if fits == ulaw.len() { Ok(()) } else { Err(Overrun) }
    }

    /// A mark at the end of the queue.
    pub(crate) fn mark(&mut self, mark: MarkId) -> Result<(), Overrun> {
        if self.marks.len() >= Self::MAX_MARKS {
            return Err(Overrun);
        }
        let position = self.played + self.sounding + self.queue.len() as u64;
        self.marks.push_back((position, mark));
        Ok(())
    }

    /// Empties the queue. Its marks have been reached by that.
    pub(crate) fn clear(&mut self) {
        self.queue = VecDeque::new();
        for (position, _) in &mut self.marks {
            *position = self.played;
        }
        if let State::Gathering { .. } = self.state {
            self.state = State::Dry;
        }
    }

    /// The next mark that has been reached. To be asked until it gives none.
    pub(crate) fn reached(&mut self) -> Option<MarkId> {
        let (position, mark) = *self.marks.front()?;
        if position > self.played {
            return None;
        }
        self.marks.pop_front();
        Some(mark)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Dry => None,
            State::Gathering { until } => Some(until),
            State::Playing { next, .. } => Some(next),
        }
    }

    /// The next packet that is due, if one is. To be asked until it gives none.
    pub(crate) fn poll(&mut self, now: Instant, line: Line) -> Option<Packet> {
        if let State::Gathering { until } = self.state
            && until <= now
        {
            // Begun when it was due, unless the worker was held up.
            let next = if now.saturating_duration_since(until) > MAX_CATCH_UP { now } else { until };
            self.state = State::Playing { next, idle_ticks: IDLE_BEFORE };
        }
        loop {
            let State::Playing { next, idle_ticks } = &mut self.state else { return None };
            if *next > now {
                return None;
            }
            if now.saturating_duration_since(*next) > MAX_CATCH_UP {
                *next = now;
                *idle_ticks = (*idle_ticks).max(1);
            }
            let due = *next;
            *next += TICK;
            self.played += std::mem::take(&mut self.sounding);
            if line == Line::Busy {
                *idle_ticks = idle_ticks.saturating_add(1);
                continue;
            }
            let is_dry = *idle_ticks >= PATIENT_TICKS && *idle_ticks < IDLE_BEFORE;
            if self.queue.len() >= FRAME || (is_dry && !self.queue.is_empty()) {
                let follows = if *idle_ticks == 0 { Follows::Audio } else { Follows::Silence };
                *idle_ticks = 0;
                return Some(Packet { due, samples: self.take(), follows });
            }
            // A short beginning gets the same patience as a short end.
            *idle_ticks = if *idle_ticks == IDLE_BEFORE { 1 } else { *idle_ticks + 1 };
            if self.queue.is_empty() && *idle_ticks >= PATIENT_TICKS {
                self.state = State::Dry;
                self.queue.shrink_to(ENOUGH);
                return None;
            }
        }
    }

    /// A frame, padded with silence when it is the last one.
    fn take(&mut self) -> [u8; FRAME] {
        let mut samples = [ULAW_SILENCE; FRAME];
        let length = self.queue.len().min(FRAME);
        for (slot, sample) in samples.iter_mut().zip(self.queue.drain(..length)) {
            *slot = sample;
        }
        self.sounding = length as u64;
        samples
    }
}

/// How long a beginning waits for more.
const GATHERING: Duration = Duration::from_millis(40);
/// So much audio needs no waiting: 60 ms.
const ENOUGH: usize = 3 * FRAME;
/// So many ticks without a full frame, and the queue has run dry for real.
const PATIENT_TICKS: u32 = 3;
/// The count before the first packet: no tick was missed, but silence came before it.
const IDLE_BEFORE: u32 = u32::MAX;
/// A worker that was held up for longer does not make up for its ticks.
const MAX_CATCH_UP: Duration = Duration::from_millis(100);
