//! What one side sends, encrypted.

use std::fmt;

use super::derive::Of;
use super::session::{Head, Session};
use super::window::Window;
use super::{MasterKey, Refused};

/// Encrypts and authenticates one stream and its reports.
///
/// What an RTP packet needs lies at the beginning, together: by the time that the stream's next one comes, none of it is in the cache.
#[repr(C, align(64))]
pub struct Sealer {
    ssrc: u32,
    /// Of the next report.
    report: u32,
    sent: Window,
    rtp: Session,
    rtcp: Session,
}

impl Sealer {
    /// The stream with this SSRC begins; its rollover counter is 0 (RFC 4568 s.6.4).
    ///
    /// It is for that stream alone: whoever sends two by one key has a sealer for each.
    pub fn new(key: &MasterKey, ssrc: u32) -> Self {
        Self {
            ssrc,
            report: 0,
            sent: Window::default(),
            rtp: Session::derive(key, Of::Rtp),
            rtcp: Session::derive(key, Of::Rtcp),
        }
    }

    /// Seals the RTP packet in the first `length` bytes of the buffer, and says how many it has then: 4 to [`super::TRAILER`] more.
    ///
    /// Numbers may come out of order, and roll over.
    ///
    /// # Errors
    ///
    /// `Malformed`, `Replayed`, `NoRoom` or `Exhausted`: nothing is to be sent.
    pub fn rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let head = Head::read(buffer.get(..length).ok_or(Refused::NoRoom)?)?;
        if head.ssrc != self.ssrc {
            return Err(Refused::Malformed);
        }
        let index = self.sent.nearest(head.sequence).unwrap_or(Ok(head.sequence.into()))?;
        self.sent.check(index)?;
        let sealed = self.rtp.seal_rtp(head, index, buffer, length)?;
        self.sent.mark(index);
        Ok(sealed)
    }

    /// Seals the compound RTCP packet of the stream's sender in the first `length` bytes of the buffer, and says how many it has then: 14 to
    /// [`super::TRAILER`] more.
    ///
    /// # Errors
    ///
    /// `Malformed`, `NoRoom` or `Exhausted`: nothing is to be sent.
    pub fn rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let whose = buffer.get(4..8).filter(|_| length >= 8).ok_or(Refused::Malformed)?;
        if whose != self.ssrc.to_be_bytes() {
            return Err(Refused::Malformed);
        }
        if self.report >> 31 != 0 {
            return Err(Refused::Exhausted);
        }
        let sealed = self.rtcp.seal_rtcp(self.ssrc, self.report, buffer, length)?;
        self.report += 1;
        Ok(sealed)
    }
}

impl fmt::Debug for Sealer {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("ssrc", &self.ssrc).field("sent", &self.sent).finish_non_exhaustive()
    }
}
