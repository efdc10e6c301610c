//! The jitter buffer of a tap: packets in, 20 ms frames of µ-law out, in order.
//!
//! Every sample that comes in time goes out exactly once. When the sender is late nothing is made up: the frame waits for the
//! next tick. Only after a second, or when the sender says that it pauses, frames of silence go out, so that an agent hears the end
//! of a sentence. A packet is taken for lost only when later ones are there and its time is up; its place is then filled by the audio
//! before it, and by silence after 20 ms.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::g711::ULAW_SILENCE;
use crate::packet::{FRAME, TICK, sequence_distance, timestamp_distance};

pub(crate) struct Jitter {
    /// Audio that is in order. Never grows beyond `CAPACITY`.
    ready: VecDeque<u8>,
    /// Packets beyond a hole, each at its sequence number modulo `HELD`.
    held: Box<[Held; HELD]>,
    position: Option<Position>,
    next_tick: Option<Instant>,
    /// Ticks without audio in a row.
    dry_ticks: u32,
    /// Silence made up since the last packet, in samples.
    filled: u32,
    pause: Pause,
    /// How long a missing packet is waited for.
    patience: Duration,
    last_length: usize,
    recent: [u8; FRAME],
}

/// Where the stream stands.
#[derive(Debug)]
struct Position {
    next_sequence: u16,
    next_timestamp: u32,
}

#[derive(Clone, Copy)]
struct Held {
    state: Hold,
    sequence: u16,
    timestamp: u32,
    length: usize,
    samples: [u8; MAX_HELD_SAMPLES],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Empty,
    Audio {
        since: Instant,
    },
    /// A packet that is no audio, but has a place in the sequence.
    Place {
        since: Instant,
    },
}

/// What the sender last said of its silence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pause {
    /// Nothing: it may just be late.
    Unsaid,
    /// Comfort noise (RFC 3389), or a digit (RFC 4733): it pauses.
    Said,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    Kept,
    /// Too late, a duplicate, or too long to be kept out of order.
    Dropped,
}

/// A packet without audio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Comfort noise, or a digit, which takes the place of audio: silence goes out as time passes, not when audio comes
    /// again, so that what an agent sends back keeps its pace.
    Pause,
    Other,
}

impl Jitter {
    pub(crate) fn new() -> Self {
        let empty = Held {
            state: Hold::Empty,
            sequence: 0,
            timestamp: 0,
            length: 0,
            samples: [ULAW_SILENCE; MAX_HELD_SAMPLES],
        };
        Self {
            ready: VecDeque::with_capacity(CAPACITY),
            held: Box::new([empty; HELD]),
            position: None,
            next_tick: None,
            dry_ticks: 0,
            filled: 0,
            pause: Pause::Unsaid,
            patience: MIN_PATIENCE,
            last_length: FRAME,
            recent: [ULAW_SILENCE; FRAME],
        }
    }

    /// Another stream begins with this packet. What the old one left is played first, without its holes.
    pub(crate) fn restart(&mut self, sequence: u16, timestamp: u32) {
        while let Some(index) = self.nearest() {
            self.jump_to(index);
            self.drain();
            if self.room() < MAX_HELD_SAMPLES {
                break;
            }
        }
        for held in self.held.iter_mut() {
            held.state = Hold::Empty;
        }
        self.position = Some(Position { next_sequence: sequence, next_timestamp: timestamp });
        self.filled = 0;
    }

    /// Adapts to the network.
    pub(crate) fn adapt(&mut self, jitter_us: u32) {
        self.patience = patience(jitter_us);
    }

    /// An audio packet. Ask `poll` after it.
    pub(crate) fn push(&mut self, now: Instant, sequence: u16, timestamp: u32, ulaw: &[u8]) -> Placed {
        self.next_tick.get_or_insert(now + TICK);
        let Some(position) = &self.position else { return Placed::Dropped };
        let ahead = sequence_distance(position.next_sequence, sequence);
        if ahead < 0 {
            return Placed::Dropped;
        }
        self.make_near(sequence, timestamp);
        if self.is_next(sequence) {
            self.pause = Pause::Unsaid;
            self.append(timestamp, ulaw);
            self.drain();
            return Placed::Kept;
        }
        let held = &mut self.held[usize::from(sequence) % HELD];
        let Some(samples) = held.samples.get_mut(..ulaw.len()) else { return Placed::Dropped };
        if held.state != Hold::Empty {
            return Placed::Dropped;
        }
        samples.copy_from_slice(ulaw);
        (held.sequence, held.timestamp, held.length) = (sequence, timestamp, ulaw.len());
        held.state = Hold::Audio { since: now };
        Placed::Kept
    }

