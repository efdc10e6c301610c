//! Session timers (RFC 4028), in both roles.

use super::calling::calling;
use super::changing::{called, inside};
use super::*;
use crate::Method;

const UPDATES: &str = "Contact: <sip:peer@192.0.2.9:5060>\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n";

/// A call from a peer that says so much of session timers; our 2xx to it.
fn answered(bench: &mut Bench, more: &str) -> (DialogKey, Message) {
    let dialog = bench.invited(request("INVITE", 1, "invite", "", &format!("{more}{SDP}")));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let ok = bench.last();
    bench.peer(request("ACK", 1, "ack", ok.to_tag().unwrap(), ""));
    bench.events();
    bench.ladder();
    (dialog, ok)
}

fn expires(message: &Message) -> Option<String> {
    message.header("Session-Expires").map(std::borrow::Cow::into_owned)
}

#[test]
fn our_2xx_settles_interval_and_refresher() {
    for (more, expected, required) in [
        ("", None, false),
        ("Supported: timer\r\n", Some("1800;refresher=uas"), true),
        ("Supported: timer\r\nSession-Expires: 600\r\n", Some("600;refresher=uac"), true),
        ("k: timer\r\nx: 600;refresher=uas\r\n", Some("600;refresher=uas"), true),
        ("Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", Some("600;refresher=uac"), true),
        ("Supported: timer\r\nSession-Expires: 7200\r\n", Some("1800;refresher=uac"), true),
        ("Supported: timer\r\nSession-Expires: 7200\r\nMin-SE: 3600\r\n", Some("3600;refresher=uac"), true),
        ("Require: timer\r\nSession-Expires: 90\r\n", Some("90;refresher=uac"), true),
        // Of a proxy: the caller itself knows no timer.
        ("Session-Expires: 600\r\n", Some("600;refresher=uas"), false),
        ("Session-Expires: 10\r\n", Some("90;refresher=uas"), false),
        ("Supported: timer\r\nSession-Expires: soon\r\n", Some("1800;refresher=uas"), true),
    ] {
        let mut bench = Bench::new();
        let (_, ok) = answered(&mut bench, more);
        assert_eq!(expires(&ok).as_deref(), expected, "{more}");
        assert_eq!(ok.headers("Require").any(|tag| tag == "timer"), required, "{more}");
        assert!(ok.headers("Supported").any(|tag| tag == "timer"), "{more}");
    }
}

#[test]
fn a_caller_that_asks_for_no_timer_is_refreshed_by_us() {
    let mut bench = Bench::new();
    let (_, ok) = answered(&mut bench, "Supported: timer\r\n");
    assert_eq!(expires(&ok).as_deref(), Some("1800;refresher=uas"));
    bench.pass(899_999);
    assert_eq!(bench.events().len(), 0);
    bench.pass(1);
    assert!(matches!(bench.event(), Event::RefreshDue { .. }));
}

#[test]
fn a_reinvite_that_asks_for_no_timer_leaves_the_refreshes_with_who_makes_them() {
    for (first, kept, refresh) in [
        ("Session-Expires: 120;refresher=uas\r\n", "120;refresher=uas", true),
        ("Session-Expires: 120;refresher=uac\r\n", "120;refresher=uac", false),
    ] {
        let mut bench = Bench::new();
        let (_, ok) = answered(&mut bench, &format!("Supported: timer\r\n{first}"));
        let tag = ok.to_tag().unwrap();
        bench.peer(request("INVITE", 2, "re", tag, &format!("Supported: timer\r\n{SDP}")));
        let Event::Reinvited { transaction, .. } = bench.event() else { panic!("no re-INVITE") };
        bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
        assert_eq!(expires(&bench.last()).as_deref(), Some(kept));
        bench.peer(request("ACK", 2, "re-ack", tag, ""));
        bench.events();
        bench.pass(60_000);
        let due = matches!(bench.events().as_slice(), [Event::RefreshDue { .. }]);
        assert_eq!(due, refresh, "{first}");
    }
}

