//! The values of Reason (RFC 3326) that go from one leg to the other: one of each protocol, written anew.

use sip::Message;
use sip::params::Params;

use super::quotable;

/// The values in a message that a peer is told, as `PROTOCOL;cause=N;text="..."`.
pub(crate) fn of(message: Option<&Message>) -> Vec<String> {
    let mut reasons: Vec<(String, String)> = Vec::new();
    for value in message.into_iter().flat_map(|message| message.headers("Reason")) {
        let Some((protocol, value)) = read(&value) else { continue };
        if reasons.len() < MAX_PROTOCOLS && reasons.iter().all(|(own, _)| *own != protocol) {
            reasons.push((protocol, value));
        }
    }
    reasons.into_iter().map(|(_, value)| value).collect()
}

/// The protocol in its usual case, and the value.
fn read(value: &str) -> Option<(String, String)> {
    let (protocol, params) = value.split_once(';').unwrap_or((value, ""));
    let protocol = match protocol.trim() {
        sip if sip.eq_ignore_ascii_case(SIP) => SIP.to_owned(),
        q850 if q850.eq_ignore_ascii_case(Q850) => Q850.to_owned(),
        other if is_word(other) => other.to_owned(),
        _other => return None,
    };
    let params = Params::new(params);
    let cause = params.get("cause").and_then(|cause| cause.parse::<u16>().ok());
    // RFC 8606: where in the network.
    let location = params.get("location").filter(|location| is_word(location));
    let text: String = quotable(params.get("text").unwrap_or_default()).chars().take(MAX_TEXT).collect();
    let text = Some(text.trim()).filter(|text| !text.is_empty());
    let parts = [
        Some(protocol.clone()),
        cause.map(|cause| format!("cause={cause}")),
        location.map(|location| format!("location={location}")),
        text.map(|text| format!("text=\"{text}\"")),
    ];
    Some((protocol, parts.into_iter().flatten().collect::<Vec<_>>().join(";")))
}

/// The value of that protocol among those of [`of`], and its cause.
pub(crate) fn cause<'a>(reasons: &'a [String], protocol: &str) -> Option<(&'a str, u16)> {
    reasons.iter().find_map(|value| {
        let (own, params) = value.split_once(';')?;
        let cause = Params::new(params).get("cause").filter(|_| own == protocol)?;
        Some((value.as_str(), cause.parse().ok()?))
    })
}

/// The cause of a value of the protocol SIP.
pub(super) fn sip_cause(value: &str) -> Option<u16> {
    let (_, value) = read(value)?;
    cause(&[value], SIP).map(|(_, cause)| cause)
}

/// The cause of ITU-T Q.850 among them: 1 to 127.
pub(crate) fn q850(reasons: &[String]) -> Option<u8> {
    let (_, cause) = cause(reasons, Q850)?;
    u8::try_from(cause).ok().filter(|cause| (1..=127).contains(cause))
}

/// Whether the caller took its call back because another phone of it, or of its group, was answered (RFC 3326 s.2).
pub(crate) fn is_answered_elsewhere(reasons: &[String]) -> bool {
    cause(reasons, SIP).is_some_and(|(_, cause)| cause == 200)
}

fn is_word(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(word)
}

pub(crate) const SIP: &str = "SIP";
pub(crate) const Q850: &str = "Q.850";

const MAX_PROTOCOLS: usize = 4;
const MAX_WORD: usize = 32;
const MAX_TEXT: usize = 128;
