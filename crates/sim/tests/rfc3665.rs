//! The basic call flows of RFC 3665 s.3, as far as they concern a UAS and a UAC, drawn as ladders. Leg A faces the carrier's caller, behind
//! none, one or two proxies; leg B faces a SIP agent (`desk`).
//!
//! | flow | here |
//! |---|---|
//! | 3.1 success | with the echo agent, and with a SIP agent |
//! | 3.2 two proxies | leg A; ACK and BYE go by the route, in both directions |
//! | 3.3 proxy authentication | `rfc3665_authentication.rs`: we are the caller |
//! | 3.4 proxy failure | leg A: what we see is the second attempt |
//! | 3.5 ALG | as 3.2: an ALG is a hop in Via and Record-Route, and its changed SDP an offer like any other |
//! | 3.6 redirect, SDP in ACK | the late offer; the redirect is between caller and proxy, and we never see it |
//! | 3.7 re-INVITE | from the caller, and from the agent |
//! | 3.8 no answer | CANCEL on both legs |
//! | 3.9 busy, 3.10 no response, 3.11 temporarily unavailable | from leg B to leg A |

use sim::stage::{assert_ladder, assert_rungs, play};
use sim::{World, scenes};

#[test]
fn flow_3_1_session() {
    assert_ladder(
        &play(scenes::session),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> caller  200 sdp
          40  caller -> us  ACK
        1040  caller -> us  BYE
        1060  us -> caller  200 BYE
        1060  us            record completed normal
        ",
    );
}

#[test]
fn flow_3_1_session_with_an_agent() {
    assert_ladder(
        &play(scenes::agent_session),
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
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        2100  us -> desk    BYE
        2100  us            record completed normal
        2120  desk -> us    200 BYE
        ",
    );
}

#[test]
fn flow_3_2_two_proxies_stay_in_the_route() {
    assert_ladder(
        &play(scenes::session_through_two_proxies),
        "
           0  caller -> p1  INVITE sdp
          20  p1 -> p2      INVITE sdp
          40  p2 -> us      INVITE sdp
          60  us -> p2      100
          60  us -> p2      200 sdp
          80  p2 -> p1      100
          80  p2 -> p1      200 sdp
         100  p1 -> caller  100
         100  p1 -> caller  200 sdp
         120  caller -> p1  ACK
         140  p1 -> p2      ACK
         160  p2 -> us      ACK
        1120  caller -> p1  BYE
        1140  p1 -> p2      BYE
        1160  p2 -> us      BYE
        1180  us -> p2      200 BYE
        1180  us            record completed normal
        1200  p2 -> p1      200 BYE
        1220  p1 -> caller  200 BYE
        ",
    );
}

#[test]
fn flow_3_2_our_bye_goes_by_the_route() {
    assert_rungs(
        &play(scenes::bye_of_ours_through_two_proxies),
        "BYE",
        "
        1160  us -> p2      BYE
        1180  p2 -> p1      BYE
        1200  p1 -> caller  BYE
        1220  caller -> p1  200 BYE
        1240  p1 -> p2      200 BYE
        1260  p2 -> us      200 BYE
        ",
    );
}

#[test]
fn flow_3_2_a_proxy_that_leaves_is_not_in_the_route() {
    let world = play(scenes::session_through_a_proxy_that_leaves);
    assert_rungs(
        &world,
        "ACK",
        "
        120  caller -> p2  ACK
        140  p2 -> us      ACK
        ",
    );
    assert_rungs(
        &world,
        "BYE",
        "
        1120  caller -> p2  BYE
        1140  p2 -> us      BYE
        1160  us -> p2      200 BYE
        1180  p2 -> caller  200 BYE
        ",
    );
}

#[test]
fn flow_3_4_proxy_failure() {
    assert_rungs(
        &play(scenes::proxy_failure),
        "us",
        "
        33020  p2 -> us  INVITE sdp
        33040  us -> p2  100
        33040  us -> p2  200 sdp
        33100  p2 -> us  ACK
        34100  p2 -> us  BYE
        34120  us -> p2  200 BYE
        34120  us        record completed normal
        ",
    );
}

