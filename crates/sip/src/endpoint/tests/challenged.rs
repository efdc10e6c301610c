//! Challenges to what we send, and what we answer (RFC 3261 s.22).

use std::net::{IpAddr, Ipv4Addr};

use super::calling::invitation;
use super::*;
use crate::Method;
use crate::digest::{Authenticated, Credentials, Denial, Gate, Ha1, Rejected, Stale};

const CONTACT: &str = "Contact: <sip:bot@192.0.2.20:5070>\r\n";

/// Where we are, as the guards see it.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Who asks for a password.
struct Guard {
    gate: Gate,
    challenge: &'static str,
    status: u16,
}

impl Guard {
    fn proxy(realm: &str) -> Self {
        Self { gate: Gate::new(realm, [1; 32]), challenge: "Proxy-Authenticate", status: 407 }
    }

    fn server(realm: &str) -> Self {
        Self { gate: Gate::new(realm, [2; 32]), challenge: "WWW-Authenticate", status: 401 }
    }

    fn challenges(&mut self, now: Instant, stale: Stale) -> String {
        let values = self.gate.challenge(now, SOURCE, stale);
        values.iter().fold(String::new(), |lines, value| lines + self.challenge + ": " + value + "\r\n")
    }

    /// The challenge of a request.
    fn refuse(&mut self, bench: &Bench, request: &Message, stale: Stale) -> String {
        let lines = self.challenges(bench.now, stale);
        response(request, self.status, "guard", &lines)
    }

    fn check(&mut self, bench: &Bench, request: &Message) -> Result<Authenticated, Rejected> {
        let realm = self.gate.realm().to_owned();
        let find = |name: &str| (name == "us").then(|| Ha1::of(name, &realm, "secret"));
        self.gate.check(bench.now, request, SOURCE, find)
    }

    #[track_caller]
    fn passes(&mut self, bench: &Bench, request: &Message) {
        assert_eq!(
            self.check(bench, request),
            Ok(Authenticated { username: "us".to_owned() }),
            "{request:?}"
        );
    }
}

/// An INVITE of ours with that password.
fn calling_with(bench: &mut Bench, password: &str) -> (DialogKey, Message) {
    let invite = Invite { credentials: Some(Credentials::new("us", password)), ..invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    (dialog, bench.one())
}

/// The request that follows the ACK of a refused INVITE.
fn next(bench: &mut Bench) -> Message {
    let mut sent = bench.sent();
    assert_eq!(sent.iter().map(|(_, message)| message.method()).next(), Some(&Method::Ack), "{sent:?}");
    assert_eq!(sent.len(), 2, "{sent:?}");
    sent.remove(1).1
}

/// What both sides of a dialog know an INVITE by.
fn names(message: &Message) -> (String, Option<String>, Option<String>) {
    let tag = message.from_tag().map(str::to_owned);
    (message.call_id().to_owned(), tag, message.header("Contact").map(String::from))
}

/// A call that a proxy has let pass, answered and acknowledged, with its INVITE and its ACK.
fn talking(bench: &mut Bench, guard: &mut Guard) -> (DialogKey, Message, Message) {
    let (dialog, first) = calling_with(bench, "secret");
    bench.peer(guard.refuse(bench, &first, Stale::No));
    let invite = next(bench);
    guard.passes(bench, &invite);
    bench.peer(response(&invite, 200, "bot", &format!("{CONTACT}{SDP}")));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    let ack = bench.one();
    bench.events();
    bench.ladder();
    (dialog, invite, ack)
}

fn rejection(bench: &mut Bench) -> (StatusCode, Failure) {
    let event = bench.event();
    let Event::Rejected { status, failure, .. } = event else { panic!("{event:?}") };
    (status, failure)
}

#[test]
fn a_407_is_answered_with_the_same_call_a_higher_cseq_and_a_new_branch() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("atlanta.example.com"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    bench.pass(10).peer(response(&first, 100, "", ""));
    bench.pass(10);
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    guard.passes(&bench, &invite);
    assert!(bench.events().is_empty(), "the core above sees one INVITE");
    assert_eq!(names(&invite), names(&first));
    assert_eq!(invite.cseq().number, first.cseq().number + 1);
    assert_ne!(invite.via().unwrap().branch(), first.via().unwrap().branch());
    assert_eq!((invite.to_tag(), invite.body()), (None, first.body()));
    for name in ["X-Call", "Allow", "Supported", "Session-Expires", "User-Agent", "Max-Forwards"] {
        assert_eq!(invite.header(name), first.header(name), "{name}");
    }
    bench.pass(10).peer(response(&invite, 180, "bot", CONTACT));
    assert!(matches!(bench.event(), Event::Progress { .. }));
    bench.pass(10).peer(response(&invite, 200, "bot", CONTACT));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    assert_eq!(
        bench.ladder(),
        "
     0 <- INVITE
    10 -> 100 INVITE
    20 -> 407 INVITE
    20 <- ACK
    20 <- INVITE
    30 -> 180 INVITE
    40 -> 200 INVITE
    40 <- ACK
"
    );
    let ack = bench.one();
    assert_eq!(ack.header("Proxy-Authorization"), invite.header("Proxy-Authorization"));
    assert_eq!(ack.cseq().number, invite.cseq().number);
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    guard.passes(&bench, &bye);
    assert!(bye.header("Proxy-Authorization").unwrap().contains("nc=00000002"));
    bench.peer(response(&bye, 200, "", ""));
    bench.settled();
}

#[test]
fn without_credentials_a_challenge_is_the_rejection() {
    for code in [401, 407] {
        let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
        let (_, invite) = super::calling::calling(&mut bench);
        let challenges = guard.challenges(bench.now, Stale::No);
        bench.peer(response(&invite, code, "guard", &challenges));
        assert_eq!(bench.one().method(), &Method::Ack);
        assert_eq!(rejection(&mut bench), (status(code), Failure::Refused));
        bench.settled();
    }
}

#[test]
fn a_wrong_password_is_told_in_words_after_one_try() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (_, first) = calling_with(&mut bench, "guess");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    assert_eq!(guard.check(&bench, &invite), Err(Rejected::Wrong));
    bench.peer(guard.refuse(&bench, &invite, Stale::No));
    assert_eq!(bench.one().method(), &Method::Ack);
    assert_eq!(rejection(&mut bench), (status(407), Failure::Denied(Denial::Wrong)));
    bench.settled();
}

