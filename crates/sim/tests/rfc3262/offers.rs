//! Offers and answers in provisional responses and PRACKs, and the UPDATEs that come after them.

use phone::{Ring, Step};
use sim::cast::{AT_DESK, CALLER, DESK, MOVED, caller, description, desk, pick_up};
use sim::stage::{assert_ladder, assert_rungs, play};

use crate::{
    NOW, SECOND, answer, heard_reliably, invite, invite_without_offer, prack, receives_at, script, talk,
};

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
