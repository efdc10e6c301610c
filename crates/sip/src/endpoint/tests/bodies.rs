//! Bodies that are no session description: they neither offer nor answer.

use super::*;

const TEXT: &str = "Content-Type: text/plain\r\n";

/// The message with a body of that type, and not of the type that it says.
fn retyped(text: &str, to: &str) -> String {
    text.replace(SDP, to)
}

/// An INVITE that takes reliable provisional responses.
fn reliable() -> String {
    request("INVITE", 1, "invite", "", &format!("Supported: 100rel\r\n{SDP}"))
}

#[test]
fn an_invite_with_a_text_body_has_no_offer() {
    let mut bench = Bench::new();
    let dialog = bench.invited(retyped(&reliable(), TEXT));
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let ringing = bench.last();
    let tag = ringing.to_tag().unwrap().to_owned();
    let rack = format!("RAck: {} 1 INVITE\r\n{SDP}", ringing.header("RSeq").unwrap());
    bench.peer(request("PRACK", 2, "prack", &tag, &rack));
    let event = bench.event();
    assert!(matches!(event, Event::Pracked { transaction: None, .. }), "it answers our offer: {event:?}");
}

#[test]
fn an_encrypted_body_gets_493() {
    for kind in ["application/pkcs7-mime; smime-type=enveloped-data", "multipart/encrypted; boundary=x"] {
        let mut bench = Bench::new();
        bench.peer(retyped(&invite(), &format!("Content-Type: {kind}\r\n")));
        assert_eq!(bench.one().status(), Some(StatusCode::UNDECIPHERABLE), "{kind}");
        assert!(matches!(bench.event(), Event::Refused { .. }));
        let (_, tag) = bench.talking();
        bench.sent();
        let sealed =
            request("UPDATE", 2, "update", &tag, &format!("Content-Type: {kind}\r\nX: application/sdp\r\n"));
        bench.peer(sealed);
        assert_eq!(bench.one().status(), Some(StatusCode::UNDECIPHERABLE), "{kind}");
    }
}

#[test]
fn an_encrypted_body_that_is_optional_is_passed_over() {
    let mut bench = Bench::new();
    bench.invited(retyped(
        &invite(),
        "Content-Type: application/pkcs7-mime\r\nContent-Disposition: attachment ; handling = optional\r\n",
    ));
}

#[test]
fn a_text_body_in_an_update_gets_415_with_what_we_take_and_an_optional_one_offers_nothing() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.sent();
    bench.peer(request("UPDATE", 2, "one", &tag, &format!("{TEXT}X: application/sdp\r\n")));
    let refused = bench.one();
    assert_eq!(refused.status(), Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    assert_eq!(refused.header("Accept").unwrap(), "application/sdp");
    let optional = "Content-Disposition: render;handling=optional\r\nX: application/sdp\r\n";
    bench.peer(request("UPDATE", 3, "two", &tag, &format!("{TEXT}{optional}")));
    assert_eq!(bench.one().status(), Some(StatusCode::OK));
    assert!(bench.events().is_empty(), "there is nothing to negotiate");
}

#[test]
fn a_reliable_18x_with_a_text_body_answers_no_offer() {
    let mut bench = Bench::new();
    let body = Body { content_type: "application/sdp", bytes: Bytes::from_static(OFFER.as_bytes()) };
    let invite = Invite {
        reliability: Reliability::Supported,
        body: Some(body.clone()),
        ..super::calling::invitation()
    };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let invite = bench.one();
    let reliable = |number: u32, kind: &str| {
        format!(
            "Contact: <sip:bob@192.0.2.9>\r\nAllow: UPDATE\r\nRequire: 100rel\r\nRSeq: {number}\r\n{kind}"
        )
    };
    bench.peer(retyped(&response(&invite, 183, "bob", &reliable(1, SDP)), TEXT));
    assert_eq!(*bench.one().method(), crate::Method::Prack, "it is acknowledged all the same");
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), Some(body.clone())));
    let pending = |event: &Event| matches!(event, Event::UpdateRejected { status, .. } if *status == StatusCode::REQUEST_PENDING);
    assert!(bench.events().iter().any(pending), "our offer of the INVITE is open");
    bench.sent();
    bench.peer(response(&invite, 183, "bob", &reliable(2, SDP)));
    bench.pass(5_000);
    bench.events();
    bench.sent();
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), Some(body)));
    assert_eq!(*bench.one().method(), crate::Method::Update);
}

#[test]
fn a_reliable_18x_of_ours_with_a_text_body_does_not_hold_the_answer_back() {
    let mut bench = Bench::new();
    let dialog = bench.invited(reliable());
    let text = Body { content_type: "text/plain", bytes: Bytes::from_static(b"hello") };
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, Reply { body: Some(text), ..reply(183) }));
    bench.sent();
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    assert_eq!(bench.one().status(), Some(StatusCode::OK));
}
