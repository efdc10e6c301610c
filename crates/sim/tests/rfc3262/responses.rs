//! Who sends what reliably, who acknowledges it, and what waits for that.

use phone::{Recording, Ring, Step};
use sim::Bot;
use sim::cast::{
    AT_DESK, AT_DESK_RINGING_LOCALLY, BOT, BOT_URL, DESK, DESK_1, DESK_2, caller, description, desk, phone,
    pick_up, proxy,
};
use sim::stage::{assert_ladder, assert_rungs, play};

use crate::{NOW, SECOND, answer, heard_reliably, invite, lost, prack, receives_at, script, talk};

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

#[test]
fn each_fork_is_acknowledged_in_its_own_dialog() {
    let world = play(|world| {
        world.proxy(proxy("fork", DESK, DESK_1, Recording::Leaves).forking_to(DESK_2));
        for (name, at) in [("one", DESK_1), ("two", DESK_2)] {
            world.phone(
                NOW,
                phone(
                    name,
                    name,
                    at,
                    vec![
                        Step::ExpectInvite,
                        Step::RingReliably(Ring::status(183).sdp(description(at))),
                        Step::ExpectPrack,
                        Step::Wait(SECOND),
                        Step::Answer { sdp: None },
                        Step::ExpectBye,
                    ],
                ),
            );
        }
        world.phone(NOW, caller(script([vec![invite(AT_DESK, "Supported")], prack().into(), talk().into()])));
    });
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> fork    INVITE sdp
          40  fork -> one   INVITE sdp
          40  fork -> two   INVITE sdp
          60  one -> fork   183 sdp
          60  two -> fork   183 sdp
          80  fork -> us    183 sdp
          80  fork -> us    183 sdp
         100  us -> one     PRACK
         100  us -> caller  183 sdp
         100  us -> two     PRACK
         120  one -> us     200 PRACK
         120  caller -> us  PRACK
         120  two -> us     200 PRACK
         140  us -> caller  200 PRACK
        1120  one -> fork   200
        1120  two -> fork   200
        1140  fork -> us    200
        1140  fork -> us    200
        1160  us -> one     ACK
        1160  us -> caller  200
        1160  us -> two     ACK
        1160  us -> two     BYE
        1180  caller -> us  ACK
        1180  two -> us     200 BYE
        2180  caller -> us  BYE
        2200  us -> caller  200 BYE
        2200  us -> one     BYE
        2200  us            record completed normal
        2220  one -> us     200 BYE
        ",
    );
    let places = receives_at(&world);
    assert_eq!(places.last().map(String::as_str), Some("192.0.2.21"), "{places:?}");
}
