//! What the far side hears of the agent.

use std::time::Duration;

use bytes::Bytes;
use media::agent::{MarkId, TapInput};
use media::command::{Codec, Command, Digit};
use media::g711::transcoder;

use crate::world::{A, EVENT, Sent, World, remote, speech};

fn say(world: &mut World, audio: &[u8]) {
    world.input(TapInput::Audio(Bytes::copy_from_slice(audio)));
}

fn heard(sent: &[Sent]) -> Vec<u8> {
    sent.iter().flat_map(|packet| packet.payload.clone()).collect()
}

#[test]
fn a_burst_is_paced_on_absolute_deadlines_without_drift() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 1000);
    say(&mut world, &speech);
    // The worker is never on time.
    for ms in (0..21_000).step_by(7) {
        world.run_to(Duration::from_millis(ms));
    }
    let sent = world.said_by(0);
    assert_eq!(heard(&sent), speech);
    for (index, packet) in sent.iter().enumerate() {
        let nth = u32::try_from(index).unwrap();
        assert_eq!(packet.at, Duration::from_millis(20) * nth);
        assert_eq!(packet.timestamp, sent[0].timestamp.wrapping_add(160 * nth));
        assert_eq!(packet.sequence, sent[0].sequence.wrapping_add(u16::try_from(index).unwrap()));
        assert_eq!((packet.marker, packet.payload_type, packet.ssrc), (index == 0, 0, sent[0].ssrc));
    }
}

#[test]
fn chunks_of_any_length_are_joined_without_a_gap() {
    for length in [1, 100, 159, 160, 161, 333, 1000] {
        let mut world = World::tapped(Codec::Pcmu);
        let speech = speech(8000);
        for chunk in speech.chunks(length) {
            say(&mut world, chunk);
        }
        world.run(1500);
        assert_eq!(heard(&world.said_by(0)), speech, "chunks of {length}");
    }
}

#[test]
fn an_agent_in_real_time_with_jitter_does_not_stutter() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 200);
    for (index, chunk) in speech.chunks(160).enumerate() {
        let jitter = [0, 18, 3, 12, 25, 1][index % 6];
        world.run_to(Duration::from_millis(u64::try_from(index).unwrap() * 20 + jitter));
        say(&mut world, chunk);
    }
    world.run(500);
    let sent = world.said_by(0);
    assert_eq!(heard(&sent), speech);
    assert!(sent.windows(2).all(|pair| pair[1].at.abs_diff(pair[0].at) == Duration::from_millis(20)));
    assert!(sent.iter().all(|packet| !packet.marker), "silence came before it");
}

#[test]
fn the_last_frame_is_padded_only_when_the_queue_has_run_dry() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(600);
    say(&mut world, &speech[..500]);
    world.run(70);
    // 20 samples are left; the rest comes just in time.
    say(&mut world, &speech[500..]);
    world.run(500);
    let mut expected = speech.clone();
    expected.resize(640, 0xff);
    assert_eq!(heard(&world.said_by(0)), expected);
}

#[test]
fn the_far_side_gets_a_stream_from_the_tap_on_whether_the_agent_speaks_or_not() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let mut world = World::tapped(codec);
        world.run(3010);
        say(&mut world, &speech(480));
        world.run(2000);
        let sent = world.sent_by(0);
        let silent: Vec<_> = sent.iter().map(Sent::is_silence).collect();
        let begin = 3020 / 20;
        // The end waits for more, so that no silence breaks into what is late.
        let expected =
            [vec![true; begin], vec![false; 3], vec![true; 5000 / 20 - begin - 3 - 2 + 1]].concat();
        assert_eq!(silent, expected);
        for (index, pair) in sent.windows(2).enumerate() {
            let passed = if index == begin + 2 { 60 } else { 20 };
            assert_eq!(pair[1].at.abs_diff(pair[0].at), Duration::from_millis(passed));
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), 8 * u32::try_from(passed).unwrap());
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
            assert_eq!(pair[1].marker, passed > 20, "the marker tells of a break");
        }
        assert_eq!((sent[0].at, sent[0].marker), (Duration::ZERO, true));
    }
}

#[test]
fn late_audio_within_60_ms_is_not_broken_into_by_silence() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 8);
    say(&mut world, &speech[..160 * 4 + 50]);
    // The fourth packet leaves at 60 ms, so half a one is wanted at 80 ms.
    world.run(119);
    say(&mut world, &speech[160 * 4 + 50..]);
    world.run(500);
    let sent = world.sent_by(0);
    assert_eq!(heard(&sent[..8]), speech);
    assert!(sent[8..].iter().all(Sent::is_silence));
}

#[test]
fn a_clear_is_followed_by_silence_without_a_break() {
    let mut world = World::tapped(Codec::Pcmu);
    say(&mut world, &speech(8000));
    world.run(110);
    world.input(TapInput::Clear);
    world.run(200);
    let sent = world.sent_by(0);
    assert_eq!(sent.iter().position(Sent::is_silence), Some(6));
    assert!(sent.windows(2).all(|pair| pair[1].at.abs_diff(pair[0].at) == Duration::from_millis(20)));
}

#[test]
fn the_far_side_gets_its_own_law() {
    let mut world = World::tapped(Codec::Pcma);
    let speech = speech(480);
    say(&mut world, &speech);
    world.run(200);
    let table = transcoder(Codec::Pcmu, Codec::Pcma).unwrap();
    let expected: Vec<u8> = speech.iter().map(|sample| table[usize::from(*sample)]).collect();
    assert_eq!(heard(&world.said_by(0)), expected);
    assert!(world.said_by(0).iter().all(|packet| packet.payload_type == 8));
}

