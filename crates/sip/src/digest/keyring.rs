//! What answers the challenges of a call: the client's side of RFC 3261 s.22.2 and s.22.3.

use std::fmt;

use super::answers::Answers;
use super::challenge::{Challenge, MAX_REALMS, Named, Quality};
use super::credentials::Credentials;
use super::fields::quoted;
use super::proof::{Counted, Proof, Protection};
use crate::message::{Message, Method};

/// Credentials, and the challenges that they answer: each request carries an answer to every one.
#[derive(Clone)]
pub(crate) struct Keyring {
    credentials: Credentials,
    held: Vec<Held>,
}

#[derive(Clone)]
struct Held {
    challenge: Challenge,
    /// How many requests have carried its nonce.
    count: u32,
}

/// A request that wants credentials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a Method,
    /// Its Request-URI.
    pub(crate) uri: &'a str,
    pub(crate) body: &'a [u8],
}

/// Why a challenge was not answered although there are credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Denial {
    /// They have been sent, and the same realm asks again.
    #[error("the far side does not take our user name and password for its realm")]
    Wrong,
    /// No challenge is one that we can answer.
    #[error(
        "the far side asks for credentials, but not by Digest with MD5 or SHA-256 and a qop of auth or auth-int"
    )]
    Unanswerable,
    /// Ever other realms ask.
    #[error("the far side asks for credentials again and again")]
    Endless,
}

impl Keyring {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self { credentials, held: Vec::new() }
    }

    /// Takes the challenges of a 401 or 407, whose request, and those before it in its place, have given `answers`.
    ///
    /// # Errors
    /// Why the request must not be sent again.
    pub(crate) fn take(&mut self, response: &Message, answers: &mut Answers) -> Result<(), Denial> {
        let challenges = Challenge::all(response);
        if challenges.is_empty() {
            return Err(Denial::Unanswerable);
        }
        answers.note(&challenges)?;
        for challenge in challenges {
            self.held.retain(|held| !held.challenge.asks_the_same(&challenge));
            if self.held.len() >= MAX_REALMS {
                self.held.remove(0);
            }
            self.held.push(Held { challenge, count: 0 });
        }
        Ok(())
    }

    /// Whether there is nothing to answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// The headers, name and value, that a request carries.
    pub(crate) fn answer(&mut self, subject: Subject<'_>, cnonce: &str) -> Vec<(&'static str, String)> {
        let credentials = &self.credentials;
        self.held.iter_mut().map(|held| held.answer(credentials, subject, cnonce)).collect()
    }
}

impl Held {
    fn answer(&mut self, who: &Credentials, subject: Subject<'_>, cnonce: &str) -> (&'static str, String) {
        self.count = self.count.wrapping_add(1);
        let nc = format!("{:08x}", self.count);
        let Challenge { asker, realm, nonce, opaque, algorithm, named, quality, verdict: _ } =
            &self.challenge;
        let counted = Counted { nc: &nc, cnonce };
        let protection = match quality {
            Quality::Bare => Protection::Bare,
            Quality::Auth => Protection::Auth(counted),
            Quality::Body => Protection::Body(counted),
        };
        let proof = Proof {
            algorithm: *algorithm,
            ha1: &who.ha1(*algorithm, realm),
            method: subject.method.as_str(),
            uri: subject.uri,
            nonce,
            protection,
            body: subject.body,
        };
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\"",
            quoted(who.username()),
            quoted(realm),
            quoted(nonce),
            quoted(subject.uri),
            proof.response()
        );
        let mut add = |name: &str, text: &str| {
            value.push_str(", ");
            value.push_str(name);
            value.push('=');
            value.push_str(text);
        };
        if *named == Named::Yes {
            add("algorithm", algorithm.name());
        }
        if let Some(qop) = protection.qop() {
            add("cnonce", &quoted(cnonce));
            add("qop", qop);
            add("nc", &nc);
        }
        if let Some(opaque) = opaque {
            add("opaque", &quoted(opaque));
        }
        (asker.answer(), value)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
