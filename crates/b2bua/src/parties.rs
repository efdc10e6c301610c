//! Who calls whom, as an INVITE says it.

use std::borrow::Cow;

use numbers::{Called, Did, DidOrigin, DidSource, Directory, E164, did};
use sip::uri::Scheme;
use sip::{Message, NameAddr, Uri};

use crate::identify::Peer;

/// The caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct From {
    /// The user part by which the trunk names it, as received.
    pub(crate) raw: String,
    pub(crate) e164: Option<E164>,
    /// The user part of From, which is what the caller shows: `+E164` where it is a number.
    pub(crate) shown: String,
    /// The display name of From, else that by which the trunk names it. None of a caller that withholds its number.
    pub(crate) shown_name: Option<String>,
    /// The display name by which the trunk names it, else that of From.
    pub(crate) name: Option<String>,
    pub(crate) privacy: Privacy,
}

/// Whether the caller lets its number be shown (RFC 3323, RFC 3325 s.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Privacy {
    Open,
    Withheld,
}

/// The called number, found as the trunk's `did_source` says; of a SIP agent, in the Request-URI.
///
/// Who may call the outside means with `auto` what the Request-URI says, if it says a number at all: To may have one of ours that the
/// call was diverted from.
pub(crate) fn called(request: &Message, peer: &Peer, directory: &Directory) -> Did {
    let request_uri = request.request_uri().and_then(user_of_uri);
    let trunk = match peer {
        Peer::Trunk(trunk) => trunk,
        Peer::Agent(_) => {
            let raw = request_uri.unwrap_or_default();
            let e164 = did::normalise(&raw, None, None);
            return Did { raw, e164, origin: DidOrigin::RequestUri };
        }
    };
    let is_alone = |user: &String| peer.may_originate() && user.bytes().any(|byte| byte.is_ascii_digit());
    let (to, party) = match &request_uri {
        Some(user) if is_alone(user) && did_source(peer) == &DidSource::Auto => (None, None),
        Some(_) | None => (user(request, "To"), user(request, "P-Called-Party-ID")),
    };
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

/// The number to call outside, as written: with all that stands in the user part, for a permit reads more of it than admission does.
pub(crate) fn dialled(request: &Message, peer: &Peer, did: &Did) -> String {
    let written = match did_source(peer) {
        DidSource::Auto | DidSource::RequestUri => request.request_uri().and_then(whole_user),
        DidSource::To | DidSource::PCalledPartyId | DidSource::Header(_) => None,
    };
    let written = written.unwrap_or_else(|| did.raw.clone());
    let prefix = match peer {
        Peer::Trunk(trunk) => trunk.inbound.as_ref().and_then(|inbound| inbound.strip_prefix.as_deref()),
        Peer::Agent(_) => None,
    };
    prefix.and_then(|prefix| written.strip_prefix(prefix)).map_or_else(|| written.clone(), str::to_owned)
}

fn did_source(peer: &Peer) -> &DidSource {
    match peer {
        Peer::Trunk(trunk) => trunk.inbound.as_ref().map_or(&DidSource::Auto, |inbound| &inbound.did_source),
        Peer::Agent(_) => &DidSource::RequestUri,
    }
}

/// The user of a URI with its own parameters; of a tel URI all of it.
fn whole_user(uri: &str) -> Option<String> {
    let parsed = Uri::parse(uri).ok()?;
    match parsed.scheme() {
        Scheme::Tel => Some(uri.to_owned()),
        Scheme::Sip | Scheme::Sips | Scheme::Other(_) => parsed.user().map(str::to_owned),
    }
}

/// What To says, for a record of a call that came no further than the door.
pub(crate) fn called_raw(request: &Message) -> String {
    let called = request.request_uri().and_then(user_of_uri).or_else(|| user(request, "To"));
    bounded(&called.unwrap_or_default())
}

/// The caller. Whom we know is trusted, and so is what it asserts (RFC 3325): P-Asserted-Identity, else what a PBX asks
/// to have asserted, P-Preferred-Identity, else Remote-Party-ID, which is older and said by some still. Anyone else has From.
pub(crate) fn caller(request: &Message, peer: Option<&Peer>) -> From {
    let country = peer.and_then(Peer::country);
    let number = |user: &str| did::normalise(user, country, None);
    let asserted = peer.and_then(|_| {
        let identity = |header| most_telling(identities(request, header), number);
        identity("P-Asserted-Identity")
            .or_else(|| identity("P-Preferred-Identity"))
            .or_else(|| most_telling(remote_parties(request), number))
    });
    let shown = identities(request, "From").next();
    let anonymous =
        shown.as_ref().is_none_or(|shown| is_anonymous(&shown.user)) || host_is_anonymous(request);
    let privacy = if anonymous || is_withheld(request) { Privacy::Withheld } else { Privacy::Open };
    let user = |identity: &Option<Identity>| {
        identity.as_ref().map(|identity| bounded(&identity.user)).unwrap_or_default()
    };
    let raw = if asserted.is_some() { user(&asserted) } else { user(&shown) };
    let of_from = user(&shown);
    let names = [&asserted, &shown].map(|identity| {
        let name = identity.as_ref().and_then(|identity| identity.name.clone());
        name.filter(|name| !is_anonymous(name) && privacy == Privacy::Open && !is_name_withheld(request))
    });
    let [asserted_name, own_name] = names;
    From {
        e164: number(&raw),
        shown: number(&of_from).map_or_else(|| presentable(&of_from), |e164| e164.to_string()),
        shown_name: own_name.clone().or_else(|| asserted_name.clone()),
        name: asserted_name.or(own_name),
        privacy,
        raw,
    }
}

/// One address of a caller.
struct Identity {
    user: String,
    name: Option<String>,
}

/// Those of a header; P-Asserted-Identity may have a SIP URI and a tel URI (RFC 3325 s.9.1).
fn identities<'a>(request: &'a Message, header: &str) -> impl Iterator<Item = Identity> + use<'a> {
    request.headers(header).take(MAX_IDENTITIES).filter_map(|value| identity(&NameAddr::parse(&value).ok()?))
}

