//! Forged, repeated and random packets: each is refused and changes nothing.

use std::path::Path;
use std::process::Command;

use media::srtp::{MasterKey, Mki, Opener, Refused, Sealer, Suite};
use proptest::prelude::*;

use crate::{key, open_rtcp, open_rtp, rtcp, rtp, seal_rtcp, seal_rtp};

/// All that an opener knows.
fn state(opener: &Opener) -> String {
    format!("{opener:?}")
}

#[test]
fn every_bit_of_a_packet_is_authenticated() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9), Opener::new(&key));
        open_rtp(&mut opener, &seal_rtp(&mut sealer, &rtp(9, 100, b"before")).unwrap()).unwrap();
        let packet = seal_rtp(&mut sealer, &rtp(9, 101, b"Gallia est omnis divisa")).unwrap();
        let report = seal_rtcp(&mut sealer, &rtcp(9, b"in partes tres..")).unwrap();
        let before = state(&opener);
        for bit in 0..packet.len() * 8 {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_rtp(&mut opener, &forged).is_err(), "{suite:?} bit {bit}");
        }
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_rtcp(&mut opener, &forged).is_err(), "{suite:?} bit {bit} of a report");
        }
        for length in 0..packet.len() {
            assert!(open_rtp(&mut opener, &packet[..length]).is_err(), "{suite:?} cut at {length}");
        }
        for length in 0..report.len() {
            assert!(open_rtcp(&mut opener, &report[..length]).is_err(), "{suite:?} report cut at {length}");
        }
        assert_eq!(state(&opener), before, "{suite:?}");
        assert!(open_rtp(&mut opener, &packet).is_ok() && open_rtcp(&mut opener, &report).is_ok());
    }
}

#[test]
fn a_packet_is_opened_once_within_the_window_and_never_behind_it() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9), Opener::new(&key));
        let packets: Vec<_> =
            (0..300).map(|n| seal_rtp(&mut sealer, &rtp(9, n, b"hello")).unwrap()).collect();
        let reports: Vec<_> = (0..300).map(|_| seal_rtcp(&mut sealer, &rtcp(9, b"bye!")).unwrap()).collect();
        assert!(
            open_rtp(&mut opener, &packets[299]).is_ok() && open_rtcp(&mut opener, &reports[299]).is_ok()
        );
        for (n, (packet, report)) in packets.iter().zip(&reports).enumerate() {
            let first = [open_rtp(&mut opener, packet), open_rtcp(&mut opener, report)];
            let passes = (172..299).contains(&n);
            assert!(first.iter().all(|opened| opened.is_ok() == passes), "{suite:?} {n}: {first:?}");
            let again = [open_rtp(&mut opener, packet), open_rtcp(&mut opener, report)];
            assert_eq!(again, [Err(Refused::Replayed), Err(Refused::Replayed)], "{suite:?} {n}");
        }
    }
}

#[test]
fn nothing_is_encrypted_twice_by_the_same_bytes() {
    let key = key(Suite::AeadAes128Gcm, 1);
    let mut sealer = Sealer::new(&key, 9);
    assert!(seal_rtp(&mut sealer, &rtp(9, 500, b"one")).is_ok());
    assert_eq!(seal_rtp(&mut sealer, &rtp(9, 500, b"two")), Err(Refused::Replayed));
    assert!(seal_rtp(&mut sealer, &rtp(9, 700, b"three")).is_ok());
    assert!(seal_rtp(&mut sealer, &rtp(9, 699, b"late")).is_ok());
    assert_eq!(seal_rtp(&mut sealer, &rtp(9, 501, b"too late")), Err(Refused::Replayed));
    assert_eq!(seal_rtp(&mut sealer, &rtp(8, 701, b"another stream")), Err(Refused::Malformed));
    let mut tight = rtp(9, 702, b"no room");
    let length = tight.len();
    assert_eq!(sealer.rtp(&mut tight, length), Err(Refused::NoRoom));
    assert_eq!(tight, rtp(9, 702, b"no room"), "untouched");
    let mut tight = rtcp(9, b"room");
    let length = tight.len();
    assert_eq!(sealer.rtcp(&mut tight, length), Err(Refused::NoRoom));
    assert_eq!(seal_rtcp(&mut sealer, &rtcp(8, b"another stream")), Err(Refused::Malformed));
}

