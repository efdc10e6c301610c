//! One packet through a bridge: read, admitted, counted, rewritten in place, handed to the outbox. No socket.

#[expect(dead_code, reason = "the tests of packets use the rest of it")]
#[path = "../tests/packets/world.rs"]
mod world;

#[path = "legs/mod.rs"]
mod legs;

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use legs::{Counting, Legs};
use media::command::Codec;
use media::{Channel, Datagram, Slot};
use world::{EVENT, Phone, World, payload_type, rtp, speech};

fn pass(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, to: Codec, payload_type: u8, payload: &[u8]) {
    let mut world = World::bridged(Codec::Pcmu, to);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let mut out = Counting::default();
    let mut packet = rtp(payload_type, false, 0, 0, phone.ssrc, payload);
    let header: [u8; 12] = *packet.first_chunk().expect("a header");
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            // The relay wrote its own header over the phone's.
            packet[..12].copy_from_slice(&header);
            phone.sequence = phone.sequence.wrapping_add(1);
            phone.timestamp = phone.timestamp.wrapping_add(160);
            packet[2..4].copy_from_slice(&phone.sequence.to_be_bytes());
            packet[4..8].copy_from_slice(&phone.timestamp.to_be_bytes());
            world.now += Duration::from_millis(20);
            world.table.receive(
                world.now,
                Slot(0),
                Channel::Rtp,
                phone.address,
                packet.as_mut_slice().into(),
                &mut out,
            );
        });
        assert_eq!(world.table.counters(world::A).map(|counters| counters.unusable), Some(0));
        assert!(out.0 >= packet.len(), "packets went through");
    });
}

/// Packets are encrypted beforehand, outside of what is timed.
fn pass_encrypted(group: &mut BenchmarkGroup<'_, WallTime>, legs: Legs) {
    let (mut world, mut next, mut out) = (legs.world(), legs.packets(), Counting::default());
    group.bench_function(legs.name, |bencher| {
        bencher.iter_batched(
            &mut next,
            |(mut packet, length)| {
                world.now += Duration::from_millis(20);
                let datagram = Datagram::new(&mut packet, length);
                world.table.receive(world.now, Slot(0), Channel::Rtp, world::address(1), datagram, &mut out);
                packet
            },
            BatchSize::SmallInput,
        );
        let counters = world.table.counters(world::A).expect("open");
        assert_eq!((counters.unusable, counters.unauthenticated, counters.replayed), (0, 0, 0));
        assert!(out.0 >= 172, "packets went through");
    });
}

fn forward(criterion: &mut Criterion) {
    let speech = speech(160);
    let audio = payload_type(Codec::Pcmu);
    let mut group = criterion.benchmark_group("forward a packet");
    pass(&mut group, "PCMU to PCMU, 20 ms", Codec::Pcmu, audio, &speech);
    pass(&mut group, "PCMU to PCMA, 20 ms", Codec::Pcma, audio, &speech);
    pass(&mut group, "telephone-event", Codec::Pcmu, EVENT, &[4, 0x0a, 1, 0x40]);
    group.finish();
    let mut group = criterion.benchmark_group("forward a packet by SRTP");
    for legs in legs::ALL {
        pass_encrypted(&mut group, legs);
    }
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
