//! Which socket back end: what this kernel allows, and which of the two takes less of the processor for a datagram.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Slot};
use rustix::time::{ClockId, clock_gettime};

use crate::bell::Bell;
use crate::epoll::Epoll;
use crate::ports::{Dscp, Pair};
use crate::sockets::{LARGEST_DATAGRAM, Sockets};
use crate::uring::Uring;

/// How the workers reach their sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// Readiness by epoll, one system call a datagram. On every kernel.
    Epoll,
    /// Linux 6.1 and later, where it is not forbidden, as it is in many containers.
    IoUring,
}

/// Why a back end is the one that is used.
#[derive(Debug)]
pub enum Choice {
    /// Both were measured: the processor's time for a datagram in and one out.
    Measured {
        /// By epoll.
        epoll: Duration,
        /// By io_uring.
        io_uring: Duration,
    },
    /// io_uring can't be had here.
    Forbidden(io::Error),
    /// Loopback has no two ports for a measurement.
    Unmeasured(io::Error),
}

impl Backend {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoll => "epoll",
            Self::IoUring => "io-uring",
        }
    }

    /// Whether it can be had on this machine.
    ///
    /// # Errors
    /// It can't; the system's words.
    pub fn probe(self) -> io::Result<()> {
        match self {
            Self::Epoll => Trial::<Epoll>::new().map(drop),
            Self::IoUring => Trial::<Uring>::new().and_then(|mut trial| trial.round().map(drop)),
        }
    }

    /// The one that takes less of the processor here: io_uring if it can be had and is better by a twentieth at least. Takes some 50 ms.
    pub fn choose() -> (Self, Choice) {
        if let Err(error) = Self::IoUring.probe() {
            return (Self::Epoll, Choice::Forbidden(error));
        }
        match measure() {
            Ok((epoll, io_uring)) => {
                let is_better = io_uring * 20 < epoll * 19;
                let choice = if is_better { Self::IoUring } else { Self::Epoll };
                (choice, Choice::Measured { epoll, io_uring })
            }
            Err(error) => (Self::Epoll, Choice::Unmeasured(error)),
        }
    }
}

/// What a datagram costs by epoll and by io_uring: the least of several runs of each, in turns, as whatever else runs only adds to them.
fn measure() -> io::Result<(Duration, Duration)> {
    let (mut epoll, mut io_uring) = (Trial::<Epoll>::new()?, Trial::<Uring>::new()?);
    let mut least = [Duration::MAX; 2];
    for _ in 0..RUNS {
        least[0] = least[0].min(epoll.run()?);
        least[1] = least[1].min(io_uring.run()?);
    }
    Ok((least[0] / DATAGRAMS, least[1] / DATAGRAMS))
}

/// A few port pairs on loopback whose datagrams go back to their sender.
struct Trial<S> {
    sockets: S,
    far: UdpSocket,
    ports: Vec<u16>,
    buffer: Box<[u8]>,
    _bell: Bell,
}

impl<S: Sockets> Trial<S> {
    fn new() -> io::Result<Self> {
        let bell = Bell::new()?;
        let mut sockets = S::open(&bell, Arc::default())?;
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        far.set_read_timeout(Some(PATIENCE))?;
        let mut ports = Vec::new();
        for slot in 0..PAIRS {
            let (port, pair) = any_pair()?;
            sockets.insert(Slot(slot), pair)?;
            ports.push(port);
        }
        Ok(Self { sockets, far, ports, buffer: vec![0; LARGEST_DATAGRAM].into_boxed_slice(), _bell: bell })
    }

    /// What so many datagrams cost.
    fn run(&mut self) -> io::Result<Duration> {
        (0..ROUNDS).map(|_| self.round()).sum()
    }

    /// One datagram to each port, and back.
    fn round(&mut self) -> io::Result<Duration> {
        for port in &self.ports {
            self.far.send_to(&[0; 172], (Ipv4Addr::LOCALHOST, *port))?;
        }
        let before = spent();
        let mut taken = 0;
        for _ in 0..MOST_WAITS {
            self.sockets.wait(Some(PATIENCE), Duration::ZERO)?;
            while let Some(arrival) = self.sockets.receive(&mut self.buffer) {
                taken += 1;
                let packet = &self.buffer[..arrival.length];
                self.sockets.send(arrival.slot, Channel::Rtp, arrival.source, packet);
            }
            if taken == self.ports.len() {
                break;
            }
        }
        self.sockets.wait(Some(Duration::ZERO), Duration::ZERO)?;
        let cost = spent().saturating_sub(before);
        for _ in 0..taken {
            self.far.recv(&mut self.buffer)?;
        }
        if taken == self.ports.len() { Ok(cost) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

/// Any two ports in a row.
fn any_pair() -> io::Result<(u16, Pair)> {
    let mut last = io::Error::other("no two ports in a row are free");
    for _ in 0..TRIES {
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        match Pair::bind(Ipv4Addr::LOCALHOST.into(), port, Dscp::EF) {
            Ok(pair) => return Ok((port, pair)),
            Err(error) => last = io::Error::other(error),
        }
    }
    Err(last)
}

/// The processor's time that this thread has taken, the kernel's work for it included.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// As many as gather before a turn under a good load.
const PAIRS: u32 = 24;
const ROUNDS: u32 = 32;
const RUNS: u32 = 4;
const DATAGRAMS: u32 = PAIRS * ROUNDS;
const TRIES: u32 = 20;
/// For loopback, whose datagrams are there at once.
const PATIENCE: Duration = Duration::from_millis(200);
const MOST_WAITS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_what_measured_better() {
        let (backend, why) = Backend::choose();
        match why {
            Choice::Measured { epoll, io_uring } => {
                println!("epoll {epoll:?}, io_uring {io_uring:?} a datagram in and out");
                assert!(epoll > Duration::ZERO && io_uring > Duration::ZERO);
                assert_eq!(backend == Backend::IoUring, io_uring * 20 < epoll * 19);
            }
            Choice::Forbidden(error) | Choice::Unmeasured(error) => {
                println!("skipped: {error}");
                assert_eq!(backend, Backend::Epoll);
            }
        }
        assert!(Backend::Epoll.probe().is_ok());
    }
}
