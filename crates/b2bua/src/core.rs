//! The core: inputs find their call, calls speak through the desk, and the outbox is drained in causal order.

use std::sync::Arc;

use media::Event as MediaEvent;
use numbers::{Directory, NodeState};
use sip::Event;

use crate::ask::{Answer, Asker, Dialled, Place};
use crate::call::{CallEvent, PairEvent, Progress, Stop, StreamEvent};
use crate::calls::Calls;
use crate::config::Config;
use crate::desk::Desk;
use crate::door::{Door, Knock, Unfit, Wish};
use crate::io::{CallKey, Command, Input, Notice, Now, Output};
use crate::record::CallRecord;
use crate::stray;

/// The call logic of one node.
#[derive(Debug)]
pub struct Core {
    desk: Desk,
    door: Door,
    calls: Calls,
}

/// What a core holds: for leak tests and counters. All zero but `unrecorded` when every call is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Calls, those whose record is being written too.
    pub calls: usize,
    /// Calls that count against the limits.
    pub seats: usize,
    /// Port pairs taken.
    pub ports: usize,
    /// Keys of dialogs, port pairs, streams, questions and records that lead to a call.
    pub keys: usize,
    /// What the endpoint holds. Its transactions outlive their calls by up to 64*T1.
    pub sip: sip::endpoint::Census,
    /// INVITEs that left no record since the start: of unknown sources, or unfit to be taken, too fast for it, or while the store
    /// lagged.
    pub unrecorded: u64,
}

/// One call that is not forgotten.
#[derive(Clone, Copy, Debug)]
pub struct LiveCall<'a> {
    /// Its key.
    pub key: CallKey,
    /// How far it has come.
    pub progress: Progress,
    /// Its record so far.
    pub record: &'a CallRecord,
}

impl Core {
    /// A core without calls. `seed` is all of its randomness.
    pub fn new(config: Config, directory: Arc<Directory>, seed: [u8; 32]) -> Self {
        let (realm, offer) = (config.realm.clone(), config.digest.clone());
        let mut desk = Desk::new(config, directory, seed);
        let door = Door::new(&realm, offer, desk.secrets.seed());
        Self { desk, door, calls: Calls::default() }
    }

