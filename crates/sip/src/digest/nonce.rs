//! Nonces that carry their time and number, and a seal that only we can make, for one source: no table holds them until they are used.

use std::time::{Duration, Instant};

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::algorithm::hex;
use super::guesses::Source;

/// Makes nonces, and knows its own again.
pub(super) struct Mint {
    key: [u8; 32],
    realm: String,
    /// What times in nonces count from: when the first was made.
    began: Option<Instant>,
    last: u64,
}

/// What a nonce of ours says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Minted {
    pub(super) at: Instant,
    /// Later ones have higher numbers.
    pub(super) number: u64,
}

impl Mint {
    pub(super) fn new(realm: &str, key: [u8; 32]) -> Self {
        Self { key, realm: realm.to_owned(), began: None, last: 0 }
    }

    pub(super) fn make(&mut self, now: Instant, source: Source) -> String {
        let began = *self.began.get_or_insert(now);
        self.last += 1;
        let elapsed = now.saturating_duration_since(began).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let mut octets = [elapsed.to_be_bytes(), self.last.to_be_bytes()].concat();
        let seal = self.sealed(&["nonce".as_bytes(), &octets, &source.octets()]);
        octets.extend_from_slice(&seal);
        hex(&octets)
    }

    /// What a nonce says; `None` of one that is not ours, or that another source was given.
    pub(super) fn read(&self, nonce: &str, source: Source) -> Option<Minted> {
        let octets = octets_of(nonce)?;
        let (said, seal) = octets.split_at_checked(16)?;
        let ours = self.sealed(&["nonce".as_bytes(), said, &source.octets()]);
        if !bool::from(ours.as_slice().ct_eq(seal)) {
            return None;
        }
        let (elapsed, number) = said.split_first_chunk::<8>()?;
        let elapsed = Duration::from_millis(u64::from_be_bytes(*elapsed));
        let number = u64::from_be_bytes(*number.first_chunk::<8>()?);
        Some(Minted { at: self.began?.checked_add(elapsed)?, number })
    }

    /// 16 octets that nobody else can tell for these parts.
    pub(super) fn sealed(&self, parts: &[&[u8]]) -> [u8; 16] {
        // A key shorter than the block is filled up with zeros (RFC 2104 s.2).
        let mut block = Key::<Hmac<Sha256>>::default();
        for (octet, own) in block.iter_mut().zip(self.key) {
            *octet = own;
        }
        let mut mac = Hmac::<Sha256>::new(&block);
        for part in [self.realm.as_bytes()].iter().chain(parts) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        whole.first_chunk::<16>().copied().unwrap_or_default()
    }
}

fn octets_of(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != NONCE {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    hex.as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
        .collect()
}

/// Digits of a nonce: time, number and seal.
const NONCE: usize = 2 * (8 + 8 + 16);