#[test]
fn an_interval_too_small_gets_422_and_what_we_take() {
    let mut bench = Bench::with(Config {
        session: SessionTimer { least: Duration::from_mins(2), ..SessionTimer::default() },
        ..config()
    });
    bench.peer(request(
        "INVITE",
        1,
        "invite",
        "",
        &format!("Supported: timer\r\nSession-Expires: 119\r\n{SDP}"),
    ));
    let refused = bench.one();
    assert_eq!((refused.status(), refused.header("Min-SE").as_deref()), (Some(status(422)), Some("120")));
    let Event::Refused { status: told, words, .. } = bench.event() else { panic!("not told of") };
    assert_eq!((told, &*words), (status(422), "a session interval shorter than we take"));
    let (_, ok) = answered(&mut bench, "Supported: timer\r\nSession-Expires: 120\r\n");
    let tag = ok.to_tag().unwrap();
    for (method, cseq) in [("UPDATE", 2), ("INVITE", 3)] {
        bench.peer(request(method, cseq, "re", tag, "Supported: timer\r\nSession-Expires: 100\r\n"));
        assert_eq!(bench.last().status(), Some(status(422)), "{method}");
    }
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn a_session_that_they_do_not_refresh_is_ended_before_it_expires() {
    // s.10: 32 s before, or a third of it if that is less.
    for (interval, ends) in [(1800, 1_768_000), (90, 60_000)] {
        let mut bench = Bench::new();
        answered(&mut bench, &format!("Supported: timer\r\nSession-Expires: {interval};refresher=uac\r\n"));
        bench.pass(ends - 1);
        assert_eq!((bench.sent().len(), bench.events().len()), (0, 0));
        bench.pass(1);
        assert!(matches!(bench.event(), Event::SessionExpired { .. }));
        let bye = bench.one();
        assert_eq!(bye.method(), &Method::Bye);
        assert!(bye.header("Reason").is_some());
        bench.peer(response(&bye, 200, "", ""));
        assert!(matches!(bench.event(), Event::Byed { .. }));
        bench.settled();
    }
}

#[test]
fn their_refresh_by_update_or_reinvite_starts_the_session_over() {
    for method in ["UPDATE", "INVITE"] {
        let mut bench = Bench::new();
        let more = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
        let (_, ok) = answered(&mut bench, more);
        let tag = ok.to_tag().unwrap();
        for turn in 0..5 {
            bench.pass(45_000).peer(request(method, 2 + turn, &format!("re{turn}"), tag, more));
            if let Some(Event::Reinvited { transaction, .. }) = bench.events().pop() {
                bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
            }
            let ok = bench.last();
            assert_eq!((ok.status(), expires(&ok).as_deref()), (Some(status(200)), Some("90;refresher=uac")));
            if method == "INVITE" {
                bench.peer(request("ACK", 2 + turn, &format!("ack{turn}"), tag, "")).events();
            }
        }
        bench.pass(59_999);
        assert_eq!(bench.events().len(), 0, "{method}");
        bench.pass(1);
        assert!(matches!(bench.event(), Event::SessionExpired { .. }), "{method}");
    }
}

#[test]
fn our_refresh_is_an_update_at_half_time() {
    let mut bench = Bench::new();
    let more = "Supported: timer\r\nAllow: INVITE, UPDATE\r\nSession-Expires: 120;refresher=uas\r\n";
    let (dialog, _) = answered(&mut bench, more);
    let granted = "Require: timer\r\nSession-Expires: 120;refresher=uac\r\n";
    for _ in 0..3 {
        bench.pass(60_000);
        let update = bench.one();
        assert_eq!(
            (update.method(), update.body(), expires(&update).as_deref()),
            (&Method::Update, &b""[..], Some("120;refresher=uac"))
        );
        assert!(update.header("Contact").is_some() && update.headers("Supported").any(|tag| tag == "timer"));
        bench.peer(response(&update, 200, "", granted));
    }
    assert_eq!(bench.events().len(), 0, "it is nothing to the core");
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(
        bench.ladder(),
        "
 60000 <- UPDATE
 60000 -> 200 UPDATE
120000 <- UPDATE
120000 -> 200 UPDATE
180000 <- UPDATE
180000 -> 200 UPDATE
180000 <- BYE
"
    );
    bench.settled();
}

#[test]
fn a_far_side_without_update_is_refreshed_by_the_cores_reinvite() {
    let mut bench = Bench::new();
    let (dialog, _) = answered(&mut bench, "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n");
    bench.pass(60_000);
    assert!(matches!(bench.event(), Event::RefreshDue { .. }));
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), sdp(200).body));
    let ours = bench.one();
    assert_eq!(expires(&ours).as_deref(), Some("120;refresher=uac"));
    bench.peer(response(&ours, 200, "", &format!("Session-Expires: 120;refresher=uac\r\n{SDP}")));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.events();
    bench.pass(59_999);
    assert_eq!(bench.events().len(), 0);
    bench.pass(1);
    assert!(matches!(bench.event(), Event::RefreshDue { .. }));
}

