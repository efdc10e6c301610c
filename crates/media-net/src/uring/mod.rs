//! The back end of io_uring: each socket hears by one request that goes on of itself, into landing places that all share, and what is sent in a turn
//! leaves with the one system call that the thread waits by.
//!
//! A token names the place of a socket and its generation, so that what comes late of a socket that is gone is never taken for the next
//! one's.

#[expect(
    unsafe_code,
    reason = "memory that is shared with the kernel; the module's documents say why it is sound"
)]
mod ring;
mod source;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Mishap, Slot, ThreadCounts};

use self::ring::{Completion, End, Full, Landed, Ring};
use crate::bell::Bell;
use crate::ports::Pair;
use crate::sockets::{Arrival, CHANNELS, Sockets, at, place};

pub(crate) struct Uring {
    ring: Ring,
    bell: OwnedFd,
    pairs: Vec<Option<Open>>,
    /// Of the next pair.
    generation: u32,
    /// What has landed and was not taken. Bounded by the landing places.
    landed: VecDeque<(u64, Landed)>,
    /// Requests that have ended and are to be made again; whether that of the bell is.
    deaf: Vec<u64>,
    bell_is_deaf: bool,
    /// Since the last wait, while requests were ended or room was made: the next one must not sleep, as the bell is rung once only.
    bell_was_heard: bool,
    /// Requests whose end is waited for.
    closing: Vec<u64>,
    counts: Arc<ThreadCounts>,
}

struct Open {
    pair: Pair,
    generation: u32,
    /// Ends for no known reason, one after the other, by channel.
    faults: [u8; 2],
}

impl Uring {
    /// The pair that a token is of, while it is open.
    fn pair(&mut self, token: u64) -> Option<(Slot, Channel, &mut Open)> {
        let (place, generation) = parts(token);
        let (slot, channel) = at(place);
        let open = self.pairs.get_mut(slot.index())?.as_mut()?;
        (open.generation == generation).then_some((slot, channel, open))
    }

    /// Takes in what the kernel has told.
    fn harvest(&mut self) {
        while let Some(completion) = self.ring.next() {
            match completion {
                Completion::Sent(Ok(())) => {}
                Completion::Sent(Err(_)) => self.counts.add(Mishap::Unsent),
                Completion::Heard { token: BELL, end, .. } => {
                    self.bell_was_heard = true;
                    self.bell_is_deaf |= end.is_some();
                }
                Completion::Heard { token, landed, end } => {
                    if let Some(landed) = landed {
                        self.landed.push_back((token, landed));
                        self.settle(token);
                    }
                    if let Some(end) = end {
                        self.ended(token, end);
                    }
                }
            }
        }
    }

    /// A datagram has landed: whatever was wrong is over.
    fn settle(&mut self, token: u64) {
        if let Some((_, channel, open)) = self.pair(token) {
            open.faults[index(channel)] = 0;
        }
    }

    fn ended(&mut self, token: u64, end: End) {
        if let Some(place) = self.closing.iter().position(|own| *own == token) {
            self.closing.swap_remove(place);
            return;
        }
        let Some((slot, channel, open)) = self.pair(token) else { return };
        let faults = &mut open.faults[index(channel)];
        match end {
            End::NoRoom => self.counts.add(Mishap::Starved),
            End::Cancelled | End::Error(_) => *faults = faults.saturating_add(1),
        }
        if self.pair(token).is_some_and(|(_, channel, open)| open.faults[index(channel)] < FAULTS) {
            self.deaf.push(token);
        } else {
            tracing::error!(slot = slot.0, ?channel, ?end, "a media socket can't be received from");
        }
    }

    /// Makes the requests again that have ended. Those for which there is no room are made at the next wait.
    fn listen(&mut self) {
        if self.bell_is_deaf {
            self.bell_is_deaf = self.ring.watch(self.bell.as_fd(), BELL).is_err();
        }
        while let Some(token) = self.deaf.pop() {
            let (place, generation) = parts(token);
            let (slot, channel) = at(place);
            let open = self.pairs.get(slot.index()).and_then(Option::as_ref);
            if let Some(open) = open.filter(|open| open.generation == generation)
                && let Err(Full) = self.ring.hear(open.pair.socket(channel).as_fd(), token)
            {
                self.deaf.push(token);
                return;
            }
        }
    }
}

