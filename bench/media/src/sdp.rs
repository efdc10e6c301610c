//! The session descriptions of both sides.

use std::net::{SocketAddr, SocketAddrV4};

use media::srtp::MasterKey;

use crate::calls::{Leg, Side, Trouble};
use crate::seal::{self, Keys, Sealed};

/// How a side describes its calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Describing {
    pub(crate) side: Side,
    /// Where it receives.
    pub(crate) rtp: SocketAddrV4,
    pub(crate) sealed: Sealed,
}

impl Describing {
    /// The description of its call of that index: one stream of µ-law. An answer repeats the tag of the key that was offered.
    pub(crate) fn own(self, index: usize, offer: Option<&str>) -> Result<String, Trouble> {
        let plain = phone::sdp::pcmu(self.rtp.into());
        if !self.sealed.is_for(self.side) {
            return Ok(plain);
        }
        let tag = match offer {
            Some(offer) => seal::of(offer).ok_or_else(|| Trouble::Strange(offer.to_owned()))?.0,
            None => "1".to_owned(),
        };
        Ok(seal::put_into(&plain, tag, &self.key(index)?))
    }

    /// The leg that a description of the system under test makes of the call.
    pub(crate) fn leg(self, index: usize, description: &str) -> Result<Leg, Trouble> {
        let strange = || Trouble::Strange(description.to_owned());
        let Some(SocketAddr::V4(rtp)) = phone::sdp::rtp(description) else { return Err(strange()) };
        let keys = match (self.sealed.is_for(self.side), seal::of(description)) {
            (false, None) => None,
            (true, Some((_, theirs))) => Some(Keys { ours: self.key(index)?, theirs }),
            (true, None) | (false, Some(_)) => return Err(strange()),
        };
        Ok(Leg { rtp, keys })
    }

    fn key(self, index: usize) -> Result<MasterKey, Trouble> {
        seal::own(self.side, index).ok_or_else(|| Trouble::Strange("no key".to_owned()))
    }
}
