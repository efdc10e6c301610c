//! The life of a session: refreshed by us, expired, and what is said of an answer that nobody acknowledged.

use std::time::Duration;

use b2bua::record::{CallStatus, EndedBy};

use crate::house::{AGENT, CALLER, House, INVENTORY};
use crate::text::{Dial, OFFER, agent_says, body, header, reply};

/// The agent's description, with numbers of its own.
const DESK: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

/// A call whose caller leaves the refreshes to us, and takes no UPDATE.
fn refreshed_by_us() -> (House, Dial) {
    let mut house = House::new();
    let call = Dial::to("+14155550100")
        .with("Supported: timer\r\nSession-Expires: 90;refresher=uas")
        .offering(&OFFER.replace("101", "96"))
        .connect(&mut house);
    house.look();
    (house, call)
}

#[test]
fn a_refresh_says_again_what_was_said() {
    let (mut house, call) = refreshed_by_us();
    let said = body(&house.last(CALLER, "200")).to_owned();
    assert!(said.contains("a=rtpmap:96 telephone-event/8000"), "{said}");
    house.pass(Duration::from_millis(44_999));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_millis(1));
    assert_eq!(house.look(), "\ncaller <- INVITE\n");
    let refresh = house.last(CALLER, "INVITE");
    assert_eq!(body(&refresh), said);
    assert_eq!(header(&refresh, "Session-Expires"), Some("90;refresher=uac"));
    let answer = OFFER.replace("101", "96");
    reply(&mut house, CALLER, &refresh, "200 OK\r\nSession-Expires: 90;refresher=uac", &answer);
    assert_eq!(house.look(), "\ncaller <- ACK\n", "the numbers that we receive are those that we said");
    house.pass(Duration::from_secs(45));
    assert_eq!(house.look(), "\ncaller <- INVITE\n", "and so on");
    drop(call);
}

#[test]
fn a_refresh_without_an_answer_in_its_200_changes_nothing() {
    let (mut house, mut call) = refreshed_by_us();
    house.pass(Duration::from_secs(45));
    let refresh = house.last(CALLER, "INVITE");
    reply(&mut house, CALLER, &refresh, "200 OK\r\nSession-Expires: 90;refresher=uac", "");
    assert_eq!(house.look(), "\ncaller <- INVITE\ncaller <- ACK\n");
    call.inside(&mut house, "INVITE", "", &OFFER.replace("40000", "42000"));
    assert!(house.look().ends_with("caller <- 200\n"));
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_before_the_session_ends() {
    for (said, wait) in [("491 Request Pending", 2_000), ("488 Not Acceptable Here", 10_000)] {
        let (mut house, _) = refreshed_by_us();
        house.pass(Duration::from_secs(45));
        let refresh = house.last(CALLER, "INVITE");
        reply(&mut house, CALLER, &refresh, said, "");
        assert_eq!(house.look(), "\ncaller <- INVITE\ncaller <- ACK\n");
        house.pass(Duration::from_millis(wait));
        // The sooner it was sent, the more often has it been repeated since.
        let tried = house.look();
        assert!(tried.starts_with("\ncaller <- INVITE\n"), "{said}: {tried}");
        assert_eq!(body(&house.last(CALLER, "INVITE")), body(&refresh), "{said}");
    }
}

#[test]
fn a_change_waits_for_the_refresh_of_the_other_leg() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "200 OK\r\nSession-Expires: 90;refresher=uac\r\nRequire: timer", DESK);
    call.ack(&mut house, "");
    house.pass(Duration::from_secs(45));
    let refresh = house.last(AGENT, "INVITE");
    house.look();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("a=sendrecv", "a=sendonly"));
    assert_eq!(house.look(), "\ncaller <- 100\n");
    reply(&mut house, AGENT, &refresh, "200 OK\r\nSession-Expires: 90;refresher=uac", DESK);
    assert_eq!(house.look(), "\nagent <- ACK\nagent <- INVITE\n");
    let offer = house.last(AGENT, "INVITE");
    assert!(body(&offer).contains("a=sendonly"), "{offer}");
    agent_says(&mut house, "200 OK", &DESK.replace("a=sendrecv", "a=recvonly"));
    assert!(house.look().ends_with("caller <- 200\n"));
}

