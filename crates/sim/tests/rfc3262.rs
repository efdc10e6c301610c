//! Reliable provisional responses (RFC 3262) across the bridge, in both roles, and the offers and answers in them (RFC 3262 s.5, RFC 6337 s.2.2), with the
//! UPDATEs before the answer that they make possible (RFC 3311 s.5).
//!
//! | section | here |
//! |---|---|
//! | 3 UAS | reliable where the caller insists, or the agent was reliable and the caller supports it; repetition; the 2xx waits for the PRACK to a description; 504 without one |
//! | 4 UAC | each of the agent's is acknowledged, whatever the caller supports; one that comes again is not passed on again |
//! | 5 offer and answer | the answer in a 183; the offer in a 183 and the answer in its PRACK; an offer in a PRACK; UPDATE from either side |

use std::time::Duration;

use phone::{Invite, Ring, Step};
use sim::cast::{
    AT_DESK, AT_DESK_RINGING_LOCALLY, BOT, BOT_URL, CALLER, DESK, MOVED, US, caller, description, desk,
    pick_up,
};
use sim::stage::{assert_ladder, assert_rungs, play};
use sim::{Bot, Loss, World};

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

/// An INVITE that says this of 100rel.
fn invite(number: &str, header: &str) -> Step {
    let to = Invite::to(format!("sip:{number}@{US}")).offer(description(CALLER));
    Step::Invite(to.header(header, "100rel"))
}

/// The same without an offer.
fn invite_without_offer(number: &str, header: &str) -> Step {
    Step::Invite(Invite::to(format!("sip:{number}@{US}")).header(header, "100rel"))
}

fn prack() -> [Step; 2] {
    [Step::Prack { sdp: None }, Step::ExpectPracked(200)]
}

/// The first of ours with that label does not arrive.
fn lost(to: &str, label: &str) -> Loss {
    Loss { from: "us".to_owned(), to: to.to_owned(), label: label.to_owned(), times: 1 }
}

/// From the answer on.
fn talk() -> [Step; 4] {
    [Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND), Step::Bye]
}

fn script(steps: impl IntoIterator<Item = Vec<Step>>) -> Vec<Step> {
    steps.into_iter().flatten().collect()
}

fn answer() -> Step {
    Step::Answer { sdp: Some(description(DESK)) }
}

/// An agent that lets itself be heard reliably.
fn heard_reliably(then: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let progress = Ring::status(183).sdp(description(DESK));
    let mut script = vec![Step::ExpectInvite, Step::RingReliably(progress), Step::ExpectPrack];
    script.extend(then);
    script
}

/// Where audio was said to be received, in order, without repetitions.
fn receives_at(world: &World) -> Vec<String> {
    let mut places = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command {
            places.push(remote.rtp.ip().to_string());
        }
    }
    places.dedup();
    places
}

#[test]
fn ringing_is_reliable_where_the_caller_insists() {
    let world = play(|world| {
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(NOW, caller(script([vec![invite(AT_DESK, "Require")], prack().into(), talk().into()])));
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180
          80  caller -> us  PRACK
         100  us -> caller  200 PRACK
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        2100  us -> desk    BYE
        2100  us            record completed normal
        2120  desk -> us    200 BYE
        ",
    );
    assert!(
        world.said("INVITE")[0].contains("\r\nSupported: timer, 100rel\r\n"),
        "{}",
        world.said("INVITE")[0]
    );
}

#[test]
fn ringing_for_a_stream_is_reliable_where_the_caller_insists() {
    let world = play(|world| {
        world.bot(Bot::new("bot", BOT_URL));
        world.phone(NOW, caller(script([vec![invite(BOT, "Require")], prack().into(), talk().into()])));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> caller  180
          40  caller -> us  PRACK
          60  us -> caller  200 PRACK
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1140  caller -> us  BYE
        1160  us -> caller  200 BYE
        ",
    );
}

#[test]
fn early_media_is_reliable_on_both_legs_and_the_200_does_not_repeat_the_answer() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([Step::Wait(SECOND), Step::Answer { sdp: None }])));
        world.phone(NOW, caller(script([vec![invite(AT_DESK, "Supported")], prack().into(), talk().into()])));
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    183 sdp
          60  us -> desk    PRACK
          60  us -> caller  183 sdp
          80  desk -> us    200 PRACK
          80  caller -> us  PRACK
         100  us -> caller  200 PRACK
        1080  desk -> us    200
        1100  us -> desk    ACK
        1100  us -> caller  200
        1120  caller -> us  ACK
        2120  caller -> us  BYE
        2140  us -> caller  200 BYE
        2140  us -> desk    BYE
        2140  us            record completed normal
        2160  desk -> us    200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10", "192.0.2.20", "198.51.100.10", "192.0.2.20"]);
}

