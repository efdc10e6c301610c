//! Our re-INVITEs and UPDATEs (RFC 3261 s.14, RFC 3311).

use super::calling::calling;
use super::*;
use crate::Method;

const CONTACT: &str = "Contact: <sip:peer@192.0.2.9:5060>\r\n";

#[derive(Clone, Copy)]
enum Ours {
    Reinvite,
    Update,
}

fn offer() -> Option<Body> {
    sdp(200).body
}

/// A call of ours, answered and acknowledged: its key, the INVITE, and the tag of the far side.
pub(super) fn called(bench: &mut Bench, more: &str) -> (DialogKey, Message) {
    let (dialog, invite) = calling(bench);
    bench.peer(response(&invite, 200, "bot", &format!("{CONTACT}{more}")));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.sent();
    bench.ladder();
    (dialog, invite)
}

/// A request of the peer in a call of ours.
pub(super) fn inside(invite: &Message, method: &str, cseq: u32, more: &str) -> String {
    let tag = invite.from_tag().unwrap();
    request(method, cseq, method, tag, more)
        .replace("call-1", invite.call_id())
        .replace(";tag=peer", ";tag=bot")
}

fn reinvite(bench: &mut Bench, dialog: DialogKey) -> Message {
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), offer()));
    bench.last()
}

#[test]
fn a_reinvite_is_answered_and_acknowledged() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    let ours = reinvite(&mut bench, dialog);
    assert!(ours.header("Contact").is_some() && !ours.body().is_empty());
    bench.pass(20).peer(response(&ours, 100, "", ""));
    bench.pass(20).peer(response(&ours, 200, "", &format!("{CONTACT}{SDP}")));
    assert!(matches!(bench.event(), Event::ReinviteAnswered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    let ack = bench.one();
    assert_eq!((ack.method(), ack.cseq().number), (&Method::Ack, ours.cseq().number));
    assert_ne!(ack.header("Via"), ours.header("Via"));
    bench.pass(500).peer(response(&ours, 200, "", &format!("{CONTACT}{SDP}")));
    assert_eq!(bench.one().bytes(), ack.bytes());
    assert_eq!(
        bench.ladder(),
        "
     0 <- INVITE
    20 -> 100 INVITE
    40 -> 200 INVITE
    40 <- ACK
   540 -> 200 INVITE
   540 <- ACK
"
    );
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn a_reinvite_without_offer_gets_its_answer_in_the_ack() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), None));
    let ours = bench.last();
    assert_eq!(ours.body(), b"");
    bench.peer(response(&ours, 200, "", &format!("{CONTACT}{SDP}")));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, offer()));
    assert_eq!(bench.last().content_type().as_deref(), Some("application/sdp"));
}

#[test]
fn a_2xx_to_a_reinvite_or_update_moves_the_target() {
    for ours in [Ours::Reinvite, Ours::Update] {
        let mut bench = Bench::new();
        let (dialog, _) = bench.talking();
        bench.core(|endpoint, now| match ours {
            Ours::Reinvite => endpoint.reinvite(now, dialog, Vec::new(), offer()),
            Ours::Update => endpoint.update(now, dialog, Vec::new(), offer()),
        });
        let ours = bench.last();
        bench.peer(response(&ours, 200, "", "Contact: <sip:peer@192.0.2.9:6001>\r\n"));
        bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
        bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
        let (flow, bye) = bench.sent().pop().unwrap();
        assert_eq!((flow.remote.port(), bye.request_uri()), (6001, Some("sip:peer@192.0.2.9:6001")));
    }
}

#[test]
fn a_refused_reinvite_leaves_the_session_as_it_was() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    let ours = reinvite(&mut bench, dialog);
    bench.peer(response(&ours, 488, "", CONTACT));
    let event = bench.event();
    let Event::ReinviteRejected { status: refused, .. } = event else { panic!("{event:?}") };
    assert_eq!((refused, bench.last().method()), (status(488), &Method::Ack));
    bench.pass(60_000);
    assert_eq!(bench.events().len(), 0, "nothing is to be tried again");
    bench.peer(request("BYE", 2, "bye", &tag, ""));
    assert!(matches!(bench.event(), Event::Ended { request: Some(_), .. }));
    bench.settled();
}

