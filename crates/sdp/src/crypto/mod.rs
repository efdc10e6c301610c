//! SRTP keyed by the descriptions themselves (RFC 4568; suites of RFC 6188 and RFC 7714): suites, keys, and whether they are wanted.

mod line;
mod offered;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

pub(crate) use self::line::Crypto;
pub(crate) use self::offered::{Offered, Wish};

/// A crypto suite.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Suite {
    /// AES in counter mode, HMAC-SHA1 tags of 80 bits (RFC 4568 s.6.2.1).
    AesCm128HmacSha1Tag80,
    /// The same with keys of 256 bits (RFC 6188).
    AesCm256HmacSha1Tag80,
    /// AES-GCM (RFC 7714).
    AeadAes128Gcm,
    /// The same with keys of 256 bits.
    AeadAes256Gcm,
    /// As the first, with tags of 32 bits on RTP (RFC 4568 s.6.2.2).
    AesCm128HmacSha1Tag32,
}

impl Suite {
    /// In the order in which we offer them: the one that everybody has comes first, for some read no further.
    pub const ALL: [Self; SUITES] = [
        Self::AesCm128HmacSha1Tag80,
        Self::AesCm256HmacSha1Tag80,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
        Self::AesCm128HmacSha1Tag32,
    ];

    /// Its name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm256HmacSha1Tag80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AesCm128HmacSha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Bytes of its master key, and of the salt after it.
    pub const fn lengths(self) -> (usize, usize) {
        match self {
            Self::AesCm128HmacSha1Tag80 | Self::AesCm128HmacSha1Tag32 => (16, 14),
            Self::AesCm256HmacSha1Tag80 => (32, 14),
            Self::AeadAes128Gcm => (16, 12),
            Self::AeadAes256Gcm => (32, 12),
        }
    }

    /// The suite of that name, in any case, and how the name is spelled: the drafts of RFC 6188 had another one, which is in use.
    pub(crate) fn named(name: &str) -> Option<(Self, &'static str)> {
        let known = Self::ALL.map(|suite| (suite, suite.name())).into_iter();
        let mut known = known.chain([(Self::AesCm256HmacSha1Tag80, "AES_CM_256_HMAC_SHA1_80")]);
        known.find(|(_, known)| known.eq_ignore_ascii_case(name))
    }
}

/// A master key and the salt after it, as an `inline:` parameter has them (RFC 4568 s.6.1). Never shown, and zeroed when
/// dropped.
///
/// Invariant: as long as its suite says, and zeros after that.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bytes: Zeroizing<[u8; LONGEST]>,
    suite: Suite,
}

impl Key {
    /// Key and salt.
    pub fn bytes(&self) -> &[u8] {
        let (key, salt) = self.suite.lengths();
        &self.bytes[..key + salt]
    }

    /// `None` where there are not as many bytes as the suite says.
    pub(crate) fn new(suite: Suite, key_and_salt: &[u8]) -> Option<Self> {
        let (key, salt) = suite.lengths();
        let mut bytes = Zeroizing::new([0; LONGEST]);
        bytes
            .get_mut(..key + salt)
            .filter(|own| own.len() == key_and_salt.len())?
            .copy_from_slice(key_and_salt);
        Some(Self { bytes, suite })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// Our keys of a leg: one for each suite, for no two lines of a description may have the same (RFC 4568 s.6.1). Never shown, and
/// zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys(Arc<Zeroizing<[[u8; LONGEST]; SUITES]>>);

impl Keys {
    /// How many bytes they are made of.
    pub const BYTES: usize = LONGEST * SUITES;

    /// From bytes that nobody can guess, and that serve for nothing else.
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        let mut keys = Zeroizing::new([[0; LONGEST]; SUITES]);
        for (key, bytes) in keys.iter_mut().zip(bytes.as_chunks().0) {
            *key = *bytes;
        }
        Self(Arc::new(keys))
    }

    /// The one for that suite.
    pub(crate) fn of(&self, suite: Suite) -> Key {
        let at = Suite::ALL.iter().position(|other| *other == suite).unwrap_or_default();
        let (key, salt) = suite.lengths();
        let mut bytes = Zeroizing::new(self.0[at]);
        bytes[key + salt..].fill(0);
        Key { bytes, suite }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Whether the audio of a leg is encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Encryption {
    /// It is not: keys are neither offered nor answered.
    #[default]
    Off,
    /// It is where the far side does it too. Our offers are plain and have keys (best effort): who does not know them passes them over.
    Optional(Keys),
    /// It is, or there is no audio.
    Required(Keys),
}

impl Encryption {
    pub(crate) fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Off => None,
            Self::Optional(keys) | Self::Required(keys) => Some(keys),
        }
    }
}

/// The master key identifier in each packet of a side: 1 to [`Mki::LONGEST`] bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mki {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl Mki {
    /// Bytes of the longest that is taken; SDP allows 128.
    pub const LONGEST: usize = 16;

    /// As in a packet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[Self::LONGEST - usize::from(self.length)..]
    }

    /// `None` where the number does not fit in so many bytes, or these are none or too many.
    pub(crate) fn new(number: u128, length: u8) -> Option<Self> {
        let bytes = number.to_be_bytes();
        let (rest, own) = bytes.split_at(Self::LONGEST.checked_sub(length.into())?);
        (!own.is_empty() && rest.iter().all(|byte| *byte == 0)).then_some(Self { bytes, length })
    }
}

/// What an encrypted stream is encrypted with. Each side has its own key for what it sends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srtp {
    /// The suite, both ways.
    pub suite: Suite,
    /// Our key.
    pub send: Key,
    /// The far side's.
    pub receive: Key,
    /// The identifier in the far side's packets. In ours there is none.
    pub receive_mki: Option<Mki>,
    /// How both descriptions name the line: an answer repeats it (RFC 4568 s.5.1.2).
    pub(crate) tag: u32,
    /// The suite's name, as the offer spells it.
    pub(crate) name: &'static str,
}

/// How many suites there are.
const SUITES: usize = 5;
/// Bytes of the longest key and salt.
const LONGEST: usize = 32 + 14;
