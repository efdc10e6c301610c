//! The packet path allocates nothing, counted by the allocator itself.

#[expect(dead_code, reason = "the other tests of packets use the rest of it")]
#[path = "packets/world.rs"]
mod world;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::agent::TapEvent;
use media::command::{Codec, Command};
use media::srtp::{MasterKey, Sealer, Srtp, Suite, TRAILER};
use media::{Channel, Datagram, Event, MediaKey, Outbox, Slot, Taken};
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

/// A packet of the first leg's phone.
fn hear(world: &mut World, now: Instant, packet: &mut [u8], out: &mut Counting) {
    world.table.receive(now, Slot(0), Channel::Rtp, world::address(1), packet.into(), out);
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
                hear(&mut world, now, packet, &mut out);
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
    let (now, mut out) = (world.now, Counting::default());
    let info = allocation_counter::measure(|| {
        for packet in &mut packets {
            hear(&mut world, now, packet, &mut out);
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
                hear(&mut world, now, packet, &mut out);
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

fn keys(suite: Suite) -> Srtp {
    let key = |byte| {
        let key = MasterKey::new(suite, &vec![byte; suite.key_length() + suite.salt_length()]);
        key.expect("as long as it should be")
    };
    Srtp { send: key(1), receive: key(2) }
}

/// Their packets, sealed, with room behind them, and how long they are.
fn sealed(packets: Vec<Vec<u8>>, srtp: &Srtp) -> Vec<(Vec<u8>, usize)> {
    let mut sealer = Sealer::new(&srtp.receive, Phone::new(1, Codec::Pcmu).ssrc);
    let seal = |mut packet: Vec<u8>| {
        let length = packet.len();
        packet.resize(length + TRAILER, 0);
        let length = sealer.rtp(&mut packet, length).expect("sealed");
        (packet, length)
    };
    packets.into_iter().map(seal).collect()
}

#[test]
fn decrypting_and_encrypting_allocates_nothing() {
    for suite in Suite::ALL {
        let srtp = Some(Box::new(keys(suite)));
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcma);
        for (media, last, codec) in [(A, 1, Codec::Pcmu), (world::B, 2, Codec::Pcma)] {
            world.describe(media, media::command::Remote { srtp: srtp.clone(), ..remote(last, codec) });
        }
        let mut packets = sealed(packets(Codec::Pcmu), &keys(suite));
        let mut out = Counting::default();
        let info = allocation_counter::measure(|| {
            let mut now = world.now;
            for (buffer, length) in &mut packets {
                now += Duration::from_millis(20);
                let datagram = Datagram::new(buffer, *length);
                world.table.receive(now, Slot(0), Channel::Rtp, world::address(1), datagram, &mut out);
                world.table.expire(now, &mut out);
            }
        });
        assert_eq!(out.sent, PACKETS);
        assert!(out.bytes > PACKETS * 172 && out.reports > 60, "{suite:?}");
        assert_eq!(info.count_total, 0, "{suite:?} {info:?}");
    }
}

#[test]
fn ten_thousand_forged_streams_allocate_nothing_and_the_call_goes_on() {
    for suite in Suite::ALL {
        let srtp = keys(suite);
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
        let remote = media::command::Remote { srtp: Some(Box::new(srtp.clone())), ..remote(1, Codec::Pcmu) };
        world.describe(A, remote);
        let packets = sealed(packets(Codec::Pcmu), &srtp);
        let (mut buffer, mut out) = ([0; 172 + TRAILER], Counting::default());
        let info = allocation_counter::measure(|| {
            let mut now = world.now;
            for (n, (packet, length)) in (0_u32..).zip(&packets) {
                now += Duration::from_millis(20);
                buffer.copy_from_slice(packet);
                let ssrc = n.wrapping_mul(2_654_435_761).to_be_bytes();
                buffer[8..12].copy_from_slice(&ssrc);
                let source = world::address(if n % 2 == 0 { 1 } else { 66 });
                let forged = Datagram::new(&mut buffer, *length);
                world.table.receive(now, Slot(0), Channel::Rtp, source, forged, &mut out);
                buffer.copy_from_slice(packet);
                let true_one = Datagram::new(&mut buffer, *length);
                world.table.receive(now, Slot(0), Channel::Rtp, world::address(1), true_one, &mut out);
            }
        });
        let counters = world.table.counters(A).expect("open");
        assert_eq!((out.sent, counters.unauthenticated), (PACKETS, 10_000), "{suite:?}");
        assert_eq!((info.count_total, info.bytes_current), (0, 0), "{suite:?} {info:?}");
    }
}

/// Expanded keys and windows, and those of the keys before them. The worker's sockets and channels are not in it.
#[test]
fn the_keys_of_a_leg_and_those_before_them_take_at_most_7_kilobytes() {
    for suite in Suite::ALL {
        let mut world = World::new();
        for n in 0..100 {
            world.table.open(world.now, MediaKey(n));
        }
        let describe = |world: &mut World, srtp: &Srtp| {
            for n in 0..100 {
                let srtp = Some(Box::new(srtp.clone()));
                let remote = media::command::Remote { srtp, ..remote(1, Codec::Pcmu) };
                world.table.apply(world.now, &Command::Describe { media: MediaKey(n), remote });
            }
        };
        let Srtp { send, receive } = keys(suite);
        let first = allocation_counter::measure(|| describe(&mut world, &keys(suite)));
        let second =
            allocation_counter::measure(|| describe(&mut world, &Srtp { send: receive, receive: send }));
        let all = first.bytes_current + second.bytes_current;
        eprintln!("{suite:?}: {} bytes, with a former key {}", first.bytes_current / 100, all / 100);
        assert!((100 * 1024..100 * 7 * 1024).contains(&all), "{suite:?}");
    }
}
