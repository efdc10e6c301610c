//! The silence timeout.

use std::time::Duration;

use media::command::{Codec, Direction};
use media::{Channel, Event, Slot};

use crate::world::{A, Phone, World, address, remote};

fn watched() -> World {
    let mut world = World::tapped(Codec::Pcmu);
    let mut remote = remote(1, Codec::Pcmu);
    remote.silence_timeout = Some(Duration::from_secs(30));
    world.describe(A, remote);
    world
}

fn silences(world: &World) -> usize {
    world.out.events.iter().filter(|event| matches!(event, Event::Silent { .. })).count()
}

#[test]
fn silence_is_told_once_after_the_timeout() {
    let mut world = watched();
    world.run(29_999);
    assert_eq!(silences(&world), 0);
    world.run(1);
    assert_eq!(silences(&world), 1);
    world.run(100_000);
    assert_eq!(silences(&world), 1);
}

#[test]
fn every_packet_puts_it_off() {
    let mut world = watched();
    let mut phone = Phone::new(1, Codec::Pcmu);
    for _ in 0..10 {
        world.run(20_000);
        let packet = phone.audio(&[1; 160]);
        world.receive(0, phone.address, &packet);
    }
    world.run(29_999);
    assert_eq!(silences(&world), 0);
    world.run(1);
    assert_eq!(silences(&world), 1);
}

#[test]
fn foreign_packets_do_not_put_it_off_but_the_far_sides_rtcp_does() {
    let mut world = watched();
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packet = phone.audio(&[1; 160]);
    world.receive(0, phone.address, &packet);
    world.run(20_000);
    let now = world.now;
    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    world.table.receive(
        now,
        Slot(0),
        Channel::Rtcp,
        address(1),
        report.as_mut_slice().into(),
        &mut world.out,
    );
    world.run(29_000);
    world.table.receive(
        world.now,
        Slot(0),
        Channel::Rtcp,
        address(9),
        report.as_mut_slice().into(),
        &mut world.out,
    );
    assert_eq!(silences(&world), 0);
    world.run(1000);
    assert_eq!(silences(&world), 1);
}

#[test]
fn a_held_call_may_be_silent_and_is_watched_again_when_it_is_resumed() {
    let mut world = watched();
    let mut resumed = remote(1, Codec::Pcmu);
    resumed.silence_timeout = Some(Duration::from_secs(30));
    for (send, receive) in [(false, true), (true, false), (false, false)] {
        let mut held = resumed.clone();
        held.direction = Direction { send, receive };
        world.describe(A, held);
        world.run(100_000);
        assert_eq!(silences(&world), 0);
    }
    world.describe(A, resumed);
    world.run(29_999);
    assert_eq!(silences(&world), 0);
    world.run(1);
    assert_eq!(silences(&world), 1);
}
