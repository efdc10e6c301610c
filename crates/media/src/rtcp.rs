//! RTCP packets as written, and the little that is read of them (RFC 3550 s.6).

use crate::srtp::TRAILER;

/// A compound packet of ours: a report, who we are, and perhaps a goodbye.
#[derive(Debug)]
pub(crate) struct Compound {
    bytes: [u8; LONGEST + TRAILER],
    length: usize,
}

/// What a sender tells of its stream (RFC 3550 s.6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SenderInfo {
    pub(crate) ntp: u64,
    /// The same time on the stream's own clock.
    pub(crate) timestamp: u32,
    pub(crate) packets: u32,
    /// Of payload.
    pub(crate) octets: u32,
}

/// What a receiver tells of a stream (RFC 3550 s.6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    pub(crate) reception: Reception,
    /// The middle 32 bits of the NTP time of its last sender report; 0 for none.
    pub(crate) last_report: u32,
    /// Since that came, in 1/65,536 s.
    pub(crate) delay: u32,
}

/// How a stream was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reception {
    pub(crate) ssrc: u32,
    /// Since the last report, in 1/256.
    pub(crate) fraction_lost: u8,
    /// Since the beginning; more duplicates than losses make it negative.
    pub(crate) lost: i32,
    /// Sequence number, with its cycles.
    pub(crate) highest: u32,
    /// In samples.
    pub(crate) jitter: u32,
}

/// What is read of a sender report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SenderReport {
    pub(crate) ssrc: u32,
    /// The middle 32 bits of its NTP time.
    pub(crate) ntp_middle: u32,
}

impl Compound {
    /// SR or RR, and SDES with the CNAME, which is in every compound packet.
    pub(crate) fn new(
        ssrc: u32,
        sender: Option<SenderInfo>,
        block: Option<Block>,
        cname: &[u8; CNAME],
    ) -> Self {
        let mut compound = Self { bytes: [0; LONGEST + TRAILER], length: 0 };
        let kind = if sender.is_some() { 200 } else { 201 };
        let blocks = u8::from(block.is_some());
        compound.head(blocks, kind, 4 + sender.map_or(0, |_| 20) + 24 * usize::from(blocks));
        compound.push(&ssrc.to_be_bytes());
        if let Some(SenderInfo { ntp, timestamp, packets, octets }) = sender {
            compound.push(&ntp.to_be_bytes());
            for word in [timestamp, packets, octets] {
                compound.push(&word.to_be_bytes());
            }
        }
        if let Some(Block { reception, last_report, delay }) = block {
            let Reception { ssrc, fraction_lost, lost, highest, jitter } = reception;
            compound.push(&ssrc.to_be_bytes());
            let [_, lost @ ..] = lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
            compound.push(&[fraction_lost]);
            compound.push(&lost);
            for word in [highest, jitter, last_report, delay] {
                compound.push(&word.to_be_bytes());
            }
        }
        compound.head(1, 202, 4 + 2 + CNAME + 2);
        compound.push(&ssrc.to_be_bytes());
        compound.push(&[1, CNAME_LENGTH]);
        compound.push(cname);
        compound.push(&[0, 0]);
        compound
    }

    /// The source leaves.
    pub(crate) fn bye(mut self, ssrc: u32) -> Self {
        self.head(1, 203, 4);
        self.push(&ssrc.to_be_bytes());
        self
    }

    /// It and room for its encryption, and how many bytes it has.
    pub(crate) fn buffer(&mut self) -> (&mut [u8], usize) {
        (&mut self.bytes, self.length)
    }

    /// The first word of a packet with so many bytes after it.
    fn head(&mut self, count: u8, kind: u8, length: usize) {
        // At most 48 bytes.
        let words = u16::try_from(length / 4).unwrap_or(0);
        self.push(&[0x80 | count, kind]);
        self.push(&words.to_be_bytes());
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }
}

impl SenderReport {
    /// Of a compound packet, whose first packet it is if there is one (RFC 3550 s.6.1).
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let packet: &[u8; 28] = packet.first_chunk()?;
        let [_, 200, _, _, s0, s1, s2, s3, _, _, n2, n3, n4, n5, ..] = *packet else { return None };
        Some(Self {
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            ntp_middle: u32::from_be_bytes([n2, n3, n4, n5]),
        })
    }
}

/// Characters of a CNAME: 96 random bits in base64 (RFC 7022 s.4.2).
pub(crate) const CNAME: usize = 16;
const CNAME_LENGTH: u8 = 16;
/// SR with one block, SDES, BYE.
const LONGEST: usize = 52 + 28 + 8;
