//! INVITEs that we send, up to their ACK.

use super::*;
use crate::Method;

pub(super) fn invitation() -> Invite {
    Invite {
        flow: udp("192.0.2.9:5060"),
        request_uri: "sip:bot@192.0.2.9".to_owned(),
        from: "<sip:+14155550199@198.51.100.1>".to_owned(),
        to: "<sip:bot@192.0.2.9>".to_owned(),
        max_forwards: 69,
        headers: vec![Header::new("X-Call", "7")],
        body: sdp(200).body,
        reliability: Reliability::Unsupported,
        credentials: None,
    }
}

/// An INVITE of ours, and our key for it.
pub(super) fn calling(bench: &mut Bench) -> (DialogKey, Message) {
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invitation())).unwrap();
    (dialog, bench.one())
}

const CONTACT: &str = "Contact: <sip:bot@192.0.2.20:5070>\r\n";

#[test]
fn a_call_rings_is_answered_and_hung_up_by_us() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.pass(30).peer(response(&invite, 100, "", ""));
    bench.pass(70).peer(response(&invite, 180, "bot", CONTACT));
    assert!(matches!(bench.event(), Event::Progress { .. }));
    bench.pass(3900).peer(response(&invite, 200, "bot", CONTACT));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.pass(6000).core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.last();
    bench.pass(10).peer(response(&bye, 200, "", ""));
    assert!(matches!(bench.event(), Event::Byed { .. }));
    assert_eq!(
        bench.ladder(),
        "
     0 <- INVITE
    30 -> 100 INVITE
   100 -> 180 INVITE
  4000 -> 200 INVITE
  4000 <- ACK
 10000 <- BYE
 10010 -> 200 BYE
"
    );
    bench.settled();
}

#[test]
fn the_invite_says_who_we_are_and_what_the_core_wants() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    assert_eq!(invite.request_uri(), Some("sip:bot@192.0.2.9"));
    assert_eq!(invite.header("Contact").as_deref(), Some("<sip:strowger@198.51.100.1:5060>"));
    let via = invite.header("Via").unwrap();
    assert!(
        via.starts_with("SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK") && via.ends_with(";rport"),
        "{via}"
    );
    assert_eq!(invite.max_forwards(), Some(69));
    assert_eq!(invite.header("X-Call").as_deref(), Some("7"));
    assert_eq!(invite.header("User-Agent").as_deref(), Some("strowger"));
    assert_eq!(invite.headers("Allow").collect::<Vec<_>>().join(", "), ALLOW);
    assert_eq!(invite.header("Supported").as_deref(), Some("timer"));
    assert!(invite.from_tag().is_some() && invite.to_tag().is_none());
    assert_eq!(bench.endpoint.call_id(dialog), Some(invite.call_id()));
}

#[test]
fn the_ack_and_bye_take_the_route_set_in_reverse_to_the_target() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    let routes = format!("Record-Route: <sip:192.0.2.31;lr>, <sip:192.0.2.30:5080;lr>\r\n{CONTACT}");
    bench.peer(response(&invite, 200, "bot", &routes));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, sdp(200).body));
    let (flow, ack) = bench.sent().remove(0);
    assert_eq!(flow.remote, "192.0.2.30:5080".parse().unwrap());
    assert_eq!(ack.request_uri(), Some("sip:bot@192.0.2.20:5070"));
    assert_eq!(ack.headers("Route").collect::<Vec<_>>(), ["<sip:192.0.2.30:5080;lr>", "<sip:192.0.2.31;lr>"]);
    assert_eq!(ack.cseq().number, invite.cseq().number);
    assert_eq!(ack.header("From"), invite.header("From"));
    assert_eq!(ack.header("To").as_deref(), Some("<sip:bot@192.0.2.9>;tag=bot"));
    assert_ne!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!(ack.body(), OFFER.as_bytes());
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    assert_eq!(bye.cseq().number, invite.cseq().number + 1);
    assert_eq!(bye.headers("Route").count(), 2);
}

