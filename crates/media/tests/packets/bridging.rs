//! One leg's packets as the other leg's.

use std::time::Duration;

use media::agent::TapInput;
use media::command::{Codec, Command, Digit, Direction, Remote};
use media::g711::transcoder;
use media::{Channel, MediaKey, Slot};

use crate::world::{A, B, EVENT, Phone, World, address, remote, rtp, speech};

#[test]
fn a_packet_reaches_the_other_leg_with_our_own_numbers() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let speech = speech(160 * 100);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for chunk in speech.chunks(160) {
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    let sent = world.sent_by(1);
    assert_eq!(world.sent_by(0), []);
    assert_eq!(sent.iter().flat_map(|packet| packet.payload.clone()).collect::<Vec<_>>(), speech);
    for (index, packet) in sent.iter().enumerate() {
        let nth = u16::try_from(index).unwrap();
        assert_eq!(packet.to, address(2));
        assert_ne!(packet.ssrc, phone.ssrc);
        assert_eq!(packet.sequence, sent[0].sequence.wrapping_add(nth));
        assert_eq!(packet.timestamp, sent[0].timestamp.wrapping_add(160 * u32::from(nth)));
    }
}

#[test]
fn unequal_laws_are_converted_both_ways() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcma);
    let speech = speech(160);
    for (slot, last, codec, other) in [(0, 1, Codec::Pcmu, Codec::Pcma), (1, 2, Codec::Pcma, Codec::Pcmu)] {
        let packet = Phone::new(last, codec).audio(&speech);
        world.receive(slot, address(last), &packet);
        let sent = world.out.sent.pop().unwrap();
        let table = transcoder(codec, other).unwrap();
        assert_eq!(sent.payload, speech.iter().map(|sample| table[usize::from(*sample)]).collect::<Vec<_>>());
        assert_eq!(sent.payload_type, crate::world::payload_type(other));
    }
}

/// An answer may list both codecs, and then either may come (RFC 3264 s.7).
#[test]
fn the_other_law_is_heard_whichever_was_agreed_on() {
    for (agreed, comes, to) in [
        (Codec::Pcmu, Codec::Pcma, Codec::Pcmu),
        (Codec::Pcma, Codec::Pcmu, Codec::Pcmu),
        (Codec::Pcma, Codec::Pcmu, Codec::Pcma),
    ] {
        let mut world = World::bridged(agreed, to);
        let speech = speech(160);
        let mut phone = Phone::new(1, agreed);
        for codec in [agreed, comes, agreed] {
            phone.payload_type = crate::world::payload_type(codec);
            let packet = phone.audio(&speech);
            world.receive(0, phone.address, &packet);
            let sent = world.out.sent.pop().expect("passed on");
            let heard = match transcoder(codec, to) {
                Some(table) => speech.iter().map(|sample| table[usize::from(*sample)]).collect(),
                None => speech.clone(),
            };
            assert_eq!((sent.payload_type, sent.payload), (crate::world::payload_type(to), heard));
        }
        assert_eq!(world.table.counters(A).unwrap().unusable, 0);
    }
}

#[test]
fn a_payload_type_of_digits_is_no_audio_though_it_is_that_of_a_codec() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    world.describe(A, Remote { telephone_event: Some((8, 8)), ..remote(1, Codec::Pcmu) });
    let packet = rtp(8, false, 1, 1, 1, &[5, 0x0a, 0, 160]);
    world.receive(0, address(1), &packet);
    assert_eq!(world.sent_by(1)[0].payload_type, EVENT);
}

