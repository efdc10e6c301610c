//! Whether a message carries a session description, and bodies that nobody here can read (RFC 3261 s.7.4 and s.8.2.3, RFC 5621).

use super::refusing::Refusal;
use super::{Body, Header, Reply};
use crate::message::{Message, Method, StatusCode};

/// Whether a message carries a session description, be it as a part of its body: what else it may carry neither offers nor answers.
pub(super) fn describes(message: &Message) -> bool {
    if message.body().is_empty() {
        return false;
    }
    match &*message.content_type().unwrap_or_default() {
        SDP => true,
        other => other.starts_with(MULTIPART) && names_sdp(message.body()),
    }
}

impl Body {
    /// Whether it is, or has in it, a session description.
    pub(super) fn describes(&self) -> bool {
        self.content_type == SDP || (self.content_type.starts_with(MULTIPART) && names_sdp(&self.bytes))
    }
}

impl Reply {
    /// Whether it carries a session description.
    pub(super) fn describes(&self) -> bool {
        self.body.as_ref().is_some_and(Body::describes)
    }
}

/// What is wrong with the body of a request outside of any dialog, if it is of no use whatever the core above makes of it.
pub(super) fn sealed(request: &Message) -> Option<Refusal> {
    let readable = request.body().is_empty() || is_optional(request);
    let media_type = request.content_type().filter(|_| !readable)?;
    let encrypted = matches!(&*media_type, "application/pkcs7-mime" | "multipart/encrypted");
    encrypted.then(|| Refusal::new(StatusCode::UNDECIPHERABLE, "an encrypted body"))
}

/// What is wrong with the body of a request within a dialog that may offer or answer, if anything. A re-INVITE's is the core's to judge.
pub(super) fn unreadable(request: &Message) -> Option<Reply> {
    if let Some(refusal) = sealed(request) {
        return Some(refusal.reply);
    }
    let negotiates = matches!(request.method(), Method::Update | Method::Prack);
    if !negotiates || request.body().is_empty() || is_optional(request) || describes(request) {
        return None;
    }
    let header = Header::new("Accept", SDP.to_owned());
    Some(Reply { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, headers: vec![header], body: None })
}

/// Whether a body may be passed over (RFC 3261 s.20.11).
fn is_optional(request: &Message) -> bool {
    request.header("Content-Disposition").is_some_and(|disposition| {
        let mut parameters = disposition.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        parameters.any(|(name, value)| {
            name.trim().eq_ignore_ascii_case("handling") && value.trim().eq_ignore_ascii_case("optional")
        })
    })
}

/// Whether a multipart body says that it has a session description in it.
fn names_sdp(body: &[u8]) -> bool {
    body.windows(SDP.len()).any(|octets| octets.eq_ignore_ascii_case(SDP.as_bytes()))
}

/// The media type of a session description.
const SDP: &str = "application/sdp";

const MULTIPART: &str = "multipart/";
