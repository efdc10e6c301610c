//! How many instructions a packet takes, for callgrind, which counts what is below `receive`. docs/benchmarks.md says how to run it.
//!
//! Its argument is the number of a pair of legs in `legs::ALL`.

#[path = "legs/mod.rs"]
mod legs;
#[expect(dead_code, reason = "the tests of packets use the rest of it")]
#[path = "../tests/packets/world.rs"]
mod world;

use std::time::Duration;

use legs::{ALL, Counting};
use media::{Channel, Datagram, Slot};
use world::{World, address};

#[inline(never)]
fn receive(world: &mut World, packet: &mut [u8], length: usize, out: &mut Counting) {
    let datagram = Datagram::new(packet, length);
    world.table.receive(world.now, Slot(0), Channel::Rtp, address(1), datagram, out);
}

fn main() {
    let wanted: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    for legs in ALL.into_iter().enumerate().filter(|(n, _)| wanted.contains(n)).map(|(_, legs)| legs) {
        let (mut world, mut next, mut out) = (legs.world(), legs.packets(), Counting::default());
        for _ in 0..PACKETS {
            let (mut packet, length) = next();
            world.now += Duration::from_millis(20);
            receive(&mut world, &mut packet, length, &mut out);
        }
        let sent = world.table.counters(world::B).map(|counters| counters.sent);
        assert_eq!(sent, Some(PACKETS), "packets went through");
        println!("{}: {PACKETS} packets", legs.name);
    }
}

const PACKETS: u64 = 1000;
