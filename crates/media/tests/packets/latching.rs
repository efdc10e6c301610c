//! Whom a leg hears and talks to.

use std::net::SocketAddr;

use media::Event;
use media::agent::TapInput;
use media::command::{Codec, Remote};

use crate::world::{A, Phone, World, address, remote, speech};

const NAT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)), 61_234);
const INTRUDER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 66)), 5);

fn talk(world: &mut World, phone: &mut Phone, packets: usize) {
    for _ in 0..packets {
        let packet = phone.audio(&[3; 160]);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
}

fn from(address: SocketAddr, ssrc: u32) -> Phone {
    let mut phone = Phone::new(1, Codec::Pcmu);
    (phone.address, phone.ssrc) = (address, ssrc);
    phone
}

fn announcing(ip: [u8; 4]) -> Remote {
    Remote { rtp: SocketAddr::from((ip, 4000)), ..remote(1, Codec::Pcmu) }
}

fn latched(world: &World) -> Vec<SocketAddr> {
    world
        .out
        .events
        .iter()
        .map(|event| match event {
            Event::Latched { source, .. } => *source,
            other @ (Event::Bound { .. }
            | Event::BindFailed { .. }
            | Event::Silent { .. }
            | Event::Lost { .. }
            | Event::Measured { .. }
            | Event::Released { .. }) => panic!("{other:?}"),
        })
        .collect()
}

/// Where the agent's audio goes.
fn target(world: &mut World) -> SocketAddr {
    world.input(TapInput::Audio(speech(160).into()));
    world.run(100);
    world.sent_by(0).last().expect("something was sent").to
}

#[test]
fn before_anything_is_heard_the_announced_address_is_spoken_to() {
    let mut world = World::tapped(Codec::Pcmu);
    assert_eq!(target(&mut world), address(1));
    assert_eq!(latched(&world), []);
}

#[test]
fn the_announced_source_is_locked_at_once() {
    let mut world = World::tapped(Codec::Pcmu);
    talk(&mut world, &mut from(address(1), 1), 1);
    assert_eq!(latched(&world), [address(1)]);
    talk(&mut world, &mut from(INTRUDER, 1), 2);
    assert_eq!(latched(&world), [address(1)]);
    let counters = world.table.counters(A).unwrap();
    assert_eq!((counters.received, counters.foreign), (1, 2));
}

#[test]
fn a_source_behind_a_nat_is_learned_by_two_packets_and_none_of_its_audio_is_lost() {
    let mut world = World::tapped(Codec::Pcmu);
    world.describe(A, announcing([10, 0, 0, 7]));
    let mut phone = from(NAT, 1);
    talk(&mut world, &mut phone, 1);
    assert_eq!(latched(&world), []);
    talk(&mut world, &mut phone, 9);
    assert_eq!(latched(&world), [NAT]);
    assert_eq!(target(&mut world), NAT);
    assert_eq!(world.out.audio().len(), 1600);
}

#[test]
fn a_public_address_is_spoken_to_for_a_second_though_another_one_is_heard() {
    let mut world = World::tapped(Codec::Pcmu);
    talk(&mut world, &mut from(NAT, 1), 49);
    assert_eq!(world.out.audio().len(), 49 * 160, "it is heard meanwhile");
    assert_eq!((latched(&world), target(&mut world)), (vec![], address(1)));
    talk(&mut world, &mut from(NAT, 1), 5);
    assert_eq!((latched(&world), target(&mut world)), (vec![NAT], NAT));
}

#[test]
fn what_cannot_be_reached_or_is_where_packets_come_from_is_not_waited_for() {
    let addresses =
        [[10, 0, 0, 7], [172, 16, 3, 4], [192, 168, 1, 1], [100, 64, 0, 1], [169, 254, 0, 1], [127, 0, 0, 1]];
    for announced in addresses.into_iter().chain([[0; 4], [198, 51, 100, 1]]) {
        let mut world = World::new();
        world.table.open(world.now, A);
        world.describe(A, announcing(announced));
        talk(&mut world, &mut from(NAT, 1), 2);
        assert_eq!(latched(&world), [NAT], "{announced:?}");
    }
}

#[test]
fn a_neighbour_takes_over_from_a_source_that_falters() {
    let neighbour = SocketAddr::from(([192, 0, 2, 200], 7000));
    for (silence, source, expected) in [
        (200, neighbour, vec![address(1)]),
        (300, INTRUDER, vec![address(1)]),
        (300, neighbour, vec![address(1), neighbour]),
    ] {
        let mut world = World::tapped(Codec::Pcmu);
        talk(&mut world, &mut from(address(1), 1), 100);
        world.run(silence);
        talk(&mut world, &mut from(source, 2), 4);
        assert_eq!(latched(&world), expected, "{source} after {silence} ms");
    }
}

#[test]
fn a_neighbour_is_not_heard_beside_a_source_that_speaks() {
    let mut world = World::tapped(Codec::Pcmu);
    let (mut phone, mut neighbour) = (from(address(1), 1), from(address(200), 2));
    for _ in 0..20 {
        talk(&mut world, &mut phone, 1);
        world.run(310);
        talk(&mut world, &mut neighbour, 2);
    }
    assert_eq!(latched(&world), [address(1)]);
}

#[test]
fn the_announced_source_wins_while_the_window_is_open() {
    let mut world = World::tapped(Codec::Pcmu);
    talk(&mut world, &mut from(INTRUDER, 1), 10);
    talk(&mut world, &mut from(address(1), 2), 1);
    assert_eq!(latched(&world), [address(1)]);
    assert_eq!(target(&mut world), address(1));
}

#[test]
fn a_locked_leg_drops_and_counts_foreign_packets() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut phone = from(address(1), 1);
    let mut intruder = from(INTRUDER, 2);
    for _ in 0..200 {
        talk(&mut world, &mut phone, 1);
        let packet = intruder.audio(&[9; 160]);
        world.receive(0, INTRUDER, &packet);
    }
    world.run(100);
    assert_eq!(latched(&world), [address(1)]);
    assert_eq!(world.table.counters(A).unwrap().foreign, 200);
    assert_eq!(world.out.audio(), vec![3; 200 * 160]);
}

