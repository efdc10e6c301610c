//! What the caller asks within its dialog, and what it asks outside of any.

use std::time::Duration;

use crate::house::{AGENT, CALLER, House, STRANGER, US};
use crate::text::{Dial, OFFER, body, header, headers, reply};

fn connected() -> (House, Dial) {
    let mut house = House::new();
    let call = Dial::to("+14155550100").connect(&mut house);
    house.look();
    (house, call)
}

fn origin(text: &str) -> Vec<String> {
    let line = body(text).lines().find(|line| line.starts_with("o=")).unwrap_or_default();
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn an_unchanged_re_invite_changes_nothing() {
    let (mut house, mut call) = connected();
    let first = origin(&house.last(CALLER, "200"));
    call.inside(&mut house, "INVITE", "", OFFER);
    assert_eq!(house.look(), "\ncaller <- 200\n");
    call.ack(&mut house, "");
    assert_eq!(origin(&house.last(CALLER, "200")), first);
}

#[test]
fn hold_and_resume_are_answered_with_the_next_version() {
    let (mut house, mut call) = connected();
    let first = origin(&house.last(CALLER, "200"));
    call.inside(&mut house, "INVITE", "", &OFFER.replace("a=sendrecv", "a=sendonly"));
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:40000 receive\ncaller <- 200\n");
    call.ack(&mut house, "");
    let held = house.last(CALLER, "200");
    assert!(body(&held).contains("a=recvonly"), "{held}");
    assert_eq!((&origin(&held)[1], origin(&held)[2].as_str()), (&first[1], "2"));
    assert_eq!(house.described[&house.media[0]].silence_timeout, None);
    call.inside(&mut house, "INVITE", "", OFFER);
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:40000 both\ncaller <- 200\n");
    call.ack(&mut house, "");
    assert_eq!(origin(&house.last(CALLER, "200"))[2], "3");
    assert!(house.described[&house.media[0]].silence_timeout.is_some());
}

#[test]
fn a_hold_of_the_old_way_stops_our_audio() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0"));
    assert!(!house.described[&house.media[0]].direction.send);
}

#[test]
fn a_caller_that_moves_is_followed() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("40000", "42000"));
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:42000 both\ncaller <- 200\n");
}

#[test]
fn the_codec_in_use_is_kept_if_it_is_offered_still() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("0 8 101", "8 0 101"));
    assert!(body(&house.last(CALLER, "200")).contains("RTP/AVP 0 101"));
    call.ack(&mut house, "");
    call.inside(&mut house, "INVITE", "", &OFFER.replace("0 8 101", "8 101"));
    assert!(body(&house.last(CALLER, "200")).contains("RTP/AVP 8 101"));
}

#[test]
fn a_re_invite_that_cant_be_accepted_leaves_the_session_as_it_was() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("0 8 101", "18"));
    let journal = house.look();
    assert!(journal.starts_with("\ncaller <- 488") && !journal.contains("describe"), "{journal}");
    call.bye(&mut house, "");
    assert_eq!(house.record().reason.as_deref(), Some("normal"));
}

#[test]
fn a_re_invite_without_an_offer_gets_a_full_one() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", "");
    let offer = house.last(CALLER, "200");
    assert!(body(&offer).contains("m=audio 10000 RTP/AVP 0 8 101"), "{offer}");
    house.look();
    call.ack(&mut house, &OFFER.replace("40000", "44000"));
    assert!(house.look().starts_with("\ndescribe m1 Pcmu 192.0.2.9:44000 both\n"));
}

#[test]
fn an_update_without_an_offer_is_a_sign_of_life() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "UPDATE", "", "");
    assert_eq!(house.look(), "\ncaller <- 200\n");
    call.inside(&mut house, "UPDATE", "", &OFFER.replace("40000", "46000"));
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:46000 both\ncaller <- 200\n");
    assert!(body(&house.last(CALLER, "200")).contains("m=audio 10000"));
}

#[test]
fn an_offer_while_ours_is_open_is_491() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550100").offering("");
    call.place(&mut house);
    call.inside(&mut house, "UPDATE", "", OFFER);
    assert!(house.look().ends_with("caller <- 491\n"));
}

