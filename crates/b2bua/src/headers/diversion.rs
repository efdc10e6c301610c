//! Diversion (RFC 5806): each entry is a party that diverted the call, the latest on top.

use sip::{Message, NameAddr};

use super::redirected::{Party, Shown, parties_shown};

/// A party that diverted the call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Diversion {
    pub(super) party: Party,
    /// A token: `user-busy`, `unconditional` ...
    pub(super) reason: String,
    /// How many diversions it stands for, at least 1.
    pub(super) counter: u8,
    /// The most diversions that it wants the call to have.
    pub(super) limit: Option<u8>,
}

/// Those of an INVITE, the oldest first.
pub(super) fn read(request: &Message) -> Vec<Diversion> {
    let shown = parties_shown(request);
    let mut all: Vec<_> =
        request.headers("Diversion").filter_map(|value| entry(&value, shown)).take(MAX_ENTRIES).collect();
    all.reverse();
    all
}

fn entry(value: &str, shown: Shown) -> Option<Diversion> {
    let address = NameAddr::parse(value).ok()?;
    let params = address.params();
    let private = params.get("privacy").map(|privacy| privacy.trim_matches('"').to_ascii_lowercase());
    let shown = match private.as_deref() {
        Some("full" | "uri" | "name") => Shown::No,
        Some(_) | None => shown,
    };
    let number = |name: &str| params.get(name).and_then(|value| value.parse::<u8>().ok());
    let reason = params.get("reason").map(|reason| reason.trim_matches('"').to_ascii_lowercase());
    Some(Diversion {
        party: Party::of(address.uri(), shown),
        reason: reason.filter(|reason| is_word(reason)).unwrap_or_else(|| UNKNOWN.to_owned()),
        counter: number("counter").unwrap_or(1).max(1),
        limit: number("limit").filter(|limit| *limit > 0),
    })
}

impl Diversion {
    pub(super) fn print(&self, host: &str) -> String {
        let Self { party, reason, counter, limit } = self;
        let limit = limit.map(|limit| format!(";limit={limit}")).unwrap_or_default();
        // What is made anonymous asks for no privacy any more (RFC 7544 s.3.2).
        let privacy = if party.shown == Shown::Yes { ";privacy=off" } else { "" };
        format!("<{}>;reason={reason};counter={counter}{limit}{privacy}", party.uri(host))
    }
}

/// The cause of RFC 4458 for a reason (RFC 7544 s.5).
pub(super) fn cause_of(reason: &str) -> u16 {
    match reason {
        "unconditional" => 302,
        "user-busy" => 486,
        "no-answer" => 408,
        "deflection" => 480,
        "unavailable" => 503,
        _other => UNKNOWN_CAUSE,
    }
}

/// The reason for a cause (RFC 7544 s.6); `None` if it stands for no diversion.
pub(super) fn reason_of(cause: u16) -> Option<&'static str> {
    Some(match cause {
        302 => "unconditional",
        UNKNOWN_CAUSE => UNKNOWN,
        408 => "no-answer",
        480 | 487 => "deflection",
        486 => "user-busy",
        503 => "unavailable",
        _other => return None,
    })
}

fn is_word(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(word)
}

pub(super) const UNKNOWN: &str = "unknown";
pub(super) const UNKNOWN_CAUSE: u16 = 404;

const MAX_WORD: usize = 32;
/// More than any call may have.
const MAX_ENTRIES: usize = 64;