#[test]
fn a_refused_update_gives_way_to_a_reinvite_and_a_busy_one_is_tried_again() {
    let more = "Supported: timer\r\nAllow: UPDATE\r\nSession-Expires: 120;refresher=uas\r\n";
    let mut bench = Bench::new();
    answered(&mut bench, more);
    bench.pass(60_000);
    let update = bench.one();
    bench.peer(response(&update, 405, "", ""));
    assert!(matches!(bench.event(), Event::RefreshDue { .. }));

    let mut bench = Bench::new();
    answered(&mut bench, more);
    bench.pass(60_000);
    let update = bench.one();
    bench.peer(response(&update, 500, "", "Retry-After: 3\r\n")).pass(3000);
    assert_eq!(bench.one().method(), &Method::Update);
    assert_eq!(bench.events().len(), 0);
}

#[test]
fn a_refused_refresh_by_reinvite_comes_due_again_until_the_session_ends() {
    let mut bench = Bench::new();
    let (dialog, _) = answered(&mut bench, "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n");
    bench.pass(60_000).events();
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), sdp(200).body));
    let ours = bench.one();
    bench.peer(response(&ours, 488, "", "")).sent();
    assert!(matches!(bench.event(), Event::ReinviteRejected { .. }));
    bench.pass(10_000);
    assert!(matches!(bench.event(), Event::RefreshDue { .. }));
    bench.pass(18_000);
    assert!(matches!(bench.event(), Event::SessionExpired { .. }));
}

#[test]
fn a_refresh_that_finds_the_dialog_gone_ends_it() {
    let mut bench = Bench::new();
    answered(&mut bench, "Supported: timer\r\nAllow: UPDATE\r\nSession-Expires: 120;refresher=uas\r\n");
    bench.pass(60_000);
    let update = bench.one();
    bench.peer(response(&update, 481, "", ""));
    assert!(matches!(bench.event(), Event::Ended { request: None, .. }));
    bench.settled();
}

#[test]
fn our_invite_asks_for_a_timer_and_the_2xx_says_who_refreshes() {
    for (answer, refreshes, ends) in [
        ("", None, None),
        ("Session-Expires: 120;refresher=uac\r\n", Some(60_000), Some(88_000)),
        ("Session-Expires: 120;refresher=uas\r\n", None, Some(88_000)),
        ("Session-Expires: 120\r\n", Some(60_000), Some(88_000)),
        ("Session-Expires: 1;refresher=uac\r\n", Some(45_000), Some(60_000)),
    ] {
        let mut bench = Bench::new();
        let (_, invite) = called(&mut bench, answer);
        assert_eq!(expires(&invite).as_deref(), Some("1800"));
        let (mut refreshed, mut ended) = (None, None);
        let began = bench.now;
        while ended.is_none() && bench.now - began < Duration::from_mins(30) {
            bench.pass(1000);
            let at = Some(u64::try_from((bench.now - began).as_millis()).unwrap());
            for event in bench.events() {
                if matches!(event, Event::RefreshDue { .. }) {
                    refreshed = at;
                } else if matches!(event, Event::SessionExpired { .. }) {
                    ended = at;
                } else {
                    panic!("{event:?}");
                }
            }
        }
        assert_eq!((refreshed, ended), (refreshes, ends), "{answer}");
    }
}

