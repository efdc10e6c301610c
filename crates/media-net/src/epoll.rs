//! The back end that works everywhere: readiness by epoll (edge-triggered), one system call a datagram.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use media::{Channel, Slot};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use crate::sockets::{Arrival, Sockets};

pub(crate) struct Epoll {
    poll: Poll,
    events: Events,
    pairs: Vec<Option<Pair>>,
    /// Sockets that may have something to receive still, each once.
    ready: VecDeque<(Slot, Channel)>,
    /// How many datagrams the first of `ready` has had in this turn of its own.
    taken: usize,
}

/// Both sockets of a leg.
pub(crate) struct Pair {
    rtp: Port,
    rtcp: Port,
}

struct Port {
    socket: UdpSocket,
    state: State,
}

/// Whether a socket stands in `ready`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Drained,
    Queued,
}

impl Pair {
    fn port(&mut self, channel: Channel) -> &mut Port {
        match channel {
            Channel::Rtp => &mut self.rtp,
            Channel::Rtcp => &mut self.rtcp,
        }
    }
}

impl Epoll {
    /// The back end, and what wakes it from its wait.
    pub(crate) fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), BELL)?;
        let events = Events::with_capacity(EVENTS);
        Ok((Self { poll, events, pairs: Vec::new(), ready: VecDeque::new(), taken: 0 }, waker))
    }

    fn port(&mut self, slot: Slot, channel: Channel) -> Option<&mut Port> {
        self.pairs.get_mut(slot.index())?.as_mut().map(|pair| pair.port(channel))
    }

    /// The first of `ready` lets the next one have its turn.
    fn rotate(&mut self) {
        self.taken = 0;
        if !self.ready.is_empty() {
            self.ready.rotate_left(1);
        }
    }

    /// The first of `ready` has nothing more, or is gone.
    fn retire(&mut self) {
        self.taken = 0;
        if let Some((slot, channel)) = self.ready.pop_front()
            && let Some(port) = self.port(slot, channel)
        {
            port.state = State::Drained;
        }
    }
}

impl Sockets for Epoll {
    type Pair = Pair;

    fn bind(&self, address: IpAddr, port: u16) -> Result<Pair, String> {
        let after = port.checked_add(1).ok_or_else(|| format!("there is no RTCP port after {port}"))?;
        let even = open(address, port).map_err(|error| format!("RTP port {port} of {address}: {error}"))?;
        let odd = open(address, after).map_err(|error| format!("RTCP port {after} of {address}: {error}"))?;
        Ok(Pair { rtp: even, rtcp: odd })
    }

    fn insert(&mut self, slot: Slot, mut pair: Pair) -> io::Result<()> {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            let socket = &mut pair.port(channel).socket;
            self.poll.registry().register(socket, token(slot, channel), Interest::READABLE)?;
        }
        if self.pairs.len() <= slot.index() {
            self.pairs.resize_with(slot.index() + 1, || None);
        }
        self.pairs[slot.index()] = Some(pair);
        Ok(())
    }

    fn remove(&mut self, slot: Slot) {
        if let Some(place) = self.pairs.get_mut(slot.index()) {
            *place = None;
            self.ready.retain(|(queued, _)| *queued != slot);
            self.taken = 0;
        }
    }

    fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        let limit = if self.ready.is_empty() { limit } else { Some(Duration::ZERO) };
        // A limit between two milliseconds is rounded up: better 1 ms late than a thread that spins.
        match self.poll.poll(&mut self.events, limit) {
            Err(error) if error.kind() == ErrorKind::Interrupted => self.events.clear(),
            waited => waited?,
        }
        for event in &self.events {
            let Some((slot, channel)) = place(event.token()) else { continue };
            let port =
                self.pairs.get_mut(slot.index()).and_then(Option::as_mut).map(|pair| pair.port(channel));
            if let Some(port) = port
                && port.state == State::Drained
            {
                port.state = State::Queued;
                self.ready.push_back((slot, channel));
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        let mut errors = 0;
        loop {
            if self.taken == BATCH {
                self.rotate();
            }
            let &(slot, channel) = self.ready.front()?;
            let received = self.port(slot, channel).map(|port| port.socket.recv_from(buffer));
            match received {
                Some(Ok((length, source))) => {
                    self.taken += 1;
                    return Some(Arrival { slot, channel, source, length });
                }
                // A pending ICMP error or a signal: there may be packets behind it, for which no edge will come.
                Some(Err(error)) if error.kind() != ErrorKind::WouldBlock && errors < BATCH => errors += 1,
                Some(Err(_)) | None => self.retire(),
            }
        }
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        if let Some(port) = self.port(slot, channel) {
            // What the system doesn't take is lost as on the wire: the far side counts it as such.
            port.socket.send_to(packet, to).ok();
        }
    }
}

/// A socket bound to one port, without sharing it.
fn open(address: IpAddr, port: u16) -> io::Result<Port> {
    let domain = Domain::for_address(SocketAddr::new(address, port));
    // Non-blocking from the start: two system calls fewer than to make it so.
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))?;
    // Marked as voice where the system lets us; a network that ignores it loses nothing.
    match address {
        IpAddr::V4(_) => socket.set_tos_v4(EXPEDITED_FORWARDING).ok(),
        IpAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_tclass_v6(EXPEDITED_FORWARDING).ok()
        }
    };
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(Port { socket: UdpSocket::from_std(socket.into()), state: State::Drained })
}

const fn token(slot: Slot, channel: Channel) -> Token {
    Token(match channel {
        Channel::Rtp => slot.index() * 2,
        Channel::Rtcp => slot.index() * 2 + 1,
    })
}

fn place(token: Token) -> Option<(Slot, Channel)> {
    let slot = Slot(u32::try_from(token.0 / 2).ok()?);
    Some((slot, if token.0.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp }))
}

/// No slot's token: half of it is no `u32`.
const BELL: Token = Token(usize::MAX);

/// Readiness taken from the system at once.
const EVENTS: usize = 1_024;

/// Datagrams from one socket before the next one's turn.
const BATCH: usize = 8;

/// DSCP EF (RFC 3246) in the TOS byte.
const EXPEDITED_FORWARDING: u32 = 46 << 2;
