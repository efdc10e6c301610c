//! What the other side sends, decrypted.

use std::fmt;

use super::derive::Of;
use super::session::{Head, Session};
use super::streams::{Known, Streams};
use super::{MasterKey, Refused};

/// Authenticates and decrypts the streams of one side, and their reports.
///
/// It follows eight streams, by their SSRC. A ninth takes the place of the one that was silent for longest. A packet that is refused
/// changes nothing.
///
/// What an RTP packet needs lies together, as in a [`super::Sealer`].
#[repr(C, align(64))]
pub struct Opener {
    streams: Streams,
    rtp: Session,
    rtcp: Session,
}

impl Opener {
    /// Each stream begins with a rollover counter of 0 (RFC 4568 s.6.4).
    pub fn new(key: &MasterKey) -> Self {
        Self {
            streams: Streams::default(),
            rtp: Session::derive(key, Of::Rtp),
            rtcp: Session::derive(key, Of::Rtcp),
        }
    }

    /// Opens an SRTP packet in place; the RTP packet is in its first bytes, as many as it says.
    ///
    /// # Errors
    ///
    /// `Malformed`, `Unauthenticated`, `Replayed` or `Exhausted`: the packet is to be dropped.
    pub fn rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let head = Head::read(packet)?;
        let known = self.streams.get(head.ssrc);
        let (index, length) = match known.rtp.nearest(head.sequence) {
            Some(index) => {
                let index = index?;
                known.rtp.check(index)?;
                (index, self.rtp.open_rtp(head, index, packet)?)
            }
            None => self.first(head, packet)?,
        };
        let mut rtp = known.rtp;
        rtp.mark(index);
        self.streams.set(head.ssrc, Known { rtp, ..known });
        Ok(length)
    }

    /// Opens an SRTCP packet in place; the compound RTCP packet is in its first bytes, as many as it says.
    ///
    /// # Errors
    ///
    /// `Malformed`, `Unauthenticated` or `Replayed`: the packet is to be dropped.
    pub fn rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let report = self.rtcp.read_rtcp(packet)?;
        let known = self.streams.get(report.ssrc);
        known.rtcp.check(report.index())?;
        let length = self.rtcp.open_rtcp(report, packet)?;
        let mut rtcp = known.rtcp;
        rtcp.mark(report.index());
        self.streams.set(report.ssrc, Known { rtcp, ..known });
        Ok(length)
    }

    /// The first packet that is heard of a stream. Whoever began near the end of the numbers, and was not heard before they rolled over,
    /// has a rollover counter of 1: RFC 4568 s.6.4 asks for beginnings below 2^15, and many don't know.
    fn first(&self, head: Head, packet: &mut [u8]) -> Result<(u64, usize), Refused> {
        let index = u64::from(head.sequence);
        let kept = (head.sequence < SOON).then(|| Kept::new(packet)).flatten();
        let opened = self.rtp.open_rtp(head, index, packet).map(|length| (index, length));
        match (opened, kept) {
            (Err(Refused::Unauthenticated), Some(kept)) => {
                let index = index | 1 << 16;
                self.rtp.open_rtp(head, index, kept.restore(packet)).map(|length| (index, length))
            }
            (opened, Some(_) | None) => opened,
        }
    }
}

impl fmt::Debug for Opener {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// A packet as it came, to be opened by another key or as another one.
pub(crate) struct Kept {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl Kept {
    /// More than any packet of audio.
    const LONGEST: usize = 2048;

    pub(crate) fn new(packet: &[u8]) -> Option<Self> {
        let mut kept = Self { bytes: [0; Self::LONGEST], length: packet.len() };
        kept.bytes.get_mut(..packet.len())?.copy_from_slice(packet);
        Some(kept)
    }

    pub(crate) fn restore<'a>(&self, packet: &'a mut [u8]) -> &'a mut [u8] {
        packet.copy_from_slice(&self.bytes[..self.length]);
        packet
    }
}

/// 80 seconds of packets.
const SOON: u16 = 4096;
