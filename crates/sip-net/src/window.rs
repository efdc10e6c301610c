//! The window on the signalling task: it counts each message and hands it on without waiting, and answers what calls are up.

mod askers;
mod inquiry;
mod watch;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sip::{Flow, Transport};
use tokio::sync::mpsc;
use witness::{Counters, Direction, Gauges, Passage};

pub(crate) use askers::{Askers, Waiting};
pub(crate) use inquiry::Asked;
pub use inquiry::{Inquiries, Inquiry, inquiries};
pub use watch::{Collector, Watch};

use crate::brain::{Brain, Remaining};

/// What the signalling task shows to others.
#[derive(Debug, Default)]
pub struct Window {
    /// What it counts.
    pub counters: Arc<Counters>,
    /// Where each message goes on to, if anybody wants them.
    pub passages: Option<mpsc::Sender<Passage>>,
    /// Who asks for calls.
    pub inquiries: Option<mpsc::Receiver<Inquiry>>,
}

/// A channel for [`Window::passages`]; a [`Watch`] takes them out.
pub fn passages() -> (mpsc::Sender<Passage>, mpsc::Receiver<Passage>) {
    mpsc::channel(PASSAGES)
}

/// The driver's side of a window.
#[derive(Debug)]
pub(crate) struct Witness {
    counters: Arc<Counters>,
    passages: Option<mpsc::Sender<Passage>>,
}

impl Witness {
    pub(crate) const fn new(counters: Arc<Counters>, passages: Option<mpsc::Sender<Passage>>) -> Self {
        Self { counters, passages }
    }

    /// A message came; the core has not seen it yet.
    pub(crate) fn came(&self, flow: Flow, bytes: &Bytes) {
        self.counters.message(Direction::In, flow, bytes);
        self.hand_on(Direction::In, flow, bytes, |_| None);
    }

    /// It was no SIP.
    pub(crate) fn made_no_sense(&self, transport: Transport) {
        self.counters.malformed(transport);
    }

    /// A message is about to go.
    pub(crate) fn goes(&self, brain: &impl Brain, flow: Flow, bytes: &Bytes) {
        self.counters.message(Direction::Out, flow, bytes);
        self.hand_on(Direction::Out, flow, bytes, |bytes| {
            let call_id = bytes.starts_with(b"INVITE ").then(|| witness::call_id(bytes)).flatten()?;
            brain.caller_of(&call_id).map(Into::into)
        });
    }

    /// What the core holds after a turn.
    pub(crate) fn holds(&self, remaining: Remaining) {
        let Remaining { calls, seats: _, dialogs } = remaining;
        self.counters.gauge(Gauges { calls, dialogs });
    }

    fn hand_on(
        &self,
        direction: Direction,
        flow: Flow,
        bytes: &Bytes,
        caller: impl FnOnce(&[u8]) -> Option<Box<str>>,
    ) {
        let Some(passages) = &self.passages else { return };
        let Ok(place) = passages.try_reserve() else { return self.counters.unwitnessed() };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_us = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        place.send(Passage { at_us, direction, flow, bytes: bytes.clone(), caller: caller(bytes) });
    }
}

/// Messages that wait to be kept; those that find no place are counted and let go.
const PASSAGES: usize = 2048;

#[cfg(test)]
mod tests;