    /// A packet of the stream that is no audio: its number is not missing.
    pub(crate) fn note(&mut self, now: Instant, sequence: u16, timestamp: u32, place: Place) {
        let Some(position) = &self.position else { return };
        if sequence_distance(position.next_sequence, sequence) < 0 {
            return;
        }
        self.make_near(sequence, timestamp);
        if place == Place::Pause {
            self.pause = Pause::Said;
        }
        if self.is_next(sequence) {
            self.advance();
            self.drain();
            return;
        }
        let held = &mut self.held[usize::from(sequence) % HELD];
        if held.state == Hold::Empty {
            (held.sequence, held.timestamp, held.length) = (sequence, timestamp, 0);
            held.state = Hold::Place { since: now };
        }
    }

    /// When the next frame may be due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next_tick
    }

    /// The next frame that is due. To be asked until it gives none.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<[u8; FRAME]> {
        loop {
            if self.ready.len() > self.high_water() {
                return self.pop();
            }
            let tick = self.next_tick.filter(|tick| *tick <= now)?;
            let late = now.saturating_duration_since(tick) > MAX_CATCH_UP;
            self.next_tick = Some(if late { now + TICK } else { tick + TICK });
            if self.ready.len() < FRAME {
                self.give_up_hole(now);
            }
            if self.ready.len() >= FRAME {
                self.dry_ticks = 0;
                return self.pop();
            }
            self.dry_ticks = self.dry_ticks.saturating_add(1);
            if self.position.is_some() && (self.pause == Pause::Said || self.dry_ticks > PATIENT_TICKS) {
                return Some(self.silence());
            }
        }
    }

    /// Fills the first hole, if a packet beyond it has waited long enough.
    fn give_up_hole(&mut self, now: Instant) {
        let Some(index) = self.nearest() else { return };
        let waited = match self.held[index].state {
            Hold::Empty => return,
            Hold::Audio { since } | Hold::Place { since } => now.saturating_duration_since(since),
        };
        if waited < self.patience {
            return;
        }
        let Held { sequence, timestamp, .. } = self.held[index];
        self.conceal_up_to(sequence, timestamp);
        self.drain();
    }

    /// Makes room in the ring for a packet far ahead: the holes before it are given up.
    fn make_near(&mut self, sequence: u16, timestamp: u32) {
        loop {
            let Some(position) = &self.position else { return };
            let ahead = sequence_distance(position.next_sequence, sequence);
            if usize::try_from(ahead).is_ok_and(|ahead| ahead < HELD) {
                return;
            }
            match self.nearest() {
                Some(index) => {
                    let Held { sequence, timestamp, .. } = self.held[index];
                    self.conceal_up_to(sequence, timestamp);
                    self.drain();
                    if self.held[index].state != Hold::Empty {
                        // No room for its audio: give the packet up with its place.
                        self.held[index].state = Hold::Empty;
                        self.advance();
                    }
                }
                None => self.conceal_up_to(sequence, timestamp),
            }
        }
    }

    fn conceal_up_to(&mut self, sequence: u16, timestamp: u32) {
        let Some(position) = &mut self.position else { return };
        let missing = usize::from(sequence.wrapping_sub(position.next_sequence));
        let span = timestamp_distance(position.next_timestamp, timestamp);
        let most = (missing * self.last_length).min(MAX_FILL);
        // The timestamps know how much is missing, where they make sense.
        let samples = usize::try_from(span).ok().filter(|span| *span <= most).unwrap_or(most);
        position.next_sequence = sequence;
        if span >= 0 {
            position.next_timestamp =
                position.next_timestamp.wrapping_add(u32::try_from(samples).unwrap_or(0));
        } else {
            position.next_timestamp = timestamp;
        }
        let samples = samples.saturating_sub(usize::try_from(std::mem::take(&mut self.filled)).unwrap_or(0));
        let room = self.room();
        let repeated = self.recent;
        let filling = repeated.into_iter().chain(std::iter::repeat(ULAW_SILENCE));
        self.ready.extend(filling.take(samples.min(room)));
    }

    /// Audio in order. A jump of the timestamp is the sender's silence, unless it is so small or so large that it is its clock.
    fn append(&mut self, timestamp: u32, ulaw: &[u8]) {
        let Some(position) = &mut self.position else { return };
        let jump = timestamp_distance(position.next_timestamp, timestamp);
        let filled = std::mem::take(&mut self.filled);
        if let Ok(jump @ MIN_JUMP..=MAX_JUMP) = u32::try_from(jump) {
            let silence = usize::try_from(jump.saturating_sub(filled)).unwrap_or(0);
            let room = CAPACITY.saturating_sub(self.ready.len() + MAX_SAMPLES);
            self.ready.extend(std::iter::repeat_n(ULAW_SILENCE, silence.min(room)));
        }
        let length = u32::try_from(ulaw.len()).unwrap_or(0);
        position.next_timestamp = timestamp.wrapping_add(length);
        position.next_sequence = position.next_sequence.wrapping_add(1);
        let fits = ulaw.len().min(CAPACITY.saturating_sub(self.ready.len()));
        self.ready.extend(&ulaw[..fits]);
        self.last_length = ulaw.len().clamp(FRAME / 4, MAX_SAMPLES);
        if let Some(tail) = ulaw.len().checked_sub(FRAME) {
            self.recent.copy_from_slice(&ulaw[tail..]);
        } else {
            self.recent.rotate_left(ulaw.len());
            self.recent[FRAME - ulaw.len()..].copy_from_slice(ulaw);
        }
    }

    /// Appends what is held from the present position on, up to the next hole.
    fn drain(&mut self) {
        while let Some(position) = &self.position {
            let index = usize::from(position.next_sequence) % HELD;
            let held = &self.held[index];
            let is_next = held.state != Hold::Empty && held.sequence == position.next_sequence;
            if !is_next || self.room() < MAX_HELD_SAMPLES {
                return;
            }
            let held = *held;
            match held.state {
                Hold::Empty => return,
                Hold::Place { .. } => self.advance(),
                Hold::Audio { .. } => {
                    self.pause = Pause::Unsaid;
                    self.append(held.timestamp, &held.samples[..held.length]);
                }
            }
            self.held[index].state = Hold::Empty;
        }
    }

    fn advance(&mut self) {
        if let Some(position) = &mut self.position {
            position.next_sequence = position.next_sequence.wrapping_add(1);
        }
    }

    fn jump_to(&mut self, index: usize) {
        let Held { sequence, timestamp, .. } = self.held[index];
        self.position = Some(Position { next_sequence: sequence, next_timestamp: timestamp });
    }

    /// The held packet that comes first.
    fn nearest(&self) -> Option<usize> {
        let next = self.position.as_ref()?.next_sequence;
        (0..HELD)
            .filter(|index| self.held[*index].state != Hold::Empty)
            .min_by_key(|index| self.held[*index].sequence.wrapping_sub(next))
    }

    fn is_next(&self, sequence: u16) -> bool {
        self.position.as_ref().is_some_and(|position| position.next_sequence == sequence)
    }

    fn room(&self) -> usize {
        CAPACITY.saturating_sub(self.ready.len())
    }

    /// Above it, frames go out at once: a burst, or a sender whose clock is faster than ours.
    fn high_water(&self) -> usize {
        let patience = usize::try_from(self.patience.as_millis()).unwrap_or(0) * 8;
        patience + self.last_length + FRAME
    }

    fn pop(&mut self) -> Option<[u8; FRAME]> {
        if self.ready.len() < FRAME {
            return None;
        }
        let mut frame = [ULAW_SILENCE; FRAME];
        for (slot, sample) in frame.iter_mut().zip(self.ready.drain(..FRAME)) {
            *slot = sample;
        }
        Some(frame)
    }

    /// What is left, and silence.
    fn silence(&mut self) -> [u8; FRAME] {
        let mut frame = [ULAW_SILENCE; FRAME];
        let left = self.ready.len().min(FRAME);
        for (slot, sample) in frame.iter_mut().zip(self.ready.drain(..left)) {
            *slot = sample;
        }
        self.filled = self.filled.saturating_add(u32::try_from(FRAME - left).unwrap_or(0));
        frame
    }
}

