//! What a UAS looks at before it looks at what a request wants (RFC 3261 s.8.2.1 to s.8.2.3).

use super::refusing::Refusal;
use super::{Header, Reply, SessionTimer, compose, description, session};
use crate::dialog::target_of;
use crate::message::{Message, Method, StatusCode};
use crate::uri::{Scheme, Uri};

/// What is wrong with a request outside of any dialog, if anything: method, then addressing, then extensions.
pub(super) fn fresh(request: &Message, timer: SessionTimer) -> Option<Refusal> {
    if needs_dialog(request.method()) {
        return Some(Refusal::new(StatusCode::CALL_DOES_NOT_EXIST, "outside of any dialog"));
    }
    if let Method::Extension(_) = request.method() {
        return Some(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "a method that is none of ours"));
    }
    if let Some(Ok(Scheme::Other(scheme))) =
        request.request_uri().map(|uri| Uri::parse(uri).map(|uri| uri.scheme()))
    {
        let words = format!("a Request-URI of the scheme {scheme}");
        return Some(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME, words));
    }
    // OPTIONS with 0 asks the hop that it reaches, which is us (s.11).
    if *request.method() != Method::Options && request.max_forwards() == Some(0) {
        return Some(Refusal::new(StatusCode::TOO_MANY_HOPS, "Max-Forwards is 0"));
    }
    if let Some(reply) = required(request) {
        let required: Vec<_> = reply.headers.iter().map(Header::value).collect();
        let words = format!("it requires {}", required.join(", "));
        return Some(Refusal { reply, words });
    }
    if *request.method() != Method::Invite {
        return None;
    }
    if let Some(sealed) = description::sealed(request) {
        return Some(sealed);
    }
    if target_of(request).is_none() {
        return Some(Refusal::told(StatusCode::BAD_REQUEST, "an INVITE without a SIP URI in a Contact"));
    }
    let reply = session::too_small(request, timer)?;
    Some(Refusal { reply, words: "a session interval shorter than we take".to_owned() })
}

/// What is wrong with a request within a dialog, if anything.
pub(super) fn within(request: &Message, timer: SessionTimer) -> Option<Reply> {
    let method = request.method();
    // Whoever hangs up is let go, whatever they require for it.
    if *method == Method::Bye {
        return None;
    }
    if matches!(method, Method::Register | Method::Publish | Method::Extension(_)) {
        return Some(compose::plain(StatusCode::METHOD_NOT_ALLOWED));
    }
    if let Some(refusal) = required(request) {
        return Some(refusal);
    }
    if let Some(refusal) = description::unreadable(request) {
        return Some(refusal);
    }
    let refreshes = matches!(method, Method::Invite | Method::Update);
    if refreshes { session::too_small(request, timer) } else { None }
}

/// Whether a method makes sense only within a dialog.
pub(super) fn needs_dialog(method: &Method) -> bool {
    matches!(method, Method::Bye | Method::Prack | Method::Update | Method::Info)
}

/// 420 with what is required and not supported.
fn required(request: &Message) -> Option<Reply> {
    let supported = |tag: &str| EXTENSIONS.iter().any(|own| own.eq_ignore_ascii_case(tag));
    let unsupported: Vec<_> = request.headers("Require").filter(|tag| !supported(tag)).collect();
    if unsupported.is_empty() {
        return None;
    }
    let header = Header::new("Unsupported", unsupported.join(", "));
    Some(Reply { status: StatusCode::BAD_EXTENSION, headers: vec![header], body: None })
}

/// The option tags that a request may require.
const EXTENSIONS: [&str; 2] = ["timer", "100rel"];
