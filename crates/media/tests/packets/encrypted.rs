//! Legs whose far sides speak SRTP: what they hear, what they are sent, and what forgers can't do.

use std::time::Duration;

use media::agent::TapInput;
use media::command::{Codec, Command, Counters, Digit, Direction, Remote};
use media::g711::transcoder;
use media::srtp::{MasterKey, Mki, Opener, Sealer, Srtp, Suite, TRAILER};
use media::{Event, MediaKey, Slot};
use proptest::prelude::*;

use crate::world::{A, B, Phone, World, address, remote, rtp, speech};

fn key(suite: Suite, first: u8) -> MasterKey {
    let length = suite.key_length() + suite.salt_length();
    MasterKey::new(suite, &vec![first; length]).expect("as long as it should be")
}

/// The keys of a leg: ours, and the far side's.
fn keys(suite: Suite, ours: u8, theirs: u8) -> Srtp {
    Srtp { send: key(suite, ours), receive: key(suite, theirs) }
}

fn keyed(last: u8, codec: Codec, srtp: &Srtp) -> Remote {
    Remote { srtp: Some(Box::new(srtp.clone())), ..remote(last, codec) }
}

/// A phone that encrypts what it says.
struct Far {
    phone: Phone,
    sealer: Sealer,
}

impl Far {
    fn new(last: u8, codec: Codec, srtp: &Srtp) -> Self {
        let phone = Phone::new(last, codec);
        let sealer = Sealer::new(&srtp.receive, phone.ssrc);
        Self { phone, sealer }
    }

    fn audio(&mut self, samples: &[u8]) -> Vec<u8> {
        let packet = self.phone.audio(samples);
        self.seal(&packet)
    }

    fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut buffer = [packet, &[0; TRAILER]].concat();
        let length = self.sealer.rtp(&mut buffer, packet.len()).expect("it counts as phones do");
        buffer.truncate(length);
        buffer
    }

    /// A sender report without blocks.
    fn report(&mut self) -> Vec<u8> {
        let mut packet =
            [&[0x80, 200, 0, 6][..], &self.phone.ssrc.to_be_bytes(), &[7; 20], &[0; TRAILER]].concat();
        let length = self.sealer.rtcp(&mut packet, 28).expect("a report");
        packet.truncate(length);
        packet
    }
}

impl World {
    /// Negotiates keys for a leg, whose far side opens from here on what it is sent.
    fn encrypt(&mut self, media: MediaKey, slot: u32, last: u8, codec: Codec, srtp: &Srtp) {
        self.describe(media, keyed(last, codec, srtp));
        self.out.openers.insert(Slot(slot), Opener::new(&srtp.send));
    }

    fn counters(&self, media: MediaKey) -> Counters {
        self.table.counters(media).expect("open")
    }
}

fn encrypted_tap(srtp: &Srtp) -> World {
    let mut world = World::tapped(Codec::Pcmu);
    world.encrypt(A, 0, 1, Codec::Pcmu, srtp);
    world
}

#[test]
fn any_leg_talks_to_any_other() {
    let (short, long) = (Some(Suite::AesCm128HmacSha1Tag32), Some(Suite::AeadAes256Gcm));
    let mut pairs = vec![(None, short), (short, None), (short, long), (long, short)];
    pairs.extend(Suite::ALL.map(|suite| (Some(suite), Some(suite))));
    for (a, b) in pairs {
        for to in [Codec::Pcmu, Codec::Pcma] {
            let mut world = World::bridged(Codec::Pcmu, to);
            let mut far = [(A, 1, Codec::Pcmu, a), (B, 2, to, b)].map(|(media, last, codec, suite)| {
                let srtp = suite.map(|suite| keys(suite, last, last + 100));
                if let Some(srtp) = &srtp {
                    world.encrypt(media, u32::from(last) - 1, last, codec, srtp);
                }
                (Phone::new(last, codec), srtp.map(|srtp| Far::new(last, codec, &srtp)))
            });
            let speech = speech(160);
            for slot in [0, 1].repeat(200) {
                let (phone, encrypted) = &mut far[slot];
                let packet = match encrypted {
                    Some(far) => far.audio(&speech),
                    None => phone.audio(&speech),
                };
                world.receive(u32::try_from(slot).unwrap(), phone.address, &packet);
                world.run(10);
            }
            for (slot, from, to) in [(1, Codec::Pcmu, to), (0, to, Codec::Pcmu)] {
                let sent = world.sent_by(slot);
                assert_eq!(sent.len(), 200, "{a:?} {b:?}");
                let heard = match transcoder(from, to) {
                    Some(table) => speech.iter().map(|sample| table[usize::from(*sample)]).collect(),
                    None => speech.clone(),
                };
                assert!(sent.iter().all(|packet| packet.payload == heard), "{a:?} {b:?}");
            }
            assert!(world.out.reports.len() >= 2);
        }
    }
}

