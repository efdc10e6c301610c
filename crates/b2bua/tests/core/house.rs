//! A core with hands and ears: SIP bytes are written by hand, workers and agent streams are played, and all that comes out of
//! the core is written down, a line each.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use b2bua::io::{CallKey, Command, Notice, Question, Ticket};
use b2bua::record::CallRecord;
use b2bua::{Config, Core, Input, Now, Output};
use bytes::Bytes;
use media::MediaKey;
use media::agent::{AgentCommand, AgentEvent, AgentKey, Stream};
use media::command::{Command as MediaCommand, Counters, Remote, WorkerId};
use numbers::{Directory, Used};
use sip::endpoint::Listener;
use sip::{Flow, Transport};

use crate::text::header;

pub(crate) const US: &str = "203.0.113.5:5060";
pub(crate) const CALLER: &str = "192.0.2.1:5060";
pub(crate) const AGENT: &str = "198.51.100.7:5060";
pub(crate) const STRANGER: &str = "203.0.113.66:5060";

pub(crate) const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[agents]]
id = "bot"
endpoint = { kind = "media-stream", url = "wss://bots.example.com/sales", parameters = { persona = "sales" } }

[[agents]]
id = "bot-then-echo"
fallback_agent_id = "echo"
endpoint = { kind = "media-stream", url = "wss://bots.example.com/other" }

[[agents]]
id = "desk"
endpoint = { kind = "sip", uri = "sip:desk@198.51.100.7:5060", addresses = ["198.51.100.7"] }

[[agents]]
id = "named"
fallback_agent_id = "echo"
endpoint = { kind = "sip", uri = "sip:desk@pbx.example.com" }

[[trunks]]
id = "acme"
inbound = { addresses = ["192.0.2.0/24"], did_country = "US" }

[[numbers]]
e164 = "+14155550100"
trunk_id = "acme"
agent_id = "echo"

[[numbers]]
e164 = "+14155550101"
trunk_id = "acme"
agent_id = "bot"

[[numbers]]
e164 = "+14155550102"
trunk_id = "acme"
agent_id = "bot-then-echo"

[[numbers]]
e164 = "+14155550103"
trunk_id = "acme"
agent_id = "desk"

[[numbers]]
e164 = "+14155550104"
trunk_id = "acme"

[[numbers]]
e164 = "+14155550105"
trunk_id = "acme"
agent_id = "named"

[[numbers]]
e164 = "+14155550106"
trunk_id = "acme"
status = "suspended"
"#;

/// How the played worker answers a Bind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binds {
    Succeed,
    Fail,
    FailOnce,
    Wait,
}