#[test]
fn a_mark_is_told_when_all_before_it_has_been_heard() {
    let mut world = World::tapped(Codec::Pcmu);
    world.input(TapInput::Mark(MarkId(0)));
    say(&mut world, &speech(800));
    world.input(TapInput::Mark(MarkId(1)));
    say(&mut world, &speech(720));
    world.input(TapInput::Mark(MarkId(2)));
    world.run(1000);
    world.input(TapInput::Mark(MarkId(3)));
    let ms = Duration::from_millis;
    // 5 packets from the next tick on; then 4.5 more, the half one after the patience of two ticks for a longer one.
    assert_eq!(world.out.marks(), [(ms(0), 0), (ms(120), 1), (ms(280), 2), (ms(1000), 3)]);
}

#[test]
fn clear_empties_the_queue_and_tells_all_marks_at_once() {
    let mut world = World::tapped(Codec::Pcmu);
    say(&mut world, &speech(8000));
    world.input(TapInput::Mark(MarkId(1)));
    world.input(TapInput::Mark(MarkId(2)));
    world.run(100);
    world.input(TapInput::Clear);
    assert_eq!(world.out.marks(), [(Duration::from_millis(100), 1), (Duration::from_millis(100), 2)]);
    let before = world.said_by(0).len();
    world.run(500);
    assert_eq!(world.said_by(0).len(), before);
    say(&mut world, &speech(160));
    world.input(TapInput::Mark(MarkId(3)));
    world.run(500);
    assert_eq!(world.said_by(0).len(), before + 1);
    assert_eq!(world.out.marks().len(), 3);
}

#[test]
fn a_mark_waits_while_the_agents_ring_is_full() {
    let mut world = World::tapped(Codec::Pcmu);
    world.out.full = true;
    world.input(TapInput::Mark(MarkId(1)));
    world.run(100);
    assert_eq!(world.out.marks(), []);
    world.out.full = false;
    world.run(20);
    assert_eq!(world.out.marks().len(), 1);
}

#[test]
fn five_minutes_are_held_and_what_is_beyond_is_counted() {
    let mut world = World::tapped(Codec::Pcmu);
    let minute = speech(480_000);
    for _ in 0..5 {
        say(&mut world, &minute);
    }
    assert_eq!(world.table.counters(A).unwrap().overrun, 0);
    // One packet has left.
    say(&mut world, &minute[..200]);
    assert_eq!(world.table.counters(A).unwrap().overrun, 1);
    for mark in 0..5000 {
        world.input(TapInput::Mark(MarkId(mark)));
    }
    assert_eq!(world.table.counters(A).unwrap().overrun, 1 + 5000 - 4096);
    world.run(5 * 60_000);
    assert_eq!(world.said_by(0).len(), 15_001);
}

#[test]
fn a_greeting_before_the_tap_is_not_lost() {
    let mut world = World::new();
    world.table.open(world.now, A);
    let speech = speech(800);
    say(&mut world, &speech);
    world.run(300);
    world.describe(A, remote(1, Codec::Pcmu));
    world.run(100);
    assert_eq!(world.sent_by(0), []);
    world.apply(&Command::Tap { media: A });
    world.run(200);
    assert_eq!(heard(&world.said_by(0)), speech);
}

#[test]
fn a_worker_that_was_held_up_makes_up_for_100_ms_at_the_most() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 100);
    say(&mut world, &speech);
    world.run(100);
    world.now += Duration::from_secs(1);
    let now = world.now;
    world.table.expire(now, &mut world.out);
    let burst = world.said_by(0).len() - 6;
    assert!(burst <= 5, "{burst}");
    world.run(3000);
    assert_eq!(heard(&world.said_by(0)), speech);
}

#[test]
fn nothing_is_sent_on_hold_and_the_queue_does_not_wait() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut held = remote(1, Codec::Pcmu);
    held.direction.send = false;
    world.describe(A, held);
    say(&mut world, &speech(1600));
    world.input(TapInput::Mark(MarkId(1)));
    world.run(300);
    assert_eq!(world.sent_by(0), []);
    assert_eq!(world.out.marks().len(), 1);
}

#[test]
fn a_dialled_digit_interrupts_the_agents_audio_and_loses_none_of_it() {
    let mut world = World::tapped(Codec::Pcmu);
    let speech = speech(160 * 30);
    say(&mut world, &speech);
    world.run(100);
    world.apply(&Command::Dial {
        media: A,
        digit: Digit::from_key('5').unwrap(),
        duration: Duration::from_millis(100),
    });
    world.run(1500);
    let sent = world.said_by(0);
    let (events, audio): (Vec<_>, Vec<_>) =
        sent.iter().cloned().partition(|packet| packet.payload_type == EVENT);
    assert_eq!(heard(&audio), speech);
    assert_eq!(events.len(), 7);
    let numbers: Vec<u16> =
        sent.iter().map(|packet| packet.sequence.wrapping_sub(sent[0].sequence)).collect();
    assert_eq!(numbers, (0..37).collect::<Vec<u16>>());
    let resumed = sent.iter().rposition(|packet| packet.payload_type == EVENT).unwrap() + 1;
    assert!(sent[resumed].marker);
    assert!(sent[resumed].timestamp.wrapping_sub(events[0].timestamp) >= 800);
}