/// A phone that is not told of the hold sends on, and some of it is lost.
#[test]
fn after_a_hold_of_any_length_the_first_packet_is_passed_on_and_no_number_is_missing() {
    let speaking = remote(2, Codec::Pcmu);
    let holding = Remote { direction: Direction { send: false, receive: true }, ..speaking.clone() };
    for held in [5, 200, 3_500, 33_000, 60_000, 70_000] {
        let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
        let mut phone = Phone::new(1, Codec::Pcmu);
        world.receive(0, address(1), &phone.audio(&[1; 160]));
        world.describe(B, holding.clone());
        for at in 0..held {
            let (packet, is_lost) = (phone.audio(&[2; 160]), at % 1_000 == 2);
            if !is_lost {
                world.receive(0, address(1), &packet);
            }
        }
        world.describe(B, speaking.clone());
        world.receive(0, address(1), &phone.audio(&[3; 160]));
        world.receive(0, address(1), &phone.audio(&[4; 160]));
        let sent = world.sent_by(1);
        let heard: Vec<_> = sent.iter().map(|packet| packet.payload[0]).collect();
        assert_eq!(heard, [1, 3, 4], "after {held} packets");
        for (before, after) in sent.iter().zip(&sent[1..]) {
            assert_eq!(after.sequence, before.sequence.wrapping_add(1), "after {held} packets");
        }
    }
}

#[test]
fn a_packet_that_comes_late_does_not_follow_a_dialled_digit() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let [early, late, next] = [[1; 160], [2; 160], [3; 160]].map(|samples| phone.audio(&samples));
    world.receive(0, phone.address, &early);
    world.receive(0, phone.address, &next);
    let digit = Digit::from_key('5').unwrap();
    world.apply(&Command::Dial { media: B, digit, duration: Duration::from_millis(40) });
    world.run(200);
    world.receive(0, phone.address, &late);
    let next = phone.audio(&[4; 160]);
    world.receive(0, phone.address, &next);
    let sent = world.sent_by(1);
    let audio: Vec<_> =
        sent.iter().filter(|packet| packet.payload_type == 0).map(|packet| packet.payload[0]).collect();
    assert_eq!(audio, [1, 3, 4]);
}

#[test]
fn another_stream_whose_first_packet_is_not_passed_on_gets_numbers_of_ours() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packet = phone.audio(&[1; 160]);
    world.receive(0, phone.address, &packet);
    world.run(200);
    (phone.ssrc, phone.sequence, phone.timestamp) = (7, 30_000, 1_000_000);
    let comfort_noise = rtp(13, false, 29_999, 999_840, 7, &[60]);
    world.receive(0, phone.address, &comfort_noise);
    world.run(20);
    let packet = phone.audio(&[2; 160]);
    world.receive(0, phone.address, &packet);
    let sent = world.sent_by(1);
    assert_eq!(sent.iter().map(|packet| packet.payload[0]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(sent[1].sequence, sent[0].sequence.wrapping_add(1));
    assert_eq!(sent[1].timestamp.wrapping_sub(sent[0].timestamp), 220 * 8);
    assert!(sent[1].marker);
}

#[test]
fn another_stream_after_digits_is_later_than_they_were() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for _ in 0..3 {
        let packet = phone.event(3, true, 160);
        world.receive(0, phone.address, &packet);
        phone.timestamp = phone.timestamp.wrapping_add(800);
    }
    let mut other = remote(1, Codec::Pcmu);
    other.rtp = address(3);
    world.describe(A, other);
    let packet = Phone::new(3, Codec::Pcmu).audio(&[1; 160]);
    world.receive(0, address(3), &packet);
    let timestamps: Vec<_> = world.sent_by(1).iter().map(|packet| packet.timestamp).collect();
    let steps: Vec<_> = timestamps.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    assert_eq!(steps, [800, 800, 160]);
}

#[test]
fn digits_pass_with_the_other_legs_payload_type() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut other = remote(2, Codec::Pcmu);
    other.telephone_event = Some((96, 97));
    world.describe(B, other);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for (end, duration) in [(false, 160), (false, 320), (true, 480), (true, 480), (true, 480)] {
        let packet = phone.event(3, end, duration);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    let sent = world.sent_by(1);
    assert_eq!(sent.iter().map(|packet| packet.payload_type).collect::<Vec<_>>(), [96; 5]);
    assert!(sent.iter().all(|packet| packet.timestamp == sent[0].timestamp));
    assert_eq!(sent[4].payload, [3, 0x8a, 1, 224]);
    // And the way back.
    let packet = rtp(97, true, 5, 9, 8, &[1, 10, 0, 160]);
    world.receive(1, address(2), &packet);
    assert_eq!(world.sent_by(0)[0].payload_type, EVENT);
}