pub(crate) struct House {
    pub(crate) core: Core,
    pub(crate) now: Now,
    pub(crate) binds: Binds,
    /// All that the core has put out, a line each, since it was last read.
    pub(crate) journal: Vec<String>,
    /// What was sent, by receiver.
    pub(crate) sent: Vec<(SocketAddr, String)>,
    pub(crate) records: Vec<(CallKey, CallRecord)>,
    pub(crate) streams: Vec<(AgentKey, Stream)>,
    /// What other nodes were told.
    pub(crate) used: Vec<Used>,
    pub(crate) questions: Vec<(Ticket, Question)>,
    pub(crate) described: BTreeMap<MediaKey, Remote>,
    pub(crate) media: Vec<MediaKey>,
    /// Whose each of them is.
    pub(crate) workers: Vec<WorkerId>,
    /// Where each of them was bound.
    pub(crate) bound: Vec<IpAddr>,
    /// Pairs whose Bind has no answer yet.
    pub(crate) waiting: Vec<MediaKey>,
    /// Whether finished records are confirmed at once.
    pub(crate) store: Store,
    /// The worker answers nothing.
    pub(crate) deaf: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Works,
    Hangs,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(INVENTORY, |_| {})
    }

    pub(crate) fn with(inventory: &str, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        adjust(&mut config);
        Self {
            core: Core::new(config, directory(inventory), [7; 32]),
            now: Now { instant: origin(), wall_ms: 1_000_000 },
            binds: Binds::Succeed,
            journal: Vec::new(),
            sent: Vec::new(),
            records: Vec::new(),
            streams: Vec::new(),
            used: Vec::new(),
            questions: Vec::new(),
            described: BTreeMap::new(),
            media: Vec::new(),
            workers: Vec::new(),
            bound: Vec::new(),
            waiting: Vec::new(),
            store: Store::Works,
            deaf: false,
        }
    }

    pub(crate) fn receive(&mut self, from: &str, text: &str) {
        self.receive_over(Transport::Udp, from, text);
    }

    pub(crate) fn receive_over(&mut self, transport: Transport, from: &str, text: &str) {
        let flow = Flow { transport, local: US.parse().unwrap(), remote: from.parse().unwrap() };
        self.input(Input::Datagram { flow, bytes: Bytes::copy_from_slice(text.as_bytes()) });
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.core.handle(self.now, input);
        self.drain();
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    /// Lets time pass, waking the core whenever it asks for it.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        loop {
            let Output::Idle(deadline) = self.core.poll() else { panic!("not drained") };
            let next = deadline.filter(|at| *at <= end);
            let at = next.unwrap_or(end).max(self.now.instant);
            let step = at - self.now.instant;
            self.now =
                Now { instant: at, wall_ms: self.now.wall_ms + u64::try_from(step.as_millis()).unwrap() };
            if next.is_none() {
                return;
            }
            self.input(Input::Timeout);
        }
    }

    /// What happened since the last look, without 100 Trying.
    pub(crate) fn look(&mut self) -> String {
        let mut text = String::from("\n");
        for line in self.journal.drain(..) {
            writeln!(text, "{line}").unwrap();
        }
        text
    }

    /// The last message to that receiver whose first line has this in it.
    pub(crate) fn last(&self, to: &str, what: &str) -> String {
        let to: SocketAddr = to.parse().unwrap();
        let found = self.sent.iter().rev().find(|(receiver, text)| {
            *receiver == to && text.lines().next().is_some_and(|line| line.contains(what))
        });
        match found {
            Some((_, text)) => text.clone(),
            None => panic!("no {what} to {to}: {:?}", self.sent),
        }
    }

    pub(crate) fn record(&self) -> &CallRecord {
        &self.records.last().expect("a record").1
    }

    pub(crate) fn finished(&self) -> Vec<&CallRecord> {
        self.records.iter().map(|(_, record)| record).filter(|record| record.status.is_some()).collect()
    }

    pub(crate) fn call(&self) -> CallKey {
        self.core.calls().last().expect("a call").key
    }

    /// Nothing of any call is left, but for transactions that the RFC makes linger.
    pub(crate) fn assert_empty(&mut self) {
        self.pass(Duration::from_secs(70));
        let census = self.core.census();
        assert_eq!((census.calls, census.seats, census.ports, census.keys), (0, 0, 0, 0), "{census:?}");
        assert_eq!((census.sip.dialogs, census.sip.transactions), (0, 0), "{census:?}");
    }

    fn drain(&mut self) {
        let mut answers = Vec::new();
        loop {
            let output = self.core.poll();
            if !matches!(output, Output::Idle(_)) {
                self.put(output, &mut answers);
            } else if answers.is_empty() {
                return;
            } else {
                self.core.handle(self.now, answers.remove(0));
            }
        }
    }

    fn put(&mut self, output: Output, answers: &mut Vec<Input>) {
        match output {
            Output::Transmit(transmit) => {
                let text = String::from_utf8(transmit.bytes.to_vec()).unwrap();
                let who = match transmit.flow.remote.to_string().as_str() {
                    CALLER => "caller",
                    AGENT => "agent",
                    _ => "other",
                };
                self.journal.push(format!("{who} <- {}", summary(&text)));
                self.sent.push((transmit.flow.remote, text));
            }
            Output::Media(worker, command) => {
                if let MediaCommand::Bind { .. } = command {
                    self.workers.push(worker);
                }
                self.worker(command, answers);
            }
            Output::Agent(_, AgentCommand::Open { agent, stream, .. }) => {
                self.journal.push("stream open".to_owned());
                self.streams.push((agent, *stream));
            }
            Output::Agent(_, AgentCommand::Close { .. }) => self.journal.push("stream close".to_owned()),
            Output::Ask(ticket, question) => {
                let Question::Resolve(target) = &question;
                self.journal.push(format!("ask {target}"));
                self.questions.push((ticket, question));
            }
            Output::Record(key, record) => {
                let words = match record.status {
                    None => "record".to_owned(),
                    Some(status) => format!("record {status:?} {}", record.reason.as_deref().unwrap_or("-")),
                };
                self.journal.push(words);
                if record.status.is_some() && self.store == Store::Works {
                    answers.push(Input::Recorded(key));
                }
                self.records.push((key, Arc::unwrap_or_clone(record)));
            }
            Output::Notice(notice) => self.journal.push(match notice {
                Notice::SourceUnknown { source, method, .. } => format!("notice {method} from {source}"),
                Notice::AgentUnreachable { agent_id, error } => format!("notice {agent_id}: {error}"),
                Notice::ServerFailed { agent_id, server, error } => {
                    format!("notice {agent_id}, {server}: {error}")
                }
                Notice::CredentialsRefused { source, error, .. } => format!("notice {source}: {error}"),
                Notice::GatewayFailed { trunk_id, gateway, error } => {
                    format!("notice {trunk_id}, {gateway}: {error}")
                }
                Notice::AgentGone { agent_id, error } => format!("notice {agent_id} gone: {error}"),
                Notice::NoPorts { error } => format!("notice no ports: {error}"),
                Notice::Unfit { status, fault, .. } => format!("notice {status}: {fault}"),
                Notice::Undeliverable { method, to, .. } => format!("notice undeliverable {method} to {to}"),
                Notice::Malformed { fault, .. } => format!("notice {fault}"),
            }),
            Output::Usage(used) => self.used.extend(used),
            // Of calls of our own the simulation tells.
            Output::Answer(..) | Output::Happened(..) | Output::Idle(_) => {}
        }
    }

    fn worker(&mut self, command: MediaCommand, answers: &mut Vec<Input>) {
        let name = |house: &Self, media: MediaKey| match house.media.iter().position(|own| *own == media) {
            Some(at) => format!("m{}", at + 1),
            None => "m?".to_owned(),
        };
        let line = match command {
            MediaCommand::Bind { media, address, .. } => {
                self.media.push(media);
                self.bound.push(address);
                let error = "in use".to_owned();
                match self.binds {
                    Binds::Succeed => answers.push(Input::Media(media::Event::Bound { media })),
                    Binds::Fail | Binds::FailOnce => {
                        answers.push(Input::Media(media::Event::BindFailed { media, error }));
                    }
                    Binds::Wait => self.waiting.push(media),
                }
                if self.binds == Binds::FailOnce {
                    self.binds = Binds::Succeed;
                }
                format!("bind {}", name(self, media))
            }
            MediaCommand::Describe { media, remote } => {
                let direction = match (remote.direction.send, remote.direction.receive) {
                    (true, true) => "both",
                    (true, false) => "send",
                    (false, true) => "receive",
                    (false, false) => "none",
                };
                let line =
                    format!("describe {} {:?} {} {direction}", name(self, media), remote.codec, remote.rtp);
                self.described.insert(media, remote);
                line
            }
            MediaCommand::Relay { a, b } => format!("relay {} {}", name(self, a), name(self, b)),
            MediaCommand::Echo { media } => format!("echo {}", name(self, media)),
            MediaCommand::Tap { media } => format!("tap {}", name(self, media)),
            MediaCommand::Dial { media, digit, duration } => {
                format!("dial {} {} {}ms", name(self, media), digit.key(), duration.as_millis())
            }
            MediaCommand::Hear { media, digit } => format!("hear {} {}", name(self, media), digit.key()),
            MediaCommand::Release { media } => {
                let counters = Counters { received: 50, lost: 1, jitter_us: 1500, ..Counters::default() };
                if !self.deaf {
                    answers.push(Input::Media(media::Event::Released { media, counters }));
                }
                format!("release {}", name(self, media))
            }
        };
        self.journal.push(line);
    }

    pub(crate) fn stream(&self) -> AgentKey {
        self.streams.last().expect("a stream").0
    }

    pub(crate) fn opened(&mut self) {
        let agent = self.stream();
        self.input(Input::Agent(AgentEvent::Opened { agent }));
    }

    pub(crate) fn failed(&mut self) {
        let agent = self.stream();
        self.input(Input::Agent(AgentEvent::Failed { agent, error: "connection refused".to_owned() }));
    }
}

/// A message in a line: status or method, and what Reason says.
fn summary(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let word = first.strip_prefix("SIP/2.0 ").unwrap_or(first).split(' ').next().unwrap_or_default();
    match header(text, "Reason") {
        Some(reason) => format!("{word} [{reason}]"),
        None => word.to_owned(),
    }
}

pub(crate) fn config() -> Config {
    let local: SocketAddr = US.parse().unwrap();
    let sip = sip::endpoint::Config {
        listeners: vec![Listener { transport: Transport::Udp, local, advertised: local }],
        user_agent: "strowger".to_owned(),
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        max_transactions: 1_000,
        max_dialogs: 1_000,
        udp_max_payload: 1_300,
        session: sip::endpoint::SessionTimer::default(),
    };
    Config::new(sip, local.ip(), 10_000..=10_099)
}

pub(crate) fn directory(inventory: &str) -> Arc<Directory> {
    let inventory = toml::from_str(inventory).expect("an inventory");
    Arc::new(Directory::new(inventory).expect("no faults"))
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn origin() -> Instant {
    Instant::now()
}