#[test]
fn a_tap_an_echo_digits_reports_and_the_goodbye_are_encrypted() {
    for suite in Suite::ALL {
        let mki = Mki::new(b"1").expect("one byte");
        let srtp = Srtp { send: key(suite, 1).named(mki), receive: key(suite, 2).named(mki) };
        let mut world = encrypted_tap(&srtp);
        let mut far = Far::new(1, Codec::Pcmu, &srtp);
        let speech = speech(160 * 100);
        for chunk in speech.chunks(160) {
            let packet = far.audio(chunk);
            world.receive(0, far.phone.address, &packet);
            world.run(20);
        }
        world.run(200);
        assert!(world.out.audio().starts_with(&speech), "{suite:?}");
        let pressed = far.phone.event(5, true, 800);
        let pressed = far.seal(&pressed);
        world.receive(0, far.phone.address, &pressed);
        world.run(20);
        assert_eq!(world.out.digits(), "5");
        world.input(TapInput::Audio(speech.clone().into()));
        world.run(3000);
        let said: Vec<u8> = world.said_by(0).iter().flat_map(|packet| packet.payload.clone()).collect();
        assert_eq!(said, speech, "{suite:?}");
        let digit = Digit::from_key('#').expect("a key");
        world.apply(&Command::Dial { media: A, digit, duration: Duration::from_millis(100) });
        world.run(200);
        assert!(world.sent_by(0).iter().any(|packet| packet.payload_type == 101));
        world.apply(&Command::Echo { media: A });
        far.phone.timestamp = far.phone.timestamp.wrapping_add(50_000);
        let (packet, report) = (far.audio(&speech[..160]), far.report());
        world.receive(0, far.phone.address, &packet);
        assert_eq!(world.sent_by(0).last().expect("the echo").payload, speech[..160]);
        world.receive_report(0, address(1), &report);
        assert_eq!(world.counters(A).rtcp, 1);
        world.run(10_000);
        world.close(A);
        assert!(world.out.reports.len() > 2);
        assert!(
            world.out.reports.last().expect("a goodbye").bytes.windows(2).any(|pair| pair == [0x81, 203])
        );
    }
}

#[test]
fn a_forger_moves_nothing() {
    for suite in Suite::ALL {
        let srtp = keys(suite, 1, 2);
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
        let mut wanted = keyed(1, Codec::Pcmu, &srtp);
        wanted.silence_timeout = Some(Duration::from_secs(30));
        world.describe(A, wanted);
        let mut forger = Far::new(1, Codec::Pcmu, &keys(suite, 1, 99));
        // By another key and in the clear, from the very address that is announced, on both ports.
        for _ in 0..100 {
            for packet in [forger.audio(&[9; 160]), forger.phone.audio(&[9; 160]), forger.report()] {
                world.receive(0, address(1), &packet);
                world.receive(0, address(66), &packet);
            }
            let report = forger.report();
            world.receive_report(0, address(1), &report);
        }
        assert_eq!(world.out.events, []);
        let counters = world.counters(A);
        // Reports from elsewhere are foreign.
        assert_eq!((counters.unauthenticated, counters.foreign), (600, 100), "{suite:?}");
        assert_eq!((counters.received, counters.rtcp, counters.unusable), (0, 0, 0));
        let mut far = Far::new(3, Codec::Pcmu, &srtp);
        for _ in 0..3 {
            let packet = far.audio(&[1; 160]);
            world.receive(0, address(3), &packet);
        }
        world.run(1500);
        let packet = far.audio(&[1; 160]);
        world.receive(0, address(3), &packet);
        assert_eq!(world.out.events, [Event::Latched { media: A, source: address(3) }]);
        // Nor do they put off the silence timeout.
        for _ in 0..40 {
            world.run(1000);
            let packet = forger.audio(&[9; 160]);
            world.receive(0, address(3), &packet);
        }
        assert_eq!(world.out.events.last(), Some(&Event::Silent { media: A }));
        assert_eq!(world.sent_by(1).len(), 4);
    }
}

