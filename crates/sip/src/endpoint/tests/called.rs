//! INVITEs that come in, up to their ACK.

use super::*;

#[test]
fn a_call_rings_is_answered_and_hung_up_by_the_caller() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.trying(now, dialog));
    bench.pass(100).core(|endpoint, now| endpoint.ring(now, dialog, reply(180)));
    bench.pass(1900).core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.pass(20).peer(request("ACK", 1, "ack", &tag, ""));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    bench.pass(5000).peer(request("BYE", 2, "bye", &tag, ""));
    assert!(matches!(bench.event(), Event::Ended { request: Some(_), .. }));
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 100 INVITE
   100 <- 180 INVITE
  2000 <- 200 INVITE
  2020 -> ACK
  7020 -> BYE
  7020 <- 200 BYE
"
    );
    bench.settled();
}

#[test]
fn nothing_is_sent_before_the_core_decides() {
    let mut bench = Bench::new();
    bench.peer(invite()).peer(invite()).peer(request("CANCEL", 1, "invite", "", "")).pass(60_000);
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn responses_repeat_what_the_request_said_and_add_what_is_ours() {
    let mut bench = Bench::new();
    let more =
        format!("Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\nTimestamp: 54\r\n{SDP}");
    let dialog = bench.invited(request("INVITE", 1, "invite", "", &more));
    bench.core(|endpoint, now| endpoint.trying(now, dialog));
    let trying = bench.one();
    assert_eq!((trying.to_tag(), trying.header("Timestamp").as_deref()), (None, Some("54")));
    assert_eq!(trying.header("Contact"), None);
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let ok = bench.one();
    assert_eq!(ok.header("From").as_deref(), Some("\"Peer\" <sip:peer@example.com>;tag=peer"));
    assert!(ok.header("To").unwrap().starts_with("<sip:+14155550100@example.com>;tag="));
    assert_eq!(
        ok.header("Via").as_deref(),
        Some("SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKinvite;received=192.0.2.9;rport=5060")
    );
    assert_eq!(ok.header("Contact").as_deref(), Some("<sip:strowger@198.51.100.1:5060>"));
    assert_eq!(ok.header("Server").as_deref(), Some("strowger"));
    assert_eq!(
        ok.headers("Record-Route").collect::<Vec<_>>(),
        ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    );
    assert_eq!(ok.headers("Allow").collect::<Vec<_>>().join(", "), ALLOW);
    assert_eq!(ok.body(), OFFER.as_bytes());
}

#[test]
fn a_response_goes_to_the_source_port_with_rport_and_to_that_of_sent_by_without() {
    let mut bench = Bench::new();
    bench.by(udp("203.0.113.7:40000"));
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.reject(now, dialog, reply(404)));
    assert_eq!(bench.sent()[0].0.remote, "203.0.113.7:40000".parse().unwrap());
    let old = request("INVITE", 2, "other", "", "")
        .replace(";rport", "")
        .replace("192.0.2.9:5060;", "a.example:5062;");
    let dialog = bench.invited(old);
    bench.core(|endpoint, now| endpoint.reject(now, dialog, reply(404)));
    let (flow, message) = bench.sent().remove(0);
    assert_eq!(flow.remote, "203.0.113.7:5062".parse().unwrap());
    assert_eq!(
        message.header("Via").as_deref(),
        Some("SIP/2.0/UDP a.example:5062;branch=z9hG4bKother;received=203.0.113.7")
    );
}

#[test]
fn a_rejection_is_repeated_until_its_ack_which_nobody_else_sees() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.reject(now, dialog, reply(486)));
    bench.pass(1600).peer(request("ACK", 1, "invite", "any", ""));
    bench.pass(10).peer(invite());
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 486 INVITE
   500 <- 486 INVITE
  1500 <- 486 INVITE
  1600 -> ACK
  1610 -> INVITE
"
    );
    assert_eq!(bench.events().len(), 0);
    bench.settled();
}

#[test]
fn a_2xx_is_repeated_up_to_every_t2_until_its_ack() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.pass(12_000).peer(invite()).peer(request("ACK", 1, "ack", &tag, "")).pass(30_000);
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 200 INVITE
   500 <- 200 INVITE
  1500 <- 200 INVITE
  3500 <- 200 INVITE
  7500 <- 200 INVITE
 11500 <- 200 INVITE
 12000 -> INVITE
 12000 -> ACK
"
    );
}

#[test]
fn an_ack_that_repeats_the_branch_of_its_invite_still_acknowledges_a_2xx() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("ACK", 1, "invite", &tag, ""));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
}

#[test]
fn an_ack_of_another_cseq_or_peer_acknowledges_nothing() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("ACK", 2, "ack2", &tag, ""));
    bench.peer(request("ACK", 1, "ack3", "wrong", ""));
    bench.peer(request("ACK", 1, "ack4", &tag, "").replace("tag=peer", "tag=else"));
    bench.peer(request("ACK", 1, "ack5", &tag, "").replace("call-1", "call-2"));
    assert_eq!((bench.events().len(), bench.sent().len()), (0, 0));
}

