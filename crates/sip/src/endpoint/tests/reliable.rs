//! Reliable provisional responses (RFC 3262), in both roles.

use super::calling::invitation;
use super::*;
use crate::Method;

const CONTACT: &str = "Contact: <sip:bot@192.0.2.20:5070>\r\n";

fn supporting() -> String {
    request("INVITE", 1, "invite", "", &format!("Supported: 100rel\r\n{SDP}"))
}

fn number(message: &Message, header: &str) -> u32 {
    message.header(header).expect("it is there").parse().expect("a number")
}

/// The PRACK of the peer to `response`.
fn prack(response: &Message, cseq: u32, more: &str) -> String {
    let rseq = number(response, "RSeq");
    let branch = format!("prack{cseq}");
    request("PRACK", cseq, &branch, response.to_tag().unwrap(), &format!("RAck: {rseq} 1 INVITE\r\n{more}"))
}

fn statuses(bench: &mut Bench) -> Vec<u16> {
    bench.sent().iter().filter_map(|(_, message)| message.status()).map(StatusCode::code).collect()
}

/// An INVITE of ours that takes reliable responses.
fn calling(bench: &mut Bench) -> (DialogKey, Message) {
    let invite = Invite { reliability: Reliability::Supported, ..invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    (dialog, bench.one())
}

fn reliably(invite: &Message, code: u16, tag: &str, rseq: u32, more: &str) -> String {
    response(invite, code, tag, &format!("{CONTACT}Require: 100rel\r\nRSeq: {rseq}\r\n{more}"))
}

#[test]
fn early_media_reliably_and_an_answer_that_waits_for_the_prack() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let progress = bench.one();
    assert_eq!(progress.headers("Require").collect::<Vec<_>>(), ["100rel"]);
    bench.pass(600);
    bench.core(|endpoint, now| endpoint.answer(now, dialog, reply(200)));
    bench.pass(900).peer(prack(&progress, 2, ""));
    let event = bench.event();
    assert!(matches!(event, Event::Pracked { transaction: None, .. }), "{event:?}");
    bench.pass(100).peer(request("ACK", 1, "ack", progress.to_tag().unwrap(), ""));
    assert!(matches!(bench.event(), Event::Acknowledged { .. }));
    assert_eq!(
        bench.ladder(),
        "
     0 -> INVITE
     0 <- 183 INVITE
   500 <- 183 INVITE
  1500 <- 183 INVITE
  1500 -> PRACK
  1500 <- 200 PRACK
  1500 <- 200 INVITE
  1600 -> ACK
"
    );
}

#[test]
fn an_unacknowledged_provisional_doubles_without_a_cap_and_ends_in_504() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
    bench.pass(32_000);
    assert!(matches!(bench.event(), Event::PrackMissing { .. }));
    let ladder = bench.ladder();
    assert!(
        ladder.starts_with(
            "
     0 -> INVITE
     0 <- 180 INVITE
   500 <- 180 INVITE
  1500 <- 180 INVITE
  3500 <- 180 INVITE
  7500 <- 180 INVITE
 15500 <- 180 INVITE
 31500 <- 180 INVITE
 32000 <- 504 INVITE
"
        ),
        "{ladder}"
    );
    assert_eq!(bench.endpoint.call_id(dialog), None);
    bench.settled();
}

#[test]
fn the_next_waits_for_the_prack_to_the_one_before() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let first = bench.one();
    bench.peer(prack(&first, 2, ""));
    let second = bench.last();
    assert_eq!(second.status(), Some(status(183)));
    assert_eq!(number(&second, "RSeq"), number(&first, "RSeq") + 1);
}

#[test]
fn rseq_starts_at_random() {
    let starts: std::collections::BTreeSet<u32> = (0..8)
        .map(|seed| {
            let mut bench = Bench::seeded(seed);
            let dialog = bench.invited(supporting());
            bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
            number(&bench.one(), "RSeq")
        })
        .collect();
    assert_eq!(starts.len(), 8);
}

#[test]
fn an_answer_overtakes_a_bare_provisional_whose_prack_still_gets_200() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
    let ringing = bench.one();
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    assert_eq!(statuses(&mut bench), [200]);
    bench.peer(prack(&ringing, 2, "")).peer(prack(&ringing, 3, ""));
    assert_eq!(statuses(&mut bench), [200, 481]);
    bench.peer(request("ACK", 1, "ack", ringing.to_tag().unwrap(), ""));
    bench.pass(40_000);
    assert_eq!(statuses(&mut bench), [] as [u16; 0], "the 180 is repeated no more");
}