#[test]
fn replayed_packets_are_dropped_from_wherever_they_come() {
    let srtp = keys(Suite::AesCm128HmacSha1Tag80, 1, 2);
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    world.encrypt(A, 0, 1, Codec::Pcmu, &srtp);
    let mut far = Far::new(1, Codec::Pcmu, &srtp);
    let packets: Vec<_> = (0..300).map(|_| far.audio(&[1; 160])).collect();
    let report = far.report();
    for packet in &packets {
        world.receive(0, address(1), packet);
        world.run(20);
    }
    world.receive_report(0, address(1), &report);
    for packet in &packets {
        world.receive(0, address(1), packet);
        world.receive(0, address(66), packet);
    }
    world.receive_report(0, address(1), &report);
    let counters = world.counters(A);
    assert_eq!((counters.received, counters.replayed, counters.rtcp), (300, 601, 1));
    assert_eq!(world.sent_by(1).len(), 300);
}

/// A packet of a plain leg that comes twice would be encrypted twice by the same bytes.
#[test]
fn what_would_be_sent_twice_is_sent_once() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    world.encrypt(B, 1, 2, Codec::Pcmu, &keys(Suite::AeadAes128Gcm, 1, 2));
    let mut phone = Phone::new(1, Codec::Pcmu);
    for samples in [[1; 160], [2; 160]] {
        let packet = phone.audio(&samples);
        world.receive(0, phone.address, &packet);
        world.receive(0, phone.address, &packet);
    }
    let heard: Vec<_> = world.sent_by(1).iter().map(|packet| packet.payload[0]).collect();
    assert_eq!(heard, [1, 2]);
    assert_eq!((world.counters(B).sent, world.counters(B).replayed), (2, 2));
}

#[test]
fn an_unchanged_key_outlives_holds_and_rollovers() {
    let srtp = keys(Suite::AesCm128HmacSha1Tag80, 1, 2);
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    world.encrypt(A, 0, 1, Codec::Pcmu, &srtp);
    let mut far = Far::new(1, Codec::Pcmu, &srtp);
    let first = far.audio(&[1; 160]);
    world.receive(0, address(1), &first);
    let mut held = keyed(1, Codec::Pcmu, &srtp);
    held.direction = Direction { send: false, receive: false };
    world.describe(A, held);
    // It goes on sending, and rolls over.
    for _ in 0..1000 {
        let packet = far.audio(&[2; 160]);
        world.receive(0, address(1), &packet);
    }
    world.describe(A, keyed(1, Codec::Pcmu, &srtp));
    let packet = far.audio(&[3; 160]);
    world.receive(0, address(1), &packet);
    world.receive(0, address(1), &packet);
    let heard: Vec<_> = world.sent_by(1).iter().map(|packet| packet.payload[0]).collect();
    assert_eq!(heard, [1, 3]);
    let counters = world.counters(A);
    assert_eq!((counters.unusable, counters.replayed, counters.unauthenticated), (1000, 1, 0));
}

#[test]
fn another_key_counts_at_once_and_the_one_before_it_for_five_seconds() {
    let (before, after) = (keys(Suite::AesCm128HmacSha1Tag80, 1, 2), keys(Suite::AeadAes256Gcm, 3, 4));
    let mut world = encrypted_tap(&before);
    let mut old = Far::new(1, Codec::Pcmu, &before);
    for _ in 0..50 {
        let packet = old.audio(&[1; 160]);
        world.receive(0, address(1), &packet);
        world.run(20);
    }
    let replayed = old.audio(&[1; 160]);
    world.receive(0, address(1), &replayed);
    // What is sent from here on is opened by the new key alone.
    world.encrypt(A, 0, 1, Codec::Pcmu, &after);
    let mut new = Far::new(1, Codec::Pcmu, &after);
    new.phone.sequence = old.phone.sequence.wrapping_add(500);
    let packets = [old.audio(&[2; 160]), new.audio(&[3; 160]), old.audio(&[4; 160]), old.report(), replayed];
    for packet in &packets {
        world.receive(0, address(1), packet);
    }
    let counters = world.counters(A);
    assert_eq!((counters.replayed, counters.unauthenticated, counters.rtcp), (1, 0, 1));
    // The last one of the old key is 500 numbers behind the stream.
    assert_eq!((counters.received, counters.unusable), (53, 1));
    world.run(5000);
    let late = old.audio(&[5; 160]);
    world.receive(0, address(1), &late);
    let packet = new.audio(&[6; 160]);
    world.receive(0, address(1), &packet);
    // By the new key alone it is a number from long ago.
    assert_eq!((world.counters(A).replayed, world.counters(A).received), (2, 54));
    assert!(world.sent_by(0).len() > 200);
}

