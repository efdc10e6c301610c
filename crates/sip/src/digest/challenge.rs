//! Challenges as a client reads them (RFC 7616 s.3.3).

use super::algorithm::Algorithm;
use super::fields::Fields;
use super::proof::{AUTH, AUTH_INT};
use crate::message::Message;

/// Who asks: by which header, and so by which header it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    /// The far end: 401.
    Server,
    /// A proxy on the way: 407.
    Proxy,
}

/// A challenge that can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Challenge {
    pub(super) asker: Asker,
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// Whether it names its algorithm: then the answer does.
    pub(super) named: Named,
    pub(super) quality: Quality,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Named {
    Yes,
    No,
}

/// Which `qop` the answer has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quality {
    /// None was offered: RFC 2069.
    Bare,
    Auth,
    /// Nothing else was offered.
    Body,
}

/// What a challenge says of the answer before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// `stale=true`: its nonce was too old, and nothing else.
    Stale,
    /// Nothing, or that it was wrong.
    Unsaid,
}

impl Asker {
    /// The header of its challenges.
    fn challenge(self) -> &'static str {
        match self {
            Self::Server => "WWW-Authenticate",
            Self::Proxy => "Proxy-Authenticate",
        }
    }

    /// The header of our answers.
    pub(super) fn answer(self) -> &'static str {
        match self {
            Self::Server => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

impl Challenge {
    /// For each who asks and each realm the best challenge of a response that we can answer. It carries both headers where a proxy has
    /// put together what several servers wanted (RFC 3261 s.22.3).
    pub(super) fn all(response: &Message) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for asker in [Asker::Server, Asker::Proxy] {
            for value in response.headers(asker.challenge()) {
                for challenge in Fields::all(&value).iter().filter_map(|fields| Self::of(asker, fields)) {
                    let room = all.len() < MAX_REALMS;
                    let same = all.iter_mut().find(|other| other.asks_the_same(&challenge));
                    match same {
                        Some(other) if challenge.algorithm > other.algorithm => *other = challenge,
                        None if room => all.push(challenge),
                        Some(_) | None => {}
                    }
                }
            }
        }
        all
    }

    fn of(asker: Asker, fields: &Fields<'_>) -> Option<Self> {
        let short = |name| fields.get(name).filter(|value| value.len() <= MAX_VALUE).map(str::to_owned);
        let algorithm = Algorithm::named(fields.get("algorithm"))?;
        let offers =
            |qop: &str, wanted: &str| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted));
        let quality = match fields.get("qop").filter(|qop| !qop.trim().is_empty()) {
            None => Quality::Bare,
            Some(qop) if offers(qop, AUTH) => Quality::Auth,
            Some(qop) if offers(qop, AUTH_INT) => Quality::Body,
            Some(_) => return None,
        };
        let opaque = match fields.get("opaque") {
            Some(_) => Some(short("opaque")?),
            None => None,
        };
        let stale = fields.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
        Some(Self {
            asker,
            realm: short("realm")?,
            nonce: short("nonce")?,
            opaque,
            algorithm,
            named: if fields.get("algorithm").is_some() { Named::Yes } else { Named::No },
            quality,
            verdict: if stale { Verdict::Stale } else { Verdict::Unsaid },
        })
    }

    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        self.asker == other.asker && self.realm == other.realm
    }
}

/// How many realms are answered at a time: each is a header of all that we send.
pub(super) const MAX_REALMS: usize = 8;

/// Octets of a realm, nonce or opaque: all of ours repeat them.
const MAX_VALUE: usize = 1024;
