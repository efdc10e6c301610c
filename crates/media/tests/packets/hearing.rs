//! What the agent hears of the far side.

use std::time::Duration;

use media::agent::TapEvent;
use media::command::{Codec, Command, Counters, Digit};
use media::g711::transcoder;

use crate::world::{A, B, Phone, World, address, rtp, speech};

/// Sends `speech` in packets of `samples`, each at its time plus what `late_ms` says, and waits for the rest.
fn send_all(
    world: &mut World,
    phone: &mut Phone,
    speech: &[u8],
    samples: usize,
    late_ms: impl Fn(usize) -> u64,
) {
    let ptime = Duration::from_micros(125) * u32::try_from(samples).expect("a packet");
    let begin = world.elapsed();
    for (index, chunk) in speech.chunks(samples).enumerate() {
        let due =
            ptime * u32::try_from(index).expect("not that many") + Duration::from_millis(late_ms(index));
        world.run_to((begin + due).max(world.elapsed()));
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
    }
    world.run(200);
}

fn counters(world: &World) -> Counters {
    world.table.counters(A).expect("A is open")
}

#[test]
fn every_sample_comes_once_and_in_order_whatever_the_packet_time() {
    for samples in [80, 160, 240, 320, 480] {
        let mut world = World::tapped(Codec::Pcmu);
        let speech = speech(160 * 300);
        send_all(&mut world, &mut Phone::new(1, Codec::Pcmu), &speech, samples, |_| 0);
        assert_eq!(world.out.audio(), speech, "packets of {samples} samples");
        assert_eq!(counters(&world).lost, 0);
    }
}

#[test]
fn an_agent_hears_either_law_whichever_was_agreed_on() {
    for (agreed, comes) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
        let mut world = World::tapped(agreed);
        let speech = speech(160 * 10);
        send_all(&mut world, &mut Phone::new(1, comes), &speech, 160, |_| 0);
        let heard: Vec<u8> = match transcoder(comes, Codec::Pcmu) {
            Some(table) => speech.iter().map(|sample| table[usize::from(*sample)]).collect(),
            None => speech,
        };
        assert_eq!(world.out.audio(), heard);
    }
}

#[test]
fn every_sample_comes_once_and_in_order_when_the_sender_is_late_and_bursts() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 500);
    let late = |index: usize| match index % 50 {
        10..20 => 250,
        30 => 39,
        other => u64::try_from(other * 7 % 19).unwrap(),
    };
    send_all(&mut world, &mut Phone::new(1, Codec::Pcmu), &speech, 160, late);
    assert_eq!(world.out.audio(), speech);
}

#[test]
fn every_sample_comes_when_the_senders_clock_is_fast_or_slow() {
    for drift in [-1_i64, 1] {
        let mut world = World::tapped(Codec::Pcmu);
        let speech = speech(160 * 1000);
        let mut phone = Phone::new(1, Codec::Pcmu);
        for (index, chunk) in speech.chunks(160).enumerate() {
            // One millisecond in 200: 25 times worse than real clocks.
            let due = i64::try_from(index).unwrap() * 20 + drift * i64::try_from(index / 10).unwrap();
            world.run_to(Duration::from_millis(u64::try_from(due).unwrap()));
            let packet = phone.audio(chunk);
            world.receive(0, phone.address, &packet);
        }
        world.run(200);
        assert_eq!(world.out.audio(), speech);
    }
}

#[test]
fn frames_come_every_20_ms_with_a_timestamp_that_counts_them() {
    let mut world = World::tapped(Codec::Pcmu);
    world.run(500);
    send_all(&mut world, &mut Phone::new(1, Codec::Pcmu), &speech(160 * 50), 160, |_| 0);
    let stamps: Vec<u32> = world
        .out
        .taps
        .iter()
        .filter_map(|(_, event)| match event {
            TapEvent::Audio(frame) => Some(frame.timestamp_ms),
            TapEvent::Digit(_) | TapEvent::Mark(_) => None,
        })
        .collect();
    let expected: Vec<u32> = (0..50).map(|index| 520 + index * 20).collect();
    assert_eq!(stamps, expected);
    let gaps: Vec<_> = world.out.tap_times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    assert!(gaps.iter().all(|gap| *gap == Duration::from_millis(20)), "{gaps:?}");
}

#[test]
fn alaw_is_heard_as_ulaw() {
    let mut world = World::tapped(Codec::Pcma);
    let speech = speech(1600);
    send_all(&mut world, &mut Phone::new(1, Codec::Pcma), &speech, 160, |_| 0);
    let table = transcoder(Codec::Pcma, Codec::Pcmu).unwrap();
    let expected: Vec<u8> = speech.iter().map(|sample| table[usize::from(*sample)]).collect();
    assert_eq!(world.out.audio(), expected);
}

