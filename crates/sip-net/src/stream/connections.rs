//! The driver's side of all connections: which flow is which connection, and what to do when there is none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use numbers::Directory;
use rustls::pki_types::CertificateDer;
use sip::{Flow, Transport};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::accept::accept;
use super::conversation::Link;
use super::dial::dial;
use super::fault::StreamFault;
use super::hub::{Arrival, ConnectionId, Hub, Told};
use super::limits::StreamLimits;
use super::names::Names;
use super::owners::Owners;
use super::queue::{Queue, Refused, queue};
use super::vigil::Opener;
use crate::listener::{Door, Security};
use crate::tls::is_for;

/// All connections, and the doors that they come in by.
#[derive(Debug)]
pub(crate) struct Connections {
    doors: Vec<Arc<Door>>,
    hub: Hub,
    heard: mpsc::Receiver<Told>,
    accepting: JoinSet<()>,
    live: BTreeMap<ConnectionId, Live>,
    /// The youngest connection of a flow that its peer opened.
    came: BTreeMap<Flow, ConnectionId>,
    /// The one that we opened: who a TLS peer is has been checked there.
    called: BTreeMap<Flow, ConnectionId>,
    /// How many of `live` we opened.
    ours: usize,
    pub(crate) names: Names,
}

#[derive(Debug)]
struct Live {
    queue: Queue,
    opener: Opener,
    /// The certificate that a peer showed that came in.
    shown: Option<CertificateDer<'static>>,
}

/// Why a message can't be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unsent {
    /// A fault worth a line.
    Fault(Box<StreamFault>),
    /// No listener has that transport and address.
    NoDoor,
    /// A WebSocket client that is gone: it can't be called (RFC 7118 s.5).
    Gone,
}

impl Connections {
    /// Opens the doors.
    pub(crate) fn new(doors: Vec<Door>, limits: StreamLimits, directory: Arc<Directory>) -> Self {
        let (hub, heard) = Hub::new(limits, Owners::new(directory));
        let doors: Vec<_> = doors.into_iter().map(Arc::new).collect();
        let mut accepting = JoinSet::new();
        for door in &doors {
            accepting.spawn(accept(Arc::clone(door), hub.clone()));
        }
        Self {
            doors,
            hub,
            heard,
            accepting,
            live: BTreeMap::new(),
            came: BTreeMap::new(),
            called: BTreeMap::new(),
            ours: 0,
            names: Names::default(),
        }
    }

    /// Another directory is in force.
    pub(crate) fn know(&self, directory: Arc<Directory>) {
        self.hub.owners.replace(directory);
    }

    /// What the connections tell: to be taken in by `note` as well.
    pub(crate) async fn hear(&mut self) -> Option<Told> {
        self.heard.recv().await
    }

    /// What they tell, without waiting.
    pub(crate) fn hear_now(&mut self) -> Option<Told> {
        self.heard.try_recv().ok()
    }