/// Those of Remote-Party-ID (draft-ietf-sip-privacy-04) that are the caller's, and that the network has looked at.
fn remote_parties(request: &Message) -> impl Iterator<Item = Identity> {
    request.headers("Remote-Party-ID").take(MAX_IDENTITIES).filter_map(|value| {
        let party = NameAddr::parse(&value).ok()?;
        let is =
            |name, word: &str| party.params().get(name).is_some_and(|own| own.eq_ignore_ascii_case(word));
        let calling = is("party", "calling") || !party.params().contains("party");
        if calling && !is("screen", "no") { identity(&party) } else { None }
    })
}

fn identity(address: &NameAddr<'_>) -> Option<Identity> {
    let name = address.display_decoded().map(|name| {
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        name.trim().to_owned()
    });
    Some(Identity { user: user_of(address.uri())?, name: name.filter(|name| !name.is_empty()) })
}

/// The first that is a number, else the first.
fn most_telling(
    identities: impl Iterator<Item = Identity>,
    number: impl Fn(&str) -> Option<E164>,
) -> Option<Identity> {
    let mut all: Vec<_> = identities.filter(|identity| !is_anonymous(&identity.user)).collect();
    let at = all.iter().position(|identity| number(&identity.user).is_some()).unwrap_or(0);
    (at < all.len()).then(|| all.swap_remove(at))
}

/// Whether the caller asks for its number to be kept from whom it calls.
fn is_withheld(request: &Message) -> bool {
    request.headers("Privacy").any(|value| names_one_of(&value, &["id", "user", "header", "session"]))
        || remote_privacy(request, &["full", "uri"])
}

/// Whether it asks for that of its name alone.
fn is_name_withheld(request: &Message) -> bool {
    remote_privacy(request, &["name"])
}

fn remote_privacy(request: &Message, words: &[&str]) -> bool {
    request.headers("Remote-Party-ID").take(MAX_IDENTITIES).any(|value| {
        let party = NameAddr::parse(&value).ok();
        let privacy = party.as_ref().and_then(|party| party.params().get("privacy"));
        privacy.is_some_and(|privacy| names_one_of(privacy, words))
    })
}

fn names_one_of(value: &str, words: &[&str]) -> bool {
    value.split([';', ',', '-']).any(|own| {
        let own = own.trim_matches([' ', '\t', '"']);
        words.iter().any(|word| own.eq_ignore_ascii_case(word))
    })
}

fn user(request: &Message, header: &str) -> Option<String> {
    let value = request.header(header)?;
    user_of(NameAddr::parse(&value).ok()?.uri())
}

/// Whether gateways write this user in place of a number that is withheld or that they don't know.
fn is_anonymous(user: &str) -> bool {
    NO_NUMBER.iter().any(|word| user.eq_ignore_ascii_case(word))
}

fn host_is_anonymous(request: &Message) -> bool {
    request.from().is_some_and(|from| from.uri().host().eq_ignore_ascii_case("anonymous.invalid"))
}

fn user_of_uri(uri: &str) -> Option<String> {
    user_of(Uri::parse(uri).ok()?)
}

/// The user without the parameters that some gateways put there (`+1415...;npdi@host`).
pub(crate) fn user_of(uri: Uri<'_>) -> Option<String> {
    Some(uri.user()?.split(';').next().unwrap_or_default().to_owned()).filter(|user| !user.is_empty())
}

/// No peer makes a record as long as it likes.
pub(crate) fn bounded(text: &str) -> String {
    text.chars().take(MAX_USER).collect()
}

const MAX_USER: usize = 128;
const MAX_NAME: usize = 64;
const MAX_IDENTITIES: usize = 4;

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