#[test]
fn encryption_may_begin_and_end_with_a_description() {
    let srtp = keys(Suite::AesCm256HmacSha1Tag80, 1, 2);
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut far = Far::new(1, Codec::Pcmu, &srtp);
    for (round, is_encrypted) in [false, true, false, true].into_iter().enumerate() {
        if is_encrypted {
            world.encrypt(A, 0, 1, Codec::Pcmu, &srtp);
            far.sealer = Sealer::new(&srtp.receive, far.phone.ssrc);
        } else {
            world.describe(A, remote(1, Codec::Pcmu));
            world.out.openers.clear();
        }
        for _ in 0..10 {
            let plain = far.phone.audio(&[1; 160]);
            let packet = if is_encrypted { far.seal(&plain) } else { plain };
            world.receive(0, address(1), &packet);
            let packet = rtp(0, false, 7, 7, 7, &[2; 160]);
            world.receive(1, address(2), &packet);
            world.run(20);
        }
        assert_eq!(world.sent_by(1).len(), 10 * (round + 1));
    }
}

/// The far side's opener lives on, and refuses what comes twice.
#[test]
fn no_index_comes_back_with_a_key() {
    for suite in Suite::ALL {
        let srtp = keys(suite, 1, 2);
        let mut world = encrypted_tap(&srtp);
        world.run(20_000);
        let opener = world.out.openers.remove(&Slot(0)).expect("encrypted");
        let before = world.out.reports.len();
        world.describe(A, remote(1, Codec::Pcmu));
        world.run(20_000);
        world.describe(A, keyed(1, Codec::Pcmu, &srtp));
        world.out.openers.insert(Slot(0), opener);
        world.run(20_000);
        assert!(before >= 2 && world.out.reports.len() >= before + 4);
        assert!((2999..=3001).contains(&world.sent_by(0).len()), "{}", world.sent_by(0).len());
    }
}

/// As where two forks of a call answer by different suites in turn. The far sides' openers live on, and refuse what comes twice.
#[test]
fn a_key_that_comes_back_goes_on_where_it_was() {
    for suite in Suite::ALL {
        let one = keys(suite, 1, 2);
        let others = Suite::ALL.map(|suite| keys(suite, 3, 4));
        let mut world = encrypted_tap(&one);
        let mut far = Far::new(1, Codec::Pcmu, &one);
        let heard: Vec<_> = (0..50).map(|_| far.audio(&[1; 160])).collect();
        for packet in &heard {
            world.receive(0, address(1), packet);
        }
        world.run(20_000);
        let opener = world.out.openers.remove(&Slot(0)).expect("encrypted");
        for other in &others {
            world.encrypt(A, 0, 1, Codec::Pcmu, other);
            world.run(20_000);
        }
        let before = world.out.reports.len();
        world.describe(A, keyed(1, Codec::Pcmu, &one));
        world.out.openers.insert(Slot(0), opener);
        world.run(20_000);
        assert!(world.out.reports.len() >= before + 2);
        for packet in &heard {
            world.receive(0, address(1), packet);
        }
        let counters = world.counters(A);
        assert_eq!((counters.received, counters.replayed, counters.unauthenticated), (50, 50, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Lost, repeated and late by up to three places, over a rollover: what comes is passed on once, and nothing else.
    #[test]
    fn weather_is_passed_on_as_it_is(
        suite in prop::sample::select(Suite::ALL.to_vec()),
        fates in prop::collection::vec((0..20_u8, 0..4_usize), 20..300),
    ) {
        let (a, b) = (keys(suite, 1, 2), keys(suite, 3, 4));
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
        world.encrypt(A, 0, 1, Codec::Pcmu, &a);
        world.encrypt(B, 1, 2, Codec::Pcmu, &b);
        let mut far = Far::new(1, Codec::Pcmu, &a);
        let mut arriving = Vec::new();
        for (at, (fate, late)) in fates.iter().enumerate() {
            let mark = u16::try_from(at).unwrap().to_be_bytes();
            let packet = far.audio(&mark.repeat(80));
            match if at == 0 { 9 } else { *fate } {
                0 => {}
                1 => arriving.extend([(at + late, at, packet.clone()), (at + late + 1, at, packet)]),
                _ => arriving.push((if at == 0 { 0 } else { at + late }, at, packet)),
            }
        }
        arriving.sort_by_key(|(due, at, _)| (*due, *at));
        let mut expected: Vec<usize> = Vec::new();
        for (_, at, packet) in arriving {
            world.receive(0, address(1), &packet);
            if !expected.contains(&at) {
                expected.push(at);
            }
            world.run(20);
        }
        let heard: Vec<usize> = world.sent_by(1).iter()
            .map(|packet| usize::from(u16::from_be_bytes([packet.payload[0], packet.payload[1]])))
            .collect();
        prop_assert_eq!(heard, expected);
        let counters = world.counters(A);
        prop_assert_eq!(counters.unauthenticated, 0);
    }
}
