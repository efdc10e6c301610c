//! Why a call ended: the one list of reasons, and the words of each for the record and for the wire.

use numbers::Refusal;

use crate::headers::reason;
use crate::record::{CallStatus, EndedBy};

/// Which leg: A faces the caller, B the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Caller,
    Agent,
}

impl Side {
    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Agent,
            Self::Agent => Self::Caller,
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
    /// Nobody answered within `ring_s`.
    NoAnswer,
    /// One side sent BYE, with these values of Reason (RFC 3326).
    HungUp(Side, Vec<String>),
    /// A SIP peer no longer knows the dialog, or no longer answers in it.
    PeerGone(Side),
    /// The agent's stream closed in order.
    StreamClosed,
    /// The agent's stream broke.
    StreamBroken,
    /// No ACK came to our 2xx; by which URI it had to come, in words.
    AckMissing(Side, String),
    /// Nobody refreshed the session with that side in time (RFC 4028 s.10).
    SessionExpired(Side),
    /// The caller acknowledged no provisional response of ours (RFC 3262 s.3).
    PrackMissing,
    /// The answer to our offer can't be used: why, in words.
    AnswerUnusable(String),
    /// Nothing was heard from that side.
    MediaSilent(Side),
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
            | Self::HungUp(_, reasons) => reasons,
            Self::Refused(_)
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
            | Self::AnswerUnusable(_)
            | Self::MediaSilent(_)
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
            Self::AnswerUnusable(fault) => Some(fault.clone()),
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
            | Self::NoAnswer
            | Self::PrackMissing
            | Self::HungUp(..)
            | Self::PeerGone(_)
            | Self::StreamClosed
            | Self::StreamBroken
            | Self::SessionExpired(_)
            | Self::MediaSilent(_)
            | Self::MaxDuration
            | Self::Hangup
            | Self::Shutdown => None,
        }
    }

    fn words_unanswered(&self) -> Words {
        use CallStatus::{Busy, Canceled, Failed, NoAnswer, Refused};
        match self {
            Self::Refused(refusal) => {
                let (status, by) = if matches!(refusal, Refusal::AgentUnreachable) {
                    (Failed, EndedBy::Agent)
                } else {
                    (Refused, EndedBy::Policy)
                };
                Words {
                    retry_after: refusal.retry_after(),
                    ..words(status, refusal.status(), refusal.q850(), by, refusal.reason(), refusal.text())
                }
            }
            Self::Disagreed(disagreement) => {
                let refusal = nearest(*disagreement);
                let (status, reason) = (refusal.status(), refusal.reason());
                words(Refused, status, refusal.q850(), EndedBy::Policy, reason, &disagreement.to_string())
            }
            Self::Unfit(status, fault) => {
                let (reason, q850) = unfit(*status);
                words(Refused, *status, q850, EndedBy::Policy, reason, fault)
            }
            Self::Ignored => Words {
                sip_status: None,
                ..words(Refused, 403, 21, EndedBy::Policy, "source-unknown", "unknown source")
            },
            Self::BadRequest(fault) => words(Refused, 400, 95, EndedBy::Policy, "bad-request", fault),
            Self::UnsupportedBody => words(
                Refused,
                415,
                79,
                EndedBy::Policy,
                "unsupported-body",
                "the body is no session description",
            ),
            Self::Cancelled(reasons) if reason::is_answered_elsewhere(reasons) => {
                let q850 = reason::q850(reasons).unwrap_or(ANSWERED_ELSEWHERE);
                words(Canceled, 487, q850, EndedBy::Caller, "answered-elsewhere", "answered elsewhere")
            }
            Self::Cancelled(reasons) | Self::HungUp(Side::Caller, reasons) => {
                words(Canceled, 487, q850(reasons), EndedBy::Caller, "canceled", "canceled by the caller")
            }
            Self::PeerGone(Side::Caller) => {
                words(Canceled, 487, 16, EndedBy::Caller, "canceled", "canceled by the caller")
            }
            Self::AgentBusy(reasons) => {
                let q850 = reason::q850(reasons).unwrap_or(17);
                words(Busy, 486, q850, EndedBy::Agent, "agent-busy", "agent busy")
            }
            Self::AgentDeclined(reasons) => {
                let q850 = reason::q850(reasons).unwrap_or(21);
                words(Busy, 603, q850, EndedBy::Agent, "agent-declined", "agent declined")
            }
            Self::AgentRefused(cause, reasons) => {
                let (status, q850) = passed_on(*cause);
                let q850 = reason::q850(reasons).unwrap_or(q850);
                let text = format!("the agent answered {cause}");
                let reason = Refusal::AgentUnreachable.reason();
                Words { cause: *cause, ..words(Failed, status, q850, EndedBy::Agent, reason, &text) }
            }
            Self::NoAnswer => words(NoAnswer, 480, 19, EndedBy::System, "no-answer", "no answer"),
            Self::PrackMissing => {
                words(Failed, 504, 102, EndedBy::System, "prack-missing", "no PRACK from the caller")
            }
            Self::Hangup => words(Failed, 480, 16, EndedBy::System, "hangup", "hung up by the operator"),
            Self::Shutdown => Words {
                retry_after: Some(SHUTDOWN_RETRY_S),
                ..words(Failed, 503, 41, EndedBy::System, "shutdown", "shutting down")
            },
            Self::HungUp(Side::Agent, _)
            | Self::PeerGone(Side::Agent)
            | Self::StreamClosed
            | Self::StreamBroken
            | Self::AckMissing(..)
            | Self::SessionExpired(_)
            | Self::AnswerUnusable(_)
            | Self::MediaSilent(_)
            | Self::MaxDuration => Words { sip_status: Some(480), status: Failed, ..self.words_answered() },
        }
    }

    fn words_answered(&self) -> Words {
        use CallStatus::{Completed, Failed};
        match self {
            Self::HungUp(Side::Caller, reasons) => {
                words(Completed, 200, q850(reasons), EndedBy::Caller, "normal", "caller hung up")
            }
            Self::HungUp(Side::Agent, reasons) => {
                words(Completed, 200, q850(reasons), EndedBy::Agent, "normal", "agent hung up")
            }
            Self::StreamClosed => words(Completed, 200, 16, EndedBy::Agent, "normal", "agent hung up"),
            Self::StreamBroken => {
                words(Completed, 502, 41, EndedBy::Agent, "agent-gone", "connection to the agent lost")
            }
            Self::PeerGone(Side::Agent) => {
                words(Completed, 481, 41, EndedBy::Agent, "agent-gone", "agent gone")
            }
            Self::PeerGone(Side::Caller) => {
                words(Completed, 481, 41, EndedBy::Carrier, "caller-gone", "caller gone")
            }
            Self::AckMissing(Side::Caller, _) => {
                words(Failed, 408, 102, EndedBy::System, "ack-missing", "no ACK from the caller")
            }
            Self::AckMissing(Side::Agent, _) => {
                words(Completed, 408, 102, EndedBy::System, "ack-missing", "no ACK from the agent")
            }
            Self::SessionExpired(side) => {
                let text = match side {
                    Side::Caller => "session with the caller not refreshed",
                    Side::Agent => "session with the agent not refreshed",
                };
                words(Failed, 408, 102, EndedBy::System, "session-expired", text)
            }
            Self::AnswerUnusable(fault) => {
                let text = format!("the answer can't be used: {fault}");
                words(Failed, 488, 79, EndedBy::System, "no-common-codec", &text)
            }
            Self::MediaSilent(Side::Caller) => {
                words(Completed, 408, 102, EndedBy::System, "media-silent", "no media from the caller")
            }
            Self::MediaSilent(Side::Agent) => {
                words(Completed, 408, 102, EndedBy::System, "media-silent", "no media from the agent")
            }
            Self::MaxDuration => {
                words(Completed, 200, 16, EndedBy::Policy, "max-duration", "longest duration reached")
            }
            Self::Hangup => words(Completed, 200, 16, EndedBy::System, "hangup", "hung up by the operator"),
            Self::Shutdown => words(Completed, 503, 41, EndedBy::System, "shutdown", "shutting down"),
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
            | Self::NoAnswer
            | Self::PrackMissing => Words { status: Failed, ..self.words_unanswered() },
        }
    }
}

