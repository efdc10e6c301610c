//! SRTP by SDES (RFC 4568) at the ends of the generator: keys in session descriptions, packets encrypted and decrypted by `media::srtp`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use media::srtp::{MasterKey, Opener, Sealer, Suite};
use phone::sdp::{Crypto, cryptos, encrypted};

use crate::calls::Side;

/// Whose packets are encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Sealed {
    /// Nobody's.
    None,
    /// Those between the system and the called side.
    Callee,
    /// Those of both sides, by keys of their own.
    Both,
}

/// The keys of a leg: ours for what we send, theirs for what comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Keys {
    pub(crate) ours: MasterKey,
    pub(crate) theirs: MasterKey,
}

impl Sealed {
    pub(crate) fn is_for(self, side: Side) -> bool {
        match self {
            Self::None => false,
            Self::Callee => side == Side::Callee,
            Self::Both => true,
        }
    }
}

impl Keys {
    /// For the one stream that we send.
    pub(crate) fn sealer(&self, ssrc: u32) -> Sealer {
        Sealer::new(&self.ours, ssrc)
    }

    /// For what comes.
    pub(crate) fn opener(&self) -> Opener {
        Opener::new(&self.theirs)
    }
}

/// A key of the generator's own: it need not be a secret.
pub(crate) fn own(side: Side, index: usize) -> Option<MasterKey> {
    let mut bytes = [match side {
        Side::Caller => 1,
        Side::Callee => 2,
    }; 30];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    MasterKey::new(SUITE, &bytes).ok()
}

/// The key that a description has for our suite, and its tag.
pub(crate) fn of(description: &str) -> Option<(String, MasterKey)> {
    let line = cryptos(description).into_iter().find(|line| line.suite == SUITE.name())?;
    Some((line.tag, MasterKey::new(SUITE, &STANDARD.decode(line.key).ok()?).ok()?))
}

/// The description with that key.
pub(crate) fn put_into(description: &str, tag: String, key: &MasterKey) -> String {
    let line = Crypto { tag, suite: SUITE.name().to_owned(), key: STANDARD.encode(key.key_and_salt()) };
    encrypted(description, &line)
}

/// The one that every peer has.
const SUITE: Suite = Suite::AesCm128HmacSha1Tag80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_the_description_that_it_was_put_into() {
        let key = own(Side::Callee, 513).expect("a key");
        let plain = phone::sdp::pcmu("127.0.0.1:4000".parse().expect("an address"));
        let described = put_into(&plain, "7".to_owned(), &key);
        assert!(described.contains("m=audio 4000 RTP/SAVP 0"), "{described}");
        assert_eq!(of(&described), Some(("7".to_owned(), key)));
        assert_eq!(of(&plain), None);
    }
}