    /// Takes in what happened, and runs the timers that are due.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Datagram { flow, bytes } => self.desk.receive(now, flow, bytes),
            Input::FlowFailed(flow) => self.desk.flow_failed(now, flow),
            Input::Media(event) => {
                if let Some(owner) = self.desk.heard(now, &event) {
                    if let MediaEvent::Measured { counters, .. } = &event {
                        self.calls.measured(owner, counters);
                    }
                    if let Some(event) = PairEvent::of(event) {
                        self.step(now, owner.call, CallEvent::Pair(owner.side, event));
                    }
                }
            }
            Input::Agent(event) => {
                if let Some(call) = self.desk.stream_owner(&event) {
                    self.step(now, call, CallEvent::Stream(StreamEvent::of(event)));
                }
            }
            Input::Verdict(ticket, verdict) => {
                if let Some(call) = self.desk.index.tickets.remove(&ticket) {
                    self.step(now, call, CallEvent::Verdict(verdict));
                }
            }
            Input::Directory(directory) => {
                self.desk.directory = directory;
                self.door.forget(&self.desk);
            }
            Input::Spoken { midnight_ms, spoke } => self.desk.usage.recall(midnight_ms, &spoke),
            Input::Others(used) => self.desk.usage.elsewhere(used),
            Input::Recorded(call) => self.step(now, call, CallEvent::Recorded),
            Input::Command(Command::Hangup(call)) => self.step(now, call, CallEvent::Stop(Stop::Hangup)),
            Input::Command(Command::Place(asker, place)) => self.place(now, asker, &place),
            Input::Command(Command::Dial(asker, call, digits)) => {
                let dialled = match self.calls.get(call) {
                    Some(call) => call.dial(&mut self.desk, &digits),
                    None => Dialled::Unknown,
                };
                self.desk.put(Output::Answer(asker, Answer::Dialled(dialled)));
            }
            Input::Command(Command::Drain) => self.door.state = NodeState::Draining,
            Input::Command(Command::Shutdown) => {
                self.door.state = NodeState::Draining;
                for call in self.calls.keys() {
                    self.step(now, call, CallEvent::Stop(Stop::Shutdown));
                }
            }
            Input::Timeout => {}
        }
        self.desk.expire(now);
        self.drain_events(now);
        while let Some(call) = self.calls.due(now.instant) {
            self.step(now, call, CallEvent::Timeout);
        }
        self.drain_events(now);
    }

    /// What to do next; `Idle` when that is all.
    pub fn poll(&mut self) -> Output {
        if let Some(output) = self.desk.take() {
            return output;
        }
        let changes = self.desk.usage.changes();
        if !changes.is_empty() {
            return Output::Usage(changes);
        }
        let deadlines = [self.desk.wire_deadline(), self.calls.deadline()];
        Output::Idle(deadlines.into_iter().flatten().min())
    }

    /// The calls that are not forgotten, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = LiveCall<'_>> {
        self.calls.iter()
    }

    /// The call whose record has this id and no status.
    pub fn call(&self, id: &str) -> Option<LiveCall<'_>> {
        self.calls.of(id)
    }

    /// The calls that are not forgotten and whose records' ids begin so. Only these are visited, and only as far as the iterator is.
    pub fn calls_beginning(&self, id: &str) -> impl Iterator<Item = LiveCall<'_>> {
        self.calls.beginning(id)
    }

    /// The calls whose records have no status, by the ids of these, behind this one. Only these are visited, as above.
    pub fn calls_behind(&self, id: &str) -> impl Iterator<Item = LiveCall<'_>> {
        self.calls.behind(id)
    }

    /// The caller's Call-ID of the call whose leg to the agent has this one.
    pub fn caller_of(&self, call_id: &str) -> Option<&str> {
        let call = self.calls.get(self.desk.index.with_agent(call_id)?)?;
        Some(&call.record().sip_call_id_a)
    }

    /// Whether new calls are taken.
    pub fn is_draining(&self) -> bool {
        self.door.state == NodeState::Draining
    }

    /// What the core holds.
    pub fn census(&self) -> Census {
        Census {
            calls: self.calls.len(),
            seats: self.desk.seats(),
            ports: self.desk.ports.in_use(),
            keys: self.desk.index.len() + self.calls.ids(),
            sip: self.desk.wire_census(),
            unrecorded: self.door.unrecorded,
        }
    }

    /// Calls that only wait for the store.
    fn unwritten(&self) -> usize {
        self.calls.len().saturating_sub(self.desk.seats())
    }

    /// Starts a call of our own; who asked for it is told how it stands.
    fn place(&mut self, now: Now, asker: Asker, place: &Place) {
        let unwritten = self.unwritten();
        let record = match self.door.place(&mut self.desk, now, place, unwritten) {
            Wish::Call(key, call) => {
                let record = Box::new(call.record().clone());
                self.calls.insert(key, call);
                record
            }
            Wish::Nothing(record) => record,
        };
        self.desk.put(Output::Answer(asker, Answer::Placed(record)));
    }

    fn drain_events(&mut self, now: Now) {
        while let Some(event) = self.desk.event() {
            self.dispatch(now, event);
        }
    }

    fn dispatch(&mut self, now: Now, event: Event) {
        match event {
            Event::Invited { dialog, request, flow } => {
                let knock = Knock { dialog, request, flow };
                let unwritten = self.unwritten();
                if let Some((key, call)) = self.door.open(&mut self.desk, now, &knock, unwritten) {
                    self.calls.insert(key, call);
                }
            }
            Event::OutOfDialog { transaction, request, flow } => {
                stray::answer(&mut self.desk, &mut self.door, now, transaction, &request, flow);
            }
            Event::Refused { flow, request, status, words } => {
                let unfit = Unfit { flow, request, status: status.code(), words };
                let unwritten = self.unwritten();
                if let Some((key, call)) = self.door.turn_away(&mut self.desk, now, unfit, unwritten) {
                    self.calls.insert(key, call);
                }
            }
            Event::Undeliverable { flow, request } => {
                let to = request.header("Route").map_or_else(
                    || request.request_uri().unwrap_or_default().to_owned(),
                    std::borrow::Cow::into_owned,
                );
                let notice = Notice::Undeliverable {
                    peer: flow.remote,
                    transport: flow.transport,
                    method: request.method().to_string(),
                    call_id: request.call_id().to_owned(),
                    to,
                };
                self.desk.put(Output::Notice(notice));
            }
            Event::Malformed { flow, fault } => {
                let notice = Notice::Malformed { source: flow.remote, fault };
                self.desk.put(Output::Notice(notice));
            }
            Event::Reinvited { dialog, .. }
            | Event::Updated { dialog, .. }
            | Event::ReinviteAnswered { dialog, .. }
            | Event::ReinviteRejected { dialog, .. }
            | Event::UpdateAnswered { dialog, .. }
            | Event::UpdateRejected { dialog, .. }
            | Event::OfferDue { dialog }
            | Event::RefreshDue { dialog }
            | Event::SessionExpired { dialog }
            | Event::EarlyOffer { dialog, .. }
            | Event::Pracked { dialog, .. }
            | Event::PrackMissing { dialog }
            | Event::Requested { dialog, .. }
            | Event::Cancelled { dialog, .. }
            | Event::Acknowledged { dialog, .. }
            | Event::AckMissing { dialog, .. }
            | Event::ReinviteCancelled { dialog }
            | Event::Progress { dialog, .. }
            | Event::Answered { dialog, .. }
            | Event::Rejected { dialog, .. }
            | Event::Ended { dialog, .. }
            | Event::Byed { dialog } => self.inside(now, dialog, event),
        }
    }

    /// An event of a dialog goes to its call; a request in one that its call has left is answered 481.
    fn inside(&mut self, now: Now, dialog: sip::endpoint::DialogKey, event: Event) {
        let Some(owner) = self.desk.index.dialogs.get(&dialog).copied() else {
            stray::inside(&mut self.desk, now, &event);
            return;
        };
        if let Some(event) = CallEvent::of(owner.side, event) {
            self.step(now, owner.call, event);
        }
    }

    fn step(&mut self, now: Now, call: CallKey, event: CallEvent) {
        self.calls.step(&mut self.desk, now, call, event);
    }
}
