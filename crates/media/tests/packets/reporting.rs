//! What a leg tells of what it sends and receives, and how it takes leave (RFC 3550 s.6).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use media::agent::TapInput;
use media::command::{Codec, Command, Direction};

use crate::world::{A, B, Phone, Report, World, address, remote, speech};

/// Its kind, count and body.
#[derive(Debug)]
struct Packet(u8, u8, Vec<u8>);

/// The report and the description of a compound packet that has no more.
fn pair(report: &Report) -> [Packet; 2] {
    packets(report).try_into().expect("two packets")
}

/// Reads a compound packet. Panics unless their lengths fill it exactly.
fn packets(report: &Report) -> Vec<Packet> {
    let mut rest = report.bytes.as_slice();
    let mut packets = Vec::new();
    while let [first, kind, high, low, body @ ..] = rest {
        assert_eq!(first >> 5, 4, "version 2, no padding");
        let (body, next) = body.split_at(4 * usize::from(u16::from_be_bytes([*high, *low])));
        packets.push(Packet(*kind, first & 31, body.to_vec()));
        rest = next;
    }
    assert_eq!(rest, []);
    packets
}

fn word(body: &[u8], index: usize) -> u32 {
    u32::from_be_bytes(body[4 * index..4 * index + 4].try_into().expect("four bytes"))
}

/// The kinds of packets in each report of a leg.
fn kinds(world: &World, slot: u32) -> Vec<Vec<u8>> {
    let own = world.out.reports.iter().filter(|report| report.slot.0 == slot);
    own.map(|report| packets(report).iter().map(|packet| packet.0).collect()).collect()
}

fn targets(world: &World) -> BTreeSet<SocketAddr> {
    world.out.reports.iter().map(|report| report.to).collect()
}

fn rtcp_address(last: u8) -> SocketAddr {
    SocketAddr::new(address(last).ip(), 4001)
}

/// A sender report of a phone, at an NTP time.
fn sender_report(ssrc: u32, ntp: u64) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(ntp.to_be_bytes());
    packet.extend([0; 12]);
    packet
}

fn talk(world: &mut World, slot: u32, phone: &mut Phone, packets: usize) {
    for _ in 0..packets {
        let packet = phone.audio(&[3; 160]);
        world.receive(slot, phone.address, &packet);
        world.run(20);
    }
}

#[test]
fn reports_come_every_two_to_six_seconds_and_never_in_step() {
    let mut world = World::tapped(Codec::Pcmu);
    world.run(600_000);
    let times: Vec<_> = world.out.reports.iter().map(|report| report.at).collect();
    assert!((Duration::from_secs(1)..Duration::from_secs(4)).contains(&times[0]), "{:?}", times[0]);
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).as_millis()).collect();
    assert!(gaps.iter().all(|gap| (2_050..=6_160).contains(gap)), "{gaps:?}");
    assert!((110..180).contains(&times.len()), "{}", times.len());
    assert!(gaps.iter().collect::<BTreeSet<_>>().len() > times.len() / 2);
    assert_eq!(targets(&world), BTreeSet::from([rtcp_address(1)]));
}

#[test]
fn a_sender_tells_what_it_sent_and_who_it_is() {
    let mut world = World::tapped(Codec::Pcmu);
    world.input(TapInput::Audio(speech(160 * 100).into()));
    world.run(10_000);
    let reports = world.out.reports.clone();
    let sent = world.sent_by(0);
    for report in &reports {
        let [Packet(200, 0, sender), Packet(202, 1, description)] = pair(report) else {
            panic!("SR and SDES")
        };
        assert_eq!((sender.len(), word(&sender, 0)), (24, sent[0].ssrc));
        let before: Vec<_> = sent.iter().filter(|packet| packet.at < report.at).collect();
        assert_eq!(word(&sender, 4), u32::try_from(before.len()).unwrap());
        assert_eq!(word(&sender, 5), 160 * word(&sender, 4));
        let ntp = Duration::from_secs(word(&sender, 1).into())
            + Duration::from_nanos((u64::from(word(&sender, 2)) * 1_000_000_000) >> 32);
        assert!((report.at + Duration::from_secs(1)).abs_diff(ntp) < Duration::from_micros(1));
        let samples = u32::try_from(report.at.as_nanos() * 8 / 1_000_000).unwrap();
        let off = word(&sender, 3).wrapping_sub(sent[0].timestamp.wrapping_add(samples)).cast_signed();
        assert!(off.abs() <= 1, "the timestamp is that of the time: {off}");
        assert_eq!(word(&description, 0), sent[0].ssrc);
        assert_eq!(description[4..6], [1, 16]);
        assert!(description[6..22].iter().all(u8::is_ascii_graphic));
        assert_eq!(description[22..], [0, 0]);
    }
    let names: BTreeSet<_> = reports.iter().map(|report| packets(report).last().unwrap().2.clone()).collect();
    assert_eq!(names.len(), 1, "one name for the whole call");
}

