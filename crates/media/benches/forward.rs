//! One packet through a bridge: read, admitted, counted, rewritten in place, handed to the outbox. No socket.

#[expect(dead_code, reason = "the tests of packets use the rest of it")]
#[path = "../tests/packets/world.rs"]
mod world;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use media::agent::TapEvent;
use media::command::Codec;
use media::{Channel, Event, MediaKey, Outbox, Slot, Taken};
use world::{EVENT, Phone, World, payload_type, rtp, speech};

/// Counts, so that nothing is optimised away.
#[derive(Default)]
struct Counting(usize);

impl Outbox for Counting {
    fn send(&mut self, _: Slot, _: Channel, _: SocketAddr, packet: &[u8]) {
        self.0 += black_box(packet).len();
    }
    fn tap(&mut self, _: MediaKey, _: TapEvent) -> Taken {
        Taken::Yes
    }
    fn event(&mut self, event: Event) {
        black_box(event);
    }
}

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
    });
    assert_eq!(world.table.counters(world::A).map(|counters| counters.unusable), Some(0));
    assert!(out.0 >= packet.len(), "packets went through");
}

fn forward(criterion: &mut Criterion) {
    let speech = speech(160);
    let audio = payload_type(Codec::Pcmu);
    let mut group = criterion.benchmark_group("forward a packet");
    pass(&mut group, "PCMU to PCMU, 20 ms", Codec::Pcmu, audio, &speech);
    pass(&mut group, "PCMU to PCMA, 20 ms", Codec::Pcma, audio, &speech);
    pass(&mut group, "telephone-event", Codec::Pcmu, EVENT, &[4, 0x0a, 1, 0x40]);
    group.finish();
}

criterion_group!(benches, forward);
criterion_main!(benches);
