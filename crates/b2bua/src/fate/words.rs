//! The words of each end, before the answer and after it.

use std::fmt;

use numbers::Refusal;

use super::{Fate, Party, Words};
use crate::headers::reason;
use crate::record::{CallStatus, EndedBy};

impl Fate {
    pub(super) fn words_unanswered(&self) -> Words {
        use CallStatus::{Busy, Canceled, Failed, NoAnswer, Refused};
        match self {
            Self::Refused(refusal) => refused(*refusal, refusal.text()),
            Self::Denied(refusal, text, wait) => {
                let words = refused(*refusal, text);
                Words { retry_after: wait.or(words.retry_after), ..words }
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
            Self::BadRequest(fault) | Self::Misplaced(fault) => {
                words(Refused, 400, 95, EndedBy::Policy, "bad-request", fault)
            }
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
            Self::Cancelled(reasons) | Self::HungUp(Party::Caller, reasons) => {
                words(Canceled, 487, q850(reasons), EndedBy::Caller, "canceled", "canceled by the caller")
            }
            Self::PeerGone(Party::Caller) => {
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
            Self::CalleeRefused(cause, reasons) => callee_refused(*cause, reason::q850(reasons)),
            Self::NoAnswer => words(NoAnswer, 480, 19, EndedBy::System, "no-answer", "no answer"),
            Self::PrackMissing => {
                words(Failed, 504, 102, EndedBy::System, "prack-missing", "no PRACK from the caller")
            }
            Self::MediaFailed => words(Failed, 500, 41, EndedBy::System, "media-failed", MEDIA_FAILED),
            Self::Hangup => words(Failed, 480, 16, EndedBy::System, "hangup", "hung up by the operator"),
            Self::Shutdown => Words {
                retry_after: Some(SHUTDOWN_RETRY_S),
                ..words(Failed, 503, 41, EndedBy::System, "shutdown", "shutting down")
            },
            Self::HungUp(Party::Agent | Party::Callee, _)
            | Self::PeerGone(Party::Agent | Party::Callee)
            | Self::StreamClosed
            | Self::StreamBroken
            | Self::AckMissing(..)
            | Self::SessionExpired(_)
            | Self::AnswerUnusable(..)
            | Self::MediaSilent(_)
            | Self::MaxDuration => Words { sip_status: Some(480), status: Failed, ..self.words_answered() },
        }
    }

    pub(super) fn words_answered(&self) -> Words {
        use CallStatus::{Completed, Failed};
        match self {
            Self::HungUp(party, reasons) => {
                let text = format!("{party} hung up");
                words(Completed, 200, q850(reasons), party.ends(), "normal", &text)
            }
            Self::StreamClosed => words(Completed, 200, 16, EndedBy::Agent, "normal", "agent hung up"),
            Self::StreamBroken => {
                words(Completed, 502, 41, EndedBy::Agent, "agent-gone", "connection to the agent lost")
            }
            Self::PeerGone(party) => {
                let (by, reason) = match party {
                    Party::Caller => (EndedBy::Carrier, "caller-gone"),
                    Party::Agent => (EndedBy::Agent, "agent-gone"),
                    Party::Callee => (EndedBy::Carrier, "callee-gone"),
                };
                words(Completed, 481, 41, by, reason, &format!("{party} gone"))
            }
            Self::AckMissing(party, _) => {
                let status = match party {
                    Party::Caller => Failed,
                    Party::Agent | Party::Callee => Completed,
                };
                let text = format!("no ACK from the {party}");
                words(status, 408, 102, EndedBy::System, "ack-missing", &text)
            }
            Self::SessionExpired(party) => {
                let text = format!("session with the {party} not refreshed");
                words(Failed, 408, 102, EndedBy::System, "session-expired", &text)
            }
            Self::AnswerUnusable(refusal, fault) => {
                let text = format!("the answer can't be used: {fault}");
                words(Failed, 488, 79, EndedBy::System, refusal.reason(), &text)
            }
            Self::MediaSilent(party) => {
                let text = format!("no media from the {party}");
                words(Completed, 408, 102, EndedBy::System, "media-silent", &text)
            }
            Self::MediaFailed => words(Completed, 500, 41, EndedBy::System, "media-failed", MEDIA_FAILED),
            Self::MaxDuration => {
                words(Completed, 200, 16, EndedBy::Policy, "max-duration", "longest duration reached")
            }
            Self::Hangup => words(Completed, 200, 16, EndedBy::System, "hangup", "hung up by the operator"),
            Self::Shutdown => words(Completed, 503, 41, EndedBy::System, "shutdown", "shutting down"),
            Self::Refused(_)
            | Self::Denied(..)
            | Self::Misplaced(_)
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

fn refused(refusal: Refusal, text: &str) -> Words {
    let (status, by) = if refusal == Refusal::AgentUnreachable {
        (CallStatus::Failed, EndedBy::Agent)
    } else if refusal == Refusal::TrunkFailed {
        (CallStatus::Failed, EndedBy::Carrier)
    } else {
        (CallStatus::Refused, EndedBy::Policy)
    };
    Words {
        retry_after: refusal.retry_after(),
        ..words(status, refusal.status(), refusal.q850(), by, refusal.reason(), text)
    }
}

/// What who asked for a call gets for a gateway's refusal: the same status, but for what is a matter between the gateway and us: its
/// redirections, which would lead the call past what is allowed, its challenges, and what it finds wrong with our own message.
fn callee_refused(cause: u16, q850: Option<u8>) -> Words {
    use CallStatus::{Busy, Failed, NoAnswer};
    let (call, reason, usual) = match cause {
        486 | 600 => (Busy, "callee-busy", 17),
        603 | 607 | 608 => (Busy, "callee-declined", 21),
        404 | 410 | 484 | 485 | 604 => (Failed, "callee-unknown", 1),
        408 | 480 => (NoAnswer, Refusal::TrunkFailed.reason(), 18),
        _other => (Failed, Refusal::TrunkFailed.reason(), Refusal::TrunkFailed.q850()),
    };
    let status = match cause {
        ..=401 | 407 | 420..=423 | 482 | 483 | 491 | 493 | 494 => Refusal::TrunkFailed.status(),
        _other => cause,
    };
    let text = format!("the trunk answered {cause}");
    Words { cause, ..words(call, status, q850.unwrap_or(usual), EndedBy::Carrier, reason, &text) }
}

impl Party {
    /// It ends the call.
    const fn ends(self) -> EndedBy {
        match self {
            Self::Caller => EndedBy::Caller,
            Self::Agent => EndedBy::Agent,
            Self::Callee => EndedBy::Callee,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
            Self::Callee => "callee",
        })
    }
}

/// The refusal that stands for a disagreement in the table of reasons; the words say more.
pub(crate) fn nearest(disagreement: sdp::Refusal) -> Refusal {
    match disagreement {
        sdp::Refusal::EncryptionRequired
        | sdp::Refusal::EncryptionUnwanted
        | sdp::Refusal::NoCommonSuite
        | sdp::Refusal::Dtls => Refusal::MediaEncryptionRequired,
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

const MEDIA_FAILED: &str = "the packet thread of the call failed";