#[test]
fn without_an_ack_the_call_ends_by_our_bye() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.pass(31_999);
    assert_eq!(bench.events().len(), 0);
    bench.pass(1);
    let Event::AckMissing { sent, .. } = bench.event() else { panic!("no AckMissing") };
    let ok = Message::parse(sent.bytes).unwrap();
    assert_eq!((ok.status(), sent.flow.remote.to_string().as_str()), (Some(status(200)), "192.0.2.9:5060"));
    let bye = bench.last();
    assert_eq!(bye.method(), &crate::Method::Bye);
    bench.peer(response(&bye, 200, "", ""));
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn a_ringing_call_says_so_each_minute() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.ring(now, dialog, reply(180)));
    bench.pass(130_000);
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 180 INVITE
 60000 <- 180 INVITE
120000 <- 180 INVITE
"
    );
}

#[test]
fn the_same_invite_by_another_path_is_a_merged_request() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.trying(now, dialog));
    bench.sent();
    bench.peer(request("INVITE", 1, "fork", "", SDP));
    assert_eq!(bench.one().status(), Some(status(482)));
    assert!(matches!(bench.event(), Event::Refused { .. }));
}

#[test]
fn what_is_wrong_with_a_fresh_request_is_answered_in_the_rfcs_order() {
    let cases = [
        (invite().replace("Max-Forwards: 70", "Max-Forwards: 0"), 483),
        (request("INVITE", 1, "r", "", "Require: 100rel, bar, foo\r\n"), 420),
        (request("INVITE", 1, "u", "", "").replace("INVITE sip:+1", "INVITE urn:service:sos.+1"), 416),
        (request("PING", 1, "p", "", ""), 405),
        (request("BYE", 1, "b", "", ""), 481),
        (request("INFO", 1, "i", "unknown", ""), 481),
        (request("INVITE", 1, "t", "unknown", ""), 481),
        (request("CANCEL", 1, "c", "", ""), 481),
        (invite().replace("Contact: <sip:peer@192.0.2.9:5060>\r\n", ""), 400),
        (invite().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"), 505),
    ];
    for (text, expected) in cases {
        let mut bench = Bench::new();
        bench.peer(text.clone());
        let answer = bench.one();
        assert_eq!(answer.status(), Some(status(expected)), "{text}");
        assert!(bench.events().iter().all(|event| matches!(event, Event::Refused { .. })), "{text}");
        match expected {
            405 => assert_eq!(answer.headers("Allow").collect::<Vec<_>>().join(", "), ALLOW),
            420 => {
                assert_eq!(answer.headers("Unsupported").collect::<Vec<_>>(), ["bar", "foo"]);
            }
            _ => {}
        }
        assert_eq!(bench.endpoint.census(), Census::default(), "answered without state: {text}");
    }
}

#[test]
fn a_stateless_answer_has_the_same_tag_each_time() {
    let mut bench = Bench::new();
    bench.peer(request("BYE", 1, "b", "", "")).peer(request("BYE", 1, "b", "", ""));
    let sent = bench.sent();
    assert!(sent[0].1.to_tag().is_some());
    assert_eq!(sent[0].1.to_tag(), sent[1].1.to_tag());
}

#[test]
fn an_ack_or_response_out_of_nowhere_is_never_answered() {
    let mut bench = Bench::new();
    bench.peer(request("ACK", 1, "a", "", "")).peer(request("ACK", 1, "a", "unknown", ""));
    bench.peer(request("ACK", 1, "a", "", "").replace("Max-Forwards: 70", "Max-Forwards: 0"));
    bench.peer(request("ACK", 1, "a", "", "").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia"));
    bench.peer("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn options_is_raised_and_answered_whatever_its_max_forwards() {
    let mut bench = Bench::new();
    bench.peer(request("OPTIONS", 1, "o", "", "").replace("Max-Forwards: 70", "Max-Forwards: 0"));
    let Event::OutOfDialog { transaction, .. } = bench.event() else { panic!("not raised") };
    bench.core(|endpoint, now| endpoint.respond(now, transaction, reply(100)));
    assert_eq!(bench.sent().len(), 0, "no provisional response to a non-INVITE");
    bench.core(|endpoint, now| endpoint.respond(now, transaction, reply(200)));
    bench.core(|endpoint, now| endpoint.respond(now, transaction, reply(500)));
    bench.peer(request("OPTIONS", 1, "o", "", ""));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status()).collect();
    assert_eq!(statuses, [Some(status(200)), Some(status(200))]);
    bench.settled();
}

#[test]
fn an_rfc2543_caller_without_branch_and_tags_gets_its_call() {
    let old = |method: &str, to_tag: &str| {
        request(method, 1, "", to_tag, "").replace(";branch=z9hG4bK;rport", "").replace(";tag=peer", "")
    };
    let mut bench = Bench::new();
    let dialog = bench.invited(old("INVITE", ""));
    bench.peer(old("INVITE", ""));
    assert_eq!(bench.events().len(), 0);
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(old("ACK", &tag));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    bench.peer(old("BYE", &tag).replace("CSeq: 1", "CSeq: 2"));
    assert!(matches!(bench.event(), Event::Ended { .. }));
    bench.settled();
}
