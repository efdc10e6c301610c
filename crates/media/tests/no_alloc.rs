//! The packet path allocates nothing, counted by the allocator itself.

#[expect(dead_code, reason = "the other tests of packets use the rest of it")]
#[path = "packets/world.rs"]
mod world;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use media::agent::TapEvent;
use media::command::{Codec, Command};
use media::{Channel, Event, MediaKey, Outbox, Slot, Taken};
use world::{A, Phone, World, remote, speech};

/// Counts what comes out and keeps nothing.
#[derive(Default)]
struct Counting {
    sent: usize,
    bytes: usize,
    frames: usize,
    reports: usize,
}

impl Outbox for Counting {
    fn send(&mut self, _: Slot, channel: Channel, _: SocketAddr, packet: &[u8]) {
        if channel == Channel::Rtcp {
            self.reports += 1;
            return;
        }
        self.sent += 1;
        self.bytes += packet.len();
    }

    fn tap(&mut self, _: MediaKey, event: TapEvent) -> Taken {
        self.frames += usize::from(matches!(event, TapEvent::Audio(_)));
        Taken::Yes
    }

    fn event(&mut self, event: Event) {
        black_box(event);
    }
}

const PACKETS: usize = 10_000;

fn packets(codec: Codec) -> Vec<Vec<u8>> {
    let mut phone = Phone::new(1, codec);
    let speech = speech(160);
    (0..PACKETS).map(|_| phone.audio(&speech)).collect()
}

#[test]
fn the_counter_sees_an_allocation() {
    let info = allocation_counter::measure(|| {
        black_box(Vec::<u8>::with_capacity(black_box(16)));
    });
    assert_eq!(info.count_total, 1);
}

#[test]
fn forwarding_allocates_nothing() {
    for (from, to) in [(Codec::Pcmu, Codec::Pcmu), (Codec::Pcma, Codec::Pcmu)] {
        let mut world = World::bridged(from, to);
        let mut packets = packets(from);
        let mut out = Counting::default();
        let info = allocation_counter::measure(|| {
            let mut now = world.now;
            for packet in &mut packets {
                now += Duration::from_millis(20);
                world.table.receive(
                    now,
                    Slot(0),
                    Channel::Rtp,
                    world::address(1),
                    packet.as_mut_slice().into(),
                    &mut out,
                );
                world.table.expire(now, &mut out);
            }
        });
        assert_eq!((out.sent, out.bytes), (PACKETS, PACKETS * 172));
        assert!(out.reports > 60, "{} reports of two legs in 200 seconds", out.reports);
        assert_eq!(info.count_total, 0, "{info:?}");
    }
}

#[test]
fn an_echo_allocates_nothing() {
    let mut world = World::new();
    world.table.open(world.now, A);
    world.describe(A, remote(1, Codec::Pcmu));
    world.apply(&Command::Echo { media: A });
    let mut packets = packets(Codec::Pcmu);
    let mut out = Counting::default();
    let info = allocation_counter::measure(|| {
        for packet in &mut packets {
            world.table.receive(
                world.now,
                Slot(0),
                Channel::Rtp,
                world::address(1),
                packet.as_mut_slice().into(),
                &mut out,
            );
        }
    });
    assert_eq!(out.sent, PACKETS);
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn a_tap_allocates_nothing_for_what_it_hears() {
    let mut world = World::tapped(Codec::Pcma);
    let mut packets = packets(Codec::Pcma);
    // Neighbours change places, and some are missing.
    for (index, pair) in packets.chunks_mut(2).enumerate() {
        if index % 3 == 0 {
            pair.swap(0, 1);
        }
    }
    let mut out = Counting::default();
    let info = allocation_counter::measure(|| {
        let mut now = world.now;
        for (index, packet) in packets.iter_mut().enumerate() {
            now += Duration::from_millis(20);
            if index % 50 != 0 {
                world.table.receive(
                    now,
                    Slot(0),
                    Channel::Rtp,
                    world::address(1),
                    packet.as_mut_slice().into(),
                    &mut out,
                );
            }
            world.table.expire(now, &mut out);
        }
    });
    assert!(out.frames > PACKETS * 9 / 10, "{}", out.frames);
    assert_eq!(info.count_total, 0, "{info:?}");
}

#[test]
fn the_silence_of_an_agent_allocates_nothing() {
    let mut world = World::tapped(Codec::Pcma);
    let mut out = Counting::default();
    let info = allocation_counter::measure(|| {
        for _ in 0..PACKETS {
            world.table.expire(world.now, &mut out);
            world.now += Duration::from_millis(20);
        }
    });
    assert_eq!((out.sent, out.bytes), (PACKETS, PACKETS * 172));
    assert_eq!(info.count_total, 0, "{info:?}");
}
