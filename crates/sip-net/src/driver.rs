//! The one `select!` of the signalling plane.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use b2bua::ask::Dialled;
use b2bua::io::{CallKey, Command, Milestone, Notice, Verdict};
use b2bua::{CallRecord, Input, Now, Output};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use media::agent::AgentCommand;
use media::command::WorkerId;
use numbers::Used;
use sip::Flow;
use sip::locate::Reach;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::brain::{Brain, Remaining};
use crate::datagrams::{Datagrams, Sent};
use crate::listener::Kind;
use crate::lookups::{Answer, Lookups};
use crate::run::Sockets;
use crate::stream::{Connections, End, Lost, StreamFault, Told, Unsent, is_stream};
use crate::window::{Asked, Askers, Inquiry, Waiting, Window, Witness};

/// Where the core's words go that are not for a socket. None of them may wait: they are called from the signalling task.
pub trait Outlets: Send {
    /// To a media worker.
    fn media(&mut self, worker: WorkerId, command: media::Command);
    /// To the agent streams. The tap of the stream's leg is on `worker`.
    fn agent(&mut self, worker: WorkerId, command: AgentCommand);
    /// To the store. `Input::Recorded` must come back once a record with a status is on disk.
    fn record(&mut self, call: CallKey, record: Arc<CallRecord>);
    /// To those who follow what happens.
    fn happened(&mut self, _call: CallKey, _milestone: Milestone, _record: Arc<CallRecord>) {}
    /// To other nodes.
    fn usage(&mut self, _used: Vec<Used>) {}
    /// To the log.
    fn notice(&mut self, notice: Notice);
    /// To the log: peers can cause any number of these.
    fn stream_fault(&mut self, fault: StreamFault) {
        tracing::warn!("{fault}");
    }
}

/// Why `run` returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// After `Command::Shutdown`: every call has ended and its record is on disk.
    ShutDown,
    /// All senders of inputs are gone.
    Abandoned,
}

pub(crate) async fn drive(
    brain: impl Brain,
    sockets: Sockets,
    window: Window,
    mut inputs: mpsc::Receiver<Input>,
    outlets: impl Outlets,
) -> Ending {
    let Window { counters, passages, mut inquiries } = window;
    let mut driver = Driver::new(brain, outlets, sockets, Witness::new(counters, passages));
    let mut ready: FuturesUnordered<_> = driver.datagrams.iter().cloned().map(readied).collect();
    driver.drain();
    while driver.phase != Phase::Over {
        let wake = driver.wake();
        tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => driver.take(input, &mut inputs),
                None => return Ending::Abandoned,
            },
            Some(socket) = ready.next() => {
                driver.read(&socket);
                ready.push(readied(socket));
            }
            Some(told) = driver.connections.hear() => driver.listen(told),
            Some(answer) = driver.lookups.next() => driver.learn_all(answer),
            Some(inquiry) = next_inquiry(&mut inquiries) => driver.answer(inquiry),
            () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {}
        }
        driver.catch_up();
    }
    driver.connections.close().await;
    Ending::ShutDown
}

async fn readied(socket: Arc<Datagrams>) -> Arc<Datagrams> {
    socket.ready().await;
    socket
}

async fn next_inquiry(inquiries: &mut Option<mpsc::Receiver<Inquiry>>) -> Option<Inquiry> {
    inquiries.as_mut()?.recv().await
}

struct Driver<B, O> {
    brain: B,
    outlets: O,
    witness: Witness,
    datagrams: Vec<Arc<Datagrams>>,
    connections: Connections,
    lookups: Lookups,
    askers: Askers,
    /// What came of carrying out outputs: handed in after them, in the next turn.
    consequences: VecDeque<Input>,
    /// When the core wants to be woken.
    deadline: Option<Instant>,
    phase: Phase,
    buffer: Box<[u8]>,
}

/// How far a shutdown is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Open,
    /// Calls end by themselves, and no others are taken: a shutdown follows on the last.
    Draining,
    /// Calls are ending.
    Closing,
    /// No call is left; the last BYEs wait for their answers until then.
    Lingering(Instant),
    Over,
}

impl<B: Brain, O: Outlets> Driver<B, O> {
    fn new(brain: B, outlets: O, sockets: Sockets, witness: Witness) -> Self {
        let Sockets { listeners, limits, name_servers, directory } = sockets;
        let reach = Reach::of(listeners.iter().map(|listener| (listener.transport(), listener.local())));
        let (mut datagrams, mut doors) = (Vec::new(), Vec::new());
        for listener in listeners {
            match listener.0 {
                Kind::Datagrams(socket) => datagrams.push(Arc::new(socket)),
                Kind::Streams(door) => doors.push(door),
            }
        }
        Self {
            brain,
            outlets,
            witness,
            datagrams,
            connections: Connections::new(doors, limits, directory),
            lookups: Lookups::new(name_servers, reach),
            askers: Askers::default(),
            consequences: VecDeque::new(),
            deadline: None,
            phase: Phase::Open,
            buffer: vec![0; LARGEST_DATAGRAM].into_boxed_slice(),
        }
    }

