//! Where the parts of a sealed packet lie (RFC 3711 s.3.1, s.3.4; RFC 7714 s.8, s.9).
//!
//! ```text
//! RTP,  counter mode   header, payload, MKI, tag
//! RTP,  GCM            header, payload, tag, MKI
//! RTCP, counter mode   8 bytes, the rest, E and index, MKI, tag
//! RTCP, GCM            8 bytes, the rest, tag, E and index, MKI
//! ```

use super::counter::Counter;
use super::gcm::{Gcm, TAG};
use super::{Mki, Refused};

/// The session keys of RTP or RTCP, and how packets name them.
#[repr(C)]
pub(super) struct Session {
    mki: Option<Mki>,
    transform: Transform,
}

#[expect(
    clippy::large_enum_variant,
    reason = "keys lie with the windows of their streams, of whichever suite"
)]
pub(super) enum Transform {
    Counter(Counter),
    Gcm(Gcm),
}

/// What is read of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    /// What stays clear: the header with contributing sources and extension.
    length: usize,
}

/// What is read of an SRTCP packet before it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Report {
    pub(super) ssrc: u32,
    word: u32,
    /// Of the report.
    end: usize,
}

impl Head {
    /// RFC 3550 s.5.1.
    pub(super) fn read(packet: &[u8]) -> Result<Self, Refused> {
        let [first, _, s0, s1, _, _, _, _, a, b, c, d, ..] = *packet else { return Err(Refused::Malformed) };
        let mut length = 12 + 4 * usize::from(first & 15);
        if first & 0x10 != 0 {
            let Some([_, _, high, low]) = packet.get(length..length + 4) else {
                return Err(Refused::Malformed);
            };
            length += 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
        }
        if first >> 6 != 2 || length > packet.len() {
            return Err(Refused::Malformed);
        }
        let (ssrc, sequence) = (u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([s0, s1]));
        Ok(Self { ssrc, sequence, length })
    }
}

impl Report {
    /// Counts to 2^31.
    pub(super) const fn index(self) -> u64 {
        (self.word & !ENCRYPTED) as u64
    }
}

impl Session {
    pub(super) const fn new(transform: Transform, mki: Option<Mki>) -> Self {
        Self { mki, transform }
    }

    /// Encrypts the packet in the first `length` bytes, and says how long it is then.
    pub(super) fn seal_rtp(
        &self,
        head: Head,
        index: u64,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, Refused> {
        let sealed = length + self.tag_length() + self.mki().len();
        let (packet, trailer) = split(buffer, length, sealed)?;
        let (clear, secret) = packet.split_at_mut(head.length);
        match &self.transform {
            Transform::Counter(counter) => {
                counter.apply(head.ssrc, index, secret);
                let tag = counter.tag(packet, &rollovers(index));
                fill(trailer, [self.mki(), &tag[..counter.tag_length()]]);
            }
            Transform::Gcm(gcm) => {
                let tag = gcm.seal(head.ssrc, index, clear, secret)?;
                fill(trailer, [&tag[..], self.mki()]);
            }
        }
        Ok(sealed)
    }

    /// Decrypts a packet, and says how long it is then.
    pub(super) fn open_rtp(&self, head: Head, index: u64, packet: &mut [u8]) -> Result<usize, Refused> {
        let trailer = self.tag_length() + self.mki().len();
        let end = packet.len().checked_sub(trailer).ok_or(Refused::Malformed)?;
        if end < head.length {
            return Err(Refused::Malformed);
        }
        let (packet, trailer) = packet.split_at_mut(end);
        match &self.transform {
            Transform::Counter(counter) => {
                let (_, tag) = trailer.split_at(self.mki().len());
                counter.verify(packet, &rollovers(index), tag)?;
                counter.apply(head.ssrc, index, &mut packet[head.length..]);
            }
            Transform::Gcm(gcm) => {
                let tag = *trailer.first_chunk::<TAG>().ok_or(Refused::Malformed)?;
                let (clear, secret) = packet.split_at_mut(head.length);
                gcm.open(head.ssrc, index, clear, secret, tag)?;
            }
        }
        Ok(end)
    }

    /// Encrypts the report in the first `length` bytes, and says how long it is then.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, Refused> {
        let sealed = length + self.tag_length() + WORD + self.mki().len();
        let word = (index | ENCRYPTED).to_be_bytes();
        let index = u64::from(index);
        let (packet, trailer) = split(buffer, length, sealed)?;
        let (clear, secret) = packet.split_at_mut_checked(CLEAR).ok_or(Refused::Malformed)?;
        match &self.transform {
            Transform::Counter(counter) => {
                counter.apply(ssrc, index, secret);
                let tag = counter.tag(packet, &word);
                fill(trailer, [&word[..], self.mki(), &tag[..counter.tag_length()]]);
            }
            Transform::Gcm(gcm) => {
                let mut associated = [0; CLEAR + WORD];
                fill(&mut associated, [clear, &word[..]]);
                let tag = gcm.seal(ssrc, index, &associated, secret)?;
                fill(trailer, [&tag[..], &word, self.mki()]);
            }
        }
        Ok(sealed)
    }

