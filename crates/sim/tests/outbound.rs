//! Calls to the telephone network, asked for by a SIP agent or a PBX: from the INVITE to the gateway and back.

use std::time::Duration;

use b2bua::record::{CallDirection, CallStatus, EndedBy};
use phone::{Ended, Phone, Step};
use sim::World;
use sim::cast::{
    DESK, ECHO, GATEWAY, GATEWAY_2, OUTSIDE, OUTWARD, PBX, ask_for, call_out, description, gateway, invite,
    phone,
};
use sim::stage::{assert_ladder, assert_rungs, empty};

const SECOND: Duration = Duration::from_secs(1);
const NOW: Duration = Duration::ZERO;

fn desk(script: Vec<Step>) -> Phone {
    phone("desk", "desk", DESK, script)
}

fn refusing(name: &str, status: u16) -> Phone {
    let at = if name == "second" { GATEWAY_2 } else { GATEWAY };
    phone(name, "carrier", at, vec![Step::ExpectInvite, Step::Reject { status }])
}

/// The world after the phones have played.
fn played(phones: Vec<Phone>) -> World {
    let mut world = empty();
    for phone in phones {
        world.phone(NOW, phone);
    }
    world.run().expect("every invariant holds");
    world
}

fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let fields = message.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[test]
fn a_sip_agent_calls_out_by_the_gateway_of_the_best_priority() {
    let world = played(vec![desk(call_out(DESK, SECOND)), gateway(GATEWAY, SECOND)]);
    assert_ladder(
        &world,
        "
          0  desk -> us  INVITE sdp
         20  us -> desk  100
         20  us -> gateway  INVITE sdp
         40  gateway -> us  180
         60  us -> desk  180
       1040  gateway -> us  200 sdp
       1060  us -> gateway  ACK
       1060  us -> desk  200 sdp
       1080  desk -> us  ACK
       2080  desk -> us  BYE
       2100  us -> desk  200 BYE
       2100  us -> gateway  BYE
       2100  us  record completed normal
       2120  gateway -> us  200 BYE
        ",
    );
    let record = world.records()[0];
    assert_eq!(record.direction, CallDirection::Outbound);
    let (number, to) = (record.number.as_deref(), record.to.as_deref());
    assert_eq!((number, record.from.as_deref(), to), (Some(OUTWARD), Some(OUTWARD), Some(OUTSIDE)));
    assert_eq!((record.trunk_id.as_deref(), record.agent_id.as_deref()), (Some("carrier"), Some("desk")));
    assert_eq!((record.status, record.ended_by), (Some(CallStatus::Completed), Some(EndedBy::Caller)));
    assert_eq!((record.billable_s, record.ringing_at.is_some()), (2, true));
    assert!(record.detail.as_deref().is_some_and(|rule| rule.contains("\"US\"")), "{record:?}");
    assert!(record.sip_call_id_b.is_some());
}

#[test]
fn the_gateway_is_told_the_numbers_as_its_trunk_wants_them() {
    let world = played(vec![desk(call_out(DESK, SECOND)), gateway(GATEWAY, SECOND)]);
    let invite = &world.said("INVITE")[0];
    assert!(invite.starts_with("INVITE sip:+12125550177@198.18.0.1 SIP/2.0\r\n"), "{invite}");
    let from = header(invite, "From").unwrap();
    assert!(from.starts_with("<sip:+14155550120@198.18.0.1>;tag="), "{from}");
    assert_eq!(header(invite, "To"), Some("<sip:+12125550177@198.18.0.1>"));
    assert_eq!(header(invite, "P-Asserted-Identity"), Some("<sip:+14155550120@198.18.0.1>"));
    assert_eq!(header(invite, "Privacy"), None);
}

#[test]
fn a_pbx_calls_out_and_the_callee_hangs_up() {
    let mut script = vec![
        Step::ExpectInvite,
        Step::Ring { status: 183, sdp: Some(description(GATEWAY)) },
        Step::Wait(SECOND),
        Step::Answer { sdp: Some(description(GATEWAY)) },
    ];
    script.extend([Step::ExpectAck, Step::Wait(SECOND), Step::Bye]);
    let listen = vec![ask_for(OUTSIDE, OUTWARD, PBX), Step::Expect(200), Step::Ack { sdp: None }];
    let world = played(vec![phone("pbx", "4711", PBX, listen), phone("gateway", "carrier", GATEWAY, script)]);
    assert_ladder(
        &world,
        "
          0  pbx -> us  INVITE sdp
         20  us -> pbx  100
         20  us -> gateway  INVITE sdp
         40  gateway -> us  183 sdp
         60  us -> pbx  183 sdp
       1040  gateway -> us  200 sdp
       1060  us -> gateway  ACK
       1060  us -> pbx  200 sdp
       1080  pbx -> us  ACK
       2080  gateway -> us  BYE
       2100  us -> gateway  200 BYE
       2100  us -> pbx  BYE
       2100  us  record completed normal
       2120  pbx -> us  200 BYE
        ",
    );
    let bye = &world.said("BYE")[0];
    assert_eq!(header(bye, "Reason"), Some("Q.850;cause=16;text=\"callee hung up\""));
    let record = world.records()[0];
    assert_eq!((record.ended_by, record.agent_id.as_deref()), (Some(EndedBy::Callee), None));
    assert_eq!(world.find("pbx").unwrap().outcome().unwrap().ended, Some(Ended::ByThem));
}