#[test]
fn packets_that_overtook_each_other_are_put_in_order() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 12);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packets: Vec<_> = speech.chunks(160).map(|chunk| phone.audio(chunk)).collect();
    for index in [0, 2, 1, 3, 5, 6, 4, 7, 8, 9, 11, 10] {
        world.receive(0, phone.address, &packets[index]);
        world.run(15);
    }
    world.run(100);
    assert_eq!(world.out.audio(), speech);
    assert_eq!(counters(&world).unusable, 0);
}

#[test]
fn a_lost_packet_is_replaced_by_the_audio_before_it_and_a_late_one_is_dropped() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 20);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packets: Vec<_> = speech.chunks(160).map(|chunk| phone.audio(chunk)).collect();
    for (index, packet) in packets.iter().enumerate() {
        if index != 7 {
            world.receive(0, phone.address, packet);
        }
        world.run(20);
    }
    let mut expected = speech.clone();
    expected.copy_within(6 * 160..7 * 160, 7 * 160);
    world.receive(0, phone.address, &packets[7]);
    world.run(100);
    assert_eq!(world.out.audio(), expected);
    assert_eq!((counters(&world).lost, counters(&world).unusable), (0, 1), "it came after all, too late");
}

#[test]
fn a_duplicate_is_heard_once() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 10);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for chunk in speech.chunks(160) {
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    world.run(100);
    assert_eq!(world.out.audio(), speech);
    assert_eq!(counters(&world).unusable, 10);
}

#[test]
fn another_ssrc_of_the_same_source_goes_on_where_the_first_ended() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 20);
    let mut phone = Phone::new(1, Codec::Pcmu);
    send_all(&mut world, &mut phone, &speech[..1600], 160, |_| 0);
    (phone.ssrc, phone.sequence, phone.timestamp) = (77, 9, 123_456);
    send_all(&mut world, &mut phone, &speech[1600..], 160, |_| 0);
    assert_eq!(world.out.audio(), speech);
}

#[test]
fn a_single_stray_packet_does_not_disturb_the_stream() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 20);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for (index, chunk) in speech.chunks(160).enumerate() {
        if index == 10 {
            world.receive(0, phone.address, &rtp(0, false, 4711, 99, 0xdead, &[1; 160]));
        }
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
        world.run(20);
    }
    world.run(100);
    assert_eq!(world.out.audio(), speech);
    assert_eq!(counters(&world).unusable, 1);
}

#[test]
fn a_pause_that_the_sender_announces_is_heard_as_silence_in_real_time() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(320);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packet = phone.audio(&speech[..160]);
    world.receive(0, phone.address, &packet);
    let noise = rtp(13, false, phone.sequence, phone.timestamp, phone.ssrc, &[40]);
    phone.sequence = phone.sequence.wrapping_add(1);
    world.run(20);
    world.receive(0, phone.address, &noise);
    world.run(1000);
    phone.timestamp = phone.timestamp.wrapping_add(1000 * 8);
    let packet = phone.audio(&speech[160..]);
    world.receive(0, phone.address, &packet);
    world.run(40);
    let heard = world.out.audio();
    assert_eq!(heard[..160], speech[..160]);
    assert!(heard[160..heard.len() - 320].iter().all(|sample| *sample == 0xff));
    let at = heard.windows(160).position(|window| window == &speech[160..]).unwrap();
    assert!((51 * 160..=53 * 160).contains(&at), "{at}");
}

#[test]
fn a_sender_that_goes_quiet_without_a_word_is_heard_as_silence_after_a_second() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(240);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let packet = phone.audio(&speech);
    world.receive(0, phone.address, &packet);
    world.run(1020);
    assert_eq!(world.out.audio(), speech[..160]);
    world.run(1000);
    let heard = world.out.audio();
    assert_eq!(heard[..240], speech);
    assert_eq!(heard.len(), 51 * 160);
    assert!(heard[240..].iter().all(|sample| *sample == 0xff));
}

#[test]
fn an_unknown_payload_type_is_counted_and_never_heard() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(1600);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for chunk in speech.chunks(160) {
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
        let other = rtp(97, false, phone.sequence, phone.timestamp, phone.ssrc, &[9; 40]);
        phone.sequence = phone.sequence.wrapping_add(1);
        world.receive(0, phone.address, &other);
        world.run(20);
    }
    world.run(100);
    assert_eq!(world.out.audio(), speech);
    assert_eq!((counters(&world).received, counters(&world).unusable), (10, 10));
}

#[test]
fn what_the_agents_full_ring_does_not_take_is_counted() {
    let mut world = World::tapped(Codec::Pcmu);
    world.out.full = true;
    send_all(&mut world, &mut Phone::new(1, Codec::Pcmu), &speech(1600), 160, |_| 0);
    assert_eq!(world.out.taps.len(), 0);
    assert_eq!(counters(&world).overrun, 10);
}

