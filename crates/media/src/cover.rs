//! Whether a leg's packets are encrypted, and by which keys.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::command::Counters;
use crate::srtp::{Kept, MasterKey, Opener, Refused, Sealer, Srtp, Suite};

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
    /// By the keys before `srtp.send`.
    sealers: Shelf<Sealer>,
    /// By the keys before `srtp.receive`.
    openers: Shelf<Opener>,
    /// Packets by the last of `openers` are under way until then.
    under_way: Option<Instant>,
}

/// What was done by keys that are not in use. One that comes back goes on from there: a call's forks answer by different suites in turn, and
/// an index must not be used twice.
#[derive(Debug)]
struct Shelf<T>(VecDeque<(MasterKey, T)>);

impl Cover {
    /// Negotiated, perhaps again. An unchanged key goes on: its rollover counters and windows outlive a hold. Another one begins anew.
    pub(crate) fn negotiate(&mut self, now: Instant, srtp: Option<&Srtp>, ssrc: u32) {
        *self = match (std::mem::replace(self, Self::Plain), srtp) {
            (Self::Plain, None) => Self::Plain,
            (Self::Keyed(keyed) | Self::Resting(keyed), None) => Self::Resting(keyed),
            (Self::Plain, Some(srtp)) => {
                let (sealer, opener) = (Sealer::new(&srtp.send, ssrc), Opener::new(&srtp.receive));
                let (sealers, openers) = (Shelf::default(), Shelf::default());
                let srtp = srtp.clone();
                Self::Keyed(Box::new(Keyed { srtp, sealer, opener, sealers, openers, under_way: None }))
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
        let Srtp { send, receive } = &self.srtp;
        if *send != srtp.send {
            let sealer = self.sealers.take(&srtp.send).unwrap_or_else(|| Sealer::new(&srtp.send, ssrc));
            self.sealers.put(send.clone(), std::mem::replace(&mut self.sealer, sealer));
        }
        if *receive != srtp.receive {
            let opener = self.openers.take(&srtp.receive).unwrap_or_else(|| Opener::new(&srtp.receive));
            self.openers.put(receive.clone(), std::mem::replace(&mut self.opener, opener));
            self.under_way = Some(now + UNDER_WAY);
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
        self.under_way = self.under_way.filter(|until| now < *until);
        let former = self.under_way.and_then(|_| self.openers.newest());
        let Some(former) = former else { return open(&mut self.opener, packet) };
        let kept = Kept::new(packet);
        match (open(&mut self.opener, packet), kept) {
            (Err(why), Some(kept)) => match open(former, kept.restore(packet)) {
                Err(Refused::Unauthenticated) => Err(why),
                opened => opened,
            },
            (opened, Some(_) | None) => opened,
        }
    }
}

impl<T> Shelf<T> {
    fn take(&mut self, key: &MasterKey) -> Option<T> {
        let place = self.0.iter().position(|(own, _)| own == key)?;
        self.0.remove(place).map(|(_, own)| own)
    }

    fn put(&mut self, key: MasterKey, own: T) {
        if self.0.len() == SHELVED {
            self.0.pop_front();
        }
        self.0.push_back((key, own));
    }

    fn newest(&mut self) -> Option<&mut T> {
        self.0.back_mut().map(|(_, own)| own)
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(VecDeque::new())
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
/// A leg has a key for each suite that it may come back to. Others are drawn anew, and never come back.
const SHELVED: usize = 2 * Suite::ALL.len();
