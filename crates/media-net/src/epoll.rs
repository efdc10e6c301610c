//! The back end that works everywhere: readiness by epoll, one system call a datagram.
//!
//! Readiness is told by level, and one datagram is taken of a socket that is ready: a stream of fifty packets a second never has two, and to
//! ask for a second one, as an edge would make necessary, costs as much as to send one. For the same reason there is no
//! `recvmmsg` and no `sendmmsg`, which take many datagrams of one socket.
//!
//! Some are received one after the other, then worked on, then sent: the system's code and ours drive each other out of the processor's
//! caches less often than if they took turns at each packet.

mod waiting;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Mishap, Slot, ThreadCounts};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use rustix::time::Timespec;

use self::waiting::Waiting;
use crate::bell::Bell;
use crate::ports::Pair;
use crate::sockets::{Arrival, CHANNELS, LARGEST_DATAGRAM, Sockets, at, place};

/// Readiness by epoll, one system call a datagram.
pub struct Epoll {
    poll: OwnedFd,
    pairs: Vec<Option<Pair>>,
    /// What was ready at the last wait, the last one first.
    ready: Vec<Event>,
    received: Waiting<Arrival>,
    to_send: Waiting<Departure>,
    counts: Arc<ThreadCounts>,
}

impl Epoll {
    /// Asks which sockets are ready, and waits so long for one that is.
    fn look(&mut self, limit: Option<Duration>) -> io::Result<()> {
        // Rounded up to milliseconds: better 1 ms late than a thread that spins.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match epoll::wait(&self.poll, spare_capacity(&mut self.ready), limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the first datagram of the next sockets that are ready, of as many as there are places for.
    fn take(&mut self) {
        while let Some(place) = self.received.place()
            && let Some(event) = self.ready.pop()
        {
            let (slot, channel) = at(number(event));
            if event.data.u64() == BELL {
                continue;
            }
            let Some(pair) = pair(&self.pairs, slot) else { continue };
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            // An error is that of a datagram sent before, and is gone by having been told.
            let Ok((_, length, source)) =
                recvfrom(pair.socket(channel), &mut place[..LARGEST_DATAGRAM], flags)
            else {
                continue;
            };
            if length > LARGEST_DATAGRAM {
                self.counts.add(Mishap::Oversize);
                continue;
            }
            if let Some(source) = source.and_then(|source| SocketAddr::try_from(source).ok()) {
                self.received.push(Arrival { slot, channel, source, length });
            }
        }
    }

    /// Hands all that is to be sent to the system.
    fn flush(&mut self) {
        while let Some((Departure { slot, channel, to, length }, place)) = self.to_send.pop() {
            let Some(pair) = pair(&self.pairs, slot) else { continue };
            if sendto(pair.socket(channel), &place[..length], SendFlags::DONTWAIT, &to).is_err() {
                self.counts.add(Mishap::Unsent);
            }
        }
    }
}

/// A datagram to be sent.
#[derive(Clone, Copy)]
struct Departure {
    slot: Slot,
    channel: Channel,
    to: SocketAddr,
    length: usize,
}

impl Sockets for Epoll {
    fn open(bell: &Bell, counts: Arc<ThreadCounts>) -> io::Result<Self> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poll, bell, EventData::new_u64(BELL), EventFlags::IN | EventFlags::ET)?;
        Ok(Self {
            poll,
            pairs: Vec::new(),
            ready: Vec::with_capacity(EVENTS),
            received: Waiting::new(),
            to_send: Waiting::new(),
            counts,
        })
    }

    fn insert(&mut self, slot: Slot, pair: Pair) -> io::Result<()> {
        for channel in CHANNELS {
            let data = EventData::new_u64(place(slot, channel).into());
            epoll::add(&self.poll, pair.socket(channel), data, EventFlags::IN)?;
        }
        if self.pairs.len() <= slot.index() {
            self.pairs.resize_with(slot.index() + 1, || None);
        }
        self.pairs[slot.index()] = Some(pair);
        Ok(())
    }

    fn remove(&mut self, slot: Slot) {
        self.flush();
        if let Some(pair) = self.pairs.get_mut(slot.index()) {
            *pair = None;
            // Who has the slot next is asked in vain, if at all: the sockets of this one are closed.
            self.ready.retain(|event| at(number(*event)).0 != slot);
            self.received.retain(|arrival| arrival.slot != slot);
        }
    }

    fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()> {
        self.flush();
        if !self.ready.is_empty() || !self.received.is_empty() {
            return Ok(());
        }
        let gather = limit.map_or(gather, |limit| limit.min(gather));
        if gather > Duration::ZERO {
            // Whoever has more than the one datagram that was taken is not kept waiting: a flood at a port would keep its call from being heard.
            self.look(Some(Duration::ZERO))?;
            if !self.ready.is_empty() {
                return Ok(());
            }
            std::thread::sleep(gather);
        }
        self.look(limit.map(|limit| limit.saturating_sub(gather)))
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        if self.received.is_empty() {
            self.flush();
            self.take();
        }
        let (arrival, place) = self.received.pop()?;
        buffer[..arrival.length].copy_from_slice(&place[..arrival.length]);
        Some(arrival)
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        if pair(&self.pairs, slot).is_none() {
            return;
        }
        if self.to_send.place().is_none() {
            self.flush();
        }
        match self.to_send.place().and_then(|place| place.get_mut(..packet.len())) {
            Some(place) => {
                place.copy_from_slice(packet);
                self.to_send.push(Departure { slot, channel, to, length: packet.len() });
            }
            None => self.counts.add(Mishap::Unsent),
        }
    }
}

fn pair(pairs: &[Option<Pair>], slot: Slot) -> Option<&Pair> {
    pairs.get(slot.index())?.as_ref()
}

/// Which socket is ready; the bell is none.
fn number(event: Event) -> u32 {
    u32::try_from(event.data.u64()).unwrap_or(u32::MAX)
}

/// No socket's number.
const BELL: u64 = u64::MAX;

/// Readiness taken from the system at once.
const EVENTS: usize = 1_024;