#[test]
fn a_stale_nonce_is_replaced_once_more() {
    let (mut bench, mut guard) = (Bench::new(), Guard::server("r"));
    let (_, first) = calling_with(&mut bench, "secret");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let second = next(&mut bench);
    bench.peer(guard.refuse(&bench, &second, Stale::Yes));
    let third = next(&mut bench);
    guard.passes(&bench, &third);
    assert!(third.header("Authorization").unwrap().contains("nc=00000001"));
    assert_eq!(third.headers("Authorization").count(), 1);
    assert_eq!(third.cseq().number, first.cseq().number + 2);
    bench.peer(guard.refuse(&bench, &third, Stale::Yes));
    assert_eq!(rejection(&mut bench), (status(401), Failure::Denied(Denial::Wrong)));
    bench.settled();
}

#[test]
fn two_proxies_and_the_server_are_answered_one_after_another_and_all_at_once() {
    let mut bench = Bench::new();
    let mut guards = [Guard::proxy("atlanta"), Guard::proxy("biloxi"), Guard::server("bob")];
    let (dialog, mut invite) = calling_with(&mut bench, "secret");
    for at in 0..guards.len() {
        bench.peer(guards[at].refuse(&bench, &invite, Stale::No));
        invite = next(&mut bench);
        for guard in &mut guards[..=at] {
            guard.passes(&bench, &invite);
        }
    }
    bench.peer(response(&invite, 200, "bot", CONTACT));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.sent();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    for guard in &mut guards {
        guard.passes(&bench, &bye);
    }

    // A forking proxy puts the challenges of several into one response (s.22.3).
    let mut bench = Bench::new();
    let (_, first) = calling_with(&mut bench, "secret");
    let all = guards.iter_mut().map(|guard| guard.challenges(bench.now, Stale::No)).collect::<String>();
    bench.peer(response(&first, 407, "guard", &all));
    let invite = next(&mut bench);
    for guard in &mut guards {
        guard.passes(&bench, &invite);
    }
}

#[test]
fn a_challenge_that_nobody_can_answer_is_told_in_words() {
    let mut bench = Bench::new();
    let (_, invite) = calling_with(&mut bench, "secret");
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", algorithm=SHA-512-256\r\nWWW-Authenticate: Basic realm=\"r\"\r\n";
    bench.peer(response(&invite, 401, "guard", challenge));
    assert_eq!(rejection(&mut bench), (status(401), Failure::Denied(Denial::Unanswerable)));
    assert!(!Failure::Denied(Denial::Unanswerable).is_of_the_host());
}

#[test]
fn a_challenge_after_ringing_starts_the_early_dialogs_over() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    bench.peer(response(&first, 100, "", "")).peer(response(&first, 180, "early", CONTACT));
    assert!(matches!(bench.event(), Event::Progress { .. }));
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    assert!(bench.events().is_empty());
    bench.peer(response(&invite, 183, "bot", CONTACT)).peer(response(&invite, 200, "bot", CONTACT));
    assert!(matches!(bench.events()[..], [Event::Progress { .. }, Event::Answered { .. }]));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert_eq!(bench.last().to_tag(), Some("bot"));
}

