//! webrtc-srtp does the same to the same packets, and each opens what the other sealed.

use media::srtp::{Opener, Sealer, Suite};
use proptest::prelude::*;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::{key, open_rtcp, open_rtp, rtcp, rtp, seal_rtcp, seal_rtp};

const SSRC: u32 = 0x1234_5678;

fn theirs(suite: Suite) -> Context {
    let profile = match suite {
        Suite::AesCm128HmacSha1Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128HmacSha1Tag32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AesCm256HmacSha1Tag80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    };
    let key = key(suite, 3);
    Context::new(key.key(), key.salt(), profile, None, None).expect("a key of its length")
}

fn suites() -> impl Strategy<Value = Suite> {
    prop::sample::select(Suite::ALL.to_vec())
}

/// With contributing sources and an extension, if they are to be there.
fn packet(sequence: u16, sources: u8, extension: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = rtp(SSRC, sequence, &[]);
    packet[0] |= sources | if extension { 0x10 } else { 0 };
    packet.extend(std::iter::repeat_n(0x5a, usize::from(sources) * 4));
    if extension {
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 7, 0, 0]);
    }
    packet.extend(payload);
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Rollovers within a few packets, since many are lost.
    #[test]
    fn each_opens_what_the_other_sealed(
        suite in suites(),
        first in 0..0x8000_u16,
        packets in prop::collection::vec(
            (1..9000_u16, 0..16_u8, any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 1..80
        ),
    ) {
        let key = key(suite, 3);
        let (mut sealer, mut opener) = (Sealer::new(&key, SSRC), Opener::new(&key));
        let (mut encrypting, mut decrypting) = (theirs(suite), theirs(suite));
        let mut sequence = first;
        for (step, sources, extension, payload) in packets {
            let plain = packet(sequence, sources, extension, &payload);
            let sealed = seal_rtp(&mut sealer, &plain).unwrap();
            let other = encrypting.encrypt_rtp(&plain).expect("encrypted");
            prop_assert_eq!(&sealed, &other[..]);
            let opened = decrypting.decrypt_rtp(&sealed).expect("decrypted");
            prop_assert_eq!(&opened[..], &plain);
            prop_assert_eq!(open_rtp(&mut opener, &other), Ok(plain));
            sequence = sequence.wrapping_add(step);
        }
    }

    /// Losses and neighbours that change places, around a rollover.
    #[test]
    fn a_stream_in_bad_weather_is_the_same_to_both(
        suite in suites(),
        first in 0x7f00..0x8000_u16,
        fates in prop::collection::vec((0..8_u8, 0..4_usize), 1..400),
    ) {
        let key = key(suite, 3);
        let mut encrypting = theirs(suite);
        let mut skipped = first;
        // To just before the end of the numbers, in steps that leave no doubt.
        let mut lead = vec![];
        for step in [0x4000, 0x3f80] {
            lead.push(encrypting.encrypt_rtp(&rtp(SSRC, skipped, b"lead")).expect("encrypted"));
            skipped = skipped.wrapping_add(step);
        }
        let mut arriving: Vec<_> = fates.iter().enumerate().filter_map(|(at, (fate, late))| {
            let sequence = skipped.wrapping_add(u16::try_from(at).unwrap());
            let plain = rtp(SSRC, sequence, &sequence.to_be_bytes());
            let sealed = encrypting.encrypt_rtp(&plain).expect("encrypted");
            (*fate != 0).then_some((at + late, plain, sealed))
        }).collect();
        arriving.sort_by_key(|(due, ..)| *due);
        let (mut opener, mut decrypting) = (Opener::new(&key), theirs(suite));
        for sealed in lead {
            prop_assert!(open_rtp(&mut opener, &sealed).is_ok());
            decrypting.decrypt_rtp(&sealed).expect("decrypted");
        }
        for (_, plain, sealed) in arriving {
            let opened = decrypting.decrypt_rtp(&sealed).expect("decrypted");
            prop_assert_eq!(&opened[..], &plain);
            prop_assert_eq!(open_rtp(&mut opener, &sealed), Ok(plain));
        }
    }

    #[test]
    fn each_opens_the_reports_of_the_other(
        suite in suites(),
        reports in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 1..20),
    ) {
        let key = key(suite, 3);
        let (mut sealer, mut opener) = (Sealer::new(&key, SSRC), Opener::new(&key));
        let (mut encrypting, mut decrypting) = (theirs(suite), theirs(suite));
        for rest in reports {
            let plain = rtcp(SSRC, &rest);
            let sealed = seal_rtcp(&mut sealer, &plain).unwrap();
            let other = encrypting.encrypt_rtcp(&plain).expect("encrypted");
            let opened = decrypting.decrypt_rtcp(&sealed).expect("decrypted");
            prop_assert_eq!(&opened[..], &plain);
            prop_assert_eq!(open_rtcp(&mut opener, &other), Ok(plain));
        }
    }
}
