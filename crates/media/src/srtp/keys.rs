//! What two sides agree on for SRTP: suites, master keys, key identifiers (RFC 4568 s.6.1, s.6.2; RFC 6188 s.4; RFC 7714 s.14).

use std::fmt;

use zeroize::Zeroize;

/// A crypto suite. Each encrypts and authenticates RTP and RTCP, and derives its session keys once (a derivation rate of 0).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Suite {
    /// AES in counter mode, HMAC-SHA1 tags of 10 bytes (RFC 3711).
    AesCm128HmacSha1Tag80,
    /// The same, with tags of 4 bytes on RTP; on RTCP they have 10 (RFC 4568 s.6.2.2).
    AesCm128HmacSha1Tag32,
    /// Keys of 256 bits, tags of 10 bytes (RFC 6188).
    AesCm256HmacSha1Tag80,
    /// AES-GCM, tags of 16 bytes (RFC 7714).
    AeadAes128Gcm,
    /// The same with keys of 256 bits.
    AeadAes256Gcm,
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AesCm128HmacSha1Tag80,
        Self::AesCm128HmacSha1Tag32,
        Self::AesCm256HmacSha1Tag80,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// Bytes of a master key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::AesCm128HmacSha1Tag80 | Self::AesCm128HmacSha1Tag32 | Self::AeadAes128Gcm => 16,
            Self::AesCm256HmacSha1Tag80 | Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of a master salt.
    pub const fn salt_length(self) -> usize {
        match self {
            Self::AesCm128HmacSha1Tag80 | Self::AesCm128HmacSha1Tag32 | Self::AesCm256HmacSha1Tag80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Its name in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256HmacSha1Tag80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }
}

/// The key that one side encrypts what it sends with: master key and salt, and how packets name it.
///
/// Invariant: as long as its suite says. Zeroed when dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; LONGEST],
    mki: Option<Mki>,
}

/// A key and salt that are not as long as their suite says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyLength {
    /// For this suite.
    pub suite: Suite,
    /// So many bytes came.
    pub got: usize,
}

impl MasterKey {
    /// From `key_length` bytes of key and `salt_length` bytes of salt after them, as an `inline:` parameter has them (RFC 4568 s.6.1).
    ///
    /// # Errors
    ///
    /// Another number of bytes.
    pub fn new(suite: Suite, key_and_salt: &[u8]) -> Result<Self, KeyLength> {
        let length = suite.key_length() + suite.salt_length();
        let mut bytes = [0; LONGEST];
        match bytes.get_mut(..length) {
            Some(own) if key_and_salt.len() == length => own.copy_from_slice(key_and_salt),
            Some(_) | None => return Err(KeyLength { suite, got: key_and_salt.len() }),
        }
        Ok(Self { suite, bytes, mki: None })
    }

    /// Named by an MKI in each of its packets.
    #[must_use]
    pub fn named(mut self, mki: Mki) -> Self {
        self.mki = Some(mki);
        self
    }

    /// Its suite.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The master key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_length()]
    }

    /// The master salt.
    pub fn salt(&self) -> &[u8] {
        &self.key_and_salt()[self.suite.key_length()..]
    }

    /// Both, as an `inline:` parameter has them.
    pub fn key_and_salt(&self) -> &[u8] {
        &self.bytes[..self.suite.key_length() + self.suite.salt_length()]
    }

    /// Its name, if packets carry one.
    pub const fn mki(&self) -> Option<Mki> {
        self.mki
    }
}

impl fmt::Debug for MasterKey {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Display for KeyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, got } = self;
        let (key, salt) = (suite.key_length(), suite.salt_length());
        write!(f, "{} wants a key of {key} bytes and a salt of {salt}, and got {got} in all", suite.name())
    }
}

impl std::error::Error for KeyLength {}

/// A master key identifier: the bytes before the authentication tag of a packet, or after that of an AEAD suite (RFC 3711 s.3.1, RFC
/// 7714 s.8). What comes in is told apart by its tag, whatever its identifier says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mki {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

/// An MKI that is empty or too long: SDP allows 128 bytes, and 16 are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MkiLength(
    /// So many bytes came.
    pub usize,
);

impl Mki {
    /// Bytes of the longest one.
    pub const LONGEST: usize = 16;

    /// From 1 to 16 bytes.
    ///
    /// # Errors
    ///
    /// Another number of bytes.
    pub fn new(mki: &[u8]) -> Result<Self, MkiLength> {
        let mut bytes = [0; Self::LONGEST];
        match (bytes.get_mut(..mki.len()), u8::try_from(mki.len())) {
            (Some(own), Ok(length @ 1..)) => {
                own.copy_from_slice(mki);
                Ok(Self { bytes, length })
            }
            (Some(_) | None, Ok(_) | Err(_)) => Err(MkiLength(mki.len())),
        }
    }

    /// As in a packet.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for MkiLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an MKI has 1 to {} bytes here, not {}", Mki::LONGEST, self.0)
    }
}

impl std::error::Error for MkiLength {}

/// The keys of an encrypted leg. Each side has its own for what it sends (RFC 4568 s.6.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srtp {
    /// Ours.
    pub send: MasterKey,
    /// The far side's.
    pub receive: MasterKey,
}

/// Of a key and its salt.
const LONGEST: usize = 32 + 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_long_as_its_suite_says() {
        for suite in Suite::ALL {
            let length = suite.key_length() + suite.salt_length();
            let bytes: Vec<u8> = (1..).take(length).collect();
            let key = MasterKey::new(suite, &bytes).unwrap();
            assert_eq!([key.key(), key.salt()].concat(), bytes);
            assert_eq!(key.salt().len(), suite.salt_length());
            assert_eq!(key.key_and_salt(), bytes);
            for got in [0, length - 1, length + 1, 1000] {
                assert_eq!(MasterKey::new(suite, &vec![0; got]), Err(KeyLength { suite, got }));
            }
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let show = |suite: Suite| {
            let key = MasterKey::new(suite, &vec![0xa7; suite.key_length() + suite.salt_length()]).unwrap();
            format!("{:?}", Srtp { send: key.clone(), receive: key })
        };
        let shown: String = Suite::ALL.into_iter().map(show).collect();
        assert!(!shown.contains("167") && !shown.to_lowercase().contains("a7"), "{shown}");
    }

    #[test]
    fn an_mki_has_1_to_16_bytes() {
        for length in 1..=16 {
            let bytes = vec![3; length];
            assert_eq!(Mki::new(&bytes).unwrap().bytes(), bytes);
        }
        for length in [0, 17, 128, 256, 257] {
            assert_eq!(Mki::new(&vec![3; length]), Err(MkiLength(length)));
        }
    }
}