#[test]
fn an_offer_while_ours_is_open_is_491_whatever_body_the_invite_had() {
    let only_isup = "--b\r\nContent-Type: application/isup\r\nContent-Disposition: signal;handling=optional\r\n\r\nx\r\n--b--\r\n";
    for (header, invite) in [
        ("Content-Type: multipart/mixed;boundary=b", only_isup),
        ("Content-Type: text/plain\r\nContent-Disposition: render;handling=optional", "hello"),
    ] {
        let mut house = House::new();
        let mut call = Dial::to("+14155550100").with(header).offering(invite);
        call.place(&mut house);
        assert!(
            body(&house.last(CALLER, "200")).contains("m=audio 10000 RTP/AVP 0 8 101"),
            "ours is the offer"
        );
        call.inside(&mut house, "UPDATE", "", OFFER);
        assert!(house.look().ends_with("caller <- 491\n"), "{header}");
    }
}

#[test]
fn a_digit_by_info_reaches_the_stream_of_the_agent() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550101");
    call.place(&mut house);
    house.opened();
    call.ack(&mut house, "");
    house.look();
    call.inside(&mut house, "INFO", "Content-Type: application/dtmf\r\n", "5");
    assert_eq!(house.look(), "\nhear m1 5\ncaller <- 200\n");
}

#[test]
fn what_a_caller_asks_before_the_answer_is_answered() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550101");
    call.place(&mut house);
    house.look();
    call.inside(&mut house, "OPTIONS", "", "");
    assert!(header(&house.last(CALLER, "200"), "Accept").is_some());
    call.inside(&mut house, "INFO", "", "");
    assert_eq!(house.look(), "\ncaller <- 200\ncaller <- 200\n");
    call.inside(&mut house, "INFO", "Content-Type: application/dtmf\r\n", "5");
    assert_eq!(house.look(), "\ncaller <- 480\n", "nobody is there to hear it");
    call.inside(&mut house, "UPDATE", "", "");
    assert_eq!(house.look(), "\ncaller <- 200\n");
    call.inside(&mut house, "UPDATE", "", OFFER);
    assert_eq!(house.look(), "\ncaller <- 500\n", "the offer of the INVITE is open");
    house.opened();
    assert!(house.look().contains("caller <- 200"), "the call goes on");
}

#[test]
fn a_200_to_an_invite_says_what_is_taken_and_supported() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", OFFER);
    let (first, second) = {
        let mut oks = house.sent.iter().filter(|(_, text)| text.contains("CSeq: 1 INVITE"));
        (oks.next_back().unwrap().1.clone(), house.last(CALLER, "200"))
    };
    for ok in [first, second] {
        assert_eq!(headers(&ok, "Allow"), [sip::endpoint::ALLOW], "{ok}");
        assert_eq!(
            headers(&ok, "Accept"),
            ["application/sdp, application/dtmf-relay, application/dtmf"],
            "{ok}"
        );
        assert_eq!(headers(&ok, "Supported"), [sip::endpoint::SUPPORTED], "{ok}");
    }
}

#[test]
fn an_offer_of_ours_in_a_call_keeps_the_lines_that_were_declined() {
    let mut house = House::new();
    let video = "m=video 50000 RTP/AVP 99\r\n";
    let mut call = Dial::to("+14155550100").offering(&format!("{OFFER}{video}")).connect(&mut house);
    call.inside(&mut house, "INVITE", "", "");
    let offer = house.last(CALLER, "200");
    let lines: Vec<_> = body(&offer).lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines, ["m=audio 10000 RTP/AVP 0 8 101", "m=video 0 RTP/AVP 99"]);
    house.look();
    call.ack(&mut house, &format!("{}m=video 0 RTP/AVP 99\r\n", OFFER.replace("40000", "44000")));
    assert!(house.look().starts_with("\ndescribe m1 Pcmu 192.0.2.9:44000 both\n"));
}

fn held() -> (House, Dial) {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INVITE", "", &OFFER.replace("a=sendrecv", "a=inactive"));
    call.ack(&mut house, "");
    house.look();
    (house, call)
}