#[test]
fn digits_are_left_out_without_a_gap_where_the_other_leg_has_none() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut other = remote(2, Codec::Pcmu);
    other.telephone_event = None;
    world.describe(B, other);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for packet in [
        phone.audio(&[1; 160]),
        phone.event(3, false, 160),
        phone.event(3, true, 160),
        phone.audio(&[2; 160]),
    ] {
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    let sent = world.sent_by(1);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].sequence, sent[0].sequence.wrapping_add(1));
}

#[test]
fn losses_and_reorderings_stay_as_they_are() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packets: Vec<_> = (0..6).map(|index| phone.audio(&[index; 160])).collect();
    for index in [0, 1, 3, 2, 5] {
        world.receive(0, phone.address, &packets[index]);
    }
    let sent = world.sent_by(1);
    let numbers: Vec<_> = sent.iter().map(|packet| packet.sequence.wrapping_sub(sent[0].sequence)).collect();
    assert_eq!(numbers, [0, 1, 3, 2, 5]);
    assert_eq!(world.table.counters(A).unwrap().lost, 1);
}

#[test]
fn a_change_of_the_stream_goes_unnoticed_but_for_the_marker() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for _ in 0..5 {
        let packet = phone.audio(&[1; 160]);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    world.run(1000);
    (phone.ssrc, phone.sequence, phone.timestamp) = (1, 2, 3);
    for _ in 0..2 {
        let packet = phone.audio(&[2; 160]);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    let sent = world.sent_by(1);
    assert_eq!(sent.len(), 7);
    assert!(sent.iter().all(|packet| packet.ssrc == sent[0].ssrc));
    assert_eq!(sent[5].sequence, sent[4].sequence.wrapping_add(1));
    assert_eq!(sent[5].timestamp.wrapping_sub(sent[4].timestamp), 1020 * 8);
    assert_eq!(
        sent.iter().map(|packet| packet.marker).collect::<Vec<_>>(),
        [true, false, false, false, false, true, false]
    );
}

#[test]
fn extensions_contributing_sources_and_padding_end_at_the_bridge() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let packet = rtp_rs::RtpPacketBuilder::new()
        .payload_type(0)
        .ssrc(7)
        .add_csrc(1)
        .add_csrc(2)
        .extension(0xbede, &[1, 2, 3, 4])
        .padded(rtp_rs::Pad::round_to(64))
        .payload(&[5; 160])
        .build()
        .unwrap();
    world.receive(0, address(1), &packet);
    assert_eq!(world.sent_by(1)[0].payload, [5; 160]);
}

#[test]
fn an_echo_goes_back_under_another_ssrc() {
    let mut world = World::new();
    world.table.open(world.now, A);
    world.describe(A, remote(1, Codec::Pcma));
    world.apply(&Command::Echo { media: A });
    let mut phone = Phone::new(1, Codec::Pcma);
    let packet = phone.audio(&[9; 160]);
    world.receive(0, phone.address, &packet);
    let packet = phone.event(3, true, 160);
    world.receive(0, phone.address, &packet);
    let sent = world.sent_by(0);
    assert_eq!(sent.iter().map(|packet| packet.payload_type).collect::<Vec<_>>(), [8, EVENT]);
    assert_eq!((sent[0].payload.as_slice(), sent[0].to), (&[9; 160][..], address(1)));
    assert_ne!(sent[0].ssrc, phone.ssrc);
}

#[test]
fn a_dialled_digit_takes_the_line_and_the_stream_goes_on_after_it() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for index in 0..20 {
        if index == 5 {
            let digit = Digit::from_key('9').unwrap();
            world.apply(&Command::Dial { media: B, digit, duration: Duration::from_millis(60) });
        }
        let packet = phone.audio(&[index; 160]);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    let sent = world.sent_by(1);
    let kinds: Vec<_> = sent.iter().map(|packet| packet.payload_type).collect();
    // The last end and the next audio are due at the same time.
    assert_eq!(kinds, [vec![0; 5], vec![EVENT; 5], vec![0; 11]].concat());
    let numbers: Vec<u16> =
        sent.iter().map(|packet| packet.sequence.wrapping_sub(sent[0].sequence)).collect();
    assert_eq!(numbers, (0..21).collect::<Vec<u16>>());
}

