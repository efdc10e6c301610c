//! An RTP packet as seen and as written (RFC 3550 s.5.1).

use std::ops::Range;
use std::time::{Duration, Instant};

use rtp_rs::RtpReader;

/// Bytes of a header without contributing sources and extension, as we write it.
pub(crate) const HEADER: usize = 12;

/// Samples of 20 ms.
pub(crate) const FRAME: usize = 160;

/// 20 ms.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// What came in: the first `length` bytes of a buffer. The others are room: a packet that is encrypted grows into it, by
/// [`crate::srtp::TRAILER`] bytes at most.
#[derive(Debug)]
pub struct Datagram<'a> {
    pub(crate) buffer: &'a mut [u8],
    pub(crate) length: usize,
}

impl<'a> Datagram<'a> {
    /// Of at most as many bytes as the buffer has.
    pub fn new(buffer: &'a mut [u8], length: usize) -> Self {
        let length = length.min(buffer.len());
        Self { buffer, length }
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.length]
    }
}

impl<'a> From<&'a mut [u8]> for Datagram<'a> {
    /// Without room: nothing to pass on encrypted.
    fn from(buffer: &'a mut [u8]) -> Self {
        let length = buffer.len();
        Self { buffer, length }
    }
}

/// What is read of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// Where the payload lies, without padding.
    pub(crate) payload: Range<usize>,
}

impl Header {
    /// `None` for what is no RTP.
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let reader = RtpReader::new(packet).ok()?;
        let start = reader.payload_offset();
        Some(Self {
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            payload: start..start + reader.payload().len(),
        })
    }
}

/// Whether a datagram on the RTP port is RTCP all the same (RFC 5761 s.4).
pub(crate) fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, kind, ..] if first >> 6 == 2 && (192..=223).contains(kind))
}

/// What is written of a packet. Contributing sources, extensions and padding end at a bridge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl Stamp {
    pub(crate) fn bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = 0x80;
        bytes[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

/// How far `to` is ahead of `from`, the short way round.
pub(crate) const fn sequence_distance(from: u16, to: u16) -> i16 {
    to.wrapping_sub(from).cast_signed()
}

/// How far `to` is ahead of `from`, the short way round.
pub(crate) const fn timestamp_distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// The samples at 8,000 Hz from one time to a later one, as a timestamp counts them: modulo 2^32.
pub(crate) fn samples_between(from: Instant, to: Instant) -> u32 {
    let samples = to.saturating_duration_since(from).as_nanos() * 8 / 1_000_000;
    u32::try_from(samples & u128::from(u32::MAX)).unwrap_or(u32::MAX)
}