#[test]
fn glare_is_backed_off_from_longer_by_who_chose_the_call_id() {
    let ms = std::time::Duration::from_millis;
    for seed in 0..20 {
        for ours in [true, false] {
            let mut bench = Bench::seeded(seed);
            let (dialog, invite) = if ours {
                called(&mut bench, "")
            } else {
                (bench.talking().0, Message::parse(Bytes::from(super::invite())).unwrap())
            };
            let sent = reinvite(&mut bench, dialog);
            if ours {
                bench.peer(inside(&invite, "INVITE", 5, SDP));
                assert_eq!(bench.last().status(), Some(status(491)));
            }
            bench.peer(response(&sent, 491, "", ""));
            assert!(matches!(bench.event(), Event::ReinviteRejected { .. }));
            let refused = bench.now;
            let (least, most) = if ours { (ms(2100), ms(4000)) } else { (ms(0), ms(2000)) };
            bench.until_event();
            let waited = bench.now - refused;
            assert!(waited >= least && waited <= most, "{waited:?}");
            assert_eq!(waited.as_millis() % 10, 0);
            assert!(matches!(bench.event(), Event::OfferDue { .. }));
            assert_eq!(reinvite(&mut bench, dialog).cseq().number, sent.cseq().number + 1);
        }
    }
}

#[test]
fn a_second_change_waits_for_the_first_in_either_direction() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    reinvite(&mut bench, dialog);
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), offer()));
    assert!(matches!(bench.event(), Event::UpdateRejected { response: None, .. }));
    assert_eq!(bench.sent().len(), 0);

    let mut bench = Bench::new();
    let (dialog, own) = bench.talking();
    assert_ne!(tag, "");
    bench.peer(request("UPDATE", 2, "up", &own, SDP));
    let event = bench.event();
    let Event::Updated { transaction, .. } = event else { panic!("{event:?}") };
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), offer()));
    assert!(matches!(bench.event(), Event::ReinviteRejected { response: None, .. }));
    assert_eq!(bench.sent().len(), 0);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    bench.until_event();
    assert!(matches!(bench.event(), Event::OfferDue { .. }));
    assert_eq!(reinvite(&mut bench, dialog).method(), &Method::Invite);
}

#[test]
fn our_reinvite_waits_for_the_ack_of_theirs() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.peer(request("INVITE", 2, "re", &tag, SDP));
    let event = bench.event();
    let Event::Reinvited { transaction, .. } = event else { panic!("{event:?}") };
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    bench.sent();
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), offer()));
    assert!(matches!(bench.event(), Event::ReinviteRejected { response: None, .. }));
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn a_retry_after_says_when_to_try_again_within_reason() {
    for (seconds, waited) in [(7, 7000), (0, 1000), (4_000_000_000_u32, 32_000)] {
        let mut bench = Bench::new();
        let (dialog, _) = bench.talking();
        let ours = reinvite(&mut bench, dialog);
        bench.peer(response(&ours, 500, "", &format!("Retry-After: {seconds}\r\n"))).events();
        bench.pass(waited - 1);
        assert_eq!(bench.events().len(), 0);
        bench.pass(1);
        assert!(matches!(bench.event(), Event::OfferDue { .. }));
    }
}

#[test]
fn a_far_side_that_has_lost_the_dialog_ends_it() {
    for (answer, byes) in [(Some(481), 0), (Some(408), 1), (None, 1)] {
        let mut bench = Bench::new();
        let (dialog, _) = bench.talking();
        let ours = reinvite(&mut bench, dialog);
        match answer {
            Some(code) => bench.peer(response(&ours, code, "", "")),
            None => bench.pass(32_000),
        };
        assert!(matches!(bench.event(), Event::Ended { request: None, .. }), "{answer:?}");
        let sent = bench.sent();
        assert_eq!(sent.iter().filter(|(_, message)| *message.method() == Method::Bye).count(), byes);
        bench.settled();
    }
}

#[test]
fn a_reinvite_that_cannot_be_sent_leaves_the_call_up() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    reinvite(&mut bench, dialog);
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.9:5060")));
    let events = bench.events();
    let [Event::Undeliverable { .. }, Event::ReinviteRejected { response: None, .. }] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert!(bench.endpoint.call_id(dialog).is_some());
}

#[test]
fn a_reinvite_that_only_rings_is_cancelled_after_a_minute() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    let ours = reinvite(&mut bench, dialog);
    bench.peer(response(&ours, 180, "", ""));
    bench.pass(60_000);
    let cancel = bench.one();
    assert_eq!((cancel.method(), cancel.header("Via")), (&Method::Cancel, ours.header("Via")));
    bench.peer(response(&cancel, 200, "", "")).peer(response(&ours, 487, "", ""));
    assert!(matches!(bench.event(), Event::ReinviteRejected { .. }));
    assert!(bench.endpoint.call_id(dialog).is_some());
}

#[test]
fn a_bye_leaves_nothing_of_a_reinvite_that_is_out() {
    for (late, acks) in [(None, 0), (Some(180), 0), (Some(200), 1), (Some(487), 1)] {
        let mut bench = Bench::new();
        let (dialog, _) = bench.talking();
        let ours = reinvite(&mut bench, dialog);
        bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
        let bye = bench.last();
        bench.peer(response(&bye, 200, "", ""));
        assert!(matches!(bench.event(), Event::Byed { .. }));
        if let Some(code) = late {
            bench.peer(response(&ours, code, "", CONTACT));
        }
        let sent = bench.sent();
        assert_eq!(sent.iter().filter(|(_, message)| *message.method() == Method::Ack).count(), acks);
        assert_eq!(bench.events().len(), 0);
        bench.settled();
    }
}

