//! What goes into the core, and what comes out of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use media::agent::{AgentCommand, AgentEvent};
use media::command::WorkerId;
use numbers::{Directory, Spoke, Used};
use sip::Flow;
use sip::locate::{Candidate, Target};

use crate::ask::{Answer, Asker, Digits, Place};
use crate::record::CallRecord;

/// The time of an input: one clock for timers, one for records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Monotonic.
    pub instant: Instant,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub wall_ms: u64,
}

/// Our own key of a call (the header is `Call-ID`). Never reused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CallKey(pub u64);

/// Names one question until its verdict.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ticket(pub u64);

/// What is slow, and so asked of the outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Where a SIP agent is whose host is a name (RFC 3263).
    Resolve(Target),
}

/// The answer to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// In the order to try them; empty never.
    Resolved(Vec<Candidate>),
    /// In words.
    Failed(String),
}

/// A verb of the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Ends one call, as if the far side had.
    Hangup(CallKey),
    /// Starts a call of our own. `Output::Answer` follows.
    Place(Asker, Box<Place>),
    /// Sends digits to whoever is no agent. `Output::Answer` follows.
    Dial(Asker, CallKey, Digits),
    /// Refuses new calls (503, `draining`) from here on.
    Drain,
    /// Ends every call with a BYE or a final response, reason `shutdown`. `Drain` is implied.
    Shutdown,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// A datagram, or a framed message of a stream.
    Datagram {
        /// Where from.
        flow: Flow,
        /// The bytes.
        bytes: Bytes,
    },
    /// A send on the flow failed, or its connection closed.
    FlowFailed(Flow),
    /// From a media worker.
    Media(media::Event),
    /// From an agent stream.
    Agent(AgentEvent),
    /// The answer to an `Ask`.
    Verdict(Ticket, Verdict),
    /// What we own, anew. Running calls keep what they were admitted with.
    Directory(Arc<Directory>),
    /// What outbound calls of before the start have spoken in the UTC day that began at `midnight_ms` (milliseconds since
    /// 1970-01-01T00:00:00Z): it counts against the minutes of that day.
    Spoken {
        /// Which day.
        midnight_ms: u64,
        /// By trunk and number, each pair once.
        spoke: Vec<Spoke>,
    },
    /// What calls on all other nodes together take of these, from here on: limits count it beside our own.
    Others(Vec<Used>),
    /// The finished call's record is on disk: the call may be forgotten.
    Recorded(CallKey),
    /// The operator's word.
    Command(Command),
    /// Time has passed.
    Timeout,
}

/// What to do, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send.
    Transmit(sip::endpoint::Transmit),
    /// Change a media worker's table.
    Media(WorkerId, media::Command),
    /// Open or close an agent stream. The tap of `media` is on `WorkerId`.
    Agent(WorkerId, AgentCommand),
    /// Find out, and hand back a `Verdict` with the ticket.
    Ask(Ticket, Question),
    /// Write the record, replacing one with the same id. With `status` set the call is over: `Recorded` must follow.
    Record(CallKey, Arc<CallRecord>),
    /// To who asked by a command.
    Answer(Asker, Answer),
    /// A call has come so far.
    Happened(CallKey, Milestone, Arc<CallRecord>),
    /// To other nodes, if there are any: what calls take here of these, from here on.
    Usage(Vec<Used>),
    /// For the log: a line about something that is no call (malformed bytes, an unknown source).
    Notice(Notice),
    /// Nothing more to do until an input, or this time.
    Idle(Option<Instant>),
}

/// What happens to a call between its first record and its last, once each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Milestone {
    /// Whoever is called is rung.
    Ringing,
    /// It is answered.
    Answered,
    /// Both sides can talk.
    Joined,
}

impl Milestone {
    /// In the order in which a call comes to them.
    pub const ALL: [Self; 3] = [Self::Ringing, Self::Answered, Self::Joined];
}

/// Something to say that is no call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A request came from a source that no trunk and no agent owns.
    SourceUnknown {
        /// Where from.
        source: SocketAddr,
        /// Its method.
        method: String,
        /// The User-Agent it gave.
        user_agent: Option<String>,
    },
    /// An agent could not be reached; the call goes to its fallback agent, or ends.
    AgentUnreachable {
        /// Which one.
        agent_id: String,
        /// What was wrong, in words.
        error: String,
    },
    /// A server of an agent could not be reached; the call goes to the agent's next one.
    ServerFailed {
        /// Of which agent.
        agent_id: String,
        /// Its transport, address and name.
        server: String,
        /// What was wrong, in words.
        error: String,
    },
    /// An INVITE came with credentials that are no good, or too often with such.
    CredentialsRefused {
        /// Where from.
        source: SocketAddr,
        /// Its method.
        method: String,
        /// What was wrong, in words: not which of name and password.
        error: String,
    },
    /// A gateway of a trunk, or one of its servers, could not be reached or can't serve; an outbound call goes to the next, or ends.
    GatewayFailed {
        /// Of which trunk.
        trunk_id: String,
        /// Which one: its transport, address and name.
        gateway: String,
        /// What was wrong, in words.
        error: String,
    },
    /// The stream of an agent broke during a call, which ends.
    AgentGone {
        /// Which one.
        agent_id: String,
        /// What was wrong, in words.
        error: String,
    },
    /// A call was refused, since there was no port pair for its caller's media.
    NoPorts {
        /// Why, in words.
        error: String,
    },
    /// An INVITE of a known source was none that could be taken.
    Unfit {
        /// Where from.
        source: SocketAddr,
        /// What it was answered.
        status: u16,
        /// What was wrong, in words.
        fault: String,
    },
    /// A request of ours within a call could not be sent to the far side, which so knows nothing of it.
    Undeliverable {
        /// Where it was tried last.
        peer: SocketAddr,
        /// Over what.
        transport: sip::Transport,
        /// Its method.
        method: String,
        /// Its Call-ID.
        call_id: String,
        /// The Route or Contact of the far side: where it wanted the request.
        to: String,
    },
    /// Bytes that are no SIP.
    Malformed {
        /// Where from.
        source: SocketAddr,
        /// What was wrong.
        fault: String,
    },
}
