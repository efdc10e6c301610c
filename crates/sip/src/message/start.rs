//! Start lines (RFC 3261 s.7.1 and s.7.2), as leniently as RFC 4475 s.3.1.2 lets one be.

use super::index::{Fault, Span};
use super::method::Method;
use super::{Limits, StatusCode};
use crate::uri::Uri;

/// A start line's content.
#[derive(Debug)]
pub(super) enum Start {
    Request { method: Method, uri: Span },
    Response { status: StatusCode, reason: Span },
}

pub(super) enum StartFault {
    /// Enough is there to read on.
    Partial(Start, Fault),
    NotSip(Fault),
}

impl Start {
    pub(super) const fn is_request(&self) -> bool {
        matches!(self, Self::Request { .. })
    }
}

/// Reads the start line `line` of the message `whole`.
pub(super) fn read_start(whole: &str, line: &str) -> Result<Start, StartFault> {
    let line = line.trim_end_matches(' ');
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    if first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        return response(whole, first, rest);
    }
    let Some(method) = Method::parse(first) else {
        return Err(StartFault::NotSip(Fault::bad("the start line begins with no method")));
    };
    let (uri, version) = rest.rsplit_once(' ').unwrap_or((rest, ""));
    let uri = uri.trim_matches(' ');
    let start = Start::Request { method, uri: Span::of(whole, uri) };
    match check(uri, version) {
        Ok(()) => Ok(start),
        Err(fault) => Err(StartFault::Partial(start, fault)),
    }
}

fn check(uri: &str, version: &str) -> Result<(), Fault> {
    if !version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        return Err(Fault::bad("the request line does not end in a SIP version"));
    }
    if !version.eq_ignore_ascii_case(VERSION) {
        let status = StatusCode::VERSION_NOT_SUPPORTED;
        return Err(Fault { status, words: "a version other than SIP/2.0".to_owned() });
    }
    if uri.len() > Limits::URI {
        let status = StatusCode::REQUEST_URI_TOO_LONG;
        return Err(Fault { status, words: format!("the Request-URI is over {} octets long", Limits::URI) });
    }
    let parsed = Uri::parse(uri).map_err(|fault| Fault::bad(format!("Request-URI: {fault}")))?;
    if parsed.headers().is_some() {
        return Err(Fault::bad("the Request-URI holds headers"));
    }
    Ok(())
}

fn response(whole: &str, version: &str, rest: &str) -> Result<Start, StartFault> {
    let not_sip = |words| StartFault::NotSip(Fault::bad(words));
    if !version.eq_ignore_ascii_case(VERSION) {
        return Err(not_sip("a response of a version other than SIP/2.0"));
    }
    let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    let status = if digits { code.parse().ok().and_then(StatusCode::new) } else { None };
    let status = status.ok_or_else(|| not_sip("a status that is not 100 to 699"))?;
    Ok(Start::Response { status, reason: Span::of(whole, reason) })
}

const VERSION: &str = "SIP/2.0";
