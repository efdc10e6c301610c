//! What the core puts out, carried to whom it is for. Nothing here waits or decides.

use std::sync::Arc;
use std::time::Instant;

use b2bua::CallRecord;
use b2bua::io::{CallKey, Input, Milestone, Notice};
use b2bua::record::CallDirection;
use media::agent::{AgentCommand, AgentEvent};
use media::command::WorkerId;
use media_net::Workers;
use numbers::Used;
use sip_net::{Outlets, StreamFault};
use store::{Entry, Pulse};
use tokio::sync::mpsc;
use witness::Metrics;

use crate::call_line;
use crate::mask::Numbers;
use crate::notices::Notices;

/// The ways out of the core.
pub(crate) struct Wiring {
    pub(crate) workers: Workers,
    pub(crate) streams: agent_net::Streams,
    /// To the store. Bounded by the calls, which the core does not forget before their records are written.
    pub(crate) records: mpsc::UnboundedSender<Entry>,
    /// To the daemons on the same store, if it may have others. Bounded by the inventory, as whoever receives keeps each subject once.
    pub(crate) usage: Option<mpsc::UnboundedSender<Vec<Used>>>,
    /// How telephone numbers are shown in the log.
    pub(crate) numbers: Numbers,
    pub(crate) notices: Notices,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pulse: Arc<Pulse>,
    /// For those who follow what happens.
    pub(crate) events: admin::Events,
}

impl Outlets for Wiring {
    fn media(&mut self, worker: WorkerId, command: media::Command) {
        self.workers.command(worker, command);
    }

    fn agent(&mut self, worker: WorkerId, command: AgentCommand) {
        match command {
            AgentCommand::Open { agent, media, stream, timeout } => {
                let (told, events) = mpsc::channel(TAP_EVENTS);
                let (inputs, played) = mpsc::channel(TAP_INPUTS);
                self.workers.attach(worker, media, told, played);
                self.streams.open(agent, stream, timeout, agent_net::Tap { events, inputs });
            }
            AgentCommand::Close { agent } => self.streams.close(agent),
        }
    }

    fn record(&mut self, call: CallKey, record: Arc<CallRecord>) {
        call_line::tell(&record, self.numbers);
        self.metrics.record(&record);
        self.events.call(Arc::clone(&record));
        self.keep(call, record);
    }

    fn happened(&mut self, call: CallKey, milestone: Milestone, record: Arc<CallRecord>) {
        // What it speaks is of the minutes of the day: no crash is to give them anew.
        if milestone == Milestone::Answered && record.direction == CallDirection::Outbound {
            self.keep(call, Arc::clone(&record));
        }
        self.events.come_to(milestone, record);
    }

    fn usage(&mut self, used: Vec<Used>) {
        if self.usage.as_ref().is_some_and(|others| others.send(used).is_err()) {
            // As is told of its end.
            self.usage = None;
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.notices.tell(Instant::now(), &notice);
    }

    fn stream_fault(&mut self, fault: StreamFault) {
        self.notices.tell_stream_fault(Instant::now(), &fault);
    }
}

impl Wiring {
    fn keep(&self, call: CallKey, record: Arc<CallRecord>) {
        self.pulse.handed();
        if self.records.send((call, record)).is_err() {
            tracing::error!("the recorder has ended: a call record is lost");
        }
    }
}

/// Carries what the packet threads tell to the core, and counts it.
pub(crate) async fn media_events(
    mut events: mpsc::Receiver<media::Event>,
    inputs: mpsc::Sender<Input>,
    metrics: Arc<Metrics>,
) {
    while let Some(event) = events.recv().await {
        match &event {
            media::Event::Latched { .. } => metrics.latched(),
            media::Event::Released { counters, .. } => metrics.released(counters),
            media::Event::Bound { .. }
            | media::Event::BindFailed { .. }
            | media::Event::Silent { .. }
            | media::Event::Measured { .. }
            | media::Event::Lost { .. } => {}
        }
        if inputs.send(Input::Media(event)).await.is_err() {
            return;
        }
    }
}

/// Carries what the agent streams tell to the core.
pub(crate) async fn agent_events(mut events: mpsc::Receiver<AgentEvent>, inputs: mpsc::Sender<Input>) {
    while let Some(event) = events.recv().await {
        if inputs.send(Input::Agent(event)).await.is_err() {
            return;
        }
    }
}

/// 5 s of a caller's audio for a stream that lags.
const TAP_EVENTS: usize = 256;
/// Messages of a bot between its stream and the tap, whose own queue is the long one.
const TAP_INPUTS: usize = 64;
