//! What an offer of ours says of encryption, and which line of its answer that is.

use super::line::printed;
use super::{Crypto, Keys, Srtp, Suite};
use crate::profile::Profile;
use crate::{Agreement, Encryption, Local};

/// The profile and the `a=crypto` lines of an offer: a function of whether encryption is wanted, and of what is agreed on already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Offered<'a> {
    pub(crate) profile: Profile,
    /// Tag, suite, and its name, in our order.
    lines: Vec<(u32, Suite, &'static str)>,
    encryption: &'a Encryption,
}

/// What an answer may make of an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    Plain,
    Encrypted,
    Either,
}

impl<'a> Offered<'a> {
    /// Within a session nothing is wanted but what it has, whose tag and key stay: only a changed key begins a stream anew.
    pub(crate) fn new(local: &'a Local, agreed: Option<&Agreement>) -> Self {
        let encryption = &local.encryption;
        let (profile, first) = match (agreed, encryption) {
            (Some(agreed), _) => (agreed.profile, agreed.srtp.as_ref()),
            (None, Encryption::Off | Encryption::Optional(_)) => (Profile::Avp, None),
            (None, Encryption::Required(_)) => (Profile::Savp, None),
        };
        let first = first.map(|srtp| (srtp.tag, srtp.suite, srtp.name));
        if encryption.keys().is_none() || (agreed.is_some() && first.is_none()) {
            return Self { profile, lines: Vec::new(), encryption };
        }
        let others = OFFERED.into_iter().filter(|suite| first.is_none_or(|(_, first, _)| first != *suite));
        let tags = (1..).filter(|tag| first.is_none_or(|(first, ..)| first != *tag));
        let others = tags.zip(others).map(|(tag, suite)| (tag, suite, suite.name()));
        Self { profile, lines: first.into_iter().chain(others).collect(), encryption }
    }

    /// As text, line by line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let keys = self.encryption.keys();
        let lines = self.lines.iter();
        lines.filter_map(move |(tag, suite, name)| Some(printed(*tag, name, &keys?.of(*suite))))
    }

    pub(crate) fn wish(&self) -> Wish {
        match self.encryption {
            _ if self.lines.is_empty() => Wish::Plain,
            Encryption::Required(_) => Wish::Encrypted,
            Encryption::Off | Encryption::Optional(_) if self.profile.is_secure() => Wish::Encrypted,
            Encryption::Off | Encryption::Optional(_) => Wish::Either,
        }
    }

    /// What comes of a line of the answer, if it is one of the offer's: tag and suite have to be repeated, and the key must not be
    /// (RFC 4568 s.5.1.2, s.7.1.2).
    pub(crate) fn accepted(&self, crypto: Crypto) -> Option<Srtp> {
        let own = self.lines.iter().any(|(tag, suite, _)| (*tag, *suite) == (crypto.tag, crypto.suite));
        self.encryption.keys().filter(|_| own).and_then(|keys| crypto.with(keys))
    }
}

impl Crypto {
    /// Both keys, ours being that of the same suite. `None` where somebody has sent us our own.
    pub(crate) fn with(self, keys: &Keys) -> Option<Srtp> {
        let Self { tag, suite, name, key, mki } = self;
        let send = keys.of(suite);
        (send != key).then_some(Srtp { suite, send, receive: key, receive_mki: mki, tag, name })
    }
}

impl Srtp {
    /// Our line of an answer: the tag and the suite of the offer's, with our own key.
    pub(crate) fn answer(&self) -> String {
        printed(self.tag, self.name, &self.send)
    }
}

/// Tags of 32 bits are taken where they are offered, and not asked for: too little to tell a forgery by, and a longer INVITE.
const OFFERED: [Suite; 4] =
    [Suite::AesCm128HmacSha1Tag80, Suite::AesCm256HmacSha1Tag80, Suite::AeadAes128Gcm, Suite::AeadAes256Gcm];
