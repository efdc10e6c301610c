//! The task that takes messages out of the window: into the archive, and to the collector.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use witness::hep::{Agent, Packet};
use witness::{Archive, Counters, Direction, Passage, Secrets, call_id, mask};

/// Who wants to have the messages.
#[derive(Debug)]
pub struct Watch {
    /// Keeps them.
    pub archive: Option<Archive>,
    /// Sends them to Homer.
    pub collector: Option<Collector>,
    /// By which address peers know a listener, where it is not its own.
    pub advertised: Vec<(SocketAddr, SocketAddr)>,
    /// Which headers nobody gets to see. Who puts a new one into messages makes it known here before.
    pub secrets: watch::Receiver<Secrets>,
}

/// A HEP collector, and our way to it.
#[derive(Debug)]
pub struct Collector {
    socket: UdpSocket,
    agent: Agent,
    counters: Arc<Counters>,
    kin: Kin,
}

/// Of which caller's call a leg is, by their Call-IDs; of the latest legs.
#[derive(Debug, Default)]
struct Kin {
    callers: BTreeMap<String, Box<str>>,
    order: VecDeque<String>,
}

impl Watch {
    /// Takes them out until the signalling task has ended.
    pub async fn run(mut self, mut passages: mpsc::Receiver<Passage>) {
        while let Some(passage) = passages.recv().await {
            self.see(passage);
        }
    }

    fn see(&mut self, mut passage: Passage) {
        passage.flow.local = self.known_as(passage.flow.local);
        let secrets = self.secrets.borrow();
        if let Some(archive) = &self.archive {
            archive.keep(&passage, &secrets);
        }
        if let Some(collector) = &mut self.collector {
            collector.tell(&passage, &secrets);
        }
    }

    /// Our address as peers know it: a listener on all addresses has none of its own.
    fn known_as(&self, local: SocketAddr) -> SocketAddr {
        let named = self.advertised.iter().find(|(listener, _)| *listener == local).map(|(_, named)| *named);
        named
            .filter(|named| local.ip().is_unspecified() && named.is_ipv4() == local.is_ipv4())
            .unwrap_or(local)
    }
}

impl Collector {
    /// A way to the collector. That it is there is not asked: it may come and go.
    ///
    /// # Errors
    /// The system's word on a socket to that address.
    pub fn new(address: SocketAddr, agent: Agent, counters: Arc<Counters>) -> io::Result<Self> {
        let any: IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(address)?;
        Ok(Self { socket, agent, counters, kin: Kin::default() })
    }

    /// Sends it, or counts that it could not be sent.
    fn tell(&mut self, passage: &Passage, secrets: &Secrets) {
        let Some(call_id) = call_id(&passage.bytes) else { return };
        if let Some(caller) = &passage.caller {
            self.kin.learn(&call_id, caller);
        }
        let Passage { at_us, direction, flow, .. } = *passage;
        let (source, destination) = match direction {
            Direction::In => (flow.remote, flow.local),
            Direction::Out => (flow.local, flow.remote),
        };
        let mut payload = passage.bytes.to_vec();
        mask(&mut payload, secrets);
        let packed = self.agent.pack(&Packet {
            at_us,
            transport: flow.transport,
            source,
            destination,
            correlation_id: self.kin.caller_of(&call_id),
            payload: &payload,
        });
        match packed.map(|octets| self.send(&octets)) {
            Some(Ok(_)) => self.counters.hep_sent(),
            Some(Err(_)) | None => self.counters.hep_dropped(),
        }
    }

    /// Once more, if the system's word is on an earlier packet that nobody took.
    fn send(&self, octets: &[u8]) -> io::Result<usize> {
        match self.socket.send(octets) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => self.socket.send(octets),
            sent => sent,
        }
    }
}

impl Kin {
    fn learn(&mut self, call_id: &str, caller: &str) {
        if self.callers.insert(call_id.to_owned(), caller.into()).is_none() {
            self.order.push_back(call_id.to_owned());
        }
        if self.order.len() > MOST_KIN
            && let Some(oldest) = self.order.pop_front()
        {
            self.callers.remove(&oldest);
        }
    }

    /// Itself, for the caller's own leg.
    fn caller_of<'a>(&'a self, call_id: &'a str) -> &'a str {
        self.callers.get(call_id).map_or(call_id, |caller| caller)
    }
}

/// Legs whose caller is remembered: those of all calls that there may be, and some that are over.
const MOST_KIN: usize = 131_072;
