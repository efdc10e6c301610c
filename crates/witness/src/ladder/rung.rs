//! What is said of one message.

use bytes::Bytes;
use sip::{Message, Method};

use crate::glance::{self, Start};

/// A message in a few words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rung {
    /// `INVITE (SDP)`, `200 OK (BYE)`.
    pub(super) label: String,
    /// Below it: why.
    pub(super) notes: Vec<String>,
}

/// Whether a message went the same way before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    First,
    Again,
}

impl Rung {
    pub(super) fn of(octets: &[u8], turn: Turn) -> Self {
        let message = Message::parse(Bytes::copy_from_slice(octets)).ok();
        let mut marks = Vec::new();
        let mut label = match (glance::start(octets), &message) {
            (Start::Request(method), _) => String::from_utf8_lossy(method).into_owned(),
            (Start::Response(status), message) => {
                let phrase = message.as_ref().and_then(Message::reason_phrase).unwrap_or_default();
                if let Some(message) = message
                    && *message.method() != Method::Invite
                {
                    marks.push(message.method().to_string());
                }
                format!("{status} {phrase}").trim_end().to_owned()
            }
            (Start::Nothing, _) => "?".to_owned(),
        };
        let mut notes = Vec::new();
        if let Some(message) = &message {
            marks.extend(description(message));
            notes.extend(message.headers("Reason").map(|reason| reason_note(&reason)));
            for (header, name) in [("Warning", "warning"), ("Retry-After", "retry after")] {
                notes.extend(message.header(header).map(|value| format!("{name} {value}")));
            }
        }
        if turn == Turn::Again {
            marks.push("again".to_owned());
            notes.clear();
        }
        if !marks.is_empty() {
            label = format!("{label} ({})", marks.join(", "));
        }
        Self { label, notes }
    }
}

/// `SDP`, and where audio may go if not both ways.
fn description(message: &Message) -> Option<String> {
    let kind = message.content_type()?.to_ascii_lowercase();
    let (sdp, multipart) = (kind.starts_with("application/sdp"), kind.starts_with("multipart/"));
    let body = message.body();
    if body.is_empty() {
        return None;
    }
    if !sdp && !multipart {
        return Some(kind.split(';').next().unwrap_or_default().trim().to_owned());
    }
    let body = String::from_utf8_lossy(body);
    if multipart && !body.to_ascii_lowercase().contains("application/sdp") {
        return Some("multipart".to_owned());
    }
    let direction = ["sendonly", "recvonly", "inactive"]
        .into_iter()
        .find(|word| body.lines().any(|line| line.trim().strip_prefix("a=") == Some(word)));
    Some(direction.map_or_else(|| "SDP".to_owned(), |word| format!("SDP {word}")))
}

/// `Q.850 16 Normal call clearing` of `Q.850;cause=16;text="Normal call clearing"` (RFC 3326).
fn reason_note(value: &str) -> String {
    let mut words = Vec::new();
    for (index, part) in value.split(';').map(str::trim).enumerate() {
        match part.split_once('=') {
            _ if index == 0 => words.push(part),
            Some((name, value)) if ["cause", "text"].contains(&name.trim()) => {
                words.push(value.trim().trim_matches('"'));
            }
            Some(_) | None => {}
        }
    }
    words.join(" ")
}
