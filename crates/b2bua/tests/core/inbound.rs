//! A call to the echo agent, from INVITE to BYE.

use b2bua::record::{AgentSource, CallDirection, CallStatus, EndedBy};
use std::time::Duration;

use crate::house::{CALLER, House, Store};
use crate::text::{Dial, OFFER, body, header};

#[test]
fn a_call_is_answered_talks_and_ends_with_one_record() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550100");
    call.place(&mut house);
    assert_eq!(
        house.look(),
        "
record
caller <- 100
bind m1
describe m1 Pcmu 192.0.2.9:40000 both
echo m1
caller <- 200
"
    );
    call.ack(&mut house, "");
    house.pass(Duration::from_millis(2_400));
    assert_eq!(house.look(), "\n");
    call.bye(&mut house, "");
    assert_eq!(
        house.look(),
        "
caller <- 200
release m1
record Completed normal
"
    );
    let record = house.record().clone();
    assert_eq!(record.status, Some(CallStatus::Completed));
    assert_eq!(record.ended_by, Some(EndedBy::Caller));
    assert_eq!((record.sip_status, record.q850), (Some(200), Some(16)));
    assert_eq!(record.direction, CallDirection::Inbound);
    assert_eq!(record.trunk_id.as_deref(), Some("acme"));
    assert_eq!(record.number.as_deref(), Some("+14155550100"));
    assert_eq!(
        (record.agent_id.as_deref(), record.agent_source),
        (Some("echo"), Some(AgentSource::Assigned))
    );
    assert_eq!((record.from.as_deref(), record.from_raw.as_str()), (Some("+14085550199"), "+14085550199"));
    assert_eq!((record.to.as_deref(), record.to_raw.as_str()), (Some("+14155550100"), "+14155550100"));
    assert_eq!((record.sip_call_id_a.as_str(), record.sip_call_id_b.as_deref()), ("c1@carrier", None));
    assert_eq!((record.transport.as_str(), record.source.as_str()), ("udp", CALLER));
    assert_eq!((record.codec.as_deref(), record.rating.as_str()), (Some("PCMU"), "byoc"));
    assert_eq!((record.invite_at, record.answered_at), (1_000_000, Some(1_000_000)));
    assert_eq!((record.ended_at, record.duration_ms, record.billable_s), (Some(1_002_400), 2_400, 3));
    assert_eq!(record.quality_a.map(|quality| (quality.packets, quality.lost)), Some((50, 1)));
    assert_eq!(record.id.len(), 32);
    assert!(house.records.iter().all(|(_, other)| other.id == record.id));
    house.assert_empty();
}

#[test]
fn the_answer_names_our_port_and_the_callers_codec() {
    let mut house = House::new();
    Dial::to("+14155550100").offering(&OFFER.replace("0 8 101", "8 0 101")).place(&mut house);
    let answer = house.last(CALLER, "200");
    assert_eq!(header(&answer, "Content-Type"), Some("application/sdp"));
    assert!(header(&answer, "Allow").is_some_and(|allow| allow.contains("INVITE") && allow.contains("BYE")));
    assert!(body(&answer).contains("c=IN IP4 203.0.113.5"), "{answer}");
    assert!(body(&answer).contains("m=audio 10000 RTP/AVP 8 101"), "{answer}");
}

#[test]
fn a_number_without_an_agent_goes_to_the_default_agent() {
    let mut house = House::new();
    Dial::to("+14155550104").connect(&mut house);
    let record = house.record();
    assert_eq!((record.agent_id.as_deref(), record.agent_source), (Some("echo"), Some(AgentSource::Default)));
}

#[test]
fn a_national_number_is_read_by_the_trunks_country() {
    let mut house = House::new();
    Dial::to("4155550100").from("<sip:(408)5550199@carrier.example>").connect(&mut house);
    let record = house.record();
    assert_eq!((record.to.as_deref(), record.to_raw.as_str()), (Some("+14155550100"), "4155550100"));
    assert_eq!(record.from.as_deref(), Some("+14085550199"));
}

#[test]
fn the_asserted_identity_is_the_caller_before_from() {
    let mut house = House::new();
    Dial::to("+14155550100")
        .from("\"Anonymous\" <sip:anonymous@anonymous.invalid>")
        .with("P-Asserted-Identity: <sip:+14085550111@carrier.example>, <tel:+14085550111>")
        .place(&mut house);
    assert_eq!(house.record().from.as_deref(), Some("+14085550111"));
}

#[test]
fn an_anonymous_caller_stays_anonymous() {
    let mut house = House::new();
    Dial::to("+14155550100").from("\"Anonymous\" <sip:anonymous@anonymous.invalid>").place(&mut house);
    assert_eq!((house.record().from.as_deref(), house.record().from_raw.as_str()), (None, "anonymous"));
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550100").offering("");
    call.place(&mut house);
    assert_eq!(
        house.look(),
        "
record
caller <- 100
bind m1
caller <- 200
"
    );
    assert!(body(&house.last(CALLER, "200")).contains("m=audio 10000 RTP/AVP 0 8 101"));
    call.ack(&mut house, &OFFER.replace("0 8 101", "8 101"));
    assert_eq!(house.look(), "\ndescribe m1 Pcma 192.0.2.9:40000 both\necho m1\n");
    call.bye(&mut house, "");
    assert_eq!(house.record().codec.as_deref(), Some("PCMA"));
    house.assert_empty();
}

#[test]
fn a_late_offer_without_an_answer_ends_the_call() {
    let mut house = House::new();
    let call = Dial::to("+14155550100").offering("");
    call.place(&mut house);
    house.look();
    call.ack(&mut house, "");
    assert_eq!(
        house.look(),
        "
caller <- BYE [SIP;cause=488;text=\"the answer can't be used: there is none\"]
release m1
record Failed no-common-codec
"
    );
}

#[test]
fn an_ended_call_is_kept_until_its_record_is_on_disk() {
    let mut house = House::new();
    house.store = Store::Hangs;
    let mut call = Dial::to("+14155550100").connect(&mut house);
    let key = house.call();
    call.bye(&mut house, "");
    house.pass(Duration::from_mins(10));
    assert_eq!(house.core.census().calls, 1);
    house.input(b2bua::Input::Recorded(key));
    assert_eq!(house.core.census().calls, 0);
}

#[test]
fn a_second_recorded_does_no_harm() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550100").connect(&mut house);
    let key = house.call();
    house.input(b2bua::Input::Recorded(key));
    assert_eq!(house.core.census().calls, 1);
    call.bye(&mut house, "");
    house.input(b2bua::Input::Recorded(key));
    house.assert_empty();
}

#[test]
fn the_description_is_found_beside_other_parts() {
    let mut house = House::new();
    let parts = format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--b\r\nContent-Type: application/isup\r\n\r\nxx\r\n--b--\r\n"
    );
    Dial::to("+14155550100")
        .with("Content-Type: multipart/mixed;boundary=b")
        .offering(&parts)
        .place(&mut house);
    assert!(body(&house.last(CALLER, "200")).contains("m=audio 10000 RTP/AVP 0 101"));
}