#[test]
fn a_digit_is_told_once_and_is_no_audio() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 10);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let mut expected = speech.clone();
    for (index, chunk) in speech.chunks(160).enumerate() {
        let packet = phone.audio(chunk);
        world.receive(0, phone.address, &packet);
        world.run(20);
        if index == 4 {
            for (end, duration) in
                [(false, 160), (false, 320), (false, 480), (true, 640), (true, 640), (true, 640)]
            {
                let packet = phone.event(11, end, duration);
                world.receive(0, phone.address, &packet);
                world.run(20);
            }
            phone.timestamp = phone.timestamp.wrapping_add(960);
            let behind = (5 + 6) * 160 - world.out.audio().len();
            assert!(behind <= 320, "the agent hears the silence while it lasts: {behind} samples behind");
            expected.splice(5 * 160..5 * 160, [0xff; 960]);
        }
    }
    world.run(200);
    assert_eq!(world.out.digits(), "#");
    assert_eq!(world.out.audio(), expected, "the time of the event is silence");
}

#[test]
fn while_a_key_is_held_a_frame_comes_every_20_ms_and_no_burst_after_it() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 20);
    let mut phone = Phone::new(1, Codec::Pcmu);
    let (before, after) = speech.split_at(160 * 10);
    let mut say = |packet: Vec<u8>| {
        world.receive(0, address(1), &packet);
        world.run(20);
    };
    before.chunks(160).for_each(|chunk| say(phone.audio(chunk)));
    (1..=15_u16).for_each(|packet| say(phone.event(4, packet == 15, packet * 160)));
    phone.timestamp = phone.timestamp.wrapping_add(15 * 160);
    after.chunks(160).for_each(|chunk| say(phone.audio(chunk)));
    world.run(20);

    let frames = world.out.taps.iter().zip(&world.out.tap_times);
    let times: Vec<_> =
        frames.filter(|((_, event), _)| matches!(event, TapEvent::Audio(_))).map(|(_, at)| *at).collect();
    assert_eq!(times.len(), 35);
    for pair in times.windows(2) {
        assert_eq!(pair[1], pair[0] + Duration::from_millis(20), "{times:?}");
    }
    let mut expected = before.to_vec();
    expected.extend([0xff; 15 * 160]);
    expected.extend(after);
    assert_eq!(world.out.audio(), expected);
    assert_eq!(world.out.digits(), "4");
}

#[test]
fn a_digit_is_told_though_most_of_its_packets_are_lost_and_the_same_digit_again_is_another() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    // Only the last packet of the first, the first packet of the second, both ends of the third.
    for packets in [&[(true, 800)][..], &[(false, 160)], &[(false, 160), (true, 800), (true, 800)]] {
        for (end, duration) in packets {
            let packet = phone.event(5, *end, *duration);
            world.receive(0, phone.address, &packet);
            world.run(20);
        }
        phone.timestamp = phone.timestamp.wrapping_add(1600);
        world.run(200);
    }
    assert_eq!(world.out.digits(), "555");
}

#[test]
fn a_key_held_for_longer_than_an_event_can_say_is_one_digit() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for segment in 0..3 {
        for duration in [160, 30_000, 0xffff] {
            let packet = phone.event(8, segment == 2 && duration == 0xffff, duration);
            world.receive(0, phone.address, &packet);
            world.run(20);
        }
        phone.timestamp = phone.timestamp.wrapping_add(0xffff);
    }
    world.run(500);
    assert_eq!(world.out.digits(), "8");
}

#[test]
fn an_event_that_is_no_key_is_no_digit() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut phone = Phone::new(1, Codec::Pcmu);
    for event in [16, 36, 255] {
        let packet = phone.event(event, true, 800);
        world.receive(0, phone.address, &packet);
        phone.timestamp = phone.timestamp.wrapping_add(1600);
        world.run(200);
    }
    assert_eq!(world.out.digits(), "");
}

#[test]
fn a_digit_that_signalling_told_of_reaches_the_agent_once_and_in_order() {
    let mut world = World::tapped(Codec::Pcmu);
    for key in "4#4".chars() {
        let digit = Digit::from_key(key).unwrap();
        world.apply(&Command::Hear { media: A, digit });
        world.run(1);
    }
    assert_eq!(world.out.digits(), "4#4");
    assert_eq!(world.out.audio(), []);
}

#[test]
fn a_digit_that_signalling_told_of_goes_nowhere_without_an_agent() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    let digit = Digit::from_key('4').unwrap();
    world.apply(&Command::Hear { media: A, digit });
    world.apply(&Command::Hear { media: B, digit });
    world.run(500);
    assert_eq!((world.out.taps.len(), world.out.sent.len()), (0, 0));
}