#[test]
fn a_repeated_407_whose_ack_was_lost_gets_the_ack_again_and_nothing_else() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    let refusal = guard.refuse(&bench, &first, Stale::No);
    bench.peer(refusal.clone());
    let invite = next(&mut bench);
    bench.peer(response(&invite, 180, "bot", CONTACT));
    bench.pass(500).peer(refusal.clone());
    let ack = bench.one();
    assert_eq!((ack.method(), ack.cseq().number), (&Method::Ack, first.cseq().number));
    bench.peer(response(&invite, 200, "bot", CONTACT));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.sent();
    bench.pass(500).peer(refusal);
    assert_eq!(bench.one().cseq().number, first.cseq().number);
    assert_eq!(bench.events().len(), 2, "180 and 200");
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    bench.peer(response(&bye, 200, "", ""));
    bench.settled();
}

#[test]
fn a_lost_retry_is_sent_again_the_same_to_the_octet() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (_, first) = calling_with(&mut bench, "secret");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    bench.pass(500);
    assert_eq!(bench.one().bytes(), invite.bytes());
}

#[test]
fn a_cancel_before_the_challenge_ends_the_call_there() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    assert_eq!(bench.one().method(), &Method::Ack);
    assert_eq!(rejection(&mut bench), (status(407), Failure::Cancelled));
    bench.settled();
}

#[test]
fn a_cancel_during_the_retry_repeats_its_credentials_and_its_own_challenge_is_not_answered() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    assert!(bench.sent().is_empty(), "nothing has come for it");
    bench.peer(response(&invite, 100, "", ""));
    let cancel = bench.one();
    assert_eq!(cancel.method(), &Method::Cancel);
    assert_eq!(cancel.header("Via"), invite.header("Via"));
    assert_eq!(cancel.cseq().number, invite.cseq().number);
    assert_eq!(cancel.header("Proxy-Authorization"), invite.header("Proxy-Authorization"));
    assert!(cancel.header("Proxy-Authorization").is_some());
    bench.peer(guard.refuse(&bench, &cancel, Stale::No));
    assert!(bench.sent().is_empty());
    bench.peer(response(&invite, 487, "bot", ""));
    assert_eq!(bench.one().header("Proxy-Authorization"), invite.header("Proxy-Authorization"));
    assert_eq!(rejection(&mut bench), (status(487), Failure::Cancelled));
    bench.settled();
}

#[test]
fn a_2xx_that_crosses_our_cancel_is_ended_by_a_bye_whose_challenge_is_answered() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, first) = calling_with(&mut bench, "secret");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    bench.peer(response(&invite, 180, "bot", CONTACT));
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    bench.sent();
    bench.peer(response(&invite, 200, "bot", CONTACT));
    let bye = bench.last();
    assert_eq!(bye.method(), &Method::Bye);
    guard.passes(&bench, &bye);
    bench.peer(guard.refuse(&bench, &bye, Stale::Yes));
    let again = bench.one();
    guard.passes(&bench, &again);
    assert_eq!((again.method(), again.cseq().number), (&Method::Bye, bye.cseq().number + 1));
}