#[test]
fn a_strict_router_takes_the_request_uri_and_the_target_goes_last() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    let routes = format!("Record-Route: <sip:192.0.2.31;lr>, <sip:192.0.2.30>\r\n{CONTACT}");
    bench.peer(response(&invite, 200, "bot", &routes));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    let (flow, ack) = bench.sent().remove(0);
    assert_eq!(flow.remote, "192.0.2.30:5060".parse().unwrap());
    assert_eq!(ack.request_uri(), Some("sip:192.0.2.30"));
    assert_eq!(
        ack.headers("Route").collect::<Vec<_>>(),
        ["<sip:192.0.2.31;lr>", "<sip:bot@192.0.2.20:5070>"]
    );
}

#[test]
fn a_private_route_of_a_public_peer_is_kept_in_the_request_and_not_sent_to() {
    for (private, inside) in
        [("10.0.0.7", true), ("100.64.0.7", true), ("100.127.255.7", true), ("100.128.0.7", false)]
    {
        let mut bench = Bench::new();
        let public = udp("203.0.113.7:5060");
        let route = format!("Record-Route: <sip:{private};lr>\r\n{SDP}");
        let dialog = bench.by(public).invited(request("INVITE", 1, "invite", "", &route));
        bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
        let tag = bench.last().to_tag().unwrap().to_owned();
        bench.peer(request("ACK", 1, "ack", &tag, ""));
        bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
        let (flow, bye) = bench.sent().remove(0);
        assert_eq!(bye.header("Route"), Some(format!("<sip:{private};lr>").into()));
        let hop = if inside { public } else { udp(&format!("{private}:5060")) };
        assert_eq!(flow, hop);
    }
}

#[test]
fn a_private_contact_of_a_public_peer_is_not_sent_to() {
    let mut bench = Bench::new();
    let public = udp("203.0.113.50:5060");
    let dialog =
        bench.core(|endpoint, now| endpoint.invite(now, Invite { flow: public, ..invitation() })).unwrap();
    let invite = bench.one();
    bench.by(public).peer(response(&invite, 200, "bot", "Contact: <sip:bot@10.0.0.5>\r\n"));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    let (flow, ack) = bench.sent().remove(0);
    assert_eq!((flow, ack.request_uri()), (public, Some("sip:bot@10.0.0.5")));
}

#[test]
fn our_from_stays_as_we_wrote_it_whatever_a_2xx_makes_of_it() {
    let mut bench = Bench::new();
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invitation())).unwrap();
    let invite = bench.one();
    let own = invite.header("From").unwrap().into_owned();
    let changed = response(&invite, 200, "bob", &format!("Contact: <sip:bob@192.0.2.9>\r\n{SDP}"))
        .replace("From: <", "From: \"Who\" <");
    assert!(changed.contains("\"Who\""), "{changed}");
    bench.peer(changed);
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    for (_, request) in bench.sent() {
        assert_eq!(request.header("From").unwrap(), own);
    }
}

#[test]
fn a_record_route_that_is_none_is_no_route() {
    let mut bench = Bench::new();
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invitation())).unwrap();
    let invite = bench.one();
    let routes =
        "Record-Route: <sip:192.0.2.3;lr \"x, <sip:192.0.2.2;lr>\r\nRecord-Route: <sip:192.0.2.4;lr>\r\n";
    bench.peer(response(&invite, 200, "bob", &format!("Contact: <sip:bob@192.0.2.9>\r\n{routes}{SDP}")));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    let ack = bench.one();
    assert_eq!(ack.headers("Route").collect::<Vec<_>>(), ["<sip:192.0.2.4;lr>"]);
}

#[test]
fn a_repeated_2xx_gets_the_same_ack_again() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    let ok = response(&invite, 200, "bot", CONTACT);
    bench.peer(ok.clone()).peer(ok.clone());
    assert_eq!(bench.sent().len(), 0, "the core has not said what the ACK carries");
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.pass(500).peer(ok.clone());
    let acks = bench.sent();
    assert_eq!(acks.len(), 2);
    assert_eq!(acks[0].1.bytes(), acks[1].1.bytes());
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    bench.peer(response(&bye, 200, "", ""));
    bench.peer(ok);
    assert_eq!(bench.one().bytes(), acks[0].1.bytes(), "even after the call");
    assert_eq!(bench.events().len(), 2);
    bench.settled();
}