#[test]
fn a_receiver_tells_what_it_lost_and_when_it_heard_a_report() {
    let mut world = World::new();
    world.table.open(world.now, A);
    world.describe(A, remote(1, Codec::Pcmu));
    let mut phone = Phone::new(1, Codec::Pcmu);
    talk(&mut world, 0, &mut phone, 1);
    world.receive_report(0, rtcp_address(1), &sender_report(phone.ssrc, 0x1111_2222_3333_4444));
    let reported = world.elapsed();
    // One in four is lost.
    while world.out.reports.is_empty() {
        talk(&mut world, 0, &mut phone, 3);
        phone.audio(&[0; 160]);
        world.run(20);
    }
    let report = world.out.reports.remove(0);
    let [Packet(201, 1, body), Packet(202, 1, _)] = pair(&report) else { panic!("RR and SDES") };
    assert_eq!(word(&body, 1), phone.ssrc);
    let lost = word(&body, 2) & 0x00ff_ffff;
    let sent = u32::try_from(report.at.as_millis() / 20).unwrap();
    assert!((sent / 4 - 1..=sent / 4 + 1).contains(&lost), "{lost} of {sent}");
    assert!((60..=64).contains(&(word(&body, 2) >> 24)), "a quarter");
    // It began at 65,500, and has wrapped.
    assert_eq!(word(&body, 3) >> 16, 1);
    assert_eq!(word(&body, 4), 0, "a phone in step");
    assert_eq!(word(&body, 5), 0x2222_3333);
    let delay = Duration::from_secs(1) * word(&body, 6) / 65_536;
    assert!(report.at.abs_diff(reported + delay) < Duration::from_millis(1));
    // Nothing more comes.
    world.run(20_000);
    world.out.reports.remove(0);
    assert!(world.out.reports.iter().all(|report| packets(report)[0].1 == 0), "no news of a silent source");
}

#[test]
fn both_legs_of_a_bridge_and_an_echo_report_and_say_goodbye() {
    let mut world = World::bridged(Codec::Pcmu, Codec::Pcma);
    let mut phone = Phone::new(1, Codec::Pcmu);
    talk(&mut world, 0, &mut phone, 500);
    // A is sent nothing.
    assert!(kinds(&world, 0).iter().all(|kinds| *kinds == [201, 202]));
    assert!(kinds(&world, 1).iter().all(|kinds| *kinds == [200, 202]));
    assert!(kinds(&world, 0).len().min(kinds(&world, 1).len()) >= 2);
    world.apply(&Command::Echo { media: A });
    talk(&mut world, 0, &mut phone, 500);
    assert_eq!(kinds(&world, 0).last().unwrap(), &[200, 202]);
    for (slot, media) in [(0, A), (1, B)] {
        world.close(media);
        let last = kinds(&world, slot).last().unwrap().clone();
        assert_eq!(last[1..], [202, 203]);
    }
    let ssrc = world.sent_by(1)[0].ssrc;
    let goodbye = packets(world.out.reports.last().unwrap()).pop().unwrap();
    assert_eq!((goodbye.1, goodbye.2), (1, ssrc.to_be_bytes().to_vec()));
}

#[test]
fn a_leg_that_nobody_knows_of_leaves_without_a_word() {
    let mut world = World::new();
    world.table.open(world.now, A);
    world.close(A);
    world.table.open(world.now, A);
    world.describe(A, remote(1, Codec::Pcmu));
    world.close(A);
    assert_eq!(world.out.reports, []);
    assert_eq!(world.table.deadline(), None);
}

#[test]
fn a_held_leg_reports_still() {
    let mut world = World::tapped(Codec::Pcmu);
    let mut held = remote(1, Codec::Pcmu);
    held.direction = Direction { send: false, receive: false };
    world.describe(A, held);
    world.run(30_000);
    assert_eq!(world.sent_by(0), []);
    assert!(world.out.reports.len() >= 4);
}

#[test]
fn reports_go_to_where_the_far_sides_come_from() {
    let nat = |port| SocketAddr::from(([198, 51, 100, 1], port));
    let mut world = World::tapped(Codec::Pcmu);
    let mut inside = remote(1, Codec::Pcmu);
    inside.rtp = SocketAddr::from(([10, 0, 0, 7], 4000));
    inside.rtcp = SocketAddr::from(([10, 0, 0, 7], 4001));
    world.describe(A, inside);
    let mut phone = Phone::new(1, Codec::Pcmu);
    phone.address = nat(61_234);
    talk(&mut world, 0, &mut phone, 10);
    world.run(10_000);
    assert_eq!(targets(&world), BTreeSet::from([nat(61_235)]), "beside its RTP, for want of better");
    for source in [nat(7777), SocketAddr::from(([203, 0, 113, 66], 5))] {
        world.receive_report(0, source, &sender_report(phone.ssrc, 1));
    }
    world.out.reports.clear();
    world.run(10_000);
    assert_eq!(targets(&world), BTreeSet::from([nat(7777)]));
    world.describe(A, remote(2, Codec::Pcmu));
    talk(&mut world, 0, &mut Phone::new(2, Codec::Pcmu), 10);
    world.out.reports.clear();
    world.run(10_000);
    assert_eq!(targets(&world), BTreeSet::from([rtcp_address(2)]));
}
