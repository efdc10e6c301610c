//! The server's side (RFC 3261 s.22.2 to s.22.4): challenges, and whether the credentials of a request answer one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use super::algorithm::{Algorithm, Offer, hex};
use super::fields::{Fields, quoted};
use super::guesses::{Guesses, Source};
use super::ha1::Ha1;
use super::nonce::Mint;
use super::proof::{AUTH, AUTH_INT, Counted, Proof, Protection};
use super::seen::{Noted, Seen, Use};
use super::target;
use crate::message::Message;

/// Who challenges the requests of one realm.
///
/// A challenge costs no memory: its nonce carries its time, and a seal. What is held is bounded: the nonces that right credentials
/// came with, and who guessed wrong. A name that nobody has takes the same work, and gets the same answer, as a wrong password.
///
/// A nonce is good for the source that it was given to. Whoever forges the address of another sees no challenge, and so can't have
/// guesses laid to its charge.
///
/// An ACK can't be challenged, and a CANCEL is not (s.22.1): neither is for `check`. Of a retransmission the transaction takes care.
pub struct Gate {
    realm: String,
    offer: Offer,
    mint: Mint,
    seen: Seen,
    sources: Guesses<Source>,
    names: Guesses<Name>,
    /// From where a name has last proved to be its own: guesses from elsewhere do not keep it out there.
    homes: BTreeMap<Name, Source>,
}

/// A user name, as far as needed to tell it from others.
type Name = [u8; 16];

/// Whether a challenge says that nothing but the nonce was wrong, so that the same password may be tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stale {
    /// It does not.
    No,
    /// It does.
    Yes,
}

/// A request whose sender knows the password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authenticated {
    /// Of that user.
    pub username: String,
}

/// A request whose sender is not known to know a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejected {
    /// It carries no Digest credentials for our realm with an algorithm that we offer: challenge it.
    #[error("no credentials for this realm by an algorithm that is offered")]
    Missing,
    /// The nonce is old, from before a restart, or not one that this source was given: challenge it with [`Stale::Yes`]. Nothing
    /// else of the credentials was looked at.
    #[error("a nonce that is too old or not ours for this source")]
    Stale,
    /// The user name or the password is wrong.
    #[error("wrong user name or password")]
    Wrong,
    /// The credentials are right, but have been used: a client that counts wrong, or somebody that has overheard them.
    #[error("right credentials that have been used before, by their nonce and nc")]
    Replayed,
    /// Not looked at, for there were too many wrong answers from that address or for that name.
    #[error("too many wrong passwords, by source address or user name: the next try counts in {} s", .retry_after.as_secs() + 1)]
    TooManyGuesses {
        /// When the next is looked at.
        retry_after: Duration,
    },
    /// Credentials that can't be checked: 400.
    #[error("{0}")]
    Malformed(&'static str),
}

impl Rejected {
    /// What the challenge says that answers it; `None` where a challenge is no answer: too many guesses, and what is malformed.
    pub fn challenge(&self) -> Option<Stale> {
        match self {
            Self::Missing | Self::Wrong => Some(Stale::No),
            Self::Stale | Self::Replayed => Some(Stale::Yes),
            Self::TooManyGuesses { .. } | Self::Malformed(_) => None,
        }
    }
}

/// The credentials of a request, as they stand there.
struct Claim<'a> {
    algorithm: Algorithm,
    username: &'a str,
    uri: &'a str,
    nonce: &'a str,
    response: String,
    protection: Protection<'a>,
    used: Use,
}

impl Gate {
    /// The gate of a realm, which offers every algorithm. `key` has to be unguessable, and another one each time: a gate that starts over with the same key knows
    /// nothing of what was used before.
    pub fn new(realm: &str, key: [u8; 32]) -> Self {
        Self {
            realm: realm.to_owned(),
            offer: Offer::default(),
            mint: Mint::new(realm, key),
            seen: Seen::default(),
            sources: Guesses::new(),
            names: Guesses::new(),
            homes: BTreeMap::new(),
        }
    }