#[test]
fn the_2xx_of_another_fork_is_acknowledged_and_ended() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 200, "bot", CONTACT));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.sent();
    let fork = response(&invite, 200, "fork", "Contact: <sip:fork@192.0.2.21>\r\n");
    bench.peer(fork.clone());
    let sent = bench.sent();
    assert_eq!((sent[0].1.method(), sent[1].1.method()), (&Method::Ack, &Method::Bye));
    assert_eq!(sent[1].1.to_tag(), Some("fork"));
    assert_eq!(sent[1].0.remote, "192.0.2.21:5060".parse().unwrap());
    bench.peer(fork);
    assert_eq!(bench.one().method(), &Method::Ack);
    assert!(matches!(bench.event(), Event::Answered { .. }));
}

#[test]
fn a_failure_is_acknowledged_hop_by_hop_each_time() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    let busy = response(&invite, 486, "bot", "");
    bench.peer(busy.clone());
    let ack = bench.one();
    assert_eq!(ack.header("Via"), invite.header("Via"));
    assert_eq!(ack.request_uri(), invite.request_uri());
    assert_eq!((ack.to_tag(), ack.cseq().number), (Some("bot"), invite.cseq().number));
    assert!(matches!(
        bench.event(),
        Event::Rejected { status: StatusCode::BUSY_HERE, response: Some(_), .. }
    ));
    bench.peer(busy);
    assert_eq!(bench.one().bytes(), ack.bytes());
    assert_eq!(bench.events().len(), 0);
    bench.settled();
}

#[test]
fn no_answer_at_all_is_408_after_64_t1() {
    let mut bench = Bench::new();
    calling(&mut bench);
    bench.pass(32_000);
    assert!(matches!(
        bench.event(),
        Event::Rejected { status: StatusCode::REQUEST_TIMEOUT, response: None, .. }
    ));
    assert_eq!(bench.sent().len(), 6);
    bench.settled();
}

#[test]
fn a_flow_that_fails_is_503() {
    let mut bench = Bench::new();
    calling(&mut bench);
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.99:5060")));
    assert_eq!(bench.events().len(), 0);
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.9:5060")));
    assert!(matches!(bench.event(), Event::Rejected { status: StatusCode::SERVICE_UNAVAILABLE, .. }));
    bench.settled();
}

#[test]
fn a_response_with_another_hops_via_is_dropped() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    let two = response(&invite, 200, "bot", CONTACT)
        .replace("From:", "Via: SIP/2.0/UDP other;branch=z9hG4bK9\r\nFrom:");
    bench.peer(two);
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn a_reliable_transport_is_not_repeated_on_but_a_2xx_is() {
    let tcp = Flow { transport: Transport::Tcp, ..udp("192.0.2.9:40000") };
    let mut bench = Bench::new();
    bench.core(|endpoint, now| endpoint.invite(now, Invite { flow: tcp, ..invitation() })).unwrap();
    bench.pass(32_000);
    assert_eq!(bench.sent().len(), 1);
    let mut bench = Bench::new();
    let dialog = bench.by(tcp).invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.pass(1500);
    assert_eq!(bench.sent().len(), 3);
}

#[test]
fn a_rejection_says_whether_another_target_may_do_better() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (code, more, expected, elsewhere) in [
        (503, "Retry-After: 120 (maintenance)\r\n", Failure::Unavailable { retry_after: seconds(120) }, true),
        (503, "", Failure::Unavailable { retry_after: None }, true),
        (486, "Retry-After: 60\r\n", Failure::Refused, false),
        (500, "", Failure::Refused, false),
        (603, "", Failure::Refused, false),
    ] {
        let mut bench = Bench::new();
        let (_, invite) = calling(&mut bench);
        bench.peer(response(&invite, code, "bot", more));
        let event = bench.event();
        let Event::Rejected { failure, .. } = event else { panic!("{event:?}") };
        assert_eq!((failure, failure.is_of_the_host()), (expected, elsewhere), "{code} {more}");
    }
    let mut bench = Bench::new();
    calling(&mut bench);
    bench.pass(32_000);
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Silent, .. }));
    bench.sent();
    calling(&mut bench);
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.9:5060")));
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Unsendable, .. }));
}