#[test]
fn a_caller_on_hold_is_asked_each_minute_whether_it_is_there() {
    let (mut house, mut call) = held();
    for _ in 0..3 {
        house.pass(Duration::from_secs(59));
        assert_eq!(house.look(), "\n");
        house.pass(Duration::from_secs(1));
        assert_eq!(house.look(), "\ncaller <- OPTIONS\n");
        let options = house.last(CALLER, "OPTIONS");
        reply(&mut house, CALLER, &options, "200 OK", "");
    }
    call.inside(&mut house, "INVITE", "", OFFER);
    call.ack(&mut house, "");
    house.look();
    house.pass(Duration::from_mins(2));
    assert_eq!(house.look(), "\n", "its media tells again");
    call.bye(&mut house, "");
    house.assert_empty();
}

#[test]
fn a_caller_that_died_on_hold_does_not_keep_its_call() {
    let (mut house, _) = held();
    house.pass(Duration::from_mins(1));
    let options = house.last(CALLER, "OPTIONS");
    reply(&mut house, CALLER, &options, "481 Gone", "");
    assert_eq!(house.look(), "\ncaller <- OPTIONS\nrelease m1\nrecord Completed caller-gone\n");
    house.assert_empty();
    let (mut house, _) = held();
    house.pass(Duration::from_secs(60 + 33));
    let journal = house.look();
    assert!(journal.contains("caller <- BYE\nrelease m1\nrecord Completed caller-gone\n"), "{journal}");
    house.assert_empty();
}

#[test]
fn a_digit_to_the_echo_agent_comes_back() {
    let (mut house, mut call) = connected();
    call.inside(
        &mut house,
        "INFO",
        "Content-Type: application/dtmf-relay\r\n",
        "Signal=*\r\nDuration=100\r\n",
    );
    assert_eq!(house.look(), "\ndial m1 * 100ms\ncaller <- 200\n");
}

#[test]
fn other_requests_are_told_what_is_allowed() {
    let (mut house, mut call) = connected();
    call.inside(&mut house, "INFO", "Content-Type: application/x\r\n", "?");
    assert!(house.look().contains("415"));
    call.inside(&mut house, "OPTIONS", "", "");
    assert!(
        header(&house.last(CALLER, "200"), "Accept").is_some_and(|types| types.contains("application/sdp"))
    );
    call.inside(&mut house, "MESSAGE", "", "");
    assert!(header(&house.last(CALLER, "405"), "Allow").is_some_and(|allow| allow.contains("INFO")));
}

fn outside(method: &str, source: &str) -> String {
    format!(
        "{method} sip:{US} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK-{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:{US}>\r\nCall-ID: {method}@{source}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

#[test]
fn options_from_a_trunk_or_an_agent_is_answered_and_from_a_stranger_not() {
    let mut house = House::new();
    for source in [CALLER, AGENT] {
        house.receive(source, &outside("OPTIONS", source));
        let answer = house.last(source, "200");
        assert!(header(&answer, "Allow").is_some_and(|allow| allow.contains("INVITE")), "{answer}");
        assert!(header(&answer, "Accept").is_some_and(|types| types.contains("application/sdp")), "{answer}");
        assert_eq!(header(&answer, "Supported"), Some(sip::endpoint::SUPPORTED), "{answer}");
    }
    house.look();
    house.receive(STRANGER, &outside("OPTIONS", STRANGER));
    assert_eq!(house.look(), format!("\nnotice OPTIONS from {STRANGER}\n"));
    house.assert_empty();
}

#[test]
fn options_is_503_while_the_node_drains() {
    let mut house = House::new();
    house.command(b2bua::io::Command::Drain);
    house.receive(CALLER, &outside("OPTIONS", CALLER));
    assert!(header(&house.last(CALLER, "503"), "Retry-After").is_some());
}

#[test]
fn other_methods_outside_of_a_dialog_are_405() {
    let mut house = House::new();
    for method in ["REGISTER", "MESSAGE", "SUBSCRIBE", "PUBLISH"] {
        house.receive(CALLER, &outside(method, CALLER));
        assert!(header(&house.last(CALLER, "405"), "Allow").is_some(), "{method}");
    }
    house.assert_empty();
}
