//! History-Info (RFC 7044): each entry is a target that the call had, the oldest first.

use sip::uri::unescaped;
use sip::{Message, NameAddr};

use super::diversion::{Diversion, reason_of};
use super::reason;
use super::redirected::{Party, Shown, parties_shown};

/// A target that the call had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) party: Party,
    /// Why the call came here, if it was diverted to it (RFC 4458).
    pub(super) cause: Option<u16>,
    /// The response for which it went on from here: a cause of SIP.
    pub(super) reason: Option<u16>,
    /// Numbers with dots between.
    pub(super) index: String,
    /// `rc`, `mp` or `np`, and the index that it names.
    pub(super) origin: Option<(&'static str, String)>,
}

/// Those of an INVITE.
pub(super) fn read(request: &Message) -> Vec<Entry> {
    let shown = parties_shown(request);
    request.headers("History-Info").filter_map(|value| entry(&value, shown)).take(MAX_ENTRIES).collect()
}

fn entry(value: &str, shown: Shown) -> Option<Entry> {
    let address = NameAddr::parse(value).ok()?;
    let (uri, params) = (address.uri(), address.params());
    let index = params.get("index").filter(|index| is_index(index))?;
    let escaped = |name: &str| {
        let headers = uri.headers().into_iter().flat_map(|headers| headers.split('&'));
        let mut values = headers.filter_map(|header| header.split_once('='));
        values.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| unescaped(value))
    };
    let private = escaped("Privacy").is_some_and(|value| value.to_ascii_lowercase().contains("history"));
    let origin = ["rc", "mp", "np"].into_iter().find_map(|kind| {
        let index = params.get(kind).filter(|index| is_index(index))?;
        Some((kind, index.to_owned()))
    });
    Some(Entry {
        party: Party::of(uri, if private { Shown::No } else { shown }),
        cause: uri.params().get("cause").and_then(|cause| cause.parse().ok()).filter(is_status),
        reason: escaped("Reason").and_then(|value| reason::sip_cause(&value)).filter(is_status),
        index: index.to_owned(),
        origin,
    })
}

impl Entry {
    pub(super) fn print(&self, host: &str) -> String {
        let Self { party, cause, reason, index, origin } = self;
        let cause = cause.map(|cause| format!(";cause={cause}")).unwrap_or_default();
        let reason = reason.map(|reason| format!("?Reason=SIP%3Bcause%3D{reason}")).unwrap_or_default();
        let origin = origin.as_ref().map(|(kind, index)| format!(";{kind}={index}")).unwrap_or_default();
        format!("<{}{cause}{reason}>;index={index}{origin}", party.uri(host))
    }
}

/// The diversions that entries tell of, the oldest first (RFC 7544 s.6).
pub(super) fn diversions(entries: &[Entry]) -> Vec<Diversion> {
    let told = entries.iter().enumerate().filter_map(|(at, target)| {
        let reason = reason_of(target.cause?)?;
        let named = target.origin.as_ref().filter(|(kind, _)| *kind == "mp");
        let diverting = named.and_then(|(_, index)| entries.iter().find(|entry| entry.index == *index));
        let diverting = diverting.or_else(|| entries.get(at.checked_sub(1)?))?;
        let party = diverting.party.clone();
        Some(Diversion { party, reason: reason.to_owned(), counter: 1, limit: None })
    });
    told.collect()
}

/// One more target, which the last one led to.
pub(super) fn lead_to(entries: &mut Vec<Entry>, party: Party, cause: Option<u16>) {
    let (index, origin) = match entries.last() {
        Some(last) => (format!("{}.1", last.index), Some(("mp", last.index.clone()))),
        None => ("1".to_owned(), None),
    };
    entries.push(Entry { party, cause, reason: None, index, origin });
}

fn is_index(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= MAX_INDEX && text.split('.').all(number)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a filter passes a reference")]
fn is_status(cause: &u16) -> bool {
    (100..700).contains(cause)
}

const MAX_INDEX: usize = 128;
/// More than any call may have.
const MAX_ENTRIES: usize = 64;