#[test]
fn the_agents_reliable_response_is_acknowledged_and_passed_on_as_the_caller_takes_it() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([Step::Wait(SECOND), answer()])));
        let plain = sim::cast::talk(AT_DESK, SECOND);
        world.phone(NOW, caller(plain));
        world.lose(lost("desk", "PRACK"));
    });
    assert_rungs(
        &world,
        "us",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    183 sdp
          60  us -> desk    PRACK         (lost)
          60  us -> caller  183 sdp
         540  desk -> us    183 sdp
         560  us -> desk    PRACK
         580  desk -> us    200 PRACK
        1580  desk -> us    200 sdp
        1600  us -> desk    ACK
        1600  us -> caller  200 sdp
        1620  caller -> us  ACK
        2620  caller -> us  BYE
        2640  us -> caller  200 BYE
        2640  us -> desk    BYE
        2640  us            record completed normal
        2660  desk -> us    200 BYE
        ",
    );
}

#[test]
fn the_200_waits_for_the_prack_to_a_description() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([answer()])));
        world.phone(NOW, caller(script([vec![invite(AT_DESK, "Supported")], prack().into(), talk().into()])));
        world.lose(lost("caller", "183 sdp"));
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp      (lost)
         560  us -> caller  183 sdp
         580  caller -> us  PRACK
         600  us -> caller  200 PRACK
         600  us -> caller  200
         620  caller -> us  ACK
        1620  caller -> us  BYE
        1640  us -> caller  200 BYE
        ",
    );
    let record = world.records()[0];
    assert_eq!(record.answered_at.map(|at| at - record.invite_at), Some(580));
}

#[test]
fn a_caller_that_acknowledges_nothing_gets_504_and_its_agent_a_cancel() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel]),
        );
        world.phone(NOW, caller(vec![invite(AT_DESK, "Require"), Step::Expect(504)]));
    });
    assert_ladder(
        &world,
        "
            0  caller -> us  INVITE sdp
           20  us -> caller  100
           20  us -> desk    INVITE sdp
           40  desk -> us    180
           60  us -> caller  180
          560  us -> caller  180
         1560  us -> caller  180
         3560  us -> caller  180
         7560  us -> caller  180
        15560  us -> caller  180
        31560  us -> caller  180
        32060  us -> caller  504
        32060  us -> desk    CANCEL
        32060  us            record failed prack-missing
        32080  caller -> us  ACK
        32080  desk -> us    200 CANCEL
        32080  desk -> us    487
        32100  us -> desk    ACK
        ",
    );
}

#[test]
fn a_caller_that_acknowledges_nothing_has_not_been_answered() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([answer(), Step::ExpectBye])));
        world.phone(NOW, caller(vec![invite(AT_DESK, "Supported"), Step::Expect(504)]));
    });
    assert_rungs(
        &world,
        "desk",
        "
           20  us -> desk  INVITE sdp
           40  desk -> us  183 sdp
           60  us -> desk  PRACK
           80  desk -> us  200 PRACK
           80  desk -> us  200 sdp
          100  us -> desk  ACK
        32060  us -> desk  BYE
        32080  desk -> us  200 BYE
        ",
    );
    let record = world.records()[0];
    assert_eq!((record.reason.as_deref(), record.answered_at), (Some("prack-missing"), None));
    assert_eq!((record.billable_s, record.sip_status), (0, Some(504)));
}