#[test]
fn a_prack_for_what_nobody_sent_gets_481() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
    let ringing = bench.one();
    let wrong =
        [("1 INVITE", "2 INVITE"), ("1 INVITE", "1 UPDATE"), ("1 INVITE", "1"), ("RAck: ", "RAck: 9")];
    for ((from, to), cseq) in wrong.into_iter().zip(2..) {
        bench.peer(prack(&ringing, cseq, "").replace(from, to));
        assert_eq!(bench.one().status(), Some(status(481)), "{to}");
    }
    bench.peer(prack(&ringing, 9, ""));
    assert_eq!(bench.one().status(), Some(status(200)));
}

#[test]
fn a_caller_that_knows_no_prack_is_rung_without_and_one_that_insists_with() {
    for (extension, expected) in [("", false), ("Supported: timer\r\n", false), ("Require: 100rel\r\n", true)]
    {
        let mut bench = Bench::new();
        let dialog = bench.invited(request("INVITE", 1, "invite", "", &format!("{extension}{SDP}")));
        bench.core(|endpoint, now| {
            if expected {
                endpoint.ring(now, dialog, reply(180));
            } else {
                endpoint.ring_reliably(now, dialog, reply(180));
            }
        });
        assert_eq!(bench.one().header("RSeq").is_some(), expected, "{extension}");
        bench.core(|endpoint, now| endpoint.trying(now, dialog));
    }
}

#[test]
fn a_late_offer_goes_in_the_183_and_its_answer_comes_in_the_prack() {
    let mut bench = Bench::new();
    let dialog = bench.invited(request("INVITE", 1, "invite", "", "Supported: 100rel\r\n"));
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let progress = bench.one();
    bench.peer(prack(&progress, 2, SDP));
    let event = bench.event();
    let Event::Pracked { request: answer, transaction: None, .. } = event else { panic!("{event:?}") };
    assert!(!answer.body().is_empty());
    bench.core(|endpoint, now| endpoint.answer(now, dialog, reply(200)));
    bench.peer(request("UPDATE", 3, "up", progress.to_tag().unwrap(), SDP));
    assert!(matches!(bench.event(), Event::Updated { .. }), "no offer of ours is open");
}

#[test]
fn an_offer_in_a_prack_is_the_cores_to_answer() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let progress = bench.one();
    bench.peer(prack(&progress, 2, SDP));
    let event = bench.event();
    let Event::Pracked { transaction: Some(transaction), .. } = event else { panic!("{event:?}") };
    assert_eq!(bench.sent().len(), 0);
    bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
    assert_eq!(bench.one().content_type().as_deref(), Some("application/sdp"));
}

#[test]
fn an_update_before_the_answer_waits_for_the_first_offer_to_be_settled() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let progress = bench.one();
    let tag = progress.to_tag().unwrap();
    bench.peer(request("UPDATE", 2, "up2", tag, SDP));
    let later = bench.one();
    assert_eq!((later.status(), later.header("Retry-After").is_some()), (Some(status(500)), true));
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), sdp(200).body));
    assert!(matches!(bench.event(), Event::UpdateRejected { response: None, .. }));
    bench.peer(prack(&progress, 3, "")).until_event();
    bench.events();
    bench.peer(request("UPDATE", 4, "up4", tag, SDP));
    assert!(matches!(bench.event(), Event::Updated { .. }));
}

#[test]
fn our_update_goes_in_the_early_dialog() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    let progress = bench.one();
    bench.peer(prack(&progress, 2, ""));
    bench.events();
    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), sdp(200).body));
    let update = bench.last();
    assert_eq!((update.method(), update.from_tag()), (&Method::Update, progress.to_tag()));
    bench.peer(response(&update, 200, "", SDP));
    assert!(matches!(bench.event(), Event::UpdateAnswered { .. }));
}

