//! Changes of a session that is up, across the bridge: UPDATE (RFC 3311), refusals that leave all as it was (RFC 6141), changes that cross
//! (RFC 3261 s.14, RFC 5407 s.3.2 and s.3.3), and an end in the middle of one.

use std::net::SocketAddr;
use std::time::Duration;

use phone::{Offer, Phone, Reaction, Step, sdp};
use sim::cast::{AT_DESK, CALLER, DESK, MOVED, caller, description, desk, invite, pick_up};
use sim::stage::{assert_ladder, assert_rungs, empty};
use sim::{Loss, World};

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

fn directed(of: SocketAddr, direction: &str, version: u64) -> String {
    let rtp = SocketAddr::new(of.ip(), 4000);
    sdp::audio(rtp, &["0 PCMU/8000", "101 telephone-event/8000"], direction, version)
}

/// A call to the SIP agent in which the caller does that after a second.
fn calling(then: Vec<Step>) -> Vec<Step> {
    let mut script =
        vec![invite(AT_DESK, CALLER), Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND)];
    script.extend(then);
    script
}

/// The SIP agent, which does that a second after its ACK.
fn picking_up(then: Vec<Step>) -> Vec<Step> {
    let mut script = pick_up(SECOND);
    script.extend([Step::ExpectAck, Step::Wait(SECOND)]);
    script.extend(then);
    script
}

fn played(desk: Phone, caller: Phone) -> World {
    let mut world = empty();
    world.phone(NOW, desk);
    world.phone(NOW, caller);
    world.run().expect("every invariant holds");
    world
}

/// How the call ended, by its record.
fn reason(world: &World) -> Option<&str> {
    world.records().first().and_then(|record| record.reason.as_deref())
}

fn hold() -> Step {
    Step::Reinvite { sdp: Some(directed(CALLER, "sendonly", 2)) }
}

const WITH_UPDATE: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";

