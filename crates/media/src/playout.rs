//! The agent's audio on its way to the far side: queued as it comes, sent in 20 ms packets on absolute deadlines from the tap's beginning
//! to its end. While there is none, silence is sent: a far side, or what stands between, takes a stream that stops for a dead one.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::agent::MarkId;
use crate::dial::Line;
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
    /// When the next packet is due; none before the tap begins.
    next: Option<Instant>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing to play.
    Dry,
    /// Audio has come; a little more is waited for, so that an agent in real time does not stutter.
    Gathering { until: Instant },
    /// `idle_ticks` counts those without enough audio for a packet, in a row.
    Playing { idle_ticks: u32 },
}

/// 20 ms of sound.
#[derive(Debug)]
pub(crate) struct Packet {
    /// When it was due: the clock of its timestamp.
    pub(crate) due: Instant,
    pub(crate) samples: [u8; FRAME],
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
        Self {
            queue: VecDeque::new(),
            marks: VecDeque::new(),
            played: 0,
            sounding: 0,
            next: None,
            state: State::Dry,
        }
    }

    /// Time starts.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.next = Some(now);
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
        self.state = State::Dry;
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
        self.next
    }

    /// The next packet that is due, if one is. To be asked until it gives none.
    pub(crate) fn poll(&mut self, now: Instant, line: Line) -> Option<Packet> {
        loop {
            let next = self.next.as_mut().filter(|next| **next <= now)?;
            if now.saturating_duration_since(*next) > MAX_CATCH_UP {
                *next = now;
            }
            let due = *next;
            *next += TICK;
            self.played += std::mem::take(&mut self.sounding);
            if let Some(samples) = self.tick(now, line) {
                return Some(Packet { due, samples });
            }
        }
    }

    /// What is heard next; nothing while a digit is, or while the rest of a frame is waited for.
    fn tick(&mut self, now: Instant, line: Line) -> Option<[u8; FRAME]> {
        let is_short = self.queue.len() < FRAME;
        match &mut self.state {
            State::Dry => (line == Line::Free).then_some([ULAW_SILENCE; FRAME]),
            State::Gathering { until } => {
                if line == Line::Busy {
                    return None;
                }
                // A short beginning gets the same patience as a short end.
                let begin = if is_short { *until + PATIENT_TICKS * TICK } else { *until };
                if now < begin {
                    return Some([ULAW_SILENCE; FRAME]);
                }
                self.state = State::Playing { idle_ticks: 0 };
                Some(self.take())
            }
            State::Playing { idle_ticks } => {
                if line == Line::Busy {
                    *idle_ticks = idle_ticks.saturating_add(1);
                    return None;
                }
                if !is_short || (*idle_ticks >= PATIENT_TICKS && !self.queue.is_empty()) {
                    *idle_ticks = 0;
                    return Some(self.take());
                }
                *idle_ticks += 1;
                if !self.queue.is_empty() || *idle_ticks < PATIENT_TICKS {
                    return None;
                }
                self.state = State::Dry;
                self.queue.shrink_to(ENOUGH);
                Some([ULAW_SILENCE; FRAME])
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
/// So many ticks without a full frame, 60 ms, and the queue has run dry for real.
const PATIENT_TICKS: u32 = 3;
/// A worker that was held up for longer does not make up for its ticks.
const MAX_CATCH_UP: Duration = Duration::from_millis(100);