#[test]
fn an_update_with_an_offer_is_raised_and_a_second_gets_500() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.peer(request("UPDATE", 2, "up", &tag, SDP));
    let event = bench.event();
    let Event::Updated { transaction, .. } = event else { panic!("{event:?}") };
    bench.peer(request("UPDATE", 3, "up2", &tag, SDP));
    let later = bench.one();
    assert_eq!((later.status(), later.header("Retry-After").is_some()), (Some(status(500)), true));
    bench.peer(request("UPDATE", 4, "up3", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(500)), "whatever it offers");
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    assert_eq!(bench.one().content_type().as_deref(), Some("application/sdp"));
    bench.peer(request("UPDATE", 5, "up4", &tag, SDP));
    assert!(matches!(bench.event(), Event::Updated { .. }));
}

#[test]
fn an_update_while_our_offer_is_out_gets_491() {
    for ours in [Ours::Reinvite, Ours::Update] {
        let mut bench = Bench::new();
        let (dialog, tag) = bench.talking();
        bench.core(|endpoint, now| match ours {
            Ours::Reinvite => endpoint.reinvite(now, dialog, Vec::new(), offer()),
            Ours::Update => endpoint.update(now, dialog, Vec::new(), offer()),
        });
        bench.sent();
        for (method, cseq) in [("UPDATE", 2), ("INVITE", 3)] {
            bench.peer(request(method, cseq, "late", &tag, SDP));
            assert_eq!(bench.last().status(), Some(status(491)), "{method}");
        }
        assert_eq!(bench.events().len(), 0);
    }
}

#[test]
fn an_update_that_nobody_answers_does_not_block_the_next() {
    let mut bench = Bench::new();
    let (dialog, tag) = bench.talking();
    bench.peer(request("UPDATE", 2, "up", &tag, SDP)).events();
    bench.pass(32_000);
    assert_eq!(reinvite(&mut bench, dialog).method(), &Method::Invite);
}

#[test]
fn their_hangup_answers_their_open_update_and_their_reinvite() {
    for method in ["UPDATE", "INVITE"] {
        let mut bench = Bench::new();
        let (_, tag) = bench.talking();
        bench.peer(request(method, 2, "up", &tag, SDP)).peer(request("BYE", 3, "bye", &tag, ""));
        let statuses: Vec<_> =
            bench.sent().iter().filter_map(|(_, message)| message.status()).map(StatusCode::code).collect();
        assert_eq!(statuses, [200, 487], "{method}");
        bench.settled();
    }
}

#[test]
fn a_strict_router_gets_the_request_uri_and_the_target_goes_last() {
    let mut bench = Bench::new();
    let routes = "Record-Route: <sip:192.0.2.31;lr>, <sip:192.0.2.30:5080>\r\n";
    let (dialog, _) = called(&mut bench, routes);
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), offer()));
    let (flow, update) = bench.sent().pop().unwrap();
    assert_eq!(flow.remote, "192.0.2.30:5080".parse().unwrap());
    assert_eq!(update.request_uri(), Some("sip:192.0.2.30:5080"));
    let routes: Vec<_> = update.headers("Route").collect();
    assert_eq!(routes, ["<sip:192.0.2.31;lr>", "<sip:peer@192.0.2.9:5060>"]);
}

#[test]
fn what_a_far_side_allows_says_whether_it_takes_updates() {
    for (allow, expected) in
        [("", false), ("Allow: INVITE, BYE\r\n", false), ("Allow: BYE\r\nAllow: UPDATE\r\n", true)]
    {
        let mut bench = Bench::new();
        let dialog = bench.invited(request("INVITE", 1, "invite", "", allow));
        assert_eq!(bench.endpoint.takes_update(dialog), expected, "{allow}");
        bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
        assert_eq!(bench.endpoint.takes_update(dialog), expected, "{allow}");

        let mut bench = Bench::new();
        let (dialog, invite) = calling(&mut bench);
        bench.peer(response(&invite, 180, "bot", &format!("{CONTACT}{allow}")));
        assert_eq!(bench.endpoint.takes_update(dialog), expected, "{allow}");
        bench.peer(response(&invite, 200, "bot", &format!("{CONTACT}{allow}")));
        assert_eq!(bench.endpoint.takes_update(dialog), expected, "{allow}");
        assert_eq!(bench.endpoint.census().dialogs, 1);
    }
}
