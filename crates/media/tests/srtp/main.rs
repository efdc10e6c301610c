//! SRTP as others do it: the arrays of libsrtp's own tests, webrtc-srtp as the other side, and whatever bytes may come.

mod hostile;
mod libsrtp;
mod oracle;

use media::srtp::{MasterKey, Opener, Refused, Sealer, Suite, TRAILER};

/// A key of these suites that is not all alike.
pub(crate) fn key(suite: Suite, first: u8) -> MasterKey {
    let length = suite.key_length() + suite.salt_length();
    let bytes: Vec<u8> =
        (0..length).map(|at| first.wrapping_add(u8::try_from(at * 7 % 251).expect("fits"))).collect();
    MasterKey::new(suite, &bytes).expect("fits")
}

/// An RTP packet.
pub(crate) fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A receiver report without blocks, and what the compound packet goes on with.
pub(crate) fn rtcp(ssrc: u32, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(rest);
    packet
}

pub(crate) fn seal_rtp(sealer: &mut Sealer, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = [packet, &[0; TRAILER]].concat();
    let length = sealer.rtp(&mut buffer, packet.len())?;
    buffer.truncate(length);
    Ok(buffer)
}

pub(crate) fn seal_rtcp(sealer: &mut Sealer, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = [packet, &[0; TRAILER]].concat();
    let length = sealer.rtcp(&mut buffer, packet.len())?;
    buffer.truncate(length);
    Ok(buffer)
}

pub(crate) fn open_rtp(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let length = opener.rtp(&mut packet)?;
    packet.truncate(length);
    Ok(packet)
}

pub(crate) fn open_rtcp(opener: &mut Opener, packet: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let length = opener.rtcp(&mut packet)?;
    packet.truncate(length);
    Ok(packet)
}
