//! Confirmed dialogs and their end (RFC 3261 s.12.2, 14, 15; RFC 5407).

use super::calling::calling;
use super::*;
use crate::Method;

fn reinvited(bench: &mut Bench) -> TransactionKey {
    let event = bench.event();
    let Event::Reinvited { transaction, .. } = event else { panic!("{event:?}") };
    transaction
}

#[test]
fn our_bye_goes_by_the_route_set_in_their_order_to_the_target() {
    let mut bench = Bench::new();
    let more = format!("Record-Route: <sip:192.0.2.30;lr>\r\nRecord-Route: <sip:192.0.2.31;lr>\r\n{SDP}");
    let dialog = bench.invited(request("INVITE", 1, "invite", "", &more));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let ok = bench.last();
    let tag = ok.to_tag().unwrap();
    bench.peer(request("ACK", 1, "ack", tag, ""));
    bench.core(|endpoint, now| {
        endpoint.bye(now, dialog, vec![Header::new("Reason", "Q.850;cause=16")]);
    });
    let (flow, bye) = bench.sent().remove(0);
    assert_eq!(flow.remote, "192.0.2.30:5060".parse().unwrap());
    assert_eq!(bye.request_uri(), Some("sip:peer@192.0.2.9:5060"));
    assert_eq!(bye.headers("Route").collect::<Vec<_>>(), ["<sip:192.0.2.30;lr>", "<sip:192.0.2.31;lr>"]);
    assert_eq!(bye.header("From"), ok.header("To"));
    assert_eq!(bye.header("To").as_deref(), Some("\"Peer\" <sip:peer@example.com>;tag=peer"));
    assert_eq!(bye.header("Reason").as_deref(), Some("Q.850;cause=16"));
}

#[test]
fn a_bye_waits_for_the_ack_of_our_2xx() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.sent().len(), 0);
    bench.pass(20).peer(request("ACK", 1, "ack", &tag, ""));
    assert_eq!(bench.one().method(), &Method::Bye);
}

#[test]
fn a_held_bye_goes_out_at_64_t1_without_the_ack() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    bench.pass(32_000);
    assert_eq!(bench.last().method(), &Method::Bye);
    assert_eq!(bench.events().len(), 0, "the core asked for the BYE, it need not hear of the ACK");
    bench.pass(32_000);
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn a_bye_that_nobody_answers_ends_the_dialog_all_the_same() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    bench.pass(32_000);
    assert!(matches!(bench.event(), Event::Byed { .. }));
    assert_eq!(bench.sent().len(), 11);
    bench.settled();
}

#[test]
fn byes_that_cross_are_both_answered() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let ours = bench.one();
    bench.peer(request("BYE", 2, "bye", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(200)));
    assert_eq!(bench.events().len(), 0);
    bench.peer(response(&ours, 481, "", ""));
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn their_bye_before_the_ack_ends_the_repetition_of_our_2xx() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("BYE", 2, "bye", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(200)));
    assert!(matches!(bench.event(), Event::Ended { .. }));
    bench.settled();
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn their_bye_while_ringing_ends_the_invite_with_487() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.ring(now, dialog, reply(180)));
    let tag = bench.one().to_tag().unwrap().to_owned();
    bench.peer(request("BYE", 2, "bye", &tag, ""));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status().unwrap().code()).collect();
    assert_eq!(statuses, [200, 487]);
    assert!(matches!(bench.event(), Event::Ended { .. }));
}

#[test]
fn a_request_for_a_dialog_that_is_over_gets_481_and_a_repeated_bye_its_200() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("BYE", 2, "bye", &tag, "")).peer(request("BYE", 2, "bye", &tag, ""));
    bench.peer(request("INFO", 3, "info", &tag, ""));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status().unwrap().code()).collect();
    assert_eq!(statuses, [200, 200, 481]);
}

#[test]
fn a_reinvite_is_answered_and_its_2xx_repeated_until_the_ack() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("INVITE", 2, "re", &tag, SDP));
    let transaction = reinvited(&mut bench);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    let ok = bench.one();
    assert_eq!((ok.to_tag(), ok.header("Contact").is_some()), (Some(tag.as_str()), true));
    bench.pass(500);
    assert_eq!(bench.one().bytes(), ok.bytes());
    bench.peer(request("ACK", 2, "reack", &tag, ""));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    bench.pass(40_000);
    assert_eq!((bench.sent().len(), bench.events().len()), (0, 0));
}