    /// When the next turn is due without an input.
    fn wake(&self) -> Option<Instant> {
        if !self.consequences.is_empty() {
            return Some(Instant::now());
        }
        let lingered = match self.phase {
            Phase::Lingering(end) => Some(end),
            Phase::Open | Phase::Draining | Phase::Closing | Phase::Over => None,
        };
        [self.deadline, lingered].into_iter().flatten().min()
    }

    /// One input, and those that wait behind it, within the budget.
    fn take(&mut self, first: Input, inputs: &mut mpsc::Receiver<Input>) {
        self.hand_in(first);
        for _ in 1..INPUTS {
            let Ok(input) = inputs.try_recv() else { return };
            self.hand_in(input);
        }
    }

    /// What a socket has, within the budget.
    fn read(&mut self, socket: &Datagrams) {
        for _ in 0..DATAGRAMS {
            let Some((length, source)) = socket.receive(&mut self.buffer) else { break };
            let bytes = Bytes::copy_from_slice(&self.buffer[..length]);
            self.hand_in_message(socket.flow(source), bytes);
        }
        for peer in socket.unreachable() {
            self.hand_in(Input::FlowFailed(socket.flow(peer)));
        }
    }

    /// What the connections have, within the budget.
    fn listen(&mut self, first: Told) {
        self.take_told(first);
        for _ in 1..TOLD {
            let Some(told) = self.connections.hear_now() else { return };
            self.take_told(told);
        }
    }

    fn take_told(&mut self, told: Told) {
        match told {
            Told::Opened { id, flow, arrival } => self.connections.opened(id, flow, arrival),
            Told::Message { id, flow, bytes } => {
                if self.hand_in_message(flow, bytes) == Sense::None {
                    self.connections.cut(id);
                }
            }
            Told::Ended { id, flow, end } => {
                let lost = self.connections.ended(id, flow);
                match end {
                    End::Closed => {
                        tracing::debug!(transport = %flow.transport, remote = %flow.remote, "connection closed");
                    }
                    End::Fault(fault) => {
                        if matches!(*fault, StreamFault::Malformed { .. }) {
                            self.witness.made_no_sense(flow.transport);
                        }
                        self.outlets.stream_fault(*fault);
                    }
                }
                if lost == Lost::Flow {
                    self.hand_in(Input::FlowFailed(flow));
                }
            }
            Told::TurnedAway(fault) => self.outlets.stream_fault(fault),
        }
    }

    fn answer(&mut self, inquiry: Inquiry) {
        // Who asked may have gone.
        match inquiry.0 {
            Asked::Beginning { id, answer } => {
                answer.send(self.brain.calls_beginning(&id)).ok();
            }
            Asked::Page { after, limit, answer } => {
                answer.send(self.brain.calls_behind(&after, limit)).ok();
            }
            Asked::Hangup { id, answer } => {
                let call = self.brain.call_of(&id);
                if let Some(call) = call {
                    self.hand_in(Input::Command(Command::Hangup(call)));
                }
                answer.send(call.is_some()).ok();
            }
            Asked::Place { place, answer } => {
                let asker = self.askers.wait(Waiting::Placed(answer));
                self.hand_in(Input::Command(Command::Place(asker, place)));
            }
            Asked::Dial { id, digits, answer } => match self.brain.call_of(&id) {
                Some(call) => {
                    let asker = self.askers.wait(Waiting::Dialled(answer));
                    self.hand_in(Input::Command(Command::Dial(asker, call, digits)));
                }
                None => {
                    answer.send(Some(Dialled::Unknown)).ok();
                }
            },
        }
    }

    /// The verdicts that are there, within the budget.
    fn learn_all(&mut self, first: Answer) {
        self.learn(first);
        for _ in 1..ANSWERS {
            let Some(answer) = self.lookups.next_now() else { return };
            self.learn(answer);
        }
    }

    /// A verdict. The name that was asked for is kept too: a TLS peer has to show that it is its own, whatever DNS made of it.
    fn learn(&mut self, answer: Answer) {
        let Answer { ticket, verdict } = answer;
        if let Verdict::Resolved(found) = &verdict {
            for candidate in found {
                self.connections.names.learn(&candidate.domain, &[candidate.address]);
            }
        }
        self.hand_in(Input::Verdict(ticket, verdict));
    }

    /// After each turn: what came of it, the time, and the shutdown.
    fn catch_up(&mut self) {
        for _ in 0..self.consequences.len() {
            if let Some(input) = self.consequences.pop_front() {
                self.hand_in(input);
            }
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.hand_in(Input::Timeout);
        }
        let mut remaining = self.brain.remaining();
        if self.phase == Phase::Draining && remaining.seats == 0 {
            self.hand_in(Input::Command(Command::Shutdown));
            remaining = self.brain.remaining();
        }
        self.witness.holds(remaining);
        self.phase = self.next_phase(remaining);
    }

