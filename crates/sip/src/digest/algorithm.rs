//! The hashes that we know (RFC 7616 s.3.2, RFC 8760 s.2.2).

use std::fmt::Write;

use md5::Md5;
use sha2::{Digest, Sha256};

/// A hash function. The later is the better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Algorithm {
    /// RFC 1321: all that old devices know.
    Md5,
    /// FIPS 180-4.
    Sha256,
}

/// What a challenge offers, each once, the preferred first (RFC 8760 s.2.3). Never empty; by default SHA-256, then MD5.
///
/// Many old devices read the first challenge of a response only, and know MD5 alone: with them in the house, MD5 has to stand first, or
/// by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer(Vec<Algorithm>);

impl Offer {
    /// In this order; `None` if there is none, or one is there twice.
    pub fn of(algorithms: impl IntoIterator<Item = Algorithm>) -> Option<Self> {
        let mut offer = Vec::new();
        for algorithm in algorithms {
            if offer.contains(&algorithm) {
                return None;
            }
            offer.push(algorithm);
        }
        (!offer.is_empty()).then_some(Self(offer))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Algorithm> {
        self.0.iter().copied()
    }

    pub(super) fn has(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }
}

impl Default for Offer {
    fn default() -> Self {
        Self(vec![Algorithm::Sha256, Algorithm::Md5])
    }
}

impl Algorithm {
    /// As a challenge or credentials name it; without a name it is MD5. `None` of one that we do not know.
    pub fn named(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else { return Some(Self::Md5) };
        [Self::Md5, Self::Sha256].into_iter().find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// Its name in a challenge.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The hash of the parts with a colon between each, as hex digits.
    pub(super) fn hex(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 => hex(&hash::<Md5>(parts)),
            Self::Sha256 => hex(&hash::<Sha256>(parts)),
        }
    }
}

/// The hash of the parts with a colon between each.
pub(super) fn hash<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hasher = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hasher.finalize()
}

/// Two lower-case digits for each octet.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a string does not fail.
        write!(text, "{octet:02x}").unwrap_or_default();
        text
    })
}