#[test]
fn flow_3_6_answer_in_the_ack() {
    let world = play(scenes::answer_in_the_ack);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          20  us -> caller  200 sdp
          40  caller -> us  ACK sdp
        1040  caller -> us  BYE
        1060  us -> caller  200 BYE
        1060  us            record completed normal
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10:4000"]);
}

#[test]
fn flow_3_6_answer_in_the_ack_with_an_agent() {
    let world = play(scenes::answer_in_the_ack_with_an_agent);
    assert_ladder(
        &world,
        "
           0  caller -> us  INVITE
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180
        1040  desk -> us    200 sdp
        1060  us -> desk    ACK
        1060  us -> caller  200 sdp
        1080  caller -> us  ACK sdp
        2080  caller -> us  BYE
        2100  us -> caller  200 BYE
        2100  us -> desk    BYE
        2100  us            record completed normal
        2120  desk -> us    200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10:4000", "192.0.2.20:4000"]);
}

#[test]
fn flow_3_7_caller_moves_its_audio() {
    let world = play(scenes::reinvite_moves_the_audio);
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
        2100  us -> caller  200 sdp
        2120  caller -> us  ACK
        3120  caller -> us  BYE
        3140  us -> caller  200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10:4000", "192.0.2.20:4000", "198.51.100.30:4000"]);
}

#[test]
fn flow_3_7_agent_moves_its_audio() {
    let world = play(scenes::agent_moves_the_audio);
    assert_rungs(
        &world,
        "desk",
        "
           20  us -> desk  INVITE sdp
           40  desk -> us  180
         1040  desk -> us  200 sdp
         1060  us -> desk  ACK
         2040  desk -> us  INVITE sdp
         2060  us -> desk  200 sdp
         2080  desk -> us  ACK
        41100  us -> desk  BYE
        41120  desk -> us  200 BYE
        ",
    );
    assert_eq!(receives_at(&world), ["198.51.100.10:4000", "192.0.2.20:4000", "198.51.100.30:4000"]);
}

#[test]
fn flow_3_8_no_answer() {
    assert_ladder(
        &play(scenes::no_answer),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180
        2000  caller -> us  CANCEL
        2020  us -> caller  200 CANCEL
        2020  us -> caller  487
        2020  us -> desk    CANCEL
        2020  us            record canceled canceled
        2040  caller -> us  ACK
        2040  desk -> us    200 CANCEL
        2040  desk -> us    487
        2060  us -> desk    ACK
        ",
    );
}

#[test]
fn flow_3_9_busy() {
    assert_ladder(
        &play(scenes::busy),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    486
          60  us -> desk    ACK
          60  us -> caller  486
          60  us            record busy agent-busy
          80  caller -> us  ACK
        ",
    );
}

#[test]
fn flow_3_10_no_response() {
    assert_ladder(
        &play(scenes::no_response),
        "
            0  caller -> us  INVITE sdp
           20  us -> caller  100
           20  us -> desk    INVITE sdp
          520  us -> desk    INVITE sdp
         1520  us -> desk    INVITE sdp
         3520  us -> desk    INVITE sdp
         7520  us -> desk    INVITE sdp
        15520  us -> desk    INVITE sdp
        31520  us -> desk    INVITE sdp
        32020  us -> caller  480
        32020  us            record failed agent-unreachable
        32040  caller -> us  ACK
        ",
    );
}

#[test]
fn flow_3_11_temporarily_unavailable() {
    assert_ladder(
        &play(scenes::temporarily_unavailable),
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
          20  us -> desk    INVITE sdp
          40  desk -> us    180
          60  us -> caller  180
        1040  desk -> us    480
        1060  us -> desk    ACK
        1060  us -> caller  480
        1060  us            record failed agent-unreachable
        1080  caller -> us  ACK
        ",
    );
}

/// Where audio was said to be received, in order, without repetitions.
fn receives_at(world: &World) -> Vec<String> {
    let mut places = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command {
            places.push(remote.rtp.to_string());
        }
    }
    places.dedup();
    places
}