#[test]
fn a_422_to_our_invite_is_tried_again_with_more() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 422, "x", "Min-SE: 3600\r\n"));
    let sent = bench.sent();
    assert_eq!(sent[0].1.method(), &Method::Ack);
    let again = sent[1].1.clone();
    assert_eq!(bench.events().len(), 0);
    assert_eq!((again.call_id(), again.from_tag()), (invite.call_id(), invite.from_tag()));
    assert_eq!((again.to_tag(), again.cseq().number), (None, invite.cseq().number + 1));
    assert_ne!(again.header("Via"), invite.header("Via"));
    assert_eq!((expires(&again).as_deref(), again.header("Min-SE").as_deref()), (Some("3600"), Some("3600")));
    assert_eq!((again.body(), again.content_type()), (invite.body(), invite.content_type()));
    assert_eq!(again.header("X-Call"), invite.header("X-Call"));
    bench.peer(response(&again, 422, "x", "Min-SE: 3600\r\n"));
    let event = bench.event();
    let Event::Rejected { failure, .. } = event else { panic!("{event:?}") };
    assert_eq!((failure, bench.endpoint.call_id(dialog)), (Failure::Refused, None));
    bench.settled();
}

#[test]
fn a_422_of_each_hop_on_the_way_is_tried_again_while_it_asks_for_more_and_three_times() {
    let mut bench = Bench::new();
    let (dialog, mut invite) = calling(&mut bench);
    for least in [2000, 3000, 4000] {
        bench.peer(response(&invite, 422, "x", &format!("Min-SE: {least}\r\n")));
        assert_eq!(bench.events().len(), 0);
        invite = bench.last();
        assert_eq!(expires(&invite), Some(least.to_string()));
    }
    bench.peer(response(&invite, 422, "x", "Min-SE: 5000\r\n"));
    assert!(matches!(bench.event(), Event::Rejected { .. }));
    assert_eq!(bench.endpoint.call_id(dialog), None);
    bench.settled();
}

#[test]
fn a_call_that_was_tried_again_is_answered_and_cancelled_like_any() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(response(&invite, 422, "x", "Min-SE: 3600\r\n"));
    let again = bench.last();
    bench.peer(response(&again, 180, "bot", "")).events();
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    let cancel = bench.last();
    assert_eq!((cancel.method(), cancel.header("Via")), (&Method::Cancel, again.header("Via")));
    bench.peer(response(&again, 487, "bot", ""));
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Cancelled, .. }));
    bench.settled();
}

#[test]
fn a_422_to_our_reinvite_update_or_refresh_is_tried_again() {
    let granted = "Session-Expires: 120;refresher=uac\r\n";
    for which in 0..3 {
        let mut bench = Bench::new();
        let (dialog, _) = called(&mut bench, &format!("{UPDATES}{granted}"));
        match which {
            0 => bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), sdp(200).body)),
            1 => bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), sdp(200).body)),
            _ => {
                bench.pass(60_000);
            }
        }
        let ours = bench.last();
        bench.peer(response(&ours, 422, "", "Min-SE: 300\r\n"));
        let again = bench.last();
        assert_eq!((again.method(), expires(&again).as_deref()), (ours.method(), Some("1800")));
        assert_eq!(again.header("Min-SE").as_deref(), Some("300"));
        assert_eq!(again.cseq().number, ours.cseq().number + 1);
        bench.peer(response(&again, 200, "", "Session-Expires: 300;refresher=uas\r\n"));
        let expected = usize::from(which != 2);
        assert_eq!(bench.events().len(), expected, "{which}");
        bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
        bench.pass(268_000);
        assert!(matches!(bench.event(), Event::SessionExpired { .. }), "{which}");
    }
}

#[test]
fn a_refresh_of_theirs_in_a_call_of_ours_is_answered() {
    let mut bench = Bench::new();
    let (_, invite) = called(&mut bench, "Session-Expires: 90;refresher=uas\r\n");
    bench.pass(45_000);
    bench.peer(inside(&invite, "UPDATE", 1, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n"));
    assert_eq!(expires(&bench.one()).as_deref(), Some("90;refresher=uac"));
    bench.pass(59_999);
    assert_eq!(bench.events().len(), 0);
}