#[test]
fn an_update_is_passed_on_as_one() {
    let desk = desk(pick_up(SECOND)).saying("Allow", WITH_UPDATE);
    let world = played(
        desk,
        caller(calling(vec![
            Step::UpdateWith(Offer::none().sdp(directed(CALLER, "sendonly", 2))),
            Step::ExpectUpdated(200),
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
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
          2080  caller -> us  UPDATE sdp
          2100  us -> desk    UPDATE sdp
          2120  desk -> us    200 UPDATE sdp
          2140  us -> caller  200 UPDATE sdp
          3160  caller -> us  BYE
          3180  us -> caller  200 BYE
          3180  us -> desk    BYE
          3180  us            record completed normal
          3200  desk -> us    200 BYE
        ",
    );
}

#[test]
fn an_update_is_passed_on_by_reinvite_to_a_peer_that_takes_none() {
    let world = played(
        desk(pick_up(SECOND)),
        caller(calling(vec![
            Step::UpdateWith(Offer::none().sdp(directed(CALLER, "sendonly", 2))),
            Step::ExpectUpdated(200),
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
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
          2080  caller -> us  UPDATE sdp
          2100  us -> desk    INVITE sdp
          2120  desk -> us    200 sdp
          2140  us -> desk    ACK
          2140  us -> caller  200 UPDATE sdp
          3160  caller -> us  BYE
          3180  us -> caller  200 BYE
          3180  us -> desk    BYE
          3180  us            record completed normal
          3200  desk -> us    200 BYE
        ",
    );
}

#[test]
fn an_update_that_moves_the_audio_is_answered_at_once() {
    let world = played(
        desk(pick_up(SECOND)),
        caller(calling(vec![
            Step::Update { sdp: Some(description(MOVED)) },
            Step::ExpectUpdated(200),
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
    assert_rungs(
        &world,
        "desk",
        "
            20  us -> desk    INVITE sdp
            40  desk -> us    180
          1040  desk -> us    200 sdp
          1060  us -> desk    ACK
          3140  us -> desk    BYE
          3160  desk -> us    200 BYE
        ",
    );
    assert_rungs(
        &world,
        "caller",
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            60  us -> caller  180
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
          2080  caller -> us  UPDATE sdp
          2100  us -> caller  200 UPDATE sdp
          3120  caller -> us  BYE
          3140  us -> caller  200 BYE
        ",
    );
}

#[test]
fn an_update_that_the_other_side_leaves_open_is_504() {
    let desk = desk(picking_up(vec![
        Step::Wait(Duration::from_secs(10)),
        Step::Respond { status: 200, sdp: Some(directed(DESK, "recvonly", 2)) },
    ]))
    .saying("Allow", WITH_UPDATE)
    .reacting(vec![Reaction::Waits]);
    let world = played(
        desk,
        caller(calling(vec![
            Step::UpdateWith(Offer::none().sdp(directed(CALLER, "sendonly", 2))),
            Step::ExpectUpdated(504),
            Step::Wait(Duration::from_secs(5)),
            Step::Bye,
        ])),
    );
    // What the agent agrees to after all is taken back.
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
          2080  caller -> us  UPDATE sdp
          2100  us -> desk    UPDATE sdp
          2580  caller -> us  UPDATE sdp
          2600  us -> desk    UPDATE sdp
          3580  caller -> us  UPDATE sdp
          3600  us -> desk    UPDATE sdp
          5580  caller -> us  UPDATE sdp
          5600  us -> desk    UPDATE sdp
          9580  caller -> us  UPDATE sdp
          9600  us -> desk    UPDATE sdp
         10100  us -> caller  504 UPDATE
         12080  desk -> us    200 UPDATE sdp
         12100  us -> desk    INVITE sdp
         12120  desk -> us    200 sdp
         12140  us -> desk    ACK
         15120  caller -> us  BYE
         15140  us -> caller  200 BYE
         15140  us -> desk    BYE
         15140  us            record completed normal
         15160  desk -> us    200 BYE
        ",
    );
}

#[test]
fn a_codec_that_the_caller_changes_is_offered_to_the_agent() {
    let alaw = sdp::audio(SocketAddr::new(CALLER.ip(), 4000), &["8 PCMA/8000"], "sendrecv", 2);
    let answer = sdp::audio(SocketAddr::new(DESK.ip(), 4000), &["8 PCMA/8000"], "sendrecv", 2);
    let desk = desk(pick_up(SECOND)).reacting(vec![Reaction::Answers(answer)]);
    let world = played(
        desk,
        caller(calling(vec![
            Step::Reinvite { sdp: Some(alaw) },
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
    assert_eq!(world.records()[0].codec.as_deref(), Some("PCMA"), "{}", world.ladder());
    assert!(world.said("INVITE")[1].contains(" RTP/AVP 8 0 101\r\n"), "{}", world.ladder());
}

/// RFC 6141 s.3.4: a re-INVITE that fails changes nothing.
#[test]
fn a_hold_that_the_agent_refuses_holds_nobody() {
    let desk = desk(pick_up(SECOND)).reacting(vec![Reaction::Refuses(488, Vec::new())]);
    let world = played(desk, caller(calling(vec![hold(), Step::Expect(488), Step::Wait(SECOND), Step::Bye])));
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
          2120  desk -> us    488
          2140  us -> desk    ACK
          2140  us -> caller  488
          2160  caller -> us  ACK
          3160  caller -> us  BYE
          3180  us -> caller  200 BYE
          3180  us -> desk    BYE
          3180  us            record completed normal
          3200  desk -> us    200 BYE
        ",
    );
    let refusal = &world.said("SIP/2.0 488")[0];
    assert!(refusal.contains("Reason: SIP;cause=488;text="), "{refusal}");
    assert!(refusal.contains("Warning: 399 strowger "), "{refusal}");
    let described = world.media().iter().filter(|command| matches!(command, media::Command::Describe { .. }));
    assert_eq!(described.count(), 2, "once for each leg, at the answer");
}

#[test]
fn a_change_that_meets_the_agents_is_tried_again_when_its_turn_comes() {
    let desk = desk(pick_up(SECOND)).reacting(vec![Reaction::Refuses(491, Vec::new())]);
    let world = played(
        desk,
        caller(calling(vec![
            hold(),
            Step::Expect(200),
            Step::Ack { sdp: None },
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
    let told = world.said("INVITE");
    assert_eq!(told.len(), 3, "the call, the hold, and the hold again: {}", world.ladder());
    assert_eq!((world.said("SIP/2.0 491").len(), reason(&world)), (0, Some("normal")), "{}", world.ladder());
}

/// RFC 5407 s.3.3.1, with us between: each side changes the session at the same time.
#[test]
fn both_sides_change_the_session_at_once() {
    let moves = |of: SocketAddr| {
        vec![
            Step::Reinvite { sdp: Some(directed(of, "sendonly", 2)) },
            Step::ExpectFinal,
            Step::Ack { sdp: None },
            Step::Wait(Duration::from_secs(20)),
        ]
    };
    let mut ends = moves(CALLER);
    ends.push(Step::Bye);
    // Ours meets the caller's, which is still out: it is tried again after up to 2 s, for the Call-ID is the caller's.
    let glaring = caller(calling(ends)).reacting(vec![Reaction::Refuses(491, Vec::new())]);
    let world = played(desk(picking_up(moves(DESK))), glaring);
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
          3350  us -> desk    200 sdp
          3370  desk -> us    ACK
         22140  us -> desk    BYE
         22160  desk -> us    200 BYE
        ",
    );
    assert_rungs(
        &world,
        "caller",
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            60  us -> caller  180
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
          2080  caller -> us  INVITE sdp
          2100  us -> caller  INVITE sdp
          2100  us -> caller  491
          2120  caller -> us  491
          2120  caller -> us  ACK
          2140  us -> caller  ACK
          3310  us -> caller  INVITE sdp
          3330  caller -> us  200 sdp
          3350  us -> caller  ACK
         22120  caller -> us  BYE
         22140  us -> caller  200 BYE
        ",
    );
    assert_eq!(reason(&world), Some("normal"));
}

#[test]
fn an_agent_that_hears_no_change_is_gone_and_the_asker_hears_504_before() {
    let mut world = empty();
    world.phone(NOW, desk(picking_up(Vec::new())));
    world.phone(NOW, caller(calling(vec![hold(), Step::Expect(504), Step::ExpectBye])));
    world.run_until(Duration::from_secs(2));
    world.lose(Loss { from: "us".into(), to: "desk".into(), label: "INVITE sdp".into(), times: 99 });
    world.run().expect("every invariant holds");
    assert_rungs(
        &world,
        "caller",
        "
             0  caller -> us  INVITE sdp
            20  us -> caller  100
            60  us -> caller  180
          1060  us -> caller  200 sdp
          1080  caller -> us  ACK
          2080  caller -> us  INVITE sdp
          2100  us -> caller  100
         22100  us -> caller  504
         22120  caller -> us  ACK
         34100  us -> caller  BYE
         34120  caller -> us  200 BYE
        ",
    );
    assert_eq!(reason(&world), Some("agent-gone"));
}

#[test]
fn a_bye_of_the_asker_ends_its_change_by_487() {
    let desk = desk(pick_up(SECOND)).reacting(vec![Reaction::Waits]);
    let world = played(desk, caller(calling(vec![hold(), Step::Wait(SECOND), Step::Bye])));
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
          2120  desk -> us    100
          3080  caller -> us  BYE
          3100  us -> caller  200 BYE
          3100  us -> caller  487
          3100  us -> desk    BYE
          3100  us            record completed normal
          3120  caller -> us  ACK
          3120  desk -> us    200 BYE
          3120  desk -> us    487
          3140  us -> desk    ACK
        ",
    );
}

#[test]
fn a_bye_of_the_other_side_ends_the_change_by_487() {
    let desk = desk(picking_up(vec![Step::Wait(SECOND), Step::Bye])).reacting(vec![Reaction::Waits]);
    let world = played(desk, caller(calling(vec![hold(), Step::Expect(487), Step::ExpectBye])));
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
          2120  desk -> us    100
          3080  desk -> us    BYE
          3080  desk -> us    487
          3100  us -> desk    200 BYE
          3100  us -> caller  487
          3100  us -> caller  BYE
          3100  us -> desk    ACK
          3100  us            record completed normal
          3120  caller -> us  ACK
          3120  caller -> us  200 BYE
        ",
    );
}

/// RFC 3261 s.14.2 and RFC 6337 s.5.2.5: who asks for an offer gets a full one; what its answer changes is told to the other side.
#[test]
fn a_reinvite_without_an_offer_that_holds_by_its_ack_holds_the_agent() {
    let world = played(
        desk(pick_up(SECOND)),
        caller(calling(vec![
            Step::Reinvite { sdp: None },
            Step::Expect(200),
            Step::Ack { sdp: Some(directed(CALLER, "sendonly", 2)) },
            Step::Wait(SECOND),
            Step::Bye,
        ])),
    );
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
          2080  caller -> us  INVITE
          2100  us -> caller  200 sdp
          2120  caller -> us  ACK sdp
          2140  us -> desk    INVITE sdp
          2160  desk -> us    200 sdp
          2180  us -> desk    ACK
          3120  caller -> us  BYE
          3140  us -> caller  200 BYE
          3140  us -> desk    BYE
          3140  us            record completed normal
          3160  desk -> us    200 BYE
        ",
    );
    assert!(world.said("INVITE")[1].contains("a=sendonly\r\n"), "{}", world.ladder());
}
