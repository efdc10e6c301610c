//! Whatever comes in, nothing panics, and what goes out is in order and in time.

use std::time::Duration;

use bytes::Bytes;
use media::agent::{MarkId, TapEvent, TapInput};
use media::command::{Codec, Command, Digit};
use media::srtp::{MasterKey, Srtp, Suite};
use proptest::prelude::*;

use crate::world::{A, B, Phone, World, address, remote, rtp, speech};

/// One thing that happens to a table.
#[derive(Clone, Debug)]
enum Step {
    Bytes {
        slot: u32,
        source: u8,
        bytes: Vec<u8>,
    },
    Packet {
        slot: u32,
        source: u8,
        payload_type: u8,
        sequence: u16,
        timestamp: u32,
        ssrc: u32,
        length: usize,
    },
    Time(u64),
    Say(usize),
    Mark,
    Clear,
    Dial(u8, u64),
    Describe {
        media: u64,
        last: u8,
        codec: Codec,
        send: bool,
        receive: bool,
        events: bool,
        keyed: bool,
    },
    Relay,
    Echo,
    Tap,
    Reopen,
}

fn steps() -> impl Strategy<Value = Step> {
    let codec = prop_oneof![Just(Codec::Pcmu), Just(Codec::Pcma)];
    let packet = (
        0..3_u32,
        1..4_u8,
        prop_oneof![Just(0), Just(8), Just(101), Just(13), 0..128_u8],
        prop_oneof![0..60_u16, any::<u16>()],
        prop_oneof![0..20_000_u32, any::<u32>()],
        0..3_u32,
        prop_oneof![Just(160_usize), 0..1600_usize],
    );
    prop_oneof![
        1 => (0..3_u32, 1..4_u8, prop::collection::vec(any::<u8>(), 0..64))
            .prop_map(|(slot, source, bytes)| Step::Bytes { slot, source, bytes }),
        20 => packet.prop_map(|(slot, source, payload_type, sequence, timestamp, ssrc, length)| Step::Packet {
            slot, source, payload_type, sequence, timestamp, ssrc, length,
        }),
        10 => prop_oneof![0..100_u64, 0..5000_u64].prop_map(Step::Time),
        3 => (0..5000_usize).prop_map(Step::Say),
        2 => Just(Step::Mark),
        1 => Just(Step::Clear),
        1 => (0..16_u8, 0..9000_u64).prop_map(|(digit, ms)| Step::Dial(digit, ms)),
        1 => (1..3_u64, 1..4_u8, codec, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(media, last, codec, send, receive, events, keyed)| Step::Describe { media, last, codec, send, receive, events, keyed }
        ),
        1 => prop_oneof![Just(Step::Relay), Just(Step::Echo), Just(Step::Tap), Just(Step::Reopen)],
    ]
}

fn take(world: &mut World, step: Step, marks: &mut u32) {
    match step {
        Step::Bytes { slot, source, bytes } => world.receive(slot, address(source), &bytes),
        Step::Packet { slot, source, payload_type, sequence, timestamp, ssrc, length } => {
            let packet = rtp(payload_type, false, sequence, timestamp, ssrc, &speech(length));
            world.receive(slot, address(source), &packet);
        }
        Step::Time(ms) => world.run(ms),
        Step::Say(length) => world.input(TapInput::Audio(Bytes::from(speech(length)))),
        Step::Mark => {
            *marks += 1;
            world.input(TapInput::Mark(MarkId(*marks)));
        }
        Step::Clear => world.input(TapInput::Clear),
        Step::Dial(digit, ms) => {
            let digit = Digit::from_event(digit).expect("below 16");
            world.apply(&Command::Dial { media: A, digit, duration: Duration::from_millis(ms) });
        }
        Step::Describe { media, last, codec, send, receive, events, keyed } => {
            let mut remote = remote(last, codec);
            (remote.direction.send, remote.direction.receive) = (send, receive);
            remote.telephone_event = events.then_some((101, 101));
            remote.silence_timeout = Some(Duration::from_secs(10));
            let key = |byte| MasterKey::new(Suite::AeadAes128Gcm, &[byte; 28]).expect("its length");
            remote.srtp = keyed.then(|| Box::new(Srtp { send: key(last), receive: key(1) }));
            world.describe(media::MediaKey(media), remote);
        }
        Step::Relay => world.apply(&Command::Relay { a: A, b: B }),
        Step::Echo => world.apply(&Command::Echo { media: A }),
        Step::Tap => world.apply(&Command::Tap { media: A }),
        Step::Reopen => {
            world.close(B);
            world.table.open(world.now, B);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_that_comes_in_breaks_the_table(steps in prop::collection::vec(steps(), 1..250)) {
        let mut world = World::tapped(Codec::Pcmu);
        world.table.open(world.now, B);
        let mut marks = 0;
        for step in steps {
            take(&mut world, step, &mut marks);
        }
        world.apply(&Command::Tap { media: A });
        world.describe(A, remote(1, Codec::Pcmu));
        world.run(20_000);
        let told = world.out.marks();
        prop_assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1), "marks are told once and in order: {told:?}");
        let stamps: Vec<u32> = world.out.taps.iter().filter_map(|(_, event)| match event {
            TapEvent::Audio(frame) => Some(frame.timestamp_ms),
            TapEvent::Digit(_) | TapEvent::Mark(_) => None,
        }).collect();
        prop_assert!(stamps.len() < 20_000, "{}", stamps.len());
        prop_assert!(world.table.deadline().is_none_or(|deadline| deadline > world.now));
    }

    /// Of a stream with losses, duplicates and reorderings all that is in time is heard once, in order, at its place.
    #[test]
    fn weather_leaves_every_packet_at_its_place(
        fates in prop::collection::vec(prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2), 1 => Just(3)], 20..300)
    ) {
        let mut world = World::tapped(Codec::Pcmu);
        let mut phone = Phone::new(1, Codec::Pcmu);
        let speech = speech(fates.len() * 160);
        let packets: Vec<_> = speech.chunks(160).map(|chunk| phone.audio(chunk)).collect();
        let mut arrivals = Vec::new();
        for (index, fate) in fates.iter().enumerate() {
            let due = 20 * u64::try_from(index).unwrap();
            // The first and the last come as they should, so that both ends are known.
            match if index == 0 || index + 1 == fates.len() { 0 } else { *fate } {
                1 => {}
                2 => arrivals.extend([(due, index), (due + 3, index)]),
                3 => arrivals.push((due + 25, index)),
                _ => arrivals.push((due, index)),
            }
        }
        arrivals.sort_unstable();
        for (due, index) in &arrivals {
            world.run_to(Duration::from_millis(*due));
            world.receive(0, phone.address, &packets[*index]);
        }
        world.run(1000);
        let heard = world.out.audio();
        prop_assert!(heard.len() >= speech.len());
        for (index, (heard, said)) in heard.chunks(160).zip(speech.chunks(160)).enumerate() {
            if arrivals.iter().any(|(_, arrived)| *arrived == index) {
                prop_assert_eq!(heard, said, "frame {}", index);
            }
        }
    }
}