#[test]
fn what_an_asker_dials_that_is_ours_comes_in() {
    for (name, at) in [("desk", DESK), ("pbx", PBX)] {
        let script =
            vec![invite(ECHO, at), Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND), Step::Bye];
        let world = played(vec![phone(name, "4711", at, script)]);
        let record = world.records()[0];
        assert_eq!((record.direction, record.agent_id.as_deref()), (CallDirection::Inbound, Some("echo")));
        assert_eq!((record.status, record.number.as_deref()), (Some(CallStatus::Completed), Some(ECHO)));
    }
}

#[test]
fn the_next_gateway_is_tried_after_408_480_and_5xx() {
    for status in [408, 480, 500, 502, 503, 504, 580] {
        let world =
            played(vec![desk(call_out(DESK, SECOND)), refusing("first", status), gateway(GATEWAY_2, SECOND)]);
        let record = world.records()[0];
        assert_eq!(record.status, Some(CallStatus::Completed), "{status}: {}", world.ladder());
        let invites = world.said("INVITE");
        assert_ne!(header(&invites[0], "Call-ID"), header(&invites[1], "Call-ID"));
        assert!(invites[1].starts_with("INVITE sip:+12125550177@198.18.0.2 "), "{}", invites[1]);
    }
}

#[test]
fn the_next_gateway_is_tried_when_the_first_says_nothing() {
    let world = played(vec![desk(call_out(DESK, SECOND)), gateway(GATEWAY_2, SECOND)]);
    assert_rungs(
        &world,
        "INVITE",
        "
          0  desk -> us  INVITE sdp
         20  us -> 198.18.0.1:5060  INVITE sdp
        520  us -> 198.18.0.1:5060  INVITE sdp
       1520  us -> 198.18.0.1:5060  INVITE sdp
       3520  us -> 198.18.0.1:5060  INVITE sdp
       4020  us -> gateway  INVITE sdp
       7520  us -> 198.18.0.1:5060  INVITE sdp
      15520  us -> 198.18.0.1:5060  INVITE sdp
      31520  us -> 198.18.0.1:5060  INVITE sdp
        ",
    );
    assert_eq!(world.records()[0].status, Some(CallStatus::Completed));
}

#[test]
fn a_refusal_of_the_callee_is_passed_on_at_once() {
    for (status, reason, end) in [
        (404, "callee-unknown", CallStatus::Failed),
        (486, "callee-busy", CallStatus::Busy),
        (603, "callee-declined", CallStatus::Busy),
        (403, "trunk-failed", CallStatus::Failed),
    ] {
        let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::Expect(status)];
        let world = played(vec![desk(asks), refusing("first", status), gateway(GATEWAY_2, SECOND)]);
        assert!(!world.ladder().contains("us -> gateway"), "{status}: {}", world.ladder());
        let record = world.records()[0];
        assert_eq!((record.reason.as_deref(), record.status), (Some(reason), Some(end)), "{status}");
        assert_eq!(record.sip_status, Some(status));
    }
}

#[test]
fn the_last_gateways_answer_is_the_askers() {
    let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::Expect(504)];
    let world = played(vec![desk(asks), refusing("first", 503), refusing("second", 504)]);
    let record = world.records()[0];
    assert_eq!((record.reason.as_deref(), record.sip_status), (Some("trunk-failed"), Some(504)));
    assert_eq!(record.ended_by, Some(EndedBy::Carrier));
}

#[test]
fn where_no_gateway_says_anything_the_asker_gets_502() {
    let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::Expect(502)];
    let world = played(vec![desk(asks)]);
    assert_eq!(world.records()[0].reason.as_deref(), Some("trunk-failed"), "{}", world.ladder());
}

#[test]
fn what_a_gateway_wants_of_us_is_not_the_askers_matter() {
    for status in [302, 407, 420] {
        let asks = vec![ask_for(OUTSIDE, OUTWARD, DESK), Step::Expect(502)];
        let world = played(vec![desk(asks), refusing("first", status)]);
        assert_eq!(world.records()[0].reason.as_deref(), Some("trunk-failed"), "{status}");
    }
}

#[test]
fn a_hold_reaches_the_gateway() {
    let held = description(DESK).replace("a=sendrecv", "a=sendonly");
    let mut script = call_out(DESK, SECOND);
    script.pop();
    script.extend([
        Step::Reinvite { sdp: Some(held) },
        Step::Expect(200),
        Step::Ack { sdp: None },
        Step::Wait(SECOND),
        Step::Bye,
    ]);
    let world = played(vec![desk(script), gateway(GATEWAY, SECOND)]);
    let invites = world.said("INVITE");
    assert_eq!(invites.len(), 2, "{}", world.ladder());
    assert!(invites[1].contains("a=sendonly"), "{}", invites[1]);
    assert_eq!(world.records()[0].status, Some(CallStatus::Completed));
}

#[test]
fn an_asker_that_gives_up_takes_the_call_back() {
    let asks = vec![
        ask_for(OUTSIDE, OUTWARD, DESK),
        Step::Expect(180),
        Step::Wait(SECOND),
        Step::Cancel,
        Step::Expect(487),
    ];
    let rings = vec![Step::ExpectInvite, Step::Ring { status: 180, sdp: None }, Step::ExpectCancel];
    let world = played(vec![desk(asks), phone("gateway", "carrier", GATEWAY, rings)]);
    let record = world.records()[0];
    assert_eq!((record.status, record.reason.as_deref()), (Some(CallStatus::Canceled), Some("canceled")));
    assert!(world.ladder().contains("us -> gateway  CANCEL"), "{}", world.ladder());
}
