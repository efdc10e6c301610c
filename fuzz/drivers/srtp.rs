//! Plays bytes as packets between a sealer and an opener, some changed on their way, some made up.
//!
//! Asserted: nothing panics; what is sealed is opened once, to the byte; what is refused changes nothing of what the opener knows.

use media::srtp::{MasterKey, Mki, Opener, Refused, Sealer, Suite, TRAILER};

const SSRC: u32 = 0x0102_0304;

/// The first two bytes choose the suite and the length of the MKI. Then each packet: what happens to it, a length, so many bytes.
pub(crate) fn play(story: &[u8]) {
    let [suite, named, rest @ ..] = story else { return };
    let suite = Suite::ALL[usize::from(*suite) % Suite::ALL.len()];
    let mut key =
        MasterKey::new(suite, &vec![7; suite.key_length() + suite.salt_length()]).expect("its length");
    if let Ok(mki) = Mki::new(&[5; 17][..usize::from(*named % 18).min(17)]) {
        key = key.named(mki);
    }
    let (mut sealer, mut opener) = (Sealer::new(&key, SSRC), Opener::new(&key));
    let mut rest = rest;
    while let [what, length, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = tail;
        match what % 6 {
            0 => refused(&mut opener, bytes, Opener::rtp),
            1 => refused(&mut opener, bytes, Opener::rtcp),
            2 => whole(&mut sealer, &mut opener, bytes),
            3 => report(&mut sealer, &mut opener, bytes),
            4 => changed(&mut sealer, &mut opener, bytes, *what),
            _ => {
                let mut buffer = bytes.to_vec();
                let length = buffer.len();
                assert!(sealer.rtp(&mut buffer, length).is_err(), "without room");
            }
        }
    }
}

type Open = fn(&mut Opener, &mut [u8]) -> Result<usize, Refused>;

/// Bytes that nobody sealed.
fn refused(opener: &mut Opener, bytes: &[u8], open: Open) {
    let before = format!("{opener:?}");
    assert!(open(opener, &mut bytes.to_vec()).is_err(), "forged");
    assert_eq!(format!("{opener:?}"), before);
}

/// As an RTP packet of the stream.
fn packet(bytes: &[u8]) -> Vec<u8> {
    let mut packet = bytes.to_vec();
    packet.resize(packet.len().max(12), 0);
    packet[0] = packet[0] & 0x3f | 0x80;
    packet[8..12].copy_from_slice(&SSRC.to_be_bytes());
    packet
}

fn seal(sealer: &mut Sealer, packet: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = [packet, &[0; TRAILER]].concat();
    let length = sealer.rtp(&mut buffer, packet.len()).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

fn whole(sealer: &mut Sealer, opener: &mut Opener, bytes: &[u8]) {
    let plain = packet(bytes);
    let Some(whole) = seal(sealer, &plain) else { return };
    let mut arrived = whole.clone();
    // One that comes after others by more than half of the numbers may be taken for another index.
    let Ok(length) = opener.rtp(&mut arrived) else { return };
    assert_eq!(arrived[..length], plain);
    refused(opener, &whole, Opener::rtp);
}

fn report(sealer: &mut Sealer, opener: &mut Opener, bytes: &[u8]) {
    let mut plain = packet(bytes);
    plain[4..8].copy_from_slice(&SSRC.to_be_bytes());
    let mut buffer = [&plain[..], &[0; TRAILER]].concat();
    let length = sealer.rtcp(&mut buffer, plain.len()).expect("a report");
    buffer.truncate(length);
    let mut arrived = buffer.clone();
    let length = opener.rtcp(&mut arrived).expect("the next report");
    assert_eq!(arrived[..length], plain);
    refused(opener, &buffer, Opener::rtcp);
}

/// Changed where it is authenticated: all but the MKI and the tag itself.
fn changed(sealer: &mut Sealer, opener: &mut Opener, bytes: &[u8], how: u8) {
    let plain = packet(bytes);
    let Some(mut whole) = seal(sealer, &plain) else { return };
    whole[usize::from(how) * 7 % plain.len()] ^= 1 << (how % 8);
    refused(opener, &whole, Opener::rtp);
}
