//! SRTP by SDES (RFC 4568) at the ends of the generator: keys in session descriptions, packets encrypted and decrypted by `media::srtp`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use media::srtp::{MasterKey, Opener, Sealer, Suite};

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

/// A line of keys in a session description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) tag: String,
    pub(crate) key: MasterKey,
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

impl Line {
    /// A key of the generator's own: it need not be a secret.
    pub(crate) fn own(tag: &str, side: Side, index: usize) -> Option<Self> {
        let mut bytes = [match side {
            Side::Caller => 1,
            Side::Callee => 2,
        }; 30];
        bytes[..8].copy_from_slice(&index.to_be_bytes());
        let key = MasterKey::new(SUITE, &bytes).ok()?;
        Some(Self { tag: tag.to_owned(), key })
    }

    /// The line of our suite in a description.
    pub(crate) fn of(description: &str) -> Option<Self> {
        description.lines().find_map(|line| {
            let (tag, rest) = line.trim_end().strip_prefix("a=crypto:")?.split_once(' ')?;
            let inline = rest.strip_prefix(SUITE.name())?.trim_start().strip_prefix("inline:")?;
            let key = STANDARD.decode(inline.split(['|', ' ', ';']).next()?).ok()?;
            Some(Self { tag: tag.to_owned(), key: MasterKey::new(SUITE, &key).ok()? })
        })
    }

    /// The description with this key, which encryption is then demanded by.
    pub(crate) fn put_into(&self, description: &str) -> String {
        let key = STANDARD.encode(self.key.key_and_salt());
        let sealed = description.replace("RTP/AVP", "RTP/SAVP");
        format!("{sealed}a=crypto:{} {} inline:{key}\r\n", self.tag, SUITE.name())
    }
}

/// The one that every peer has.
const SUITE: Suite = Suite::AesCm128HmacSha1Tag80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_the_description_that_it_was_put_into() {
        let line = Line::own("7", Side::Callee, 513).expect("a key");
        let plain = phone::sdp::pcmu("127.0.0.1:4000".parse().expect("an address"));
        let described = line.put_into(&plain);
        assert!(described.contains("m=audio 4000 RTP/SAVP 0"), "{described}");
        assert_eq!(Line::of(&described), Some(line));
        assert_eq!(Line::of(&plain), None);
    }
}
