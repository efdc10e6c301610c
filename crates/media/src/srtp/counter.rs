//! AES in counter mode with HMAC-SHA1 (RFC 3711 s.4.1.1, s.4.2.1; RFC 6188 s.2).

use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::cipher::{
    Array, BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, consts::U16,
};
use ctr::flavors::Ctr64BE;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::Refused;

/// A key, expanded.
pub(super) enum Aes {
    Of128(Aes128Enc),
    Of256(Aes256Enc),
}

impl Aes {
    /// From 16 or 32 bytes. Panics for others, which no suite has.
    pub(super) fn new(key: &[u8]) -> Self {
        match key.len() {
            16 => Self::Of128(Aes128Enc::new_from_slice(key).expect("16 bytes")),
            _ => Self::Of256(Aes256Enc::new_from_slice(key).expect("32 bytes")),
        }
    }

    /// Adds the keystream that begins with this block. Its last two bytes count, and are 0.
    pub(super) fn apply(&self, first: [u8; 16], bytes: &mut [u8]) {
        match self {
            Self::Of128(aes) => apply(aes, first, bytes),
            Self::Of256(aes) => apply(aes, first, bytes),
        }
    }
}

fn apply<C>(cipher: C, first: [u8; 16], bytes: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    CtrCore::<C, Ctr64BE>::inner_iv_init(cipher, &Array(first)).apply_keystream_partial(bytes.into());
}

/// The session keys of RTP or of RTCP.
pub(super) struct Counter {
    aes: Aes,
    salt: [u8; 14],
    /// The states of its inner and outer hash behind their padded keys.
    hmac: Hmac<Sha1>,
    tag: usize,
}

impl Counter {
    /// `tag` is 4 or 10 bytes long.
    pub(super) fn new(aes: Aes, salt: [u8; 14], key: &[u8; 20], tag: usize) -> Self {
        let mut padded = Array([0; 64]);
        padded[..20].copy_from_slice(key);
        Self { aes, salt, hmac: Hmac::new(&padded), tag }
    }

    /// Bytes of its tags.
    pub(super) const fn tag_length(&self) -> usize {
        self.tag
    }

    /// Encrypts or decrypts.
    pub(super) fn apply(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut block = [0; 16];
        block[..14].copy_from_slice(&self.salt);
        let [_, _, index @ ..] = index.to_be_bytes();
        let counted = [&ssrc.to_be_bytes()[..], &index];
        for (byte, mask) in block[4..14].iter_mut().zip(counted.into_iter().flatten()) {
            *byte ^= mask;
        }
        self.aes.apply(block, bytes);
    }

    /// The tag of what is sent and of what is implied, in the first `tag_length` bytes.
    pub(super) fn tag(&self, sent: &[u8], implied: &[u8]) -> [u8; 20] {
        let mut hmac = self.hmac.clone();
        hmac.update(sent);
        hmac.update(implied);
        hmac.finalize().into_bytes().into()
    }

    /// Whether it is the tag of these, in a time that doesn't tell.
    pub(super) fn verify(&self, sent: &[u8], implied: &[u8], tag: &[u8]) -> Result<(), Refused> {
        let mut hmac = self.hmac.clone();
        hmac.update(sent);
        hmac.update(implied);
        hmac.verify_truncated_left(tag).map_err(|_| Refused::Unauthenticated)
    }
}