#[test]
fn one_stray_packet_at_the_start_does_not_keep_the_caller_out() {
    let mut world = World::tapped(Codec::Pcmu);
    world.describe(A, announcing([10, 0, 0, 7]));
    talk(&mut world, &mut from(INTRUDER, 1), 1);
    talk(&mut world, &mut from(NAT, 2), 5);
    assert_eq!(latched(&world), [NAT]);
}

#[test]
fn a_changed_description_opens_the_window_again() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut old = from(address(1), 1);
    talk(&mut world, &mut old, 100);
    world.describe(A, announcing([10, 0, 0, 7]));
    assert_eq!(target(&mut world), SocketAddr::from(([10, 0, 0, 7], 4000)));
    // The old phone has not stopped yet.
    talk(&mut world, &mut old, 3);
    talk(&mut world, &mut from(NAT, 2), 5);
    talk(&mut world, &mut old, 2);
    assert_eq!(latched(&world), [address(1), NAT]);
    assert_eq!(target(&mut world), NAT);
}

#[test]
fn the_same_description_and_the_old_hold_change_nothing() {
    let mut world = World::tapped(Codec::Pcmu);
    talk(&mut world, &mut from(NAT, 1), 100);
    world.describe(A, remote(1, Codec::Pcmu));
    let mut held = remote(1, Codec::Pcmu);
    held.rtp.set_ip(std::net::Ipv4Addr::UNSPECIFIED.into());
    held.direction.send = false;
    world.describe(A, held);
    world.describe(A, remote(1, Codec::Pcmu));
    assert_eq!(target(&mut world), NAT);
    talk(&mut world, &mut from(INTRUDER, 9), 5);
    assert_eq!(latched(&world), [NAT]);
}

#[test]
fn the_announced_source_takes_back_what_an_intruder_took_in_its_silence() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut phone = from(address(1), 1);
    talk(&mut world, &mut phone, 100);
    world.run(5000);
    talk(&mut world, &mut from(INTRUDER, 2), 100);
    talk(&mut world, &mut phone, 1);
    assert_eq!(latched(&world), [address(1), INTRUDER, address(1)]);
    assert_eq!(target(&mut world), address(1));
}

#[test]
fn an_inactive_leg_learns_nobody() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut inactive = remote(1, Codec::Pcmu);
    inactive.direction.receive = false;
    world.describe(A, inactive);
    talk(&mut world, &mut from(INTRUDER, 2), 100);
    assert_eq!(latched(&world), []);
    assert_eq!(world.table.counters(A).unwrap().unusable, 100);
}

#[test]
fn a_source_that_fell_silent_gives_way_to_another() {
    let mut world = World::tapped(Codec::Pcmu);
    talk(&mut world, &mut from(address(1), 1), 100);
    world.run(2500);
    let mut other = from(NAT, 2);
    talk(&mut world, &mut other, 10);
    assert_eq!(latched(&world), [address(1)], "not yet");
    world.run(1000);
    talk(&mut world, &mut other, 3);
    assert_eq!(latched(&world), [address(1), NAT]);
    assert_eq!(target(&mut world), NAT);
}