#[test]
fn ten_thousand_forged_streams_push_no_true_one_out() {
    for suite in Suite::ALL {
        let (own, other) = (key(suite, 1), key(suite, 2));
        let (mut sealer, mut opener) = (Sealer::new(&own, 9), Opener::new(&own));
        for n in 0..200 {
            open_rtp(&mut opener, &seal_rtp(&mut sealer, &rtp(9, n, b"hello")).unwrap()).unwrap();
        }
        let before = state(&opener);
        let mut forged = seal_rtp(&mut Sealer::new(&other, 1), &rtp(1, 5, b"forged")).unwrap();
        for n in 0..10_000_u32 {
            forged[8..12].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
            assert_eq!(open_rtp(&mut opener, &forged).map(drop), Err(Refused::Unauthenticated));
        }
        assert_eq!(state(&opener), before);
        assert!(open_rtp(&mut opener, &seal_rtp(&mut sealer, &rtp(9, 200, b"hello")).unwrap()).is_ok());
    }
}

#[test]
fn a_stream_that_rolled_over_before_it_was_heard_is_heard() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut sealer, mut opener) = (Sealer::new(&key, 9), Opener::new(&key));
        for n in 65_400..=65_535 {
            seal_rtp(&mut sealer, &rtp(9, n, b"unheard")).unwrap();
        }
        for n in 7..20 {
            let packet = seal_rtp(&mut sealer, &rtp(9, n, b"hello")).unwrap();
            assert_eq!(open_rtp(&mut opener, &packet), Ok(rtp(9, n, b"hello")), "{suite:?}");
        }
    }
}

#[test]
fn eight_streams_are_followed_and_the_ninth_takes_the_place_of_the_oldest() {
    let key = key(Suite::AesCm128HmacSha1Tag80, 1);
    let mut opener = Opener::new(&key);
    let packet = |ssrc| seal_rtp(&mut Sealer::new(&key, ssrc), &rtp(ssrc, 7, b"hello")).unwrap();
    for ssrc in 0..8 {
        assert!(open_rtp(&mut opener, &packet(ssrc)).is_ok());
    }
    for ssrc in 0..8 {
        assert_eq!(open_rtp(&mut opener, &packet(ssrc)), Err(Refused::Replayed));
    }
    assert!(open_rtp(&mut opener, &packet(8)).is_ok());
    assert_eq!(open_rtp(&mut opener, &packet(1)), Err(Refused::Replayed));
    assert!(open_rtp(&mut opener, &packet(0)).is_ok(), "forgotten");
}

/// All that can be told of random bytes by an opener and a sealer that have done something already.
fn play(bytes: &[u8], suite: Suite, mki: Option<Mki>) {
    let mut key = key(suite, 1);
    if let Some(mki) = mki {
        key = MasterKey::new(suite, key.key_and_salt()).expect("by its own key").named(mki);
    }
    let (mut sealer, mut opener) = (Sealer::new(&key, 9), Opener::new(&key));
    open_rtp(&mut opener, &seal_rtp(&mut sealer, &rtp(9, 100, b"before")).expect("by its own key"))
        .expect("by its own key");
    let before = state(&opener);
    assert!(open_rtp(&mut opener, bytes).is_err());
    assert!(open_rtcp(&mut opener, bytes).is_err());
    assert_eq!(state(&opener), before);
    let mut own = bytes.to_vec();
    if own.len() >= 12 {
        own[8..12].copy_from_slice(&9_u32.to_be_bytes());
    }
    if let Ok(packet) = seal_rtp(&mut sealer, &own) {
        assert_eq!(open_rtp(&mut opener, &packet), Ok(own));
    }
    let mut own = bytes.to_vec();
    if own.len() >= 8 {
        own[0] = 0x80;
        own[4..8].copy_from_slice(&9_u32.to_be_bytes());
        let packet = seal_rtcp(&mut sealer, &own).expect("by its own key");
        assert_eq!(open_rtcp(&mut opener, &packet), Ok(own));
    }
}

proptest! {
    #[test]
    fn no_bytes_break_it(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        suite in prop::sample::select(Suite::ALL.to_vec()),
        mki in prop::collection::vec(any::<u8>(), 0..=16),
    ) {
        play(&bytes, suite, Mki::new(&mki).ok());
        let mut likely = bytes;
        if let Some(first) = likely.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        play(&likely, suite, Mki::new(&mki).ok());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the seeds are comes from the environment")]
fn the_seeds_of_libsrtps_fuzzer_break_nothing() {
    let folder = std::env::var("STROWGER_CORPUS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    let archive = Path::new(&folder).join("fuzz_seeds/libsrtp/files.tar.gz");
    if !archive.exists() {
        eprintln!("skipped: no {}", archive.display());
        return;
    }
    let into = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(into.path()).status().unwrap();
    assert!(unpacked.success());
    let mut seeds = 0;
    for file in std::fs::read_dir(into.path()).unwrap() {
        let seed = std::fs::read(file.unwrap().path()).unwrap();
        for suite in Suite::ALL {
            play(&seed, suite, None);
        }
        seeds += 1;
    }
    assert!(seeds > 1000, "{seeds}");
}
