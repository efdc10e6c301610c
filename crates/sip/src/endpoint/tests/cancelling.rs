//! CANCEL, in all of its races (RFC 3261 s.9, RFC 5407).

use super::calling::calling;
use super::*;
use crate::Method;

#[test]
fn their_cancel_gets_200_and_its_invite_487() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.ring(now, dialog, reply(180)));
    let tag = bench.one().to_tag().unwrap().to_owned();
    bench.pass(3000).peer(request("CANCEL", 1, "invite", "", ""));
    assert!(matches!(bench.event(), Event::Cancelled { .. }));
    let sent = bench.sent();
    assert!(sent.iter().all(|(_, message)| message.to_tag() == Some(tag.as_str())));
    bench.peer(request("CANCEL", 1, "invite", "", "")).peer(request("ACK", 1, "invite", &tag, ""));
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 180 INVITE
  3000 -> CANCEL
  3000 <- 200 CANCEL
  3000 <- 487 INVITE
  3000 -> CANCEL
  3000 <- 200 CANCEL
  3000 -> ACK
"
    );
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    assert_eq!(bench.sent().len(), 1, "the core's late answer goes nowhere");
    bench.settled();
}

#[test]
fn their_cancel_of_what_is_answered_gets_200_and_changes_nothing() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.one().to_tag().unwrap().to_owned();
    bench.peer(request("CANCEL", 1, "invite", "", ""));
    assert_eq!(bench.one().status(), Some(status(200)));
    assert_eq!(bench.events().len(), 0);
    bench.peer(request("ACK", 1, "ack", &tag, ""));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
}

#[test]
fn our_cancel_waits_for_a_provisional_response() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.core(|endpoint, now| {
        endpoint.cancel(now, dialog, vec![Header::new("Reason", "SIP;cause=487")]);
    });
    assert_eq!(bench.sent().len(), 0);
    bench.pass(100).peer(response(&invite, 100, "", ""));
    let cancel = bench.one();
    assert_eq!(cancel.method(), &Method::Cancel);
    assert_eq!(cancel.header("Via"), invite.header("Via"));
    assert_eq!(cancel.header("To"), invite.header("To"));
    assert_eq!((cancel.request_uri(), cancel.cseq().number), (invite.request_uri(), invite.cseq().number));
    assert_eq!(cancel.header("Reason").as_deref(), Some("SIP;cause=487"));
    bench.peer(response(&cancel, 200, "bot", "")).peer(response(&invite, 180, "bot", ""));
    bench.peer(response(&invite, 487, "bot", ""));
    assert_eq!(bench.one().method(), &Method::Ack);
    assert!(matches!(bench.event(), Event::Rejected { status: StatusCode::REQUEST_TERMINATED, .. }));
    bench.settled();
}

#[test]
fn a_2xx_that_crosses_our_cancel_is_acknowledged_and_ended() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 180, "bot", ""));
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    let cancel = bench.one();
    let ok = response(&invite, 200, "bot", "Contact: <sip:bot@192.0.2.20>\r\n");
    bench.peer(ok.clone()).peer(response(&cancel, 200, "bot", ""));
    let sent = bench.sent();
    assert_eq!((sent[0].1.method(), sent[1].1.method()), (&Method::Ack, &Method::Bye));
    bench.peer(ok);
    assert_eq!(bench.one().method(), &Method::Ack);
    let events = bench.events();
    assert!(
        matches!(events[1], Event::Rejected { status: StatusCode::REQUEST_TERMINATED, .. }),
        "{events:?}"
    );
    assert_eq!(events.len(), 2);
    bench.peer(response(&sent[1].1, 200, "", ""));
    bench.settled();
}

#[test]
fn a_2xx_before_any_provisional_response_ends_a_held_cancel_the_same_way() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    bench.peer(response(&invite, 200, "bot", "Contact: <sip:bot@192.0.2.20>\r\n"));
    let methods: Vec<_> = bench.sent().iter().map(|(_, message)| message.method().clone()).collect();
    assert_eq!(methods, [Method::Ack, Method::Bye]);
    assert!(matches!(bench.event(), Event::Rejected { status: StatusCode::REQUEST_TERMINATED, .. }));
    bench.settled();
}

#[test]
fn a_cancelled_invite_without_final_response_is_487_after_64_t1() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 180, "bot", ""));
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    bench.events();
    bench.pass(32_000);
    assert!(matches!(
        bench.event(),
        Event::Rejected { status: StatusCode::REQUEST_TERMINATED, response: None, .. }
    ));
    bench.settled();
}

#[test]
fn a_held_cancel_of_a_silent_peer_is_487_after_timer_b() {
    let mut bench = Bench::new();
    let (dialog, _) = calling(&mut bench);
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    bench.pass(32_000);
    assert!(matches!(bench.event(), Event::Rejected { status: StatusCode::REQUEST_TERMINATED, .. }));
    bench.settled();
}

#[test]
fn a_cancel_after_the_answer_is_a_bye() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 200, "bot", "Contact: <sip:bot@192.0.2.20>\r\n"));
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    let methods: Vec<_> = bench.sent().iter().map(|(_, message)| message.method().clone()).collect();
    assert_eq!(methods, [Method::Ack, Method::Bye]);
    bench.settled();
}