#[test]
fn hold_stops_both_the_held_direction_and_no_other() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut held = remote(2, Codec::Pcmu);
    held.direction.send = false;
    world.describe(B, held);
    let packet = Phone::new(1, Codec::Pcmu).audio(&[1; 160]);
    world.receive(0, address(1), &packet);
    let packet = Phone::new(2, Codec::Pcmu).audio(&[2; 160]);
    world.receive(1, address(2), &packet);
    assert_eq!(world.sent_by(1), []);
    assert_eq!(world.sent_by(0).len(), 1, "music on hold");
    let mut deaf = remote(2, Codec::Pcmu);
    deaf.direction.receive = false;
    world.describe(B, deaf);
    let packet = Phone::new(2, Codec::Pcmu).audio(&[2; 160]);
    world.receive(1, address(2), &packet);
    assert_eq!(world.sent_by(0).len(), 1);
    assert_eq!(world.table.counters(B).unwrap().unusable, 1);
}

#[test]
fn a_closed_leg_ends_the_bridge_and_its_slot_is_used_again() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let packet = Phone::new(1, Codec::Pcmu).audio(&[1; 160]);
    world.receive(0, address(1), &packet);
    let (slot, counters) = world.close(B).unwrap();
    assert_eq!((slot, counters.sent), (Slot(1), 1));
    assert_eq!(world.close(B), None);
    world.receive(0, address(1), &packet);
    world.receive(1, address(2), &packet);
    assert_eq!(world.sent_by(1).len(), 1);
    assert_eq!(world.table.open(world.now, MediaKey(3)), Slot(1));
    assert_eq!(world.table.len(), 2);
    world.receive(0, address(1), &packet);
    assert_eq!(world.sent_by(1).len(), 1, "the newcomer is in no bridge");
}

#[test]
fn rtcp_ends_here_on_either_port() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    world.receive(0, address(1), &report);
    let (now, mut packet) = (world.now, report);
    world.table.receive(
        now,
        Slot(0),
        Channel::Rtcp,
        address(1),
        packet.as_mut_slice().into(),
        &mut world.out,
    );
    world.table.receive(
        now,
        Slot(0),
        Channel::Rtcp,
        address(9),
        packet.as_mut_slice().into(),
        &mut world.out,
    );
    assert!(world.out.sent.is_empty());
    let counters = world.table.counters(A).unwrap();
    assert_eq!((counters.rtcp, counters.foreign, counters.received), (2, 1, 0));
}

#[test]
fn a_renegotiated_codec_goes_on_with_the_same_numbers() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packet = phone.audio(&[1; 160]);
    world.receive(0, phone.address, &packet);
    world.run(20);
    world.describe(B, remote(2, Codec::Pcma));
    let packet = phone.audio(&[1; 160]);
    world.receive(0, phone.address, &packet);
    let sent = world.sent_by(1);
    assert_eq!(sent.iter().map(|packet| packet.payload_type).collect::<Vec<_>>(), [0, 8]);
    assert_eq!((sent[1].sequence, sent[1].marker), (sent[0].sequence.wrapping_add(1), false));
    assert_eq!(sent[1].timestamp, sent[0].timestamp.wrapping_add(160));
}

#[test]
fn a_leg_sends_one_stream_whether_an_agent_or_a_bridge_feeds_it() {
    let mut world = World::tapped(Codec::Pcmu);
    world.table.open(world.now, B);
    world.describe(B, remote(2, Codec::Pcmu));
    world.input(TapInput::Audio(speech(480).into()));
    world.run(1000);
    world.apply(&Command::Relay { a: A, b: B });
    let mut phone = Phone::new(2, Codec::Pcmu);
    for _ in 0..3 {
        let packet = phone.audio(&[1; 160]);
        world.receive(1, phone.address, &packet);
        world.run(20);
    }
    assert_eq!(world.said_by(0).len(), 6);
    let sent = world.sent_by(0);
    for pair in sent.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp).cast_signed() >= 160);
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
}
