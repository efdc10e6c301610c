//! The legs of a call: A faces the caller, B whom it reaches: an agent, or the telephone network.

use std::fmt;

use media::MediaKey;
use media::agent::AgentKey;
use media::command::WorkerId;
use sdp::{Codec, Direction};
use sip::Message;
use sip::endpoint::DialogKey;

use crate::config::MediaAddress;
use crate::negotiate::{Exchange, Opening};

/// A port pair on its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) media: MediaKey,
    pub(crate) worker: WorkerId,
    pub(crate) port: u16,
    pub(crate) address: MediaAddress,
}

/// The caller's leg before its answer.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) dialog: DialogKey,
    pub(crate) pair: Pair,
    pub(crate) opening: Opening,
    pub(crate) told: Told,
    pub(crate) early_media: EarlyMedia,
}

impl Caller {
    /// The direction that it opened with.
    pub(crate) fn direction(&self) -> Direction {
        self.opening.direction(self.pair.address.advertised)
    }

    /// The codec that it speaks, or would.
    pub(crate) fn codec(&self) -> Option<Codec> {
        let told = self.told.exchange().and_then(Exchange::codec);
        told.or_else(|| self.opening.codec(self.pair.address.advertised).unwrap_or(None))
    }
}

/// What the caller knows of our side of its media before the answer. Shown without the text, which may hold keys.
#[derive(Clone)]
pub(crate) enum Told {
    Nothing,
    /// What the 2xx will say, in a provisional response that may be lost: the 2xx says the same (RFC 3261 s.13.2.1).
    Foretold {
        sdp: Box<Exchange>,
        text: String,
    },
    /// Our answer or offer, in a reliable provisional response: the 2xx says nothing more (RFC 6337 s.2.2).
    Described(Box<Exchange>),
}

/// Whether a caller understands P-Early-Media (RFC 5009 s.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EarlyMedia {
    Understood,
    Unknown,
}

impl EarlyMedia {
    /// As its INVITE says.
    pub(crate) fn of(invite: &Message) -> Self {
        let mut lines = invite.headers("P-Early-Media");
        let words = |line: &str| line.split(',').any(|word| word.trim().eq_ignore_ascii_case("supported"));
        if lines.any(|line| words(&line)) { Self::Understood } else { Self::Unknown }
    }
}

impl Told {
    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Nothing => None,
            Self::Foretold { sdp, .. } | Self::Described(sdp) => Some(sdp),
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Foretold { .. } => "Foretold",
            Self::Described(_) => "Described",
        })
    }
}

/// A dialog and its media.
#[derive(Clone, Debug)]
pub(crate) struct SipLeg {
    pub(crate) dialog: DialogKey,
    pub(crate) pair: Pair,
    pub(crate) sdp: Exchange,
}

/// What answers the caller.
#[derive(Clone, Debug)]
pub(crate) enum CalleeLeg {
    /// Its own voice.
    Echo,
    /// An open Media Streams WebSocket.
    Stream(AgentKey),
    /// A SIP peer: an agent, or a gateway.
    Sip(Box<SipLeg>),
}
