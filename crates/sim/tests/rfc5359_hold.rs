//! Call hold, as RFC 5359 s.2.1 and s.2.2 draw it, with us between the two: what the holder says goes to the other side before the holder
//! hears that it is held. With a stream or the echo behind us, there is nobody to ask.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use phone::{Phone, Reaction, Step, sdp};
use sim::cast::{AT_DESK, BOT, BOT_URL, CALLER, DESK, ECHO, caller, desk, invite, phone, pick_up, talk};
use sim::stage::{assert_ladder, assert_rungs, empty};
use sim::{Bot, World};

const SECOND: Duration = Duration::from_secs(1);

/// A phone's description in that direction, the `version`-th of it.
fn directed(of: SocketAddr, direction: &str, version: u64) -> String {
    let rtp = SocketAddr::new(of.ip(), 4000);
    sdp::audio(rtp, &["0 PCMU/8000", "101 telephone-event/8000"], direction, version)
}

/// A change of the session that is accepted, and a second after it.
fn change(sdp: String) -> Vec<Step> {
    vec![Step::Reinvite { sdp: Some(sdp) }, Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND)]
}

/// A call of `number` in which the caller does that after a second.
fn calling(number: &str, then: Vec<Vec<Step>>) -> Vec<Step> {
    let mut script =
        vec![invite(number, CALLER), Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND)];
    script.extend(then.into_iter().flatten());
    script.push(Step::Bye);
    script
}

fn played(world: &mut World, number: &str, then: Vec<Vec<Step>>) {
    world.phone(Duration::ZERO, caller(calling(number, then)));
    world.run().expect("every invariant holds");
}

/// What our descriptions said in the requests or responses to INVITE that begin so: the version of `o=`, and the direction.
fn said(world: &World, beginning: &str) -> Vec<(u64, &'static str)> {
    let ours = world.said(beginning).into_iter();
    let ours = ours.filter(|text| text.contains(" INVITE\r\n") && text.contains("m=audio"));
    let said = ours.map(|text| {
        let origin = text.lines().find_map(|line| line.strip_prefix("o=- ")).unwrap_or_default();
        let version = origin.split(' ').nth(1).and_then(|version| version.parse().ok()).unwrap_or(0);
        let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
        let of = |name: &&str| text.lines().any(|line| line == format!("a={name}"));
        (version, directions.into_iter().find(of).unwrap_or_default())
    });
    said.collect()
}

/// Which ways the media of each leg goes at last: may we send to it, may it send to us; the caller's leg first.
fn last_ways(world: &World) -> Vec<(bool, bool)> {
    let mut ways = BTreeMap::new();
    for command in world.media() {
        if let media::Command::Describe { media, remote } = command {
            ways.insert(media.0, (remote.direction.send, remote.direction.receive));
        }
    }
    ways.into_values().collect()
}

/// The hold of RFC 2543.
fn old_hold(of: SocketAddr) -> String {
    directed(of, "sendrecv", 2).replace(&format!("c=IN IP4 {}", of.ip()), "c=IN IP4 0.0.0.0")
}

#[test]
fn the_caller_holds_the_agent_and_resumes() {
    let mut world = empty();
    world.phone(Duration::ZERO, desk(pick_up(SECOND)));
    let hold = directed(CALLER, "sendonly", 2);
    let resume = directed(CALLER, "sendrecv", 3);
    played(&mut world, AT_DESK, vec![change(hold), change(resume)]);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  INVITE sdp
        2100  us -> caller  100
        2100  us -> desk    INVITE sdp
        2120  desk -> us    200 sdp
        2140  us -> desk    ACK
        2140  us -> caller  200 sdp
        2160  caller -> us  ACK
        3160  caller -> us  INVITE sdp
        3180  us -> caller  100
        3180  us -> desk    INVITE sdp
        3200  desk -> us    200 sdp
        3220  us -> desk    ACK
        3220  us -> caller  200 sdp
        3240  caller -> us  ACK
        4240  caller -> us  BYE
        4260  us -> caller  200 BYE
        4260  us -> desk    BYE
        4260  us            record completed normal
        4280  desk -> us    200 BYE
        ",
    );
    assert_eq!(said(&world, "INVITE"), [(1, "sendrecv"), (2, "sendonly"), (3, "sendrecv")]);
    assert_eq!(said(&world, "SIP/2.0 200"), [(1, "sendrecv"), (2, "recvonly"), (3, "sendrecv")]);
    assert_eq!(last_ways(&world), [(true, true), (true, true)]);
}

#[test]
fn the_agent_holds_the_caller_and_resumes() {
    let mut world = empty();
    let mut script = pick_up(SECOND);
    script.extend([Step::ExpectAck, Step::Wait(SECOND)]);
    script.extend(change(directed(DESK, "sendonly", 2)));
    script.extend(change(directed(DESK, "sendrecv", 3)));
    world.phone(Duration::ZERO, desk(script));
    played(&mut world, AT_DESK, vec![vec![Step::Wait(Duration::from_secs(4))]]);
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  180
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2100  us -> caller  INVITE sdp
        2120  caller -> us  200 sdp
        2140  us -> caller  ACK
        3180  us -> caller  INVITE sdp
        3200  caller -> us  200 sdp
        3220  us -> caller  ACK
        6080  caller -> us  BYE
        6100  us -> caller  200 BYE
        ",
    );
    assert_rungs(
        &world,
        "desk",
        "
          20  us -> desk    INVITE sdp
          40  desk -> us    180
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        2080  desk -> us    INVITE sdp
        2100  us -> desk    100
        2140  us -> desk    200 sdp
        2160  desk -> us    ACK
        3160  desk -> us    INVITE sdp
        3180  us -> desk    100
        3220  us -> desk    200 sdp
        3240  desk -> us    ACK
        6100  us -> desk    BYE
        6120  desk -> us    200 BYE
        ",
    );
    let caller = world.find("caller").and_then(Phone::remote_sdp).unwrap_or_default();
    assert!(caller.contains("a=sendrecv"), "{caller}");
}

