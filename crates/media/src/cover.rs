//! Whether a leg's packets are encrypted, and by which keys.

use std::time::{Duration, Instant};

use crate::command::Counters;
use crate::srtp::{Kept, Opener, Refused, Sealer, Srtp};

/// What is between a leg and its far side.
#[derive(Debug)]
pub(crate) enum Cover {
    Plain,
    Keyed(Box<Keyed>),
}

#[derive(Debug)]
pub(crate) struct Keyed {
    sealer: Sealer,
    opener: Opener,
    /// For packets that were under way when the key changed.
    former: Option<Former>,
}

#[derive(Debug)]
struct Former {
    opener: Box<Opener>,
    until: Instant,
}

impl Cover {
    /// Negotiated, perhaps again. An unchanged key goes on: its rollover counters and windows outlive a hold. Another one begins anew.
    pub(crate) fn negotiate(&mut self, now: Instant, before: Option<&Srtp>, after: Option<&Srtp>, ssrc: u32) {
        let Some(after) = after else {
            *self = Self::Plain;
            return;
        };
        match (self, before) {
            (Self::Keyed(keyed), Some(before)) => {
                if before.send != after.send {
                    keyed.sealer = Sealer::new(&after.send, ssrc);
                }
                if before.receive != after.receive {
                    let former = std::mem::replace(&mut keyed.opener, Opener::new(&after.receive));
                    keyed.former = Some(Former { opener: Box::new(former), until: now + UNDER_WAY });
                }
            }
            (cover @ (Self::Plain | Self::Keyed(_)), _) => {
                let sealer = Sealer::new(&after.send, ssrc);
                let keyed = Keyed { sealer, opener: Opener::new(&after.receive), former: None };
                *cover = Self::Keyed(Box::new(keyed));
            }
        }
    }

    /// A packet came: how many of its bytes are RTP.
    pub(crate) fn open_rtp(&mut self, now: Instant, packet: &mut [u8]) -> Result<usize, Refused> {
        match self {
            Self::Plain => Ok(packet.len()),
            Self::Keyed(keyed) => keyed.open(now, packet, Opener::rtp),
        }
    }

    /// A packet came: how many of its bytes are RTCP.
    pub(crate) fn open_rtcp(&mut self, now: Instant, packet: &mut [u8]) -> Result<usize, Refused> {
        match self {
            Self::Plain => Ok(packet.len()),
            Self::Keyed(keyed) => keyed.open(now, packet, Opener::rtcp),
        }
    }

    /// An RTP packet of so many bytes leaves: how many are to be sent.
    pub(crate) fn seal_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self {
            Self::Plain => Ok(length),
            Self::Keyed(keyed) => keyed.sealer.rtp(buffer, length),
        }
    }

    /// An RTCP packet of so many bytes leaves: how many are to be sent.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self {
            Self::Plain => Ok(length),
            Self::Keyed(keyed) => keyed.sealer.rtcp(buffer, length),
        }
    }
}

impl Keyed {
    /// By the present key, or else by the former one while its packets are under way.
    fn open(
        &mut self,
        now: Instant,
        packet: &mut [u8],
        open: fn(&mut Opener, &mut [u8]) -> Result<usize, Refused>,
    ) -> Result<usize, Refused> {
        let Some(former) = &mut self.former else { return open(&mut self.opener, packet) };
        if now >= former.until {
            self.former = None;
            return open(&mut self.opener, packet);
        }
        let kept = Kept::new(packet);
        match (open(&mut self.opener, packet), kept) {
            (Err(why), Some(kept)) => match open(&mut former.opener, kept.restore(packet)) {
                Err(Refused::Unauthenticated) => Err(why),
                opened => opened,
            },
            (opened, Some(_) | None) => opened,
        }
    }
}

impl Counters {
    /// A packet was dropped.
    pub(crate) fn refuse(&mut self, why: Refused) {
        let counter = match why {
            Refused::Malformed | Refused::Exhausted => &mut self.unusable,
            Refused::Unauthenticated => &mut self.unauthenticated,
            Refused::Replayed => &mut self.replayed,
            Refused::NoRoom => &mut self.overrun,
        };
        *counter += 1;
    }
}

/// Whoever offers another key sends by it once the answer is there, which may have to be sent again.
const UNDER_WAY: Duration = Duration::from_secs(5);