    fn next_phase(&self, remaining: Remaining) -> Phase {
        match self.phase {
            Phase::Open | Phase::Draining | Phase::Over => self.phase,
            Phase::Closing | Phase::Lingering(_) if remaining.calls > 0 => Phase::Closing,
            Phase::Closing | Phase::Lingering(_) if remaining.dialogs == 0 => Phase::Over,
            Phase::Closing => Phase::Lingering(Instant::now() + LINGER),
            Phase::Lingering(end) => {
                if end <= Instant::now() {
                    Phase::Over
                } else {
                    self.phase
                }
            }
        }
    }

    fn hand_in_message(&mut self, flow: Flow, bytes: Bytes) -> Sense {
        self.witness.came(flow, &bytes);
        let sense = self.hand_in(Input::Datagram { flow, bytes });
        if sense == Sense::None {
            self.witness.made_no_sense(flow.transport);
        }
        sense
    }

    fn hand_in(&mut self, input: Input) -> Sense {
        self.phase = match (&input, self.phase) {
            (Input::Command(Command::Drain), Phase::Open) => Phase::Draining,
            (Input::Command(Command::Shutdown), Phase::Open | Phase::Draining) => Phase::Closing,
            (_, phase) => phase,
        };
        if let Input::Directory(directory) = &input {
            self.connections.know(Arc::clone(directory));
        }
        self.brain.handle(now(), input);
        self.drain()
    }

    /// Carries out what the core says, in its order.
    fn drain(&mut self) -> Sense {
        let mut sense = Sense::Some;
        loop {
            match self.brain.poll() {
                Output::Transmit(transmit) => self.send(transmit.flow, transmit.bytes),
                Output::Media(worker, command) => self.outlets.media(worker, command),
                Output::Agent(worker, command) => self.outlets.agent(worker, command),
                Output::Ask(ticket, question) => {
                    let refused = self.lookups.ask(ticket, question);
                    self.consequences.extend(refused.map(|verdict| Input::Verdict(ticket, verdict)));
                }
                Output::Record(call, record) => self.outlets.record(call, record),
                Output::Answer(asker, answer) => self.askers.tell(asker, answer),
                Output::Happened(call, milestone, record) => self.outlets.happened(call, milestone, record),
                Output::Usage(used) => self.outlets.usage(used),
                Output::Notice(notice) => {
                    if matches!(notice, Notice::Malformed { .. }) {
                        sense = Sense::None;
                    }
                    self.outlets.notice(notice);
                }
                Output::Idle(deadline) => {
                    self.deadline = deadline;
                    return sense;
                }
            }
        }
    }

    fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.witness.goes(&self.brain, flow, &bytes);
        let failed = if is_stream(flow.transport) {
            self.send_on_stream(flow, bytes)
        } else {
            self.send_datagram(flow, &bytes)
        };
        self.consequences.extend(failed.into_iter().map(|remote| Input::FlowFailed(Flow { remote, ..flow })));
    }

    /// The peers that turn out not to be reachable.
    fn send_on_stream(&mut self, flow: Flow, bytes: Bytes) -> Vec<SocketAddr> {
        match self.connections.send(flow, bytes) {
            Ok(()) => return Vec::new(),
            Err(Unsent::Fault(fault)) => self.outlets.stream_fault(*fault),
            Err(Unsent::NoDoor) => no_socket(flow),
            Err(Unsent::Gone) => {}
        }
        vec![flow.remote]
    }

    /// The peers that turn out not to be reachable, by this or an earlier datagram.
    fn send_datagram(&mut self, flow: Flow, bytes: &[u8]) -> Vec<SocketAddr> {
        let mut failed: Vec<SocketAddr> = Vec::new();
        let socket = self.datagrams.iter().find(|socket| socket.local() == flow.local);
        match socket.map(|socket| socket.send(bytes, flow.remote, &mut failed)) {
            Some(Sent::Yes) => {}
            Some(Sent::Impossible) => failed.push(flow.remote),
            None => {
                no_socket(flow);
                failed.push(flow.remote);
            }
        }
        failed.sort_unstable();
        failed.dedup();
        failed
    }
}

fn no_socket(flow: Flow) {
    tracing::error!(transport = %flow.transport, local = %flow.local, "no socket for a flow");
}

/// Whether an input could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sense {
    Some,
    None,
}

fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { instant: Instant::now(), wall_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
}

/// Inputs of other threads in one turn.
const INPUTS: usize = 64;

/// What connections tell, in one turn.
const TOLD: usize = 64;

/// Verdicts on questions, in one turn.
const ANSWERS: usize = 64;

/// Datagrams of one socket in one turn.
const DATAGRAMS: usize = 64;

/// For the answers to the last BYEs.
const LINGER: Duration = Duration::from_secs(2);

const LARGEST_DATAGRAM: usize = 65_535;

#[cfg(test)]
mod tests;