/// How long a missing packet is waited for: two deviations of the interarrival time, within 20 to 60 ms.
pub(crate) fn patience(jitter_us: u32) -> Duration {
    (MIN_PATIENCE + 2 * Duration::from_micros(jitter_us.into())).min(MAX_PATIENCE)
}

/// The longest payload that is read: 180 ms, more than a datagram on the Internet carries.
pub(crate) const MAX_SAMPLES: usize = 1440;
/// The longest payload that is kept out of order: 120 ms.
const MAX_HELD_SAMPLES: usize = 960;
/// Packets kept out of order.
const HELD: usize = 16;
/// Samples in order: about two seconds.
const CAPACITY: usize = 16_384;
/// The most that a hole is filled with: half a second.
const MAX_FILL: usize = 4000;
/// A smaller jump of the timestamps is a clock that is read, not counted.
const MIN_JUMP: u32 = 160;
/// A longer pause is not made up for when it ends: one second.
const MAX_JUMP: u32 = 8000;
const MIN_PATIENCE: Duration = Duration::from_millis(20);
const MAX_PATIENCE: Duration = Duration::from_millis(60);
/// After so many ticks without audio and without a word, the sender is silent, not late: one second.
const PATIENT_TICKS: u32 = 50;
/// A worker that was held up for longer does not make up for its ticks.
const MAX_CATCH_UP: Duration = Duration::from_millis(200);