#[test]
fn a_caller_may_cancel_while_its_200_waits() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([answer(), Step::ExpectBye])));
        world.phone(
            NOW,
            caller(vec![
                invite(AT_DESK, "Supported"),
                Step::Expect(183),
                Step::Wait(SECOND),
                Step::Cancel,
                Step::Expect(487),
            ]),
        );
    });
    let record = world.records()[0];
    assert_eq!((record.reason.as_deref(), record.answered_at), (Some("canceled"), None));
    assert_rungs(
        &world,
        "BYE",
        "
        1100  us -> desk  BYE
        1120  desk -> us  200 BYE
        ",
    );
}

#[test]
fn a_late_offer_goes_out_in_the_first_reliable_response_and_its_answer_comes_in_the_prack() {
    let world = play(|world| {
        world.phone(NOW, desk(pick_up(SECOND)));
        world.phone(
            NOW,
            caller(script([
                vec![
                    invite_without_offer(AT_DESK, "Require"),
                    Step::Prack { sdp: Some(description(CALLER)) },
                    Step::ExpectPracked(200),
                ],
                talk().into(),
            ])),
        );
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180 sdp
          80  caller -> us  PRACK sdp
         100  us -> caller  200 PRACK
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        1060  us -> caller  200
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        2100  us -> desk    BYE
        2100  us            record completed normal
        2120  desk -> us    200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10", "192.0.2.20"]);
    assert_eq!(world.records()[0].codec.as_deref(), Some("PCMU"));
}

#[test]
fn a_late_offer_is_made_early_where_there_is_something_to_hear() {
    let world = play(|world| {
        let progress = Ring::status(183).sdp(description(DESK));
        world.phone(
            NOW,
            desk(vec![
                Step::ExpectInvite,
                Step::Ring { status: 180, sdp: None },
                Step::RingWith(progress),
                Step::Wait(SECOND),
                answer(),
            ]),
        );
        world.phone(
            NOW,
            caller(script([
                vec![
                    invite_without_offer(AT_DESK, "Supported"),
                    Step::Prack { sdp: Some(description(CALLER)) },
                    Step::ExpectPracked(200),
                ],
                talk().into(),
            ])),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          60  us -> caller  180
          60  us -> caller  183 sdp
          80  caller -> us  PRACK sdp
         100  us -> caller  200 PRACK
        1060  us -> caller  200
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
    let relayed = world.outbox().iter().position(|done| done == "relay").unwrap();
    let answered = world.outbox().iter().position(|done| done == "200").unwrap();
    assert!(relayed < answered, "{:?}", world.outbox());
}

#[test]
fn a_late_offer_without_100rel_goes_out_in_the_200() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([Step::Wait(SECOND), answer()])));
        world.phone(
            NOW,
            caller(vec![
                sim::cast::invite_without_offer(AT_DESK),
                Step::Expect(200),
                Step::Ack { sdp: Some(description(CALLER)) },
                Step::Wait(SECOND),
                Step::Bye,
            ]),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          60  us -> caller  183
        1100  us -> caller  200 sdp
        1120  caller -> us  ACK sdp
        2120  caller -> us  BYE
        2140  us -> caller  200 BYE
        ",
    );
}

#[test]
fn the_answer_in_the_prack_may_come_after_the_agents_answer() {
    let world = play(|world| {
        world.phone(NOW, desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, answer()]));
        world.phone(
            NOW,
            caller(script([
                vec![
                    invite_without_offer(AT_DESK, "Require"),
                    Step::Expect(180),
                    Step::Wait(SECOND / 4),
                    Step::Prack { sdp: Some(description(CALLER)) },
                    Step::ExpectPracked(200),
                ],
                talk().into(),
            ])),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          60  us -> caller  180 sdp
         330  caller -> us  PRACK sdp
         350  us -> caller  200 PRACK
         350  us -> caller  200
         370  caller -> us  ACK
        1370  caller -> us  BYE
        1390  us -> caller  200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10", "192.0.2.20"]);
}

#[test]
fn a_prack_without_the_answer_that_it_owes_ends_the_call() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel]),
        );
        world.phone(
            NOW,
            caller(script([
                vec![invite_without_offer(AT_DESK, "Require")],
                prack().into(),
                vec![Step::Expect(480)],
            ])),
        );
    });
    assert_eq!(world.records()[0].reason.as_deref(), Some("no-common-codec"));
}

