//! SRTP by SDES (RFC 4568) on a handset's side.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use media::srtp::{MasterKey, Opener, Sealer, Suite, TRAILER};
use phone::sdp::{Crypto, cryptos, encrypted};

/// Whether a handset's packets are encrypted, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protection {
    Plain,
    Sdes(Suite),
}

/// The keys of a handset.
pub(crate) struct Seal {
    suite: Suite,
    own: MasterKey,
    sealer: Sealer,
    opener: Option<Opener>,
}

impl Seal {
    pub(crate) fn new(protection: Protection, seed: u64, ssrc: u32) -> Option<Self> {
        let Protection::Sdes(suite) = protection else { return None };
        // Any bytes: nobody else looks on.
        let bytes: Vec<u8> = (1_u64..)
            .flat_map(|index| (seed + index).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
            .take(suite.key_length() + suite.salt_length())
            .collect();
        let own = MasterKey::new(suite, &bytes).unwrap();
        let sealer = Sealer::new(&own, ssrc);
        Some(Self { suite, own, sealer, opener: None })
    }

    /// The description with the own key: by the tag that the offer has for the suite, if this is the answer to one.
    pub(crate) fn put_into(&self, description: &str, offer: Option<&str>) -> String {
        let tag = offer.map_or_else(|| "1".to_owned(), |offer| self.find(offer).tag);
        encrypted(description, &Crypto { tag, suite: self.suite.name().to_owned(), key: self.own_key() })
    }

    /// As a description writes it.
    pub(crate) fn own_key(&self) -> String {
        STANDARD.encode(self.own.key_and_salt())
    }

    /// Learns the far side's key.
    pub(crate) fn learn(&mut self, description: &str) {
        if self.opener.is_none() {
            let key = STANDARD.decode(self.find(description).key).unwrap();
            self.opener = Some(Opener::new(&MasterKey::new(self.suite, &key).unwrap()));
        }
    }

    pub(crate) fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut room = [packet, &[0; TRAILER]].concat();
        let length = self.sealer.rtp(&mut room, packet.len()).unwrap();
        room.truncate(length);
        room
    }

    /// `None` for what is not by the far side's key, or was there before.
    pub(crate) fn open(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut packet = datagram.to_vec();
        let length = self.opener.as_mut()?.rtp(&mut packet).ok()?;
        packet.truncate(length);
        Some(packet)
    }

    fn find(&self, description: &str) -> Crypto {
        let found = cryptos(description).into_iter().find(|crypto| crypto.suite == self.suite.name());
        found.unwrap_or_else(|| panic!("no key for {} in\n{description}", self.suite.name()))
    }
}
