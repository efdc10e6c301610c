//! Why a call ended: the one list of reasons, and the words of each for the record and for the wire.

#[cfg(test)]
mod tests;
mod words;

pub(crate) use self::words::nearest;

use numbers::Refusal;

use crate::record::{CallStatus, EndedBy};

/// Which leg: A faces the caller, B whom it reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Caller,
    Callee,
}

/// Who is on a leg.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Party {
    /// Whose INVITE it is: a caller of a trunk, or who asks for a call to the outside.
    Caller,
    /// An agent that answers.
    Agent,
    /// Who is called in the telephone network.
    Callee,
}

/// Who is on which leg of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Parties {
    pub(crate) caller: Party,
    pub(crate) callee: Party,
}

impl Parties {
    /// Of a call to an agent.
    pub(crate) const INBOUND: Self = Self { caller: Party::Caller, callee: Party::Agent };
    /// Of a call to the telephone network.
    pub(crate) const OUTBOUND: Self = Self { caller: Party::Caller, callee: Party::Callee };
    /// Of a call of our own: whoever is called is the first to be reached.
    pub(crate) const PLACED: Self = Self { caller: Party::Callee, callee: Party::Agent };

    /// The leg of whoever is no agent: the one that digits are for which nobody pressed.
    pub(crate) const fn outside(self) -> Side {
        match self.callee {
            Party::Callee => Side::Callee,
            Party::Agent | Party::Caller => Side::Caller,
        }
    }

    /// Who is on that one.
    pub(crate) const fn on(self, side: Side) -> Party {
        match side {
            Side::Caller => self.caller,
            Side::Callee => self.callee,
        }
    }
}

impl Side {
    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// How far the call had come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// No final response has gone to the caller.
    Unanswered,
    /// The caller has its 200.
    Answered,
}

/// Why a call ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Admission said no.
    Refused(Refusal),
    /// It is not allowed, or fails at the trunk; which rule says so, in words; and in how many seconds it may be otherwise, where that
    /// is not what the refusal itself has.
    Denied(Refusal, String, Option<u32>),
    /// A call of our own was asked for that can't be; why, in words.
    Misplaced(String),
    /// The session description holds nothing that can be agreed to.
    Disagreed(sdp::Refusal),
    /// The endpoint answered with this status, in these words: the INVITE was none that could be taken.
    Unfit(u16, String),
    /// Nobody owns the source, and it gets no answer.
    Ignored,
    /// The body can't be read as what it says it is.
    BadRequest(String),
    /// The body is of a type that we don't read (RFC 3261 s.21.4.13).
    UnsupportedBody,
    /// The caller's CANCEL came, with these values of Reason (RFC 3326).
    Cancelled(Vec<String>),
    /// The agent answered 486 or 600, with these values of Reason (RFC 6432).
    AgentBusy(Vec<String>),
    /// The agent answered 603, with these values of Reason.
    AgentDeclined(Vec<String>),
    /// The last of the agents answered this other status above 299, with these values of Reason.
    AgentRefused(u16, Vec<String>),
    /// The last of the gateways that was asked answered this status above 299, with these values of Reason.
    CalleeRefused(u16, Vec<String>),
    /// Nobody answered within `ring_s`.
    NoAnswer,
    /// One side sent BYE, with these values of Reason (RFC 3326).
    HungUp(Party, Vec<String>),
    /// A SIP peer no longer knows the dialog, or no longer answers in it.
    PeerGone(Party),
    /// The agent's stream closed in order.
    StreamClosed,
    /// The agent's stream broke.
    StreamBroken,
    /// No ACK came to our 2xx; by which URI it had to come, in words.
    AckMissing(Party, String),
    /// Nobody refreshed the session with that side in time (RFC 4028 s.10).
    SessionExpired(Party),
    /// The caller acknowledged no provisional response of ours (RFC 3262 s.3).
    PrackMissing,
    /// The answer to our offer can't be used: which refusal that is nearest to, and why, in words.
    AnswerUnusable(Refusal, String),
    /// Nothing was heard from that side.
    MediaSilent(Party),
    /// The packet thread that carried its audio failed.
    MediaFailed,
    /// The call reached `max_call_s`.
    MaxDuration,
    /// The operator ended it.
    Hangup,
    /// The node stops.
    Shutdown,
}

/// What is said of an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Words {
    /// For the record.
    pub(crate) status: CallStatus,
    /// The final response to the caller, if it has none yet and gets one.
    pub(crate) sip_status: Option<u16>,
    /// What a Reason header gives in SIP's words: 200 for an orderly end (RFC 3326).
    pub(crate) cause: u16,
    /// RFC 3398 s.8.2.6 and ITU-T Q.850.
    pub(crate) q850: u8,
    pub(crate) ended_by: EndedBy,
    /// A machine word.
    pub(crate) reason: &'static str,
    /// For a person.
    pub(crate) text: String,
    /// Seconds until another try makes sense.
    pub(crate) retry_after: Option<u32>,
}

impl Fate {
    /// What the side that ended the call said of it in Reason.
    pub(crate) fn reasons(&self) -> &[String] {
        match self {
            Self::Cancelled(reasons)
            | Self::AgentBusy(reasons)
            | Self::AgentDeclined(reasons)
            | Self::AgentRefused(_, reasons)
            | Self::CalleeRefused(_, reasons)
            | Self::HungUp(_, reasons) => reasons,
            Self::Refused(_)
            | Self::Denied(..)
            | Self::Misplaced(_)
            | Self::Disagreed(_)
            | Self::Unfit(..)
            | Self::Ignored
            | Self::BadRequest(_)
            | Self::UnsupportedBody
            | Self::NoAnswer
            | Self::PeerGone(_)
            | Self::StreamClosed
            | Self::StreamBroken
            | Self::AckMissing(..)
            | Self::SessionExpired(_)
            | Self::PrackMissing
            | Self::AnswerUnusable(..)
            | Self::MediaSilent(_)
            | Self::MediaFailed
            | Self::MaxDuration
            | Self::Hangup
            | Self::Shutdown => &[],
        }
    }

    /// The words of this end of a call that had come so far.
    pub(crate) fn words(&self, phase: Phase) -> Words {
        match phase {
            Phase::Unanswered => self.words_unanswered(),
            Phase::Answered => Words { sip_status: None, retry_after: None, ..self.words_answered() },
        }
    }

    /// What there is to say beyond the words that every such end has.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::AckMissing(_, diagnosis) => Some(diagnosis.clone()),
            Self::AnswerUnusable(_, words) | Self::Denied(_, words, _) | Self::Misplaced(words) => {
                Some(words.clone())
            }
            Self::Refused(_)
            | Self::Disagreed(_)
            | Self::Unfit(..)
            | Self::Ignored
            | Self::BadRequest(_)
            | Self::UnsupportedBody
            | Self::Cancelled(_)
            | Self::AgentBusy(_)
            | Self::AgentDeclined(_)
            | Self::AgentRefused(..)
            | Self::CalleeRefused(..)
            | Self::NoAnswer
            | Self::PrackMissing
            | Self::HungUp(..)
            | Self::PeerGone(_)
            | Self::StreamClosed
            | Self::StreamBroken
            | Self::SessionExpired(_)
            | Self::MediaSilent(_)
            | Self::MediaFailed
            | Self::MaxDuration
            | Self::Hangup
            | Self::Shutdown => None,
        }
    }
}