#[test]
fn a_caller_that_does_not_refresh_its_session_is_hung_up_on() {
    let mut house = House::new();
    Dial::to("+14155550100")
        .with("Supported: timer\r\nSession-Expires: 90;refresher=uac")
        .connect(&mut house);
    house.look();
    house.pass(Duration::from_millis(59_999));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_millis(1));
    assert_eq!(
        house.look(),
        "\ncaller <- BYE [SIP;cause=408;text=\"Session expired\"]\nrelease m1\nrecord Failed session-expired\n"
    );
    let record = house.record();
    assert_eq!(
        (record.status, record.q850, record.ended_by, record.billable_s),
        (Some(CallStatus::Failed), Some(102), Some(EndedBy::System), 60)
    );
    let bye = house.last(CALLER, "BYE");
    reply(&mut house, CALLER, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn an_agent_that_does_not_refresh_its_session_ends_the_callers() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "200 OK\r\nSession-Expires: 90;refresher=uas\r\nRequire: timer", DESK);
    call.ack(&mut house, "");
    house.look();
    house.pass(Duration::from_mins(1));
    assert_eq!(
        house.look(),
        "
agent <- BYE [SIP;cause=408;text=\"Session expired\"]
caller <- BYE [SIP;cause=408;text=\"session with the agent not refreshed\"]
release m1
release m2
record Failed session-expired
"
    );
    for who in [CALLER, AGENT] {
        let bye = house.last(who, "BYE");
        reply(&mut house, who, &bye, "200 OK", "");
    }
    house.assert_empty();
}

#[test]
fn a_held_leg_whose_session_is_refreshed_is_not_asked_whether_it_is_there() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550103").with("Supported: timer\r\nSession-Expires: 1800;refresher=uac");
    call.place(&mut house);
    agent_says(&mut house, "200 OK", DESK);
    call.ack(&mut house, "");
    let timer = "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n";
    call.inside(&mut house, "INVITE", timer, &OFFER.replace("a=sendrecv", "a=inactive"));
    agent_says(&mut house, "200 OK", &DESK.replace("a=sendrecv", "a=inactive"));
    call.ack(&mut house, "");
    house.look();
    house.pass(Duration::from_mins(1));
    assert_eq!(house.look(), "\nagent <- OPTIONS\n", "the agent has no timer");
}

#[test]
fn the_interval_is_what_the_configuration_says() {
    let mut house = House::with(INVENTORY, |config| {
        config.sip.session.interval = Duration::from_mins(10);
        config.sip.session.least = Duration::from_mins(2);
    });
    let call = Dial::to("+14155550103").with("Supported: timer\r\nSession-Expires: 90");
    call.place(&mut house);
    assert_eq!(header(&house.last(CALLER, "422"), "Min-SE"), Some("120"));
    call.absorb(&mut house, "422");
    assert_eq!(house.record().status, Some(CallStatus::Refused));
    let call = Dial::to("+14155550103").named("c2").with("Supported: timer\r\nSession-Expires: 1800");
    call.place(&mut house);
    let invite = house.last(AGENT, "INVITE");
    assert_eq!(header(&invite, "Session-Expires"), Some("600"));
    assert_eq!(header(&invite, "Min-SE"), Some("120"));
    house.look();
    agent_says(&mut house, "422 Session Interval Too Small\r\nMin-SE: 900", "");
    assert_eq!(house.look(), "\nagent <- ACK\nagent <- INVITE\n");
    let again = house.last(AGENT, "INVITE");
    assert_eq!((header(&again, "Session-Expires"), header(&again, "Min-SE")), (Some("900"), Some("900")));
    assert_eq!(header(&again, "Call-ID"), header(&invite, "Call-ID"));
    agent_says(&mut house, "200 OK\r\nSession-Expires: 900;refresher=uac\r\nRequire: timer", DESK);
    call.ack(&mut house, "");
    assert_eq!(header(&house.last(CALLER, "200"), "Session-Expires"), Some("600;refresher=uac"));
}

#[test]
fn a_missing_ack_is_told_with_the_uri_that_it_had_to_come_by() {
    let mut house = House::new();
    Dial::to("+14155550100").with("Record-Route: <sip:10.0.0.1;lr>").place(&mut house);
    house.pass(Duration::from_secs(33));
    let record = house.record();
    assert_eq!(record.reason.as_deref(), Some("ack-missing"));
    let detail = record.detail.clone().unwrap_or_default();
    for word in
        ["192.0.2.1:5060", "Contact <sip:strowger@203.0.113.5:5060>", "Record-Route <sip:10.0.0.1;lr>"]
    {
        assert!(detail.contains(word), "{word}: {detail}");
    }
}
