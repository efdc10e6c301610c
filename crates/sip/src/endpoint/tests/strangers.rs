//! Those whom we do not know learn nothing of us.

use super::*;

#[test]
fn an_ignored_invite_its_repetitions_and_its_cancel_get_nothing() {
    let mut bench = Bench::new();
    bench.stranger(invite());
    let Event::Invited { dialog, .. } = bench.event() else { panic!("not raised") };
    bench.core(|endpoint, now| endpoint.ignore(now, dialog));
    bench.stranger(invite()).stranger(request("CANCEL", 1, "invite", "", ""));
    bench.stranger(request("ACK", 1, "invite", "", "")).stranger(request("INVITE", 1, "fork", "", SDP));
    bench.peer(request("CANCEL", 1, "invite", "", ""));
    bench.pass(20_000).stranger(invite());
    assert_eq!((bench.sent().len(), bench.events().len()), (0, 0));
    bench.settled();
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn a_disregarded_request_gets_nothing() {
    let mut bench = Bench::new();
    bench.stranger(request("OPTIONS", 1, "o", "", ""));
    let Event::OutOfDialog { transaction, .. } = bench.event() else { panic!("not raised") };
    bench.core(|endpoint, now| endpoint.disregard(now, transaction));
    bench.core(|endpoint, now| endpoint.respond(now, transaction, reply(200)));
    bench.stranger(request("OPTIONS", 1, "o", "", ""));
    bench.settled();
    assert_eq!((bench.sent().len(), bench.events().len()), (0, 0));
}

#[test]
fn strays_and_malformed_messages_get_nothing() {
    for text in [
        request("BYE", 1, "b", "", ""),
        request("BYE", 1, "b", "unknown", ""),
        request("INVITE", 1, "b", "unknown", ""),
        request("CANCEL", 1, "b", "", ""),
        request("PRACK", 1, "b", "", ""),
    ] {
        let mut bench = Bench::new();
        bench.stranger(text.clone());
        assert_eq!((bench.sent().len(), bench.events().len()), (0, 0), "{text}");
    }
    let mut bench = Bench::new();
    bench.stranger(invite().replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")).stranger("hello");
    assert_eq!(bench.sent().len(), 0);
    assert!(bench.events().iter().all(|event| matches!(event, Event::Malformed { .. })));
}

#[test]
fn a_fresh_request_is_raised_whatever_is_wrong_with_it() {
    for text in [
        invite().replace("Max-Forwards: 70", "Max-Forwards: 0"),
        request("INVITE", 1, "r", "", "Require: foo\r\n"),
        invite().replace("Contact: <sip:peer@192.0.2.9:5060>\r\n", ""),
    ] {
        let mut bench = Bench::new();
        bench.stranger(text.clone());
        assert!(matches!(bench.event(), Event::Invited { .. }), "{text}");
        assert_eq!(bench.sent().len(), 0, "{text}");
    }
}

#[test]
fn a_stranger_may_be_rejected_as_anyone() {
    let mut bench = Bench::new();
    bench.stranger(invite());
    let Event::Invited { dialog, .. } = bench.event() else { panic!("not raised") };
    bench.core(|endpoint, now| endpoint.reject(now, dialog, reply(403)));
    assert_eq!(bench.one().status(), Some(status(403)));
    bench.stranger(request("ACK", 1, "invite", "x", ""));
    bench.settled();
}

#[test]
fn a_peer_that_moved_still_has_its_dialog() {
    let mut bench = Bench::new();
    let (_, tag) = bench.talking();
    bench.by(udp("203.0.113.99:1234")).stranger(request("BYE", 2, "bye", &tag, ""));
    assert_eq!(bench.one().status(), Some(status(200)));
    assert!(matches!(bench.event(), Event::Ended { .. }));
    bench.settled();
}