fn words(
    status: CallStatus,
    cause: u16,
    q850: u8,
    ended_by: EndedBy,
    reason: &'static str,
    text: &str,
) -> Words {
    let text = text.to_owned();
    Words { status, sip_status: Some(cause), cause, q850, ended_by, reason, text, retry_after: None }
}

/// The refusal that stands for a disagreement in the table of reasons; the words say more.
fn nearest(disagreement: sdp::Refusal) -> Refusal {
    match disagreement {
        sdp::Refusal::EncryptionRequired => Refusal::MediaEncryptionRequired,
        sdp::Refusal::NoAudio
        | sdp::Refusal::NoCommonCodec
        | sdp::Refusal::UnknownTransport
        | sdp::Refusal::NoAddress
        | sdp::Refusal::Multicast
        | sdp::Refusal::OtherFamily => Refusal::NoCommonCodec,
    }
}

/// The machine word for what the endpoint refused, and its cause (RFC 3398 s.8.2.6.1; ours for 400 and 503).
fn unfit(status: u16) -> (&'static str, u8) {
    match status {
        414 | 416 => ("unsupported-uri", 127),
        420 => ("unsupported-extension", 127),
        482 => ("loop-detected", 25),
        483 => ("too-many-hops", 25),
        493 => ("unsupported-body", 127),
        503 => (Refusal::NodeFull.reason(), Refusal::NodeFull.q850()),
        505 => ("unsupported-version", 127),
        513 => ("message-too-large", 127),
        _other => ("bad-request", 95),
    }
}