#[test]
fn the_caller_offers_anew_in_its_prack() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([Step::Wait(SECOND), answer()])));
        world.phone(
            NOW,
            caller(script([
                vec![
                    invite(AT_DESK, "Supported"),
                    Step::Prack { sdp: Some(description(MOVED)) },
                    Step::ExpectPracked(200),
                ],
                talk().into(),
            ])),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp
          80  caller -> us  PRACK sdp
         100  us -> caller  200 PRACK sdp
        1100  us -> caller  200
        1120  caller -> us  ACK
        2120  caller -> us  BYE
        2140  us -> caller  200 BYE
        ",
    );
    assert_eq!(receives_at(&world)[..3], ["198.51.100.10", "192.0.2.20", "198.51.100.30"]);
}

#[test]
fn the_caller_moves_its_audio_by_update_before_the_answer() {
    let world = play(|world| {
        world.phone(NOW, desk(heard_reliably([Step::Wait(SECOND), answer()])));
        world.phone(
            NOW,
            caller(script([
                vec![invite(AT_DESK, "Supported")],
                prack().into(),
                vec![Step::Update { sdp: Some(description(MOVED)) }, Step::ExpectUpdated(200)],
                talk().into(),
            ])),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  183 sdp
          80  caller -> us  PRACK
         100  us -> caller  200 PRACK
         120  caller -> us  UPDATE sdp
         140  us -> caller  200 UPDATE sdp
        1100  us -> caller  200
        1120  caller -> us  ACK
        2120  caller -> us  BYE
        2140  us -> caller  200 BYE
        ",
    );
    assert_eq!(receives_at(&world)[..3], ["198.51.100.10", "192.0.2.20", "198.51.100.30"]);
}

#[test]
fn the_agent_moves_its_audio_by_update_before_its_answer() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(heard_reliably([
                Step::Update { sdp: Some(description(MOVED)) },
                Step::ExpectUpdated(200),
                Step::Wait(SECOND),
                answer(),
            ])),
        );
        world.phone(NOW, caller(sim::cast::talk(AT_DESK, SECOND)));
    });
    assert_rungs(
        &world,
        "desk",
        "
          20  us -> desk  INVITE sdp
          40  desk -> us  183 sdp
          60  us -> desk  PRACK
          80  desk -> us  200 PRACK
          80  desk -> us  UPDATE sdp
         100  us -> desk  200 UPDATE sdp
        1120  desk -> us  200 sdp
        1140  us -> desk  ACK
        2180  us -> desk  BYE
        2200  desk -> us  200 BYE
        ",
    );
    // What the 200 repeats of the 183 is of the past.
    let places = receives_at(&world);
    assert_eq!(places.last().map(String::as_str), Some("198.51.100.30"), "{places:?}");
}

#[test]
fn an_update_before_the_first_offer_is_answered_has_to_wait() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(vec![
                Step::ExpectInvite,
                Step::RingWith(Ring::status(183).sdp(description(DESK))),
                Step::Update { sdp: Some(description(MOVED)) },
                Step::ExpectUpdated(491),
                Step::Wait(SECOND),
                answer(),
            ]),
        );
        world.phone(
            NOW,
            caller(script([
                vec![
                    sim::cast::invite(AT_DESK, CALLER),
                    Step::Expect(183),
                    Step::Update { sdp: Some(description(MOVED)) },
                    Step::ExpectUpdated(500),
                ],
                talk().into(),
            ])),
        );
    });
    assert_eq!(receives_at(&world), ["198.51.100.10", "192.0.2.20", "198.51.100.10", "192.0.2.20"]);
}

#[test]
fn local_ringing_is_reliable_too_where_the_caller_insists() {
    let world = play(|world| {
        world.phone(
            NOW,
            desk(vec![
                Step::ExpectInvite,
                Step::RingWith(Ring::status(183).sdp(description(DESK))),
                Step::Wait(SECOND),
                answer(),
            ]),
        );
        world.phone(
            NOW,
            caller(script([vec![invite(AT_DESK_RINGING_LOCALLY, "Require")], prack().into(), talk().into()])),
        );
    });
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          60  us -> caller  180
          80  caller -> us  PRACK
         100  us -> caller  200 PRACK
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        ",
    );
}
