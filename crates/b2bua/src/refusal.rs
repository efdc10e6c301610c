//! The one place that turns a reason into a response or a Reason header (RFC 3261 s.21, RFC 3326).

use bytes::Bytes;
use sip::StatusCode;
use sip::endpoint::{Body, Header, Reply};

use crate::fate::{Fate, Phase};
use crate::headers::quotable;
use crate::headers::reason::{self, Q850};

/// The type of the bodies that we negotiate with.
pub(crate) const SDP: &str = "application/sdp";

/// The types of the bodies that carry a digit, which no RFC defines.
pub(crate) const DTMF_RELAY: &str = "application/dtmf-relay";
pub(crate) const DTMF: &str = "application/dtmf";

/// The final response above 299 that tells the caller of this end; `None` if it gets no answer.
pub(crate) fn reply(fate: &Fate) -> Option<Reply> {
    let words = fate.words(Phase::Unanswered);
    let code = words.sip_status?;
    // There is one value of SIP (RFC 3326 s.2), and ours stands in the first line.
    let told = if let Fate::AgentRefused(status, _) | Fate::CalleeRefused(status, _) = fate {
        *status
    } else {
        code
    };
    let mut reply = plain(code)
        .with("Reason", reason(told, &format!("{}: {}", words.reason, words.text)))
        .with("Reason", cause(fate, words.q850));
    if let Some(seconds) = words.retry_after {
        reply = reply.with("Retry-After", seconds.to_string());
    }
    Some(match code {
        415 => reply.with("Accept", SDP.to_owned()),
        // RFC 3261 s.20.43: 399 is a warning for a person.
        488 => reply.with("Warning", format!("399 strowger \"{}\"", quotable(&words.text))),
        _other => reply,
    })
}

/// The Reason headers of a BYE or CANCEL that this end makes us send: what the far side said of it, and what we say for what it left
/// out. An orderly BYE has no status in SIP: `SIP;cause=200` says on a CANCEL that another phone was answered (RFC 3326 s.2), and on a
/// BYE nothing.
pub(crate) fn reasons(fate: &Fate, phase: Phase) -> Vec<Header> {
    let words = fate.words(phase);
    let given = fate.reasons();
    let mut values = given.to_vec();
    if given.is_empty() && words.cause != 200 {
        values.push(reason(words.cause, &words.text));
        values.push(cause(fate, words.q850));
    } else if given.is_empty() {
        values.push(format!("{};text=\"{}\"", cause(fate, words.q850), quotable(&words.text)));
    } else if reason::cause(given, Q850).is_none() {
        values.push(cause(fate, words.q850));
    }
    values.into_iter().map(|value| header("Reason", value)).collect()
}

/// A reply of that status alone.
pub(crate) fn plain(code: u16) -> Reply {
    Reply { status: StatusCode::new(code).unwrap_or(SERVER_ERROR), headers: Vec::new(), body: None }
}

/// A final response to a change that came to nothing, since the other side of the call answered `cause` (RFC 3326, RFC 6141 s.3.3).
pub(crate) fn unchanged(code: u16, cause: u16) -> Reply {
    let text = "the other side did not agree to the change; the session stays as it was";
    let reply = plain(code).with("Reason", reason(cause, text));
    if code == 488 { reply.with("Warning", format!("399 strowger \"{text}\"")) } else { reply }
}

/// A 401, with the challenges in this order (RFC 3261 s.22.2).
pub(crate) fn challenge(challenges: Vec<String>) -> Reply {
    challenges.into_iter().fold(plain(401), |reply, challenge| reply.with("WWW-Authenticate", challenge))
}

/// A 405: the method is none of ours, or not here. The endpoint adds Allow.
pub(crate) fn not_allowed() -> Reply {
    plain(405)
}

/// A 200 with a session description, to an INVITE or a re-INVITE (RFC 3261 s.13.3.1.4). The endpoint adds Allow.
pub(crate) fn described(description: &str) -> Reply {
    with_description(undescribed(), description)
}

/// A 200 to an INVITE whose session has been described before.
pub(crate) fn undescribed() -> Reply {
    plain(200).with("Accept", accepted())
}

/// The reply with a session description.
pub(crate) fn with_description(reply: Reply, description: &str) -> Reply {
    Reply { body: Some(session_description(description)), ..reply }
}

/// A body of type `application/sdp`.
pub(crate) fn session_description(description: &str) -> Body {
    Body { content_type: SDP, bytes: Bytes::copy_from_slice(description.as_bytes()) }
}

pub(crate) fn header(name: &'static str, value: String) -> Header {
    Header::new(name, value)
}

/// One more header on a reply.
pub(crate) trait With {
    fn with(self, name: &'static str, value: String) -> Self;
}

impl With for Reply {
    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push(Header::new(name, value));
        self
    }
}

/// The types of the bodies that we take within a dialog.
pub(crate) fn accepted() -> String {
    [SDP, DTMF_RELAY, DTMF].join(", ")
}

/// The value of Q.850: that of the far side as it said it, if it did. RFC 6432: in a response as well.
fn cause(fate: &Fate, q850: u8) -> String {
    match reason::cause(fate.reasons(), Q850) {
        Some((given, _)) => given.to_owned(),
        None => format!("{Q850};cause={q850}"),
    }
}

fn reason(cause: u16, text: &str) -> String {
    format!("SIP;cause={cause};text=\"{}\"", quotable(text))
}

/// For a code out of range, of which there is none.
const SERVER_ERROR: StatusCode = match StatusCode::new(500) {
    Some(status) => status,
    None => unreachable!(),
};
