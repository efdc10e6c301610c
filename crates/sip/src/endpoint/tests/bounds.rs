//! What a peer can fill has a bound, and says so.

use super::*;

fn numbered(number: usize) -> String {
    invite()
        .replace("call-1", &format!("call-{number}"))
        .replace("z9hG4bKinvite", &format!("z9hG4bKinvite{number}"))
}

fn retry_after(message: &Message) -> Option<u32> {
    message.header("Retry-After").and_then(|value| value.parse().ok())
}

#[test]
fn over_the_bound_on_dialogs_an_invite_gets_503_and_when_to_come_again() {
    let mut bench = Bench::with(Config { max_dialogs: 3, ..config() });
    for number in 0..5 {
        bench.peer(numbered(number));
    }
    let invited = bench.events().into_iter().filter(|event| matches!(event, Event::Invited { .. }));
    assert_eq!(invited.count(), 3);
    let sent = bench.sent();
    assert_eq!(sent.len(), 2);
    assert!(
        sent.iter()
            .all(|(_, message)| message.status() == Some(status(503)) && retry_after(message) > Some(0))
    );
    assert_eq!(bench.endpoint.census().dialogs, 3);
}

#[test]
fn over_the_bound_on_transactions_nothing_grows() {
    let mut bench = Bench::with(Config { max_transactions: 4, ..config() });
    for number in 0..50 {
        bench.peer(numbered(number));
        bench.peer(
            request("OPTIONS", 1, &format!("o{number}"), "", "").replace("call-1", &format!("o-{number}")),
        );
    }
    assert_eq!(bench.endpoint.census().transactions, 4);
    assert_eq!(bench.sent().len(), 96);
}

#[test]
fn strangers_fill_half_of_the_room_and_learn_nothing_of_it() {
    let mut bench = Bench::with(Config { max_transactions: 10, ..config() });
    for number in 0..50 {
        bench.stranger(numbered(number));
    }
    assert_eq!((bench.events().len(), bench.sent().len()), (5, 0));
    bench.peer(numbered(100));
    assert!(matches!(bench.event(), Event::Invited { .. }));
}

#[test]
fn our_own_invite_is_refused_when_full() {
    let mut bench = Bench::with(Config { max_dialogs: 0, ..config() });
    let refused = bench.core(|endpoint, now| endpoint.invite(now, super::calling::invitation()));
    assert_eq!(refused, Err(Full));
}

#[test]
fn who_acknowledges_nothing_gets_no_third_2xx() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    for cseq in 2..=6 {
        bench.peer(request("INVITE", cseq, &format!("re{cseq}"), &tag, SDP));
        if let Some(Event::Reinvited { transaction, .. }) = bench.events().into_iter().next() {
            bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
        }
        let last = bench.last();
        let expected = if cseq < 4 { (Some(status(200)), false) } else { (Some(status(500)), true) };
        assert_eq!((last.status(), retry_after(&last).is_some()), expected, "{cseq}");
    }
    bench.peer(request("ACK", 3, "ack3", &tag, ""));
    bench.peer(request("INVITE", 7, "re7", &tag, SDP));
    assert!(bench.events().iter().any(|event| matches!(event, Event::Reinvited { .. })));
}

#[test]
fn a_bye_gets_through_when_full() {
    let mut bench = Bench::with(Config { max_transactions: 1, ..config() });
    let (_, tag) = bench.talking();
    bench.peer(request("BYE", 2, "bye", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(200)));
    assert!(matches!(bench.event(), Event::Ended { .. }));
    bench.settled();
}

#[test]
fn ten_thousand_calls_leave_nothing() {
    let mut bench = Bench::with(Config { max_transactions: 100_000, ..config() });
    for number in 0..10_000 {
        let dialog = bench.invited(numbered(number));
        bench.core(|endpoint, now| endpoint.ignore(now, dialog));
    }
    bench.settled();
}
