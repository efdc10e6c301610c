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

impl Block {
    /// The first one about a stream in a compound packet, of those packets in it that are whole (RFC 3550 A.2).
    pub(crate) fn about(stream: u32, compound: &[u8]) -> Option<Self> {
        let mut rest = compound;
        while let Some(([first, kind, high, low], after)) = rest.split_first_chunk() {
            let length = 4 * usize::from(u16::from_be_bytes([*high, *low]));
            let (body, next) = after.split_at_checked(length)?;
            if first >> 6 != VERSION {
                return None;
            }
            let blocks = match kind {
                200 => body.get(24..),
                201 => body.get(4..),
                _ => None,
            };
            let (blocks, _) = blocks.unwrap_or_default().as_chunks();
            let mut blocks = blocks.iter().take(usize::from(first & 31)).map(Self::read);
            if let Some(block) = blocks.find(|block| block.reception.ssrc == stream) {
                return Some(block);
            }
            rest = next;
        }
        None
    }

    fn read(block: &[u8; 24]) -> Self {
        let [s0, s1, s2, s3, fraction_lost, l0, l1, l2, rest @ ..] = *block;
        let [h0, h1, h2, h3, j0, j1, j2, j3, r0, r1, r2, r3, d0, d1, d2, d3] = rest;
        Self {
            reception: Reception {
                ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
                fraction_lost,
                // 24 bits with a sign.
                lost: i32::from_be_bytes([l0, l1, l2, 0]) >> 8,
                highest: u32::from_be_bytes([h0, h1, h2, h3]),
                jitter: u32::from_be_bytes([j0, j1, j2, j3]),
            },
            last_report: u32::from_be_bytes([r0, r1, r2, r3]),
            delay: u32::from_be_bytes([d0, d1, d2, d3]),
        }
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

const VERSION: u8 = 2;
/// Characters of a CNAME: 96 random bits in base64 (RFC 7022 s.4.2).
pub(crate) const CNAME: usize = 16;
const CNAME_LENGTH: u8 = 16;
/// SR with one block, SDES, BYE.
const LONGEST: usize = 52 + 28 + 8;

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: u32 = 0x0102_0304;
    const THEIRS: u32 = 0x0506_0708;

    fn block(ssrc: u32) -> Block {
        let reception = Reception { ssrc, fraction_lost: 9, lost: -3, highest: 70_000, jitter: 40 };
        Block { reception, last_report: 0x1122_3344, delay: 65_536 }
    }

    fn compound(sender: Option<SenderInfo>, about: u32) -> Vec<u8> {
        let mut compound = Compound::new(THEIRS, sender, Some(block(about)), &[b'x'; CNAME]);
        let (buffer, length) = compound.buffer();
        buffer[..length].to_vec()
    }

    #[test]
    fn a_block_is_read_as_it_was_written_in_both_kinds_of_report() {
        let sender = SenderInfo { ntp: 1, timestamp: 2, packets: 3, octets: 4 };
        for sender in [None, Some(sender)] {
            assert_eq!(Block::about(OURS, &compound(sender, OURS)), Some(block(OURS)));
            assert_eq!(Block::about(OURS, &compound(sender, THEIRS)), None);
        }
    }

    #[test]
    fn a_block_is_found_behind_others_and_in_a_further_report() {
        let mut first = compound(None, THEIRS);
        let ours = compound(None, OURS);
        assert_eq!(Block::about(OURS, &[first.clone(), ours.clone()].concat()), Some(block(OURS)));
        // A second block in the first report.
        first[0] += 1;
        first[3] += 6;
        first.splice(32..32, ours[8..32].iter().copied());
        assert_eq!(Block::about(OURS, &first), Some(block(OURS)));
        // Of two blocks, as many as it says that there are.
        first[0] -= 1;
        assert_eq!(Block::about(OURS, &first), None);
    }

    #[test]
    fn what_is_cut_short_or_of_no_known_version_says_nothing() {
        let whole = compound(None, OURS);
        for length in 0..32 {
            assert_eq!(Block::about(OURS, &whole[..length]), None, "{length} bytes");
        }
        for first in 0..=u8::MAX {
            let mut other = whole.clone();
            other[0] = first;
            let reads = first >> 6 == 2 && first & 31 > 0;
            assert_eq!(Block::about(OURS, &other).is_some(), reads, "{first:#x}");
        }
        for count in 0..=u8::MAX {
            let mut long = whole.clone();
            long[3] = count;
            // It must have room for a block, and be there.
            let reads = (7..=u8::try_from(whole.len() / 4 - 1).unwrap()).contains(&count);
            assert_eq!(Block::about(OURS, &long).is_some(), reads, "{count} words");
        }
    }
}
