//! Whether a leg's packets are encrypted, and by which keys.

use std::time::{Duration, Instant};

use crate::command::Counters;
use crate::srtp::{Kept, Opener, Refused, Sealer, Srtp};

/// What is between a leg and its far side.
#[derive(Debug)]
pub(crate) enum Cover {
    Plain,
    /// Plain, after it was encrypted: if the same keys come back, no index may, by which something was encrypted already.
    Resting(Box<Keyed>),
    Keyed(Box<Keyed>),
}

#[derive(Debug)]
pub(crate) struct Keyed {
    srtp: Srtp,
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
    pub(crate) fn negotiate(&mut self, now: Instant, srtp: Option<&Srtp>, ssrc: u32) {
        *self = match (std::mem::replace(self, Self::Plain), srtp) {
            (Self::Plain, None) => Self::Plain,
            (Self::Keyed(keyed) | Self::Resting(keyed), None) => Self::Resting(keyed),
            (Self::Plain, Some(srtp)) => {
                let (sealer, opener) = (Sealer::new(&srtp.send, ssrc), Opener::new(&srtp.receive));
                Self::Keyed(Box::new(Keyed { srtp: srtp.clone(), sealer, opener, former: None }))
            }
            (Self::Keyed(mut keyed) | Self::Resting(mut keyed), Some(srtp)) => {
                keyed.renew(now, srtp, ssrc);
                Self::Keyed(keyed)
            }
        };
    }

    /// A packet came: how many of its bytes are RTP.
    pub(crate) fn open_rtp(&mut self, now: Instant, packet: &mut [u8]) -> Result<usize, Refused> {
        match self {
            Self::Plain | Self::Resting(_) => Ok(packet.len()),
            Self::Keyed(keyed) => keyed.open(now, packet, Opener::rtp),
        }
    }

    /// A packet came: how many of its bytes are RTCP.
    pub(crate) fn open_rtcp(&mut self, now: Instant, packet: &mut [u8]) -> Result<usize, Refused> {
        match self {
            Self::Plain | Self::Resting(_) => Ok(packet.len()),
            Self::Keyed(keyed) => keyed.open(now, packet, Opener::rtcp),
        }
    }

    /// An RTP packet of so many bytes leaves: how many are to be sent.
    pub(crate) fn seal_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self {
            Self::Plain | Self::Resting(_) => Ok(length),
            Self::Keyed(keyed) => keyed.sealer.rtp(buffer, length),
        }
    }

    /// An RTCP packet of so many bytes leaves: how many are to be sent.
    pub(crate) fn seal_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self {
            Self::Plain | Self::Resting(_) => Ok(length),
            Self::Keyed(keyed) => keyed.sealer.rtcp(buffer, length),
        }
    }
}

impl Keyed {
    fn renew(&mut self, now: Instant, srtp: &Srtp, ssrc: u32) {
        if self.srtp.send != srtp.send {
            self.sealer = Sealer::new(&srtp.send, ssrc);
        }
        if self.srtp.receive != srtp.receive {
            let former = std::mem::replace(&mut self.opener, Opener::new(&srtp.receive));
            self.former = Some(Former { opener: Box::new(former), until: now + UNDER_WAY });
        }
        self.srtp = srtp.clone();
    }

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