#[test]
fn an_accepted_reinvite_moves_the_target_and_a_refused_one_does_not() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    let moved = |cseq, branch: &str, port| {
        request("INVITE", cseq, branch, &tag, SDP)
            .replace("peer@192.0.2.9:5060>", &format!("peer@192.0.2.9:{port}>"))
    };
    bench.peer(moved(2, "a", 6001));
    let transaction = reinvited(&mut bench);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    bench.peer(request("ACK", 2, "aa", &tag, "")).events();
    bench.peer(moved(3, "b", 6002));
    let transaction = reinvited(&mut bench);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, reply(488)));
    bench.peer(request("ACK", 3, "b", &tag, "")).sent();
    bench.core(|endpoint, now| endpoint.request(now, dialog, Method::Info, Vec::new(), None));
    let (flow, info) = bench.sent().remove(0);
    assert_eq!((flow.remote.port(), info.request_uri()), (6001, Some("sip:peer@192.0.2.9:6001")));
}

#[test]
fn an_update_moves_the_target_too() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.peer(request("UPDATE", 2, "up", &tag, "").replace("peer@192.0.2.9:5060>", "peer@192.0.2.9:6001>"));
    let ok = bench.one();
    assert!(ok.status() == Some(status(200)) && ok.header("Contact").is_some());
    assert_eq!(bench.events().len(), 0, "an UPDATE that offers nothing asks nothing of the core");
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.sent()[0].0.remote.port(), 6001);
}

#[test]
fn a_second_offer_while_the_first_is_open_gets_500_and_when_to_come_again() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("INVITE", 2, "re", &tag, SDP));
    reinvited(&mut bench);
    for (method, cseq) in [("INVITE", 3), ("UPDATE", 4)] {
        bench.peer(request(method, cseq, "second", &tag, SDP));
        let refused = bench.last();
        assert_eq!(refused.status(), Some(status(500)));
        assert!(refused.header("Retry-After").is_some());
    }
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn a_reinvite_before_we_have_acknowledged_gets_491() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    bench.peer(response(&invite, 200, "peer", "Contact: <sip:bot@192.0.2.9>\r\n"));
    bench.events();
    let tag = invite.from_tag().unwrap();
    bench.peer(request("INVITE", 1, "re", tag, SDP).replace("call-1", invite.call_id()));
    assert_eq!(bench.one().status(), Some(status(491)));
}

#[test]
fn a_reinvite_that_overtakes_the_ack_is_taken_if_the_offer_was_theirs_and_491_if_ours() {
    let parts = |kind| {
        let body = format!("--x\r\nContent-Type: {kind}\r\n\r\nv=0\r\n--x--\r\n");
        request("INVITE", 1, "invite", "", "Content-Type: multipart/mixed;boundary=x\r\n")
            .replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n{body}", body.len()))
    };
    let pending = Some(status(491));
    for (invite, expected) in [
        (invite(), None),
        (request("INVITE", 1, "invite", "", ""), pending),
        (parts("Application/SDP"), None),
        (parts("text/plain"), pending),
        (invite().replace("application/sdp", "text/plain"), pending),
    ] {
        let mut bench = Bench::new();
        let dialog = bench.invited(invite);
        bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
        let tag = bench.last().to_tag().unwrap().to_owned();
        bench.peer(request("INVITE", 2, "re", &tag, SDP));
        assert_eq!(bench.sent().first().and_then(|(_, message)| message.status()), expected);
        if expected.is_none() {
            let transaction = reinvited(&mut bench);
            bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
            bench.peer(request("ACK", 1, "a1", &tag, "")).peer(request("ACK", 2, "a2", &tag, ""));
            assert_eq!(bench.events().len(), 2);
        }
    }
}

#[test]
fn a_bye_ends_an_open_reinvite_with_487() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.peer(request("INVITE", 2, "re", &tag, SDP));
    let transaction = reinvited(&mut bench);
    bench.peer(request("BYE", 3, "bye", &tag, ""));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status().unwrap().code()).collect();
    assert_eq!(statuses, [200, 487]);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.sent().len(), 0);
    bench.settled();
}

#[test]
fn a_cancelled_reinvite_leaves_the_call_up() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("INVITE", 2, "re", &tag, SDP));
    reinvited(&mut bench);
    bench.peer(request("CANCEL", 2, "re", &tag, ""));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status().unwrap().code()).collect();
    assert_eq!(statuses, [200, 487]);
    assert!(matches!(bench.event(), Event::ReinviteCancelled { .. }));
    bench.peer(request("ACK", 2, "re", &tag, "")).peer(request("INFO", 3, "info", &tag, ""));
    assert!(matches!(bench.event(), Event::Requested { .. }));
}

