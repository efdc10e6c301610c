//! What we can do, and where we are.

use std::net::IpAddr;

use crate::{Direction, Encryption};

/// An audio codec that we negotiate. Clock rate 8,000 Hz, one channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0 (RFC 3551 s.6).
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
}

impl Codec {
    /// Its encoding name in `a=rtpmap`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The payload type that it has without an `a=rtpmap`.
    pub const fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Pcmu, Self::Pcma].into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    pub(crate) const fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }
}

/// What we are willing to negotiate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// In our order, which rules our offers; an answer keeps the offerer's order (RFC 3264 s.6.1).
    pub codecs: Vec<Codec>,
    /// The payload type, 96 to 127, that our offers give telephone-event (RFC 4733); `None`: neither offered nor accepted.
    pub telephone_event: Option<u8>,
    /// The ways that we are open to: what our offers say, and the most that our answers do.
    pub direction: Direction,
}

impl Default for Capabilities {
    /// PCMU, PCMA, and telephone-event as 101, both ways.
    fn default() -> Self {
        Self {
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            telephone_event: Some(101),
            direction: Direction::BOTH,
        }
    }
}

/// Our end of one leg, as our descriptions name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Local {
    /// The advertised address.
    pub address: IpAddr,
    /// The RTP port; RTCP is on the next one.
    pub port: u16,
    /// `o=`'s session id: constant for the life of the leg (RFC 3264 s.8).
    pub session_id: u64,
    /// `o=`'s version: plus one with every description that differs from the one before it.
    pub version: u64,
    /// Whether the audio is encrypted, and our keys.
    pub encryption: Encryption,
}