#[test]
fn a_cancel_ends_what_waits_for_its_prack() {
    let mut bench = Bench::new();
    let dialog = bench.invited(supporting());
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, reply(180)));
    bench.peer(request("CANCEL", 1, "invite", "", "")).sent();
    assert!(matches!(bench.event(), Event::Cancelled { .. }));
    bench.peer(request("ACK", 1, "invite", "x", ""));
    bench.settled();
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn our_invite_says_that_it_takes_them_if_the_core_wants_it() {
    let mut bench = Bench::new();
    let (_, invite) = calling(&mut bench);
    assert!(invite.headers("Supported").any(|tag| tag == "100rel"));
    let invite = Invite { reliability: Reliability::Required, ..invitation() };
    bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    assert_eq!(bench.one().header("Require").as_deref(), Some("100rel"));
}

#[test]
fn their_reliable_responses_are_acknowledged_in_order_and_once() {
    let mut bench = Bench::new();
    let (dialog, invite) = calling(&mut bench);
    bench.pass(10).peer(reliably(&invite, 183, "bot", 40, SDP));
    let prack = bench.one();
    let rack = format!("40 {} INVITE", invite.cseq().number);
    assert_eq!(
        (prack.header("RAck").as_deref(), prack.request_uri()),
        (Some(&*rack), Some("sip:bot@192.0.2.20:5070"))
    );
    assert_eq!(prack.cseq().number, invite.cseq().number + 1);
    bench.peer(response(&prack, 200, "", ""));
    bench.pass(490).peer(reliably(&invite, 183, "bot", 40, SDP));
    bench.peer(reliably(&invite, 180, "bot", 42, ""));
    bench.pass(500).peer(reliably(&invite, 180, "bot", 41, ""));
    let second = bench.last();
    assert_eq!(second.cseq().number, invite.cseq().number + 2);
    bench.peer(response(&second, 200, "", "")).peer(reliably(&invite, 180, "bot", 42, ""));
    let third = bench.last();
    bench.peer(response(&third, 200, "", "")).peer(response(&invite, 200, "bot", CONTACT));
    assert_eq!(bench.events().len(), 4, "three responses and the answer");
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    assert_eq!(bench.last().cseq().number, invite.cseq().number);
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.last().cseq().number, invite.cseq().number + 4, "no number is used twice");
    assert_eq!(
        bench.ladder(),
        "
     0 <- INVITE
    10 -> 183 INVITE
    10 <- PRACK
    10 -> 200 PRACK
   500 -> 183 INVITE
   500 -> 180 INVITE
  1000 -> 180 INVITE
  1000 <- PRACK
  1000 -> 200 PRACK
  1000 -> 180 INVITE
  1000 <- PRACK
  1000 -> 200 PRACK
  1000 -> 200 INVITE
  1000 <- ACK
  1000 <- BYE
"
    );
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_the_prack() {
    let mut bench = Bench::new();
    let invite = Invite { reliability: Reliability::Supported, body: None, ..invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let invite = bench.one();
    bench.peer(reliably(&invite, 183, "bot", 7, SDP));
    let event = bench.event();
    let Event::EarlyOffer { response: offer, .. } = event else { panic!("{event:?}") };
    assert_eq!(bench.sent().len(), 0);
    let body = sdp(200).body.unwrap();
    bench.core(|endpoint, now| endpoint.prack(now, dialog, &offer, body.clone()));
    assert_eq!(bench.one().content_type().as_deref(), Some("application/sdp"));
    bench.core(|endpoint, now| endpoint.prack(now, dialog, &offer, body));
    assert_eq!(bench.sent().len(), 0, "once is enough");
}

#[test]
fn a_reliable_response_that_was_not_asked_for_is_plain_progress() {
    let mut bench = Bench::new();
    let (_, invite) = super::calling::calling(&mut bench);
    bench.peer(reliably(&invite, 183, "bot", 7, SDP));
    assert!(matches!(bench.event(), Event::Progress { .. }));
    assert_eq!(bench.sent().len(), 0);
}

#[test]
fn an_update_in_their_early_dialog_is_raised_once_the_offer_is_settled() {
    for (sent, expected) in [("Require: 100rel\r\nRSeq: 7\r\n", None), ("", Some(status(491)))] {
        let mut bench = Bench::new();
        let (_, invite) = calling(&mut bench);
        bench.peer(response(&invite, 183, "bot", &format!("{CONTACT}{sent}{SDP}")));
        bench.sent();
        bench.events();
        bench.peer(super::changing::inside(&invite, "UPDATE", 1, SDP));
        assert_eq!(bench.sent().pop().and_then(|(_, message)| message.status()), expected);
        assert_eq!(matches!(bench.events().as_slice(), [Event::Updated { .. }]), expected.is_none());
    }
}