    /// The same with what its challenges are to offer: nothing else is taken.
    #[must_use]
    pub fn offering(self, offer: Offer) -> Self {
        Self { offer, ..self }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of the WWW-Authenticate or Proxy-Authenticate headers of a 401 or 407, a header for each, in this order: the
    /// preferred algorithm first (RFC 8760 s.2.3). They are for the sender of the request, at `source`.
    pub fn challenge(&mut self, now: Instant, source: IpAddr, stale: Stale) -> Vec<String> {
        let nonce = self.mint.make(now, Source::of(source));
        let opaque = hex(&self.mint.sealed(&["opaque".as_bytes()]));
        let realm = quoted(&self.realm);
        let stale = match stale {
            Stale::No => "",
            Stale::Yes => ", stale=true",
        };
        let value = |algorithm: Algorithm| {
            format!(
                "Digest realm={realm}, nonce=\"{nonce}\", opaque=\"{opaque}\", algorithm={}, qop=\"{AUTH}\"{stale}",
                algorithm.name()
            )
        };
        self.offer.iter().map(value).collect()
    }

    /// Whether a request from `source` carries right credentials for this realm, in Authorization or Proxy-Authorization. `find`
    /// tells what is kept of a user's password, or `None` if there is no such user; it is asked once at most.
    ///
    /// # Errors
    /// [`Rejected`].
    pub fn check(
        &mut self,
        now: Instant,
        request: &Message,
        source: IpAddr,
        mut find: impl FnMut(&str) -> Option<Ha1>,
    ) -> Result<Authenticated, Rejected> {
        let values: Vec<_> = ["Authorization", "Proxy-Authorization"]
            .into_iter()
            .flat_map(|name| request.headers(name))
            .collect();
        let fields: Vec<_> = values.iter().flat_map(|value| Fields::all(value)).collect();
        let ours = fields.iter().filter(|fields| fields.get("realm") == Some(&self.realm));
        let known = ours.filter_map(|fields| Some((Algorithm::named(fields.get("algorithm"))?, fields)));
        let taken = known.filter(|(algorithm, _)| self.offer.has(*algorithm));
        let (algorithm, fields) = taken.max_by_key(|(algorithm, _)| *algorithm).ok_or(Rejected::Missing)?;
        let claim = Claim::of(algorithm, fields)?;
        if !target::is_same(claim.uri, request.request_uri().unwrap_or_default()) {
            return Err(Rejected::Malformed(
                "the uri of the credentials calls somebody else than the Request-URI: a hop between rewrites the number",
            ));
        }
        let source = Source::of(source);
        let minted = self.mint.read(claim.nonce, source).filter(|minted| now < minted.at + LIFETIME);
        let minted = minted.ok_or(Rejected::Stale)?;
        let name = self.mint.sealed(&["name".as_bytes(), claim.username.as_bytes()]);
        if let Some(retry_after) = self.wait(now, source, name) {
            return Err(Rejected::TooManyGuesses { retry_after });
        }
        let nobody = self.nobody(name);
        let found = find(claim.username).unwrap_or(nobody);
        if !claim.is_right(&found, request) {
            self.sources.note(now, source);
            self.names.note(now, name);
            return Err(Rejected::Wrong);
        }
        match self.seen.note(now, LIFETIME, minted, claim.used) {
            Noted::Fresh => {
                self.welcome(source, name);
                Ok(Authenticated { username: claim.username.to_owned() })
            }
            Noted::Replayed => Err(Rejected::Replayed),
            Noted::Forgotten => Err(Rejected::Stale),
        }
    }

    fn wait(&self, now: Instant, source: Source, name: Name) -> Option<Duration> {
        let at_home = self.homes.get(&name) == Some(&source);
        let name = if at_home { None } else { self.names.wait(now, name) };
        self.sources.wait(now, source).max(name)
    }

    /// What stands for the password of a name that nobody has.
    fn nobody(&self, name: Name) -> Ha1 {
        let seal = |what: &str| self.mint.sealed(&[what.as_bytes(), &name]);
        let mut sha256 = [0; 32];
        for (octet, own) in sha256.iter_mut().zip(seal("low").into_iter().chain(seal("high"))) {
            *octet = own;
        }
        Ha1 { md5: seal("md5"), sha256 }
    }

    fn welcome(&mut self, source: Source, name: Name) {
        if self.homes.len() >= MAX_HOMES && !self.homes.contains_key(&name) {
            self.homes.pop_first();
        }
        self.homes.insert(name, source);
    }
}

impl<'a> Claim<'a> {
    fn of(algorithm: Algorithm, fields: &'a Fields<'_>) -> Result<Self, Rejected> {
        let get = |name, words| fields.get(name).ok_or(Rejected::Malformed(words));
        let counted = || {
            let nc = get("nc", "credentials with a qop, but without nc")?;
            let cnonce = get("cnonce", "credentials with a qop, but without cnonce")?;
            let digits = nc.len() <= 8 && nc.bytes().all(|byte| byte.is_ascii_hexdigit());
            let count = u32::from_str_radix(nc, 16).ok().filter(|&count| digits && count > 0);
            let count = count
                .ok_or(Rejected::Malformed("credentials whose nc is not 1 to ffffffff in hex digits"))?;
            Ok((Counted { nc, cnonce }, Use::Counted(count)))
        };
        let (protection, used) = match fields.get("qop") {
            None => (Protection::Bare, Use::Only),
            Some(qop) if qop.eq_ignore_ascii_case(AUTH) => {
                let (counted, used) = counted()?;
                (Protection::Auth(counted), used)
            }
            Some(qop) if qop.eq_ignore_ascii_case(AUTH_INT) => {
                let (counted, used) = counted()?;
                (Protection::Body(counted), used)
            }
            Some(_) => return Err(Rejected::Malformed("credentials whose qop is neither auth nor auth-int")),
        };
        Ok(Self {
            algorithm,
            username: get("username", "credentials without a username")?,
            uri: get("uri", "credentials without a uri")?,
            nonce: get("nonce", "credentials without a nonce")?,
            response: get("response", "credentials without a response")?.to_ascii_lowercase(),
            protection,
            used,
        })
    }

    /// Whether its sender knows the password. How long that takes tells nothing.
    fn is_right(&self, ha1: &Ha1, request: &Message) -> bool {
        let proof = Proof {
            algorithm: self.algorithm,
            ha1: &ha1.hex(self.algorithm),
            method: request.method().as_str(),
            uri: self.uri,
            nonce: self.nonce,
            protection: self.protection,
            body: request.body(),
        };
        proof.response().as_bytes().ct_eq(self.response.as_bytes()).into()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// How long a nonce is good for.
pub(super) const LIFETIME: Duration = Duration::from_mins(5);

/// How many names are known where they live; only right credentials make an entry.
const MAX_HOMES: usize = 65_536;