    /// Sends on the flow's connection, or on one that is opened for it. Nothing is waited for.
    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) -> Result<(), Unsent> {
        if let Some((id, live)) = self.carrier(flow, &bytes).and_then(|id| Some((id, self.live.get(&id)?))) {
            match live.queue.push(bytes.clone()) {
                Ok(()) => return Ok(()),
                Err(Refused::Full) => {
                    live.queue.cut();
                    self.forget(id, flow);
                    return Err(Unsent::Fault(Box::new(StreamFault::Overflow { flow })));
                }
                // It has ended, and its last word is on the way here.
                Err(Refused::Over) => {
                    self.forget(id, flow);
                }
            }
        }
        self.open(flow, bytes)
    }

    /// Takes note of a connection that has opened.
    pub(crate) fn opened(&mut self, id: ConnectionId, flow: Flow, arrival: Arrival) {
        let Arrival { queue, shown } = arrival;
        self.live.insert(id, Live { queue, opener: Opener::Peer, shown });
        self.came.insert(flow, id);
    }

    /// Takes note of a connection that has ended. Whether it was the one of its flow.
    pub(crate) fn ended(&mut self, id: ConnectionId, flow: Flow) -> Lost {
        self.forget(id, flow)
    }

    /// Ends a connection at once.
    pub(crate) fn cut(&mut self, id: ConnectionId) {
        if let Some(live) = self.live.get(&id) {
            live.queue.cut();
        }
    }

    /// Lets what waits be written, for a moment, and ends all.
    pub(crate) async fn close(mut self) {
        self.accepting.abort_all();
        self.live.clear();
        let Self { hub, mut heard, accepting, .. } = self;
        drop((hub, accepting));
        let last = async { while heard.recv().await.is_some() {} };
        timeout(LAST_WORDS, last).await.ok();
    }

    /// The connection that a message takes: the peer's own as long as there is one. By TLS a request goes to whom we called and checked,
    /// if there is such a connection; one that begins something goes by the peer's own only if its certificate is for the host that is
    /// called (RFC 5923 s.8).
    fn carrier(&self, flow: Flow, message: &Bytes) -> Option<ConnectionId> {
        let called = self.called.get(&flow).copied();
        // Where the peer has opened none there is nothing to choose, and the message need not be read.
        let Some(came) = self.came.get(&flow).copied() else { return called };
        if flow.transport != Transport::Tls {
            return Some(came);
        }
        let shows = |id: &ConnectionId| self.live.get(id).is_some_and(|live| self.shows(live, flow));
        match Kind::of(message) {
            Kind::Response => Some(came),
            Kind::Within => called.or(Some(came)),
            Kind::Fresh => called.or_else(|| Some(came).filter(shows)),
        }
    }

    /// Whether a peer that came in has shown that it is the host that is called.
    fn shows(&self, live: &Live, flow: Flow) -> bool {
        live.shown.as_ref().is_some_and(|shown| is_for(shown, &self.names.of(flow.remote)))
    }

    fn open(&mut self, flow: Flow, bytes: Bytes) -> Result<(), Unsent> {
        let own = |door: &&Arc<Door>| door.transport() == flow.transport && door.local == flow.local;
        let door = self.doors.iter().find(own).map(Arc::clone).ok_or(Unsent::NoDoor)?;
        let called = match &door.security {
            Security::Plain => Vec::new(),
            Security::Tls(_) => self.names.called(flow.remote, &self.hub.owners, &bytes),
            Security::WebSocket => return Err(Unsent::Gone),
        };
        let bound = self.hub.limits.connections;
        if self.ours >= bound {
            return Err(Unsent::Fault(Box::new(StreamFault::TooManyOfOurs { bound })));
        }
        let (queue, waiting) = queue(self.hub.limits.queue);
        if queue.push(bytes).is_err() {
            return Err(Unsent::Fault(Box::new(StreamFault::Overflow { flow })));
        }
        let id = self.hub.next_id();
        let link = Link { id, flow, opener: Opener::We, place: None, called };
        tokio::spawn(dial(door, self.hub.clone(), link, waiting));
        self.live.insert(id, Live { queue, opener: Opener::We, shown: None });
        self.called.insert(flow, id);
        self.ours += 1;
        Ok(())
    }

    fn forget(&mut self, id: ConnectionId, flow: Flow) -> Lost {
        if self.live.remove(&id).is_some_and(|live| live.opener == Opener::We) {
            self.ours -= 1;
        }
        let mut lost = Lost::Spare;
        for flows in [&mut self.came, &mut self.called] {
            if flows.get(&flow) == Some(&id) {
                flows.remove(&flow);
                lost = Lost::Flow;
            }
        }
        lost
    }
}

/// What a message is to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Response,
    /// A request within a dialog, which belongs to whom it was begun with.
    Within,
    /// Any other request.
    Fresh,
}

impl Kind {
    fn of(message: &Bytes) -> Self {
        if message.starts_with(b"SIP/2.0 ") {
            return Self::Response;
        }
        let within = sip::Message::parse(message.clone()).is_ok_and(|request| request.to_tag().is_some());
        if within { Self::Within } else { Self::Fresh }
    }
}

/// What a connection's end means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// Its flow has none now: what was sent by it may not have come.
    Flow,
    /// Nothing was to be sent by it.
    Spare,
}

/// For the last responses at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The transports of connections.
pub(crate) const fn is_stream(transport: Transport) -> bool {
    match transport {
        Transport::Udp => false,
        Transport::Tcp | Transport::Tls | Transport::Ws => true,
    }
}