#[test]
fn while_the_caller_holds_nothing_is_sent_to_it() {
    for (hold, to_desk, caller_way, desk_way) in [
        (directed(CALLER, "sendonly", 2), "sendonly", (false, true), (true, false)),
        (directed(CALLER, "inactive", 2), "inactive", (false, false), (false, false)),
        (old_hold(CALLER), "sendonly", (false, true), (true, false)),
    ] {
        let mut world = empty();
        world.phone(Duration::ZERO, desk(pick_up(SECOND)));
        // Longer than the silence that would end a call in which everybody may speak.
        let held = vec![Step::Wait(Duration::from_mins(3))];
        played(&mut world, AT_DESK, vec![change(hold), held]);
        assert_eq!(said(&world, "INVITE"), [(1, "sendrecv"), (2, to_desk)], "{}", world.ladder());
        assert_eq!(last_ways(&world), [caller_way, desk_way], "{}", world.ladder());
        assert_eq!(world.records()[0].reason.as_deref(), Some("normal"));
        let asked = world.said("OPTIONS").len();
        assert_eq!(asked, 2 * 3, "each minute both are asked whether they are there: {}", world.ladder());
    }
}

#[test]
fn a_stream_is_not_told_that_its_caller_holds() {
    let mut world = empty();
    world.bot(Bot::new("bot", BOT_URL));
    let (hold, resume) = (directed(CALLER, "sendonly", 2), directed(CALLER, "sendrecv", 3));
    played(&mut world, BOT, vec![change(hold), change(resume)]);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> bot     open
          20  us -> caller  180
         120  bot -> us     opened
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1140  caller -> us  INVITE sdp
        1160  us -> caller  200 sdp
        1180  caller -> us  ACK
        2180  caller -> us  INVITE sdp
        2200  us -> caller  200 sdp
        2220  caller -> us  ACK
        3220  caller -> us  BYE
        3240  us -> caller  200 BYE
        3240  us -> bot     close
        3240  us            record completed normal
        ",
    );
    assert_eq!(said(&world, "SIP/2.0 200"), [(1, "sendrecv"), (2, "recvonly"), (3, "sendrecv")]);
}

#[test]
fn the_echo_falls_silent_for_a_caller_that_holds() {
    let mut world = empty();
    played(&mut world, ECHO, vec![change(directed(CALLER, "inactive", 2))]);
    assert_eq!(said(&world, "SIP/2.0 200"), [(1, "sendrecv"), (2, "inactive")]);
    assert_eq!(last_ways(&world), [(false, false)]);
}

/// RFC 5359 s.2.2: the caller holds one agent, consults another, and comes back.
#[test]
fn a_caller_consults_another_while_it_holds_the_first() {
    let mut world = empty();
    world.bot(Bot::new("bot", BOT_URL));
    world.phone(Duration::ZERO, desk(pick_up(SECOND)));
    let (hold, resume) = (directed(CALLER, "sendonly", 2), directed(CALLER, "sendrecv", 3));
    let away = vec![Step::Wait(Duration::from_secs(5))];
    let consults = talk(BOT, Duration::from_secs(2));
    let second = SocketAddr::from(([198, 51, 100, 11], 5060));
    world.phone(Duration::from_secs(3), phone("caller-2", "+12125550199", second, consults));
    played(&mut world, AT_DESK, vec![change(hold), away, change(resume)]);
    let fates: Vec<_> = world.records().iter().map(|record| record.reason.clone()).collect();
    assert_eq!(fates, [Some("normal".to_owned()), Some("normal".to_owned())]);
    assert_eq!(said(&world, "INVITE"), [(1, "sendrecv"), (2, "sendonly"), (3, "sendrecv")]);
}

#[test]
fn both_sides_hold_and_each_resumes_for_itself() {
    let mut world = empty();
    let mut script = pick_up(SECOND);
    script.extend([Step::ExpectAck, Step::ExpectReinvite, Step::ExpectAck, Step::Wait(SECOND)]);
    // Held itself, it holds by `inactive` (RFC 3264 s.8.4).
    script.extend(change(directed(DESK, "inactive", 2)));
    script.extend([Step::ExpectReinvite, Step::ExpectAck, Step::Wait(SECOND)]);
    script.extend(change(directed(DESK, "sendrecv", 3)));
    let stays = Phone::reacting(
        desk(script),
        vec![Reaction::Agrees, Reaction::Answers(directed(DESK, "sendonly", 2)), Reaction::Agrees],
    );
    world.phone(Duration::ZERO, stays);
    let away = vec![Step::Wait(Duration::from_secs(3))];
    let (hold, resume) = (directed(CALLER, "sendonly", 2), directed(CALLER, "sendrecv", 3));
    played(&mut world, AT_DESK, vec![change(hold), away.clone(), change(resume), away]);
    assert_eq!(
        said(&world, "SIP/2.0 200"),
        [
            (1, "sendrecv"),
            (2, "recvonly"),
            // The agent's hold; then the caller's resumption, which leaves the agent's hold as it is.
            (3, "inactive"),
            (4, "sendonly"),
            (5, "sendrecv"),
        ],
        "{}",
        world.ladder()
    );
    assert_eq!(last_ways(&world), [(true, true), (true, true)], "{}", world.ladder());
}
