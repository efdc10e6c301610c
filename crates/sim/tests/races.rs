//! Messages that cross on the wire: the flows of RFC 5407 s.3 that concern one who answers INVITEs and sends no re-INVITE of its own.
//! (s.3.1.1 and s.3.1.2 are in `agents.rs`: an INVITE that is repeated, a CANCEL that crosses our 200.)

use sim::scenes;
use sim::stage::{assert_ladder, play};

#[test]
fn flow_3_1_4_a_reinvite_before_the_ack_is_answered() {
    assert_ladder(
        &play(scenes::reinvite_before_the_ack),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> caller  200 sdp
          40  caller -> us  INVITE sdp
          40  caller -> us  ACK
          60  us -> caller  200 sdp
          80  caller -> us  ACK
        1080  caller -> us  BYE
        1100  us -> caller  200 BYE
        1100  us            record completed normal
        ",
    );
}

#[test]
fn flow_3_1_5_a_reinvite_before_the_answer_is_491() {
    assert_ladder(
        &play(scenes::reinvite_before_the_answer),
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          20  us -> caller  200 sdp
          40  caller -> us  INVITE sdp
          40  caller -> us  ACK sdp
          60  us -> caller  491
          80  caller -> us  ACK
        1080  caller -> us  BYE
        1100  us -> caller  200 BYE
        1100  us            record completed normal
        ",
    );
}

#[test]
fn flow_3_1_6_a_bye_before_the_ack_ends_the_repetition_of_the_200() {
    assert_ladder(
        &play(scenes::bye_before_the_ack),
        "
         0  caller -> us  INVITE sdp
        20  us -> caller  100
        20  us -> caller  200 sdp
        40  caller -> us  BYE
        60  us -> caller  200 BYE
        60  us            record completed normal
        ",
    );
}

#[test]
fn flow_3_2_1_both_byes_are_answered() {
    assert_ladder(
        &play(scenes::both_hang_up),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> bot     open
          20  us -> caller  180
         120  bot -> us     opened
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1120  bot -> us     closed
        1120  us -> caller  BYE
        1120  us            record completed normal
        1125  caller -> us  BYE
        1140  caller -> us  200 BYE
        1145  us -> caller  200 BYE
        ",
    );
}

#[test]
fn flow_3_2_2_a_reinvite_that_crosses_our_bye_is_481() {
    let world = play(scenes::bye_crosses_a_reinvite);
    sim::stage::assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> caller  180
         120  us -> caller  200 sdp
         140  caller -> us  ACK
        1120  us -> caller  BYE
        1125  caller -> us  INVITE sdp
        1140  caller -> us  200 BYE
        1145  us -> caller  481
        1165  caller -> us  ACK
        ",
    );
}
