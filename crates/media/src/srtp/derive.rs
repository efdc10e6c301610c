//! Session keys from a master key, once (RFC 3711 s.4.3, RFC 6188 s.3, RFC 7714 s.11).

use zeroize::Zeroizing;

use super::counter::{Aes, Counter};
use super::gcm::Gcm;
use super::session::{Session, Transform};
use super::{MasterKey, Suite};

/// Which keys: the first of three labels (RFC 3711 s.4.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    Rtp,
    Rtcp,
}

impl Session {
    /// Of the packets that are encrypted by this key.
    pub(super) fn derive(master: &MasterKey, of: Of) -> Self {
        let derivation = Derivation::new(master);
        let suite = master.suite();
        let first = match of {
            Of::Rtp => 0,
            Of::Rtcp => 3,
        };
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..suite.key_length()];
        derivation.fill(first, key);
        let counter = |tag| {
            let (mut authentication, mut salt) = (Zeroizing::new([0; 20]), [0; 14]);
            derivation.fill(first + 1, &mut *authentication);
            derivation.fill(first + 2, &mut salt);
            Transform::Counter(Counter::new(Aes::new(key), salt, &authentication, tag))
        };
        let transform = match (suite, of) {
            // RFC 4568 s.6.2.2.
            (Suite::AesCm128HmacSha1Tag32, Of::Rtp) => counter(4),
            (Suite::AesCm128HmacSha1Tag32, Of::Rtcp)
            | (Suite::AesCm128HmacSha1Tag80 | Suite::AesCm256HmacSha1Tag80, Of::Rtp | Of::Rtcp) => {
                counter(10)
            }
            (Suite::AeadAes128Gcm | Suite::AeadAes256Gcm, Of::Rtp | Of::Rtcp) => {
                let mut salt = [0; 12];
                derivation.fill(first + 2, &mut salt);
                Transform::Gcm(Gcm::new(key, salt))
            }
        };
        Self::new(transform, master.mki())
    }
}

/// The pseudo-random function: AES in counter mode, from the master salt with a label in it.
struct Derivation {
    aes: Aes,
    /// A salt of 12 bytes is followed by zeros (RFC 7714 s.11).
    salt: [u8; 14],
}

impl Derivation {
    fn new(master: &MasterKey) -> Self {
        let mut salt = [0; 14];
        let own = master.salt();
        salt[..own.len()].copy_from_slice(own);
        Self { aes: Aes::new(master.key()), salt }
    }

    fn fill(&self, label: u8, bytes: &mut [u8]) {
        let mut block = [0; 16];
        block[..14].copy_from_slice(&self.salt);
        block[7] ^= label;
        bytes.fill(0);
        self.aes.apply(block, bytes);
    }
}

#[cfg(test)]
pub(super) fn fill(master: &MasterKey, label: u8, bytes: &mut [u8]) {
    Derivation::new(master).fill(label, bytes);
}
