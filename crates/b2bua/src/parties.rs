//! Who calls whom, as an INVITE says it.

use std::borrow::Cow;

use numbers::{Called, Did, Directory, E164, Trunk, did};
use sip::{Message, NameAddr, Uri};

/// The caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct From {
    /// The user part as received.
    pub(crate) raw: String,
    pub(crate) e164: Option<E164>,
    pub(crate) privacy: Privacy,
}

/// Whether the caller lets its number be shown (RFC 3323, RFC 3325 s.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Privacy {
    Open,
    Withheld,
}

/// The called number, found as the trunk's `did_source` says.
pub(crate) fn called(request: &Message, trunk: &Trunk, directory: &Directory) -> Did {
    let request_uri = request.request_uri().and_then(user_of_uri);
    let to = user(request, "To");
    let party = user(request, "P-Called-Party-ID");
    did::extract(
        trunk,
        directory,
        &Called {
            request_uri_user: request_uri.as_deref(),
            to_user: to.as_deref(),
            p_called_party_id: party.as_deref(),
            header: &|name| request.header(name).map(Cow::into_owned),
        },
    )
}

/// What To says, for a record of a call that came no further than the door.
pub(crate) fn called_raw(request: &Message) -> String {
    let called = request.request_uri().and_then(user_of_uri).or_else(|| user(request, "To"));
    bounded(&called.unwrap_or_default())
}

/// The caller: P-Asserted-Identity where the trunk gives one (RFC 3325: a trunk is trusted by its address), else From.
pub(crate) fn caller(request: &Message, trunk: Option<&Trunk>) -> From {
    let asserted = trunk.and_then(|_| user(request, "P-Asserted-Identity"));
    let shown = user(request, "From");
    let anonymous = shown.as_deref().is_none_or(is_anonymous) || host_is_anonymous(request);
    let withheld = request.header("Privacy").is_some_and(|value| {
        value.split(';').any(|word| matches!(word.trim(), "id" | "user" | "header" | "session"))
    });
    let raw = bounded(&asserted.or(shown).unwrap_or_default());
    let inbound = trunk.and_then(|trunk| trunk.inbound.as_ref());
    From {
        e164: did::normalise(&raw, inbound.and_then(|inbound| inbound.did_country), None),
        privacy: if anonymous || withheld { Privacy::Withheld } else { Privacy::Open },
        raw,
    }
}

fn user(request: &Message, header: &str) -> Option<String> {
    let value = request.header(header)?;
    user_of_uri(NameAddr::parse(&value).ok()?.uri().as_str())
}

/// Whether gateways write this user in place of a number that is withheld or that they don't know.
fn is_anonymous(user: &str) -> bool {
    NO_NUMBER.iter().any(|word| user.eq_ignore_ascii_case(word))
}

fn host_is_anonymous(request: &Message) -> bool {
    request.from().is_some_and(|from| from.uri().host().eq_ignore_ascii_case("anonymous.invalid"))
}

/// The user without the parameters that some gateways put there (`+1415...;npdi@host`).
fn user_of_uri(uri: &str) -> Option<String> {
    let user = Uri::parse(uri).ok()?.user()?;
    Some(user.split(';').next().unwrap_or_default().to_owned()).filter(|user| !user.is_empty())
}

/// No peer makes a record as long as it likes.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(MAX_USER).collect()
}

const MAX_USER: usize = 128;

/// RFC 3323 s.4.1.1.3.
pub(crate) const ANONYMOUS: &str = "anonymous";

const NO_NUMBER: [&str; 6] = [ANONYMOUS, "restricted", "unavailable", "unknown", "private", "withheld"];

/// A user part that may stand in a SIP URI, or `anonymous`.
pub(crate) fn presentable(raw: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()+&=,$/%".contains(&byte);
    if !raw.is_empty() && raw.bytes().all(fits) && !is_anonymous(raw) {
        raw.to_owned()
    } else {
        ANONYMOUS.to_owned()
    }
}