#[test]
fn a_bye_answers_a_challenge_of_its_own() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, invite, ack) = talking(&mut bench, &mut guard);
    assert_eq!(ack.header("Proxy-Authorization"), invite.header("Proxy-Authorization"));
    bench.pass(400_000).core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.last();
    assert_eq!(guard.check(&bench, &bye), Err(Rejected::Stale));
    bench.ladder();
    bench.peer(guard.refuse(&bench, &bye, Stale::Yes));
    let again = bench.one();
    guard.passes(&bench, &again);
    assert_eq!((names(&again), again.to_tag()), (names(&bye), Some("bot")));
    assert_eq!(again.cseq().number, bye.cseq().number + 1);
    assert!(bench.events().is_empty());
    bench.peer(response(&again, 200, "", ""));
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn a_bye_whose_credentials_are_not_taken_ends_the_call_all_the_same() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (dialog, _, _) = talking(&mut bench, &mut guard);
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    bench.peer(guard.refuse(&bench, &bye, Stale::No));
    let again = bench.one();
    bench.peer(guard.refuse(&bench, &again, Stale::No));
    assert!(bench.sent().is_empty());
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn requests_within_the_dialog_count_on_and_answer_challenges_of_their_own() {
    let (mut bench, mut guard) = (Bench::new(), Guard::server("r"));
    let (dialog, _, _) = talking(&mut bench, &mut guard);
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), sdp(200).body));
    let reinvite = bench.one();
    guard.passes(&bench, &reinvite);
    assert!(reinvite.header("Authorization").unwrap().contains("nc=00000002"));
    bench.peer(guard.refuse(&bench, &reinvite, Stale::Yes));
    let again = next(&mut bench);
    guard.passes(&bench, &again);
    assert_eq!(again.cseq().number, reinvite.cseq().number + 1);
    assert!(bench.events().is_empty());
    bench.peer(response(&again, 200, "", &format!("{CONTACT}{SDP}")));
    assert!(matches!(bench.event(), Event::ReinviteAnswered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    assert_eq!(bench.one().header("Authorization"), again.header("Authorization"));

    bench.core(|endpoint, now| endpoint.update(now, dialog, Vec::new(), sdp(200).body));
    let update = bench.one();
    bench.peer(guard.refuse(&bench, &update, Stale::No));
    let again = bench.one();
    guard.passes(&bench, &again);
    bench.peer(response(&again, 200, "", &format!("{CONTACT}{SDP}")));
    assert!(matches!(bench.event(), Event::UpdateAnswered { .. }));

    bench.core(|endpoint, now| endpoint.request(now, dialog, Method::Info, Vec::new(), sdp(200).body));
    let info = bench.one();
    guard.passes(&bench, &info);
    bench.peer(guard.refuse(&bench, &info, Stale::No));
    let again = bench.one();
    guard.passes(&bench, &again);
    assert_eq!((again.method(), again.body()), (&Method::Info, info.body()));
    bench.peer(response(&again, 200, "", ""));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.one();
    guard.passes(&bench, &bye);
    assert_eq!(bye.cseq().number, again.cseq().number + 1);
    bench.peer(response(&bye, 200, "", ""));
    bench.settled();
}

#[test]
fn a_reinvite_that_is_refused_for_its_credentials_leaves_the_call_as_it_was() {
    let (mut bench, mut guard) = (Bench::new(), Guard::server("r"));
    let (dialog, _, _) = talking(&mut bench, &mut guard);
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), sdp(200).body));
    let first = bench.one();
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let again = next(&mut bench);
    bench.peer(guard.refuse(&bench, &again, Stale::No));
    let event = bench.event();
    assert!(matches!(event, Event::ReinviteRejected { status: StatusCode::UNAUTHORIZED, .. }), "{event:?}");
    assert!(bench.endpoint.is_confirmed(dialog));
}

#[test]
fn a_prack_carries_credentials_and_answers_a_challenge() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let credentials = Some(Credentials::new("us", "secret"));
    let invite = Invite { credentials, reliability: Reliability::Supported, ..invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let first = bench.one();
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let invite = next(&mut bench);
    bench.peer(response(&invite, 183, "bot", &format!("{CONTACT}Require: 100rel\r\nRSeq: 7\r\n")));
    let prack = bench.one();
    guard.passes(&bench, &prack);
    bench.peer(guard.refuse(&bench, &prack, Stale::Yes));
    let again = bench.one();
    guard.passes(&bench, &again);
    assert_eq!((again.method(), again.header("RAck")), (&Method::Prack, prack.header("RAck")));
    bench.peer(response(&again, 200, "", ""));
    bench.peer(response(&invite, 200, "bot", CONTACT));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let bye = bench.last();
    guard.passes(&bench, &bye);
    assert_eq!(bye.cseq().number, again.cseq().number + 1);
}

#[test]
fn a_422_after_a_challenge_is_tried_again_with_credentials_of_its_own() {
    let (mut bench, mut guard) = (Bench::new(), Guard::proxy("r"));
    let (_, first) = calling_with(&mut bench, "secret");
    bench.peer(guard.refuse(&bench, &first, Stale::No));
    let second = next(&mut bench);
    guard.passes(&bench, &second);
    bench.peer(response(&second, 422, "x", "Min-SE: 3600\r\n"));
    let third = next(&mut bench);
    guard.passes(&bench, &third);
    assert_eq!(third.headers("Proxy-Authorization").count(), 1);
    assert_eq!(third.header("Session-Expires").as_deref(), Some("3600"));
    bench.peer(guard.refuse(&bench, &third, Stale::No));
    assert_eq!(rejection(&mut bench), (status(407), Failure::Denied(Denial::Wrong)));
}

#[test]
fn ever_new_realms_end_the_call() {
    let mut bench = Bench::new();
    let (_, mut invite) = calling_with(&mut bench, "secret");
    for round in 0..5 {
        let mut guard = Guard::proxy(&round.to_string());
        bench.peer(guard.refuse(&bench, &invite, Stale::No));
        invite = next(&mut bench);
    }
    bench.peer(Guard::proxy("5").refuse(&bench, &invite, Stale::No));
    assert_eq!(rejection(&mut bench), (status(407), Failure::Denied(Denial::Endless)));
    bench.settled();
}
