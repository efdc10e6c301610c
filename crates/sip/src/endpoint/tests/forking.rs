//! One INVITE of ours that reaches several phones (RFC 3261 s.12.1.2, s.13.2.2.4).

use super::calling::invitation;
use super::*;
use crate::Method;

fn contact(port: u16) -> String {
    format!("Contact: <sip:fork@192.0.2.20:{port}>\r\n")
}

fn calling(bench: &mut Bench) -> (DialogKey, Message) {
    let invite = Invite { reliability: Reliability::Supported, ..invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    (dialog, bench.one())
}

fn reliably(invite: &Message, tag: &str, port: u16, rseq: u32) -> String {
    response(invite, 180, tag, &format!("{}Require: 100rel\r\nRSeq: {rseq}\r\n", contact(port)))
}

#[test]
fn each_fork_has_its_own_rseq_and_cseq() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    let first = invite.cseq().number + 1;
    for (tag, port, rseq, cseq) in [
        ("a", 6001, 10, first),
        ("b", 6002, 900, first),
        ("a", 6001, 11, first + 1),
        ("b", 6002, 901, first + 1),
    ] {
        bench.peer(reliably(&invite, tag, port, rseq));
        let (flow, prack) = bench.sent().remove(0);
        assert_eq!((flow.remote.port(), prack.to_tag(), prack.cseq().number), (port, Some(tag), cseq));
    }
    bench.peer(response(&invite, 200, "b", &contact(6002)));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.last().cseq().number, first + 2);
}

#[test]
fn all_that_answer_are_acknowledged_and_all_but_the_first_hung_up() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.peer(reliably(&invite, "a", 6001, 10)).peer(reliably(&invite, "b", 6002, 10));
    let pracks = bench.sent();
    bench.pass(100).peer(response(&invite, 200, "b", &contact(6002)));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.pass(100).peer(response(&invite, 200, "a", &contact(6001)));
    let (_, bye) = bench.sent().pop().unwrap();
    assert_eq!((bye.method(), bye.to_tag()), (&Method::Bye, Some("a")));
    bench.peer(response(&bye, 200, "", ""));
    for (_, prack) in pracks {
        bench.peer(response(&prack, 200, "", ""));
    }
    bench.pass(300).peer(response(&invite, 200, "b", &contact(6002)));
    bench.peer(response(&invite, 200, "a", &contact(6001)));
    assert_eq!(
        bench.ladder(),
        "
     0 <- INVITE
     0 -> 180 INVITE
     0 <- PRACK
     0 -> 180 INVITE
     0 <- PRACK
   100 -> 200 INVITE
   100 <- ACK
   200 -> 200 INVITE
   200 <- ACK
   200 <- BYE
   200 -> 200 BYE
   200 -> 200 PRACK
   200 -> 200 PRACK
   500 -> 200 INVITE
   500 <- ACK
   500 -> 200 INVITE
   500 <- ACK
"
    );
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    bench.settled();
}

#[test]
fn the_bye_to_a_fork_counts_on_from_its_pracks() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    bench.peer(reliably(&invite, "a", 6001, 10));
    bench.peer(response(&invite, 200, "b", &contact(6002))).peer(response(&invite, 200, "a", &contact(6001)));
    assert_eq!(bench.last().cseq().number, invite.cseq().number + 2);
}

#[test]
fn an_update_goes_to_the_fork_heard_of_last() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    for (tag, port, rseq) in [("a", 6001, 10), ("b", 6002, 10), ("a", 6001, 11)] {
        bench.peer(reliably(&invite, tag, port, rseq));
    }
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), None));
    assert_eq!(bench.last().to_tag(), Some("a"));
}

#[test]
fn forks_are_bounded_and_the_rest_is_progress_without_prack() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    for fork in 0..30 {
        bench.peer(reliably(&invite, &format!("fork{fork}"), 6000, 10));
    }
    assert_eq!((bench.sent().len(), bench.events().len()), (16, 30));
}