#[test]
fn a_lower_cseq_gets_500_and_gaps_are_fine() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("INFO", 9, "i9", &tag, ""));
    assert!(matches!(bench.event(), Event::Requested { .. }));
    bench.peer(request("INFO", 8, "i8", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(500)));
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn what_a_dialog_does_not_take_is_refused_in_it() {
    for (method, more, expected) in [
        ("PRACK", "RAck: 1 1 INVITE\r\n", 481),
        ("PING", "", 405),
        ("REGISTER", "", 405),
        ("INFO", "Require: foo\r\n", 420),
    ] {
        let mut bench = Bench::new();
        let (_, tag) = bench.talking();
        bench.peer(request(method, 2, "x", &tag, more));
        assert_eq!(bench.one().status(), Some(status(expected)), "{method}");
    }
}

#[test]
fn a_bye_is_taken_whatever_it_requires() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("BYE", 2, "bye", &tag, "Require: foo\r\n"));
    assert_eq!(bench.one().status(), Some(status(200)));
}

#[test]
fn our_requests_count_up_and_keep_from_and_to() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    for _ in 0..3 {
        bench.core(|endpoint, now| endpoint.request(now, dialog, Method::Info, Vec::new(), None));
    }
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let sent = bench.sent();
    let first = sent[0].1.cseq().number;
    let numbers: Vec<_> = sent.iter().map(|(_, message)| message.cseq().number - first).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    assert!(sent.iter().all(|(_, message)| message.header("From") == sent[0].1.header("From")));
}

#[test]
fn a_dialog_that_the_far_side_has_lost_is_ended() {
    for (answer, byes) in [(Some(481), 0), (Some(408), 1), (None, 1)] {
        let mut bench = Bench::new();
        let (dialog, _) = bench.talking();
        bench.core(|endpoint, now| endpoint.request(now, dialog, Method::Info, Vec::new(), None));
        let info = bench.last();
        match answer {
            Some(code) => bench.peer(response(&info, code, "", "")),
            None => bench.pass(32_000),
        };
        assert!(matches!(bench.event(), Event::Ended { request: None, .. }));
        let sent = bench.sent();
        assert_eq!(sent.iter().filter(|(_, message)| *message.method() == Method::Bye).count(), byes);
        bench.settled();
    }
}

#[test]
fn an_error_to_a_request_of_ours_leaves_the_call_up() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.core(|endpoint, now| endpoint.request(now, dialog, Method::Info, Vec::new(), None));
    let info = bench.last();
    bench.peer(response(&info, 415, "", "")).peer(request("BYE", 2, "bye", &tag, ""));
    assert!(matches!(bench.event(), Event::Ended { request: Some(_), .. }));
}

#[test]
fn a_request_with_the_tag_of_another_is_not_in_the_dialog() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("BYE", 2, "bye", &tag, "").replace("tag=peer", "tag=else"));
    bench.peer(request("BYE", 2, "bye2", &tag, "").replace("call-1", "call-2"));
    let statuses: Vec<_> = bench.sent().iter().map(|(_, message)| message.status().unwrap().code()).collect();
    assert_eq!((statuses, bench.events().len()), (vec![481, 481], 0));
}

#[test]
fn an_update_without_an_offer_is_granted_while_the_callers_invite_is_open() {
    let mut bench = Bench::new();
    let dialog = bench.invited(invite());
    bench.core(|endpoint, now| endpoint.ring(now, dialog, reply(180)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("UPDATE", 2, "up", &tag, "").replace("peer@192.0.2.9:5060>", "peer@192.0.2.9:6001>"));
    let ok = bench.one();
    assert_eq!((ok.status(), ok.header("Contact").is_some()), (Some(status(200)), true));
    bench.peer(request("UPDATE", 3, "offer", &tag, SDP));
    assert_eq!(bench.one().status(), Some(status(500)), "their first offer is open");
    assert_eq!(bench.events().len(), 0);
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.peer(request("ACK", 1, "ack", &tag, "")).sent();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.sent()[0].0.remote.port(), 6001, "the target has moved");
}

#[test]
fn an_update_without_an_offer_is_granted_while_our_invite_is_open() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    bench.peer(response(&invite, 180, "bot", "Contact: <sip:bot@192.0.2.9>\r\n"));
    bench.events();
    let tag = invite.from_tag().unwrap();
    for (branch, more, expected) in [("a", "", 200), ("b", SDP, 491), ("c", "Require: x\r\n", 420)] {
        bench.peer(request("UPDATE", 1, branch, tag, more).replace("call-1", invite.call_id()));
        assert_eq!(bench.one().status(), Some(status(expected)));
    }
}