impl Sockets for Uring {
    fn open(bell: &Bell, counts: Arc<ThreadCounts>) -> io::Result<Self> {
        Ok(Self {
            ring: Ring::new()?,
            bell: bell.as_fd().try_clone_to_owned()?,
            pairs: Vec::new(),
            generation: 0,
            landed: VecDeque::with_capacity(1_024),
            deaf: Vec::new(),
            bell_is_deaf: true,
            bell_was_heard: false,
            closing: Vec::new(),
            counts,
        })
    }

    fn insert(&mut self, slot: Slot, pair: Pair) -> io::Result<()> {
        let generation = self.generation;
        self.generation = (generation + 1) & GENERATIONS;
        if self.pairs.len() <= slot.index() {
            self.pairs.resize_with(slot.index() + 1, || None);
            // Room for all that may be deaf at once: nothing is to be allocated when it happens.
            self.deaf.reserve((self.pairs.len() * 2).saturating_sub(self.deaf.len()));
        }
        self.pairs[slot.index()] = Some(Open { pair, generation, faults: [0; 2] });
        self.deaf.extend(CHANNELS.map(|channel| token(place(slot, channel), generation)));
        self.listen();
        Ok(())
    }

    fn remove(&mut self, slot: Slot) {
        let Some(open) = self.pairs.get_mut(slot.index()).and_then(Option::take) else { return };
        for channel in CHANNELS {
            let token = token(place(slot, channel), open.generation);
            if let Some(place) = self.deaf.iter().position(|own| *own == token) {
                self.deaf.swap_remove(place);
            } else if open.faults[index(channel)] < FAULTS && self.ring.cancel(token).is_ok() {
                self.closing.push(token);
            }
        }
        // A request has its socket by a number, which is the next one's after it is closed, until it is handed over; and then keeps it,
        // and the port, until its end.
        for _ in 0..CLOSINGS {
            let limit = if self.closing.is_empty() { Duration::ZERO } else { CLOSING };
            if self.ring.wait(Some(limit), Duration::ZERO).is_err() {
                return;
            }
            self.harvest();
            if self.closing.is_empty() && self.ring.has_handed_over_all() {
                return;
            }
        }
    }

    fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()> {
        self.listen();
        // Whoever is deaf still is so for a moment.
        let all_hear = self.deaf.is_empty() && !self.bell_is_deaf;
        let is_idle = self.landed.is_empty() && all_hear && !self.bell_was_heard;
        let limit = if is_idle { limit } else { Some(Duration::ZERO) };
        self.ring.wait(limit, limit.map_or(gather, |limit| limit.min(gather)))?;
        self.harvest();
        self.bell_was_heard = false;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        while let Some((token, landed)) = self.landed.pop_front() {
            let Some((slot, channel, _)) = self.pair(token) else {
                self.ring.discard(landed);
                continue;
            };
            let taken = self.ring.read(landed, |arrived| {
                let (source, bytes) = arrived?;
                buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
                Some((source, bytes.len()))
            });
            match taken {
                Some((source, length)) => return Some(Arrival { slot, channel, source, length }),
                None => self.counts.add(Mishap::Oversize),
            }
        }
        None
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        let Some(Some(open)) = self.pairs.get(slot.index()) else { return };
        let socket = open.pair.socket(channel).as_fd();
        if self.ring.send(socket, to, packet) == Ok(()) {
            return;
        }
        // What is handed over leaves at once, as a rule, and makes room.
        if self.ring.wait(Some(Duration::ZERO), Duration::ZERO).is_ok() {
            self.harvest();
        }
        let Some(Some(open)) = self.pairs.get(slot.index()) else { return };
        if let Err(Full) = self.ring.send(open.pair.socket(channel).as_fd(), to, packet) {
            self.counts.add(Mishap::Unsent);
        }
    }
}

/// Never above 2^62.
const fn token(place: u32, generation: u32) -> u64 {
    (generation as u64) << 32 | place as u64
}

fn parts(token: u64) -> (u32, u32) {
    let place = u32::try_from(token & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (place, u32::try_from(token >> 32).unwrap_or(u32::MAX))
}

const fn index(channel: Channel) -> usize {
    match channel {
        Channel::Rtp => 0,
        Channel::Rtcp => 1,
    }
}

/// No socket's token: over all generations.
const BELL: u64 = 1 << 62;
/// Generations before they begin again.
const GENERATIONS: u32 = (1 << 30) - 1;
/// A socket that ends so often without a datagram in between is given up.
const FAULTS: u8 = 100;
/// How often the end of requests is waited for, among whatever else is told, and how long each time.
const CLOSINGS: u8 = 50;
const CLOSING: Duration = Duration::from_millis(10);
