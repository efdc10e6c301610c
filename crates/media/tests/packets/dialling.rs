//! Digits that we send (RFC 4733 s.2.5.1).

use std::time::Duration;

use media::command::{Codec, Command, Digit};

use crate::world::{A, EVENT, World, remote};

fn dial(world: &mut World, key: char, ms: u64) {
    let digit = Digit::from_key(key).expect("a key");
    world.apply(&Command::Dial { media: A, digit, duration: Duration::from_millis(ms) });
}

#[test]
fn a_digit_has_one_timestamp_a_growing_duration_and_three_ends() {
    let mut world = World::tapped(Codec::Pcmu);
    dial(&mut world, '*', 90);
    world.run(1000);
    let sent = world.said_by(0);
    let payloads: Vec<_> = sent.iter().map(|packet| packet.payload.clone()).collect();
    assert_eq!(
        payloads,
        [
            [10, 0x0a, 0, 160],
            [10, 0x0a, 1, 64],
            [10, 0x0a, 1, 224],
            [10, 0x0a, 2, 128],
            [10, 0x8a, 3, 32],
            [10, 0x8a, 3, 32],
            [10, 0x8a, 3, 32],
        ]
    );
    for (index, packet) in sent.iter().enumerate() {
        assert_eq!(packet.at, Duration::from_millis(20) * u32::try_from(index).unwrap());
        assert_eq!(packet.timestamp, sent[0].timestamp);
        assert_eq!(packet.sequence, sent[0].sequence.wrapping_add(u16::try_from(index).unwrap()));
        assert_eq!((packet.marker, packet.payload_type), (index == 0, EVENT));
    }
}

#[test]
fn digits_follow_each_other_with_a_pause_and_a_later_timestamp() {
    let mut world = World::tapped(Codec::Pcmu);
    for key in "12".chars() {
        dial(&mut world, key, 40);
    }
    world.run(1000);
    let sent = world.said_by(0);
    let starts: Vec<_> = sent.iter().filter(|packet| packet.marker).collect();
    assert_eq!(starts.iter().map(|packet| packet.payload[0]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(starts[1].at, Duration::from_millis(60 + 60));
    assert_eq!(starts[1].timestamp.wrapping_sub(starts[0].timestamp), 120 * 8);
    assert_eq!(sent.len(), 8);
}

#[test]
fn digits_without_bound_are_refused_and_counted() {
    let mut world = World::tapped(Codec::Pcmu);
    for _ in 0..100 {
        dial(&mut world, '7', 40);
    }
    assert_eq!(world.table.counters(A).unwrap().overrun, 100 - 65);
}

#[test]
fn a_digit_for_a_far_side_that_speaks_no_telephone_event_is_counted() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut plain = remote(1, Codec::Pcmu);
    plain.telephone_event = None;
    world.describe(A, plain);
    dial(&mut world, '7', 40);
    world.run(500);
    assert_eq!(world.said_by(0), []);
    assert_eq!(world.table.counters(A).unwrap().overrun, 1);
}

#[test]
fn a_worker_that_was_held_up_sends_no_flood_of_a_digit() {
    let mut world = World::tapped(Codec::Pcmu);
    dial(&mut world, '7', 8000);
    world.now += Duration::from_secs(4);
    world.table.expire(world.now, &mut world.out);
    assert_eq!(world.said_by(0).len(), 1);
    world.run(8100);
    let sent = world.said_by(0);
    assert_eq!(sent.len(), 400 + 2);
    assert_eq!(sent.last().unwrap().payload, [7, 0x8a, 0xfa, 0x00]);
}