    /// Finds the index of an SRTCP packet.
    pub(super) fn read_rtcp(&self, packet: &[u8]) -> Result<Report, Refused> {
        let [first, _, _, _, a, b, c, d, ..] = *packet else { return Err(Refused::Malformed) };
        let trailer = self.tag_length() + WORD + self.mki().len();
        let end = packet.len().checked_sub(trailer).ok_or(Refused::Malformed)?;
        let place = match &self.transform {
            Transform::Counter(_) => end,
            Transform::Gcm(_) => end + TAG,
        };
        let word = packet.get(place..).and_then(<[u8]>::first_chunk).ok_or(Refused::Malformed)?;
        if first >> 6 != 2 || end < CLEAR {
            return Err(Refused::Malformed);
        }
        Ok(Report { ssrc: u32::from_be_bytes([a, b, c, d]), word: u32::from_be_bytes(*word), end })
    }

    /// Decrypts an SRTCP packet, and says how long the report is. One that is authenticated only is taken too (RFC 3711 s.3.4).
    pub(super) fn open_rtcp(&self, read: Report, packet: &mut [u8]) -> Result<usize, Refused> {
        let Report { ssrc, word, end } = read;
        let is_encrypted = word & ENCRYPTED != 0;
        let index = read.index();
        match &self.transform {
            Transform::Counter(counter) => {
                let (sent, named) = packet.split_at_mut(end + WORD);
                let (_, tag) = named.split_at(self.mki().len());
                counter.verify(sent, &[], tag)?;
                if is_encrypted {
                    counter.apply(ssrc, index, &mut sent[CLEAR..end]);
                }
            }
            Transform::Gcm(gcm) => {
                let (report, trailer) = packet.split_at_mut(end);
                let tag = *trailer.first_chunk::<TAG>().ok_or(Refused::Malformed)?;
                if is_encrypted {
                    let (clear, secret) = report.split_at_mut(CLEAR);
                    let mut associated = [0; CLEAR + WORD];
                    fill(&mut associated, [clear, &word.to_be_bytes()[..]]);
                    gcm.open(ssrc, index, &associated, secret, tag)?;
                } else {
                    // The word follows what it belongs to, over the tag.
                    trailer[..WORD].copy_from_slice(&word.to_be_bytes());
                    gcm.open(ssrc, index, &packet[..end + WORD], &mut [], tag)?;
                }
            }
        }
        Ok(end)
    }

    fn tag_length(&self) -> usize {
        match &self.transform {
            Transform::Counter(counter) => counter.tag_length(),
            Transform::Gcm(_) => TAG,
        }
    }

    fn mki(&self) -> &[u8] {
        self.mki.as_ref().map_or(&[], Mki::bytes)
    }
}

/// The part of the index that packets don't carry (RFC 3711 s.4.2).
fn rollovers(index: u64) -> [u8; 4] {
    let [_, _, rollovers @ .., _, _] = index.to_be_bytes();
    rollovers
}

/// The packet and its trailer.
fn split(buffer: &mut [u8], length: usize, sealed: usize) -> Result<(&mut [u8], &mut [u8]), Refused> {
    let sealed = buffer.get_mut(..sealed).ok_or(Refused::NoRoom)?;
    sealed.split_at_mut_checked(length).ok_or(Refused::NoRoom)
}

/// Writes these one after another, as far as there is room.
fn fill<const N: usize>(mut place: &mut [u8], parts: [&[u8]; N]) {
    for part in parts {
        let (own, rest) = place.split_at_mut(part.len().min(place.len()));
        own.copy_from_slice(&part[..own.len()]);
        place = rest;
    }
}

/// The E bit (RFC 3711 s.3.4).
const ENCRYPTED: u32 = 1 << 31;
/// Bytes of E and index.
const WORD: usize = 4;
/// Bytes of a report that stay clear.
const CLEAR: usize = 8;
