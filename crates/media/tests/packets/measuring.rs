//! What a leg knows of its quality: from what it received, and from what the far side tells of what it was sent.

use std::time::Duration;

use media::command::{Codec, Counters};
use media::quality::{Told, mos};

use crate::world::{A, B, Phone, World, address};

/// Of the far side, on our RTCP port.
fn rtcp() -> std::net::SocketAddr {
    std::net::SocketAddr::new(address(1).ip(), 4001)
}

/// A receiver report of one block.
fn receiver_report(about: u32, lost: i32, jitter: u32, last_report: u32, delay: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7, 0xaa, 0xaa, 0, 1];
    packet.extend(about.to_be_bytes());
    packet.push(0);
    packet.extend(&lost.to_be_bytes()[1..]);
    for word in [0, jitter, last_report, delay] {
        packet.extend(word.to_be_bytes());
    }
    packet
}

/// A tapped leg that has sent two seconds or more, up to its first sender report, whose SSRC and middle NTP time follow.
fn speaking() -> (World, u32, u32) {
    let mut world = World::tapped(Codec::Pcmu);
    world.run(2_000);
    while world.out.reports.is_empty() {
        world.run(20);
    }
    let report = &world.out.reports[0].bytes;
    assert_eq!(report[1], 200, "a sender report");
    let number = |at: usize| u32::from_be_bytes(report[at..at + 4].try_into().expect("four bytes"));
    let (ssrc, middle) = (number(4), number(10));
    let told = world.out.reports[0].at;
    // The report is a multiple of nothing: time goes on from it.
    world.run_to(told.max(world.elapsed()));
    (world, ssrc, middle)
}

fn counters(world: &World) -> Counters {
    world.table.counters(A).expect("the leg is open")
}

/// 1/65,536 s.
fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros() * 65_536 / 1_000_000).expect("less than 18 hours")
}

#[test]
fn the_far_sides_report_tells_the_round_trip_and_what_it_missed() {
    let (mut world, ssrc, middle) = speaking();
    let reported = world.out.reports[0].at;
    // It holds the report for two seconds; both ways together take 120 ms.
    world.run_to(reported + Duration::from_millis(2_120));
    let sent = u32::try_from(counters(&world).sent).unwrap();
    world.receive_report(0, rtcp(), &receiver_report(ssrc, 10, 80, middle, ticks(Duration::from_secs(2))));
    let leg = counters(&world);
    assert_eq!(leg.far, Some(Told { lost: 10, of: sent, jitter_us: 10_000 }));
    let round_trip = leg.round_trip_us.unwrap();
    assert!(round_trip.abs_diff(120_000) <= 50, "{round_trip} us");
    // 60 ms there, and a buffer of 20 ms and two deviations.
    let expected = mos(10.0 / f64::from(sent), Duration::from_millis(100));
    assert!((leg.far_mos().unwrap() - expected).abs() < 0.001);
    assert_eq!(leg.mos(), None, "nothing came");
}

#[test]
fn a_report_that_lies_or_is_about_others_changes_nothing() {
    let (mut world, ssrc, middle) = speaking();
    world.run(1_000);
    let second = ticks(Duration::from_secs(1));
    let whole = receiver_report(ssrc, 1, 1, middle, 0);
    for length in 0..whole.len() {
        world.receive_report(0, rtcp(), &whole[..length]);
    }
    world.receive_report(0, rtcp(), &receiver_report(ssrc ^ 1, 50, 8_000, middle, 0));
    let stranger = std::net::SocketAddr::from(([203, 0, 113, 66], 4001));
    world.receive_report(0, stranger, &whole);
    assert_eq!((counters(&world).far, counters(&world).round_trip_us), (None, None));
    for (last_report, delay) in [
        (middle, 10 * second),
        (middle, u32::MAX),
        (middle.wrapping_add(60 * second), 0),
        (middle.wrapping_sub(60 * second), 0),
        (0, 0),
    ] {
        world.receive_report(0, rtcp(), &receiver_report(ssrc, 0, 0, last_report, delay));
    }
    assert_eq!(counters(&world).round_trip_us, None);
    world.receive_report(0, rtcp(), &receiver_report(ssrc, 0x7f_ffff, u32::MAX, 0, 0));
    let leg = counters(&world);
    let told = leg.far.unwrap();
    assert_eq!(u64::from(told.lost), leg.sent, "all that was sent, and not more");
    assert!(leg.far_mos().unwrap() >= 1.0);
}

#[test]
fn a_report_about_a_stream_that_has_not_begun_is_no_news() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcmu);
    world.run(10_000);
    let report = world.out.reports.iter().find(|report| report.slot.0 == 0).expect("a report");
    let ssrc = u32::from_be_bytes(report.bytes[4..8].try_into().expect("four bytes"));
    world.receive_report(0, rtcp(), &receiver_report(ssrc, 5, 5, 0, 0));
    assert_eq!(counters(&world).far, None);
}

#[test]
fn a_leg_tells_how_it_does_when_it_reports_and_its_jitter_is_that_of_the_whole_call() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcma);
    let mut phone = Phone::new(1, Codec::Pcmu);
    // Ten seconds of packets each 4 ms late in turn, and ten in step.
    for index in 0..1_000_u64 {
        let late = if index < 500 && index % 2 == 1 { 4 } else { 0 };
        world.run_to(Duration::from_millis(index * 20 + late));
        let packet = phone.audio(&[3; 160]);
        if index % 20 != 7 {
            world.receive(0, phone.address, &packet);
        }
    }
    let leg = counters(&world);
    assert_eq!((leg.received, leg.lost), (950, 50));
    assert!((1_700..=2_100).contains(&leg.jitter_us), "half of 4 ms: {} us", leg.jitter_us);
    assert!((3_500..=4_200).contains(&leg.jitter_max_us), "{} us", leg.jitter_max_us);
    let buffer = Duration::from_micros(20_000 + 2 * u64::from(leg.jitter_us));
    assert!((leg.mos().unwrap() - mos(0.05, buffer)).abs() < 0.001);
    assert_eq!(world.table.counters(B).unwrap().mos(), None, "B said nothing");
    for (media, slot) in [(A, 0), (B, 1)] {
        let own = world.out.measured.iter().filter(|(_, of, _)| *of == media);
        let reports = world.out.reports.iter().filter(|report| report.slot.0 == slot);
        let (own, reports): (Vec<_>, Vec<_>) =
            (own.map(|told| told.0).collect(), reports.map(|r| r.at).collect());
        assert_eq!(own, reports, "once a report");
        assert!(own.len() >= 3);
    }
    let heard: Vec<_> =
        world.out.measured.iter().filter(|told| told.1 == A).map(|told| told.2.received).collect();
    assert!(heard.is_sorted() && heard.last() > heard.first(), "{heard:?}");
}
