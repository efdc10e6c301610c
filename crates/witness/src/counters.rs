//! Counters of the signalling: a fixed number of atomics, counted without an allocation or a lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use sip::{Flow, Transport};

use crate::Direction;
use crate::glance::{self, Start};
use crate::label::{MethodLabel, TRANSPORTS, transport_index};

/// What the signalling task counts. Shared by reference; all zero at first.
pub struct Counters {
    /// By direction, transport and method.
    pub(crate) requests: Box<[AtomicU64]>,
    /// By direction, transport, method and status.
    pub(crate) responses: Box<[AtomicU64]>,
    /// By transport.
    pub(crate) malformed: [AtomicU64; TRANSPORTS.len()],
    pub(crate) unwitnessed: AtomicU64,
    pub(crate) hep_sent: AtomicU64,
    pub(crate) hep_dropped: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) dialogs: AtomicU64,
}

/// What the core holds at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gauges {
    /// Calls that are up, or whose record is not on disk.
    pub calls: usize,
    /// Dialogs, those too whose BYE has no answer.
    pub dialogs: usize,
}

impl Counters {
    /// All zero.
    pub fn new() -> Self {
        let requests = Direction::ALL.len() * TRANSPORTS.len() * MethodLabel::COUNT;
        Self {
            requests: zeros(requests),
            responses: zeros(requests * STATUSES),
            malformed: Default::default(),
            unwitnessed: AtomicU64::new(0),
            hep_sent: AtomicU64::new(0),
            hep_dropped: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            dialogs: AtomicU64::new(0),
        }
    }

    /// A message that passed.
    pub fn message(&self, direction: Direction, flow: Flow, message: &[u8]) {
        match glance::start(message) {
            Start::Request(method) => {
                add(self.requests.get(series(direction, flow.transport, MethodLabel::of(method))));
            }
            Start::Response(status) => {
                let method = MethodLabel::of(glance::cseq_method(message).unwrap_or_default());
                let status = usize::from(status - FIRST_STATUS);
                add(self.responses.get(series(direction, flow.transport, method) * STATUSES + status));
            }
            Start::Nothing => {}
        }
    }

    /// Octets that came and are no SIP.
    pub fn malformed(&self, transport: Transport) {
        add(self.malformed.get(transport_index(transport)));
    }

    /// A message that passed and could not be handed on to be kept or sent to the collector.
    pub fn unwitnessed(&self) {
        add(Some(&self.unwitnessed));
    }

    /// A packet that went to the collector.
    pub fn hep_sent(&self) {
        add(Some(&self.hep_sent));
    }

    /// A packet that could not be sent to the collector.
    pub fn hep_dropped(&self) {
        add(Some(&self.hep_dropped));
    }

    /// What the core holds now.
    pub fn gauge(&self, gauges: Gauges) {
        let store = |atomic: &AtomicU64, value: usize| {
            atomic.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        store(&self.calls, gauges.calls);
        store(&self.dialogs, gauges.dialogs);
    }

    /// What the core held after its last turn.
    pub fn gauges(&self) -> Gauges {
        let load = |atomic: &AtomicU64| usize::try_from(atomic.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        Gauges { calls: load(&self.calls), dialogs: load(&self.dialogs) }
    }
}

/// The place of the labels among the requests; times [`STATUSES`], that of their first status among the responses.
pub(crate) const fn series(direction: Direction, transport: Transport, method: MethodLabel) -> usize {
    let direction = match direction {
        Direction::In => 0,
        Direction::Out => 1,
    };
    (direction * TRANSPORTS.len() + transport_index(transport)) * MethodLabel::COUNT + method.index()
}

fn zeros(count: usize) -> Box<[AtomicU64]> {
    std::iter::repeat_with(|| AtomicU64::new(0)).take(count).collect()
}

fn add(count: Option<&AtomicU64>) {
    if let Some(count) = count {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn read(count: Option<&AtomicU64>) -> u64 {
    count.map_or(0, |count| count.load(Ordering::Relaxed))
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").finish_non_exhaustive()
    }
}

pub(crate) const FIRST_STATUS: u16 = 100;
pub(crate) const STATUSES: usize = 600;
