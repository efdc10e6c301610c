//! AES-GCM (RFC 7714).

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};

use super::Refused;

/// Bytes of a tag (RFC 7714 s.13.2).
pub(super) const TAG: usize = 16;

/// The session keys of RTP or of RTCP.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    /// From 16 or 32 bytes of key. Panics for others, which no suite has.
    pub(super) fn new(key: &[u8], salt: [u8; 12]) -> Self {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, key).expect("as long as its suite says"));
        Self { key, salt }
    }

    /// Encrypts, and gives the tag.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        clear: &[u8],
        secret: &mut [u8],
    ) -> Result<[u8; TAG], Refused> {
        let tag = self.key.seal_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(clear), secret);
        // More than 64 GB.
        let tag = tag.map_err(|_| Refused::Malformed)?;
        let mut bytes = [0; TAG];
        bytes.copy_from_slice(tag.as_ref());
        Ok(bytes)
    }

    /// Decrypts. What is not by this key is overwritten.
    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        clear: &[u8],
        secret: &mut [u8],
        tag: [u8; TAG],
    ) -> Result<(), Refused> {
        let (nonce, tag) = (self.nonce(ssrc, index), Tag::from(tag));
        let opened = self.key.open_in_place_separate_tag(nonce, Aad::from(clear), tag, secret, 0..);
        opened.map(drop).map_err(|_| Refused::Unauthenticated)
    }

    /// Two bytes of 0, the SSRC, and six bytes of index, over the salt (RFC 7714 s.8.1, s.9.1).
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.salt;
        let [_, _, index @ ..] = index.to_be_bytes();
        let counted = [&ssrc.to_be_bytes()[..], &index];
        for (byte, mask) in nonce[2..].iter_mut().zip(counted.into_iter().flatten()) {
            *byte ^= mask;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}
