//! What reading a message allocates, counted by the allocator itself.

use std::hint::black_box;

use allocation_counter::measure;
use bytes::Bytes;
use sip::Message;

const INVITE: &[u8] = include_bytes!("../../../fuzz/corpus/message/invite");

#[test]
fn the_counter_sees_an_allocation() {
    let counted = measure(|| drop(black_box(Vec::<u8>::with_capacity(black_box(16)))));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn an_invite_costs_one_allocation_and_looking_at_it_none() {
    let datagram = Bytes::from(INVITE.to_vec());
    let mut message = None;
    let counted = measure(|| message = Message::parse(black_box(datagram)).ok());
    assert_eq!(counted.count_total, 1);

    let message = message.unwrap();
    let counted = measure(|| {
        black_box((
            message.via(),
            message.from(),
            message.to_tag(),
            message.call_id(),
            message.contact(),
            message.content_type(),
        ));
        black_box(message.headers("Record-Route").chain(message.headers("X-Trunk")).count());
        black_box(message.lines().count());
    });
    assert_eq!(counted.count_total, 0);
}
