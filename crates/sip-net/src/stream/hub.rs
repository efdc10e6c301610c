//! What all connections share, and what they tell the driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use sip::Flow;
use tokio::sync::mpsc;

use super::fault::StreamFault;
use super::gate::Gate;
use super::limits::StreamLimits;
use super::owners::Owners;
use super::queue::Queue;

/// One connection, as long as it lives. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ConnectionId(u64);

/// What a connection tells.
#[derive(Debug)]
pub(crate) enum Told {
    /// A peer has come in, its handshake done.
    Opened { id: ConnectionId, flow: Flow, arrival: Arrival },
    /// A message came, whole.
    Message { id: ConnectionId, flow: Flow, bytes: Bytes },
    /// It is over: the last word of it.
    Ended { id: ConnectionId, flow: Flow, end: End },
    /// A peer was not let in.
    TurnedAway(StreamFault),
}

/// A connection that a peer opened.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) queue: Queue,
    /// The certificate that the peer showed, from a CA whose clients we take.
    pub(crate) shown: Option<CertificateDer<'static>>,
}

/// How a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// By the peer, or by us when there was nothing more to say; nobody is at fault.
    Closed,
    /// A fault worth a line.
    Fault(Box<StreamFault>),
}

impl From<StreamFault> for End {
    fn from(fault: StreamFault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// What every connection has at hand.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    pub(crate) limits: Arc<StreamLimits>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) owners: Owners,
    /// Closed when the driver is gone: every connection ends then.
    pub(crate) told: mpsc::Sender<Told>,
    last: Arc<AtomicU64>,
}

impl Hub {
    pub(crate) fn new(limits: StreamLimits, owners: Owners) -> (Self, mpsc::Receiver<Told>) {
        let (told, heard) = mpsc::channel(TOLD);
        let gate = Gate::new(&limits);
        (Self { limits: Arc::new(limits), gate, owners, told, last: Arc::default() }, heard)
    }

    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId(self.last.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells, and waits for room. That the driver is gone is seen by the connection's own loop.
    pub(crate) async fn tell(&self, told: Told) {
        self.told.send(told).await.ok();
    }
}

/// Messages of all connections that wait for the core; what brings more waits too.
const TOLD: usize = 1024;
