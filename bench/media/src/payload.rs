//! What a packet of ours carries: an RTP header and 160 bytes that tell which stream it is of, which of its packets, when it was
//! sent, and whether a bit of it was touched. A relay that passes µ-law on leaves all of it as it is.

/// Bytes of an RTP header without extensions.
pub(crate) const HEADER: usize = 12;
/// 20 ms of G.711.
pub(crate) const PAYLOAD: usize = 160;
/// Of a packet that is not encrypted.
pub(crate) const PACKET: usize = HEADER + PAYLOAD;
/// Samples of a packet.
const SAMPLES: u32 = 160;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) stream: u32,
    /// Of the stream, from 0.
    pub(crate) sequence: u32,
    /// Nanoseconds since 1970.
    pub(crate) sent: u64,
}

/// The numbers of the RTP header of a packet that came, less what a stream of its own would have: constant while a relay keeps its
/// numbering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Numbering {
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
}

/// The SSRC of a stream.
pub(crate) const fn ssrc(stream: u32) -> u32 {
    SSRC ^ stream
}

/// Writes a packet.
pub(crate) fn write(mark: Mark, packet: &mut [u8; PACKET]) {
    let Mark { stream, sequence, sent } = mark;
    let (header, payload) = packet.split_at_mut(HEADER);
    header[..2].copy_from_slice(&[0x80, 0]);
    header[2..4].copy_from_slice(&low(sequence).to_be_bytes());
    header[4..8].copy_from_slice(&sequence.wrapping_mul(SAMPLES).to_be_bytes());
    header[8..].copy_from_slice(&ssrc(stream).to_be_bytes());
    payload[..4].copy_from_slice(&stream.to_be_bytes());
    payload[4..8].copy_from_slice(&sequence.to_be_bytes());
    payload[8..16].copy_from_slice(&sent.to_be_bytes());
    let words = words(mark);
    for (place, word) in payload[16..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}

/// Reads a packet; `None` unless every byte of its payload is as it was sent.
pub(crate) fn read(packet: &[u8]) -> Option<(Mark, Numbering)> {
    let packet: &[u8; PACKET] = packet.try_into().ok()?;
    let (header, payload) = packet.split_at(HEADER);
    if header[0] != 0x80 || header[1] & 0x7f != 0 {
        return None;
    }
    let mark =
        Mark { stream: word(&payload[..4])?, sequence: word(&payload[4..8])?, sent: long(&payload[8..16])? };
    let whole =
        payload[16..].chunks_exact(8).zip(words(mark)).all(|(found, word)| found == word.to_be_bytes());
    let numbering = Numbering {
        sequence: u16::from_be_bytes(header[2..4].try_into().ok()?).wrapping_sub(low(mark.sequence)),
        timestamp: word(&header[4..8])?.wrapping_sub(mark.sequence.wrapping_mul(SAMPLES)),
        ssrc: word(&header[8..])?,
    };
    whole.then_some((mark, numbering))
}

/// The rest of the payload: no two packets have the same.
fn words(mark: Mark) -> impl Iterator<Item = u64> {
    let seed = (u64::from(mark.stream) << 32 | u64::from(mark.sequence)) ^ mark.sent.rotate_left(17);
    (1..).map(move |index: u64| seed.wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn low(sequence: u32) -> u16 {
    let [.., high, low] = sequence.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn long(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

const SSRC: u32 = 0x5357_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_as_it_was_written_and_not_with_one_bit_changed() {
        let mark = Mark { stream: 0x7cf, sequence: 70_000, sent: 1_795_000_000_123_456_789 };
        let mut packet = [0; PACKET];
        write(mark, &mut packet);
        let (read_mark, numbering) = read(&packet).expect("it is whole");
        assert_eq!(read_mark, mark);
        assert_eq!(numbering, Numbering { sequence: 0, timestamp: 0, ssrc: SSRC ^ 0x7cf });
        for byte in HEADER..PACKET {
            let mut touched = packet;
            touched[byte] ^= 1;
            assert_eq!(read(&touched), None, "byte {byte}");
        }
        assert_eq!(read(&packet[..PACKET - 1]), None);
    }

    #[test]
    fn a_relay_that_renumbers_is_seen_by_a_constant() {
        let numbering = [3_u32, 65_535, 65_536].map(|sequence| {
            let mut packet = [0; PACKET];
            write(Mark { stream: 5, sequence, sent: 1 }, &mut packet);
            let moved = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(900);
            packet[2..4].copy_from_slice(&moved.to_be_bytes());
            read(&packet).expect("it is whole").1
        });
        assert_eq!(numbering[0], Numbering { sequence: 900, timestamp: 0, ssrc: SSRC ^ 5 });
        assert!(numbering.iter().all(|one| *one == numbering[0]));
    }
}