/// What the caller gets for an agent's refusal: what is wrong with its own call it hears as it is, all else is the agent's matter.
/// And the cause where the agent gives none (RFC 3398 s.8.2.6.1; that of 488 as for a disagreement of ours).
fn passed_on(status: u16) -> (u16, u8) {
    match status {
        404 => (404, 1),
        484 => (484, 28),
        488 | 606 => (488, Refusal::NoCommonCodec.q850()),
        _other => (Refusal::AgentUnreachable.status(), Refusal::AgentUnreachable.q850()),
    }
}

/// The Q.850 cause that a peer's BYE gives, else normal clearing.
fn q850(reasons: &[String]) -> u8 {
    reason::q850(reasons).unwrap_or(16)
}

/// Non-selected user clearing.
const ANSWERED_ELSEWHERE: u8 = 26;

const SHUTDOWN_RETRY_S: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// The fate that comes after this one, in the order of the list.
    fn next(fate: &Fate) -> Option<Fate> {
        Some(match fate {
            Fate::Refused(_) => Fate::Disagreed(sdp::Refusal::NoAudio),
            Fate::Disagreed(_) => Fate::Unfit(483, "too many hops".to_owned()),
            Fate::Unfit(..) => Fate::Ignored,
            Fate::Ignored => Fate::BadRequest("no v= line".to_owned()),
            Fate::BadRequest(_) => Fate::UnsupportedBody,
            Fate::UnsupportedBody => Fate::Cancelled(Vec::new()),
            Fate::Cancelled(_) => Fate::AgentBusy(Vec::new()),
            Fate::AgentBusy(_) => Fate::AgentDeclined(Vec::new()),
            Fate::AgentDeclined(_) => Fate::AgentRefused(500, Vec::new()),
            Fate::AgentRefused(..) => Fate::NoAnswer,
            Fate::NoAnswer => Fate::HungUp(Side::Caller, Vec::new()),
            Fate::HungUp(Side::Caller, _) => Fate::HungUp(Side::Agent, Vec::new()),
            Fate::HungUp(Side::Agent, _) => Fate::PeerGone(Side::Caller),
            Fate::PeerGone(Side::Caller) => Fate::PeerGone(Side::Agent),
            Fate::PeerGone(Side::Agent) => Fate::StreamClosed,
            Fate::StreamClosed => Fate::StreamBroken,
            Fate::StreamBroken => Fate::AckMissing(Side::Caller, String::new()),
            Fate::AckMissing(Side::Caller, _) => Fate::AckMissing(Side::Agent, String::new()),
            Fate::AckMissing(Side::Agent, _) => Fate::PrackMissing,
            Fate::PrackMissing => Fate::SessionExpired(Side::Caller),
            Fate::SessionExpired(Side::Caller) => Fate::SessionExpired(Side::Agent),
            Fate::SessionExpired(Side::Agent) => Fate::AnswerUnusable("there is none".to_owned()),
            Fate::AnswerUnusable(_) => Fate::MediaSilent(Side::Caller),
            Fate::MediaSilent(Side::Caller) => Fate::MediaSilent(Side::Agent),
            Fate::MediaSilent(Side::Agent) => Fate::MaxDuration,
            Fate::MaxDuration => Fate::Hangup,
            Fate::Hangup => Fate::Shutdown,
            Fate::Shutdown => return None,
        })
    }

    /// The two tables lend each other words, so a fate that neither has of its own would never come to an end.
    #[test]
    fn every_end_has_words_in_both_phases() {
        let fates: Vec<Fate> =
            std::iter::successors(Some(Fate::Refused(Refusal::DidUnknown)), next).collect();
        assert_eq!(fates.len(), 28);
        for fate in fates {
            let unanswered = fate.words(Phase::Unanswered);
            let answer = unanswered.sip_status.unwrap_or_default();
            if fate == Fate::Ignored {
                assert_eq!(answer, 0);
            } else {
                assert!((400..700).contains(&answer), "{fate:?}");
            }
            assert_ne!(unanswered.status, CallStatus::Completed, "{fate:?}");
            let answered = fate.words(Phase::Answered);
            assert_eq!((answered.sip_status, answered.retry_after), (None, None), "{fate:?}");
            assert!(
                matches!(answered.status, CallStatus::Completed | CallStatus::Failed),
                "an answered call is not refused, busy or canceled: {fate:?}"
            );
            for words in [unanswered, answered] {
                assert!(!words.reason.is_empty() && !words.text.is_empty(), "{fate:?}");
                assert!((1..=127).contains(&words.q850), "{fate:?}");
            }
        }
    }
}
