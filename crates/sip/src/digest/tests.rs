//! Vectors of the RFCs, and the two sides against each other.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;

use super::algorithm::Algorithm;
use super::challenge::Asker;
use super::gate::LIFETIME;
use super::proof::{Counted, Proof, Protection};
use super::*;
use crate::message::Message;
use crate::transaction::clock;

const REALM: &str = "example.com";
const URI: &str = "sip:+14155550100@example.com";

fn source() -> IpAddr {
    "192.0.2.9".parse().unwrap()
}

fn find(name: &str) -> Option<Ha1> {
    (name == "alice").then(|| Ha1::of("alice", REALM, "secret"))
}

fn gate() -> Gate {
    Gate::new(REALM, [7; 32])
}

fn alice() -> Keyring {
    Keyring::new(Credentials::new("alice", "secret"))
}

fn lines(headers: &[(&str, String)]) -> String {
    headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n")
}

/// An INVITE with these header lines.
fn invite(headers: &[(&str, String)], body: &str) -> Message {
    let lines = lines(headers);
    let text = format!(
        "INVITE {URI} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <{URI}>\r\nCall-ID: c\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n{lines}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Message::parse(Bytes::from(text)).unwrap()
}

fn refusal(status: u16, challenges: &[(&str, String)]) -> Message {
    let lines = lines(challenges);
    let text = format!(
        "SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <{URI}>;tag=2\r\nCall-ID: c\r\n\
         CSeq: 1 INVITE\r\n{lines}Content-Length: 0\r\n\r\n"
    );
    Message::parse(Bytes::from(text)).unwrap()
}

/// A 401 with these challenges.
fn unauthorized(values: &[String]) -> Message {
    let lines: Vec<_> = values.iter().map(|value| ("WWW-Authenticate", value.clone())).collect();
    refusal(401, &lines)
}

fn answer(keyring: &mut Keyring, uri: &str, body: &str) -> Vec<(&'static str, String)> {
    keyring.answer(Subject { method: &crate::Method::Invite, uri, body: body.as_bytes() }, "0a4f113b")
}

/// What alice's INVITE carries after a challenge of that gate.
fn answered(gate: &mut Gate, now: Instant) -> Vec<(&'static str, String)> {
    answered_from(gate, now, source(), "secret")
}

/// The same of somebody at that source who takes that for her password.
fn answered_from(
    gate: &mut Gate,
    now: Instant,
    source: IpAddr,
    password: &str,
) -> Vec<(&'static str, String)> {
    let mut keyring = Keyring::new(Credentials::new("alice", password));
    let challenges = gate.challenge(now, source, Stale::No);
    keyring.take(&unauthorized(&challenges), &mut Answers::default()).unwrap();
    answer(&mut keyring, URI, "")
}

fn proof(algorithm: Algorithm, ha1: &str, nonce: &str, protection: Protection<'_>, body: &[u8]) -> String {
    Proof { algorithm, ha1, method: "GET", uri: "/dir/index.html", nonce, protection, body }.response()
}

#[test]
fn rfc_7616_s_3_9_1_with_both_algorithms() {
    let who = Credentials::new("Mufasa", "Circle of Life");
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let counted = Counted { nc: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" };
    let expected = [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ];
    for (algorithm, response) in expected {
        let ha1 = who.ha1(algorithm, "http-auth@example.org");
        assert_eq!(proof(algorithm, &ha1, nonce, Protection::Auth(counted), b""), response);
        assert_eq!(Ha1::of("Mufasa", "http-auth@example.org", "Circle of Life").hex(algorithm), ha1);
    }
}

#[test]
fn rfc_2617_s_3_5_and_the_forms_without_qop_and_with_the_body() {
    let ha1 = Credentials::new("Mufasa", "Circle Of Life").ha1(Algorithm::Md5, "testrealm@host.com");
    assert_eq!(ha1, "939e7578ed9e3c518a452acee763bce9");
    let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let counted = Counted { nc: "00000001", cnonce: "0a4f113b" };
    let response = |protection, body| proof(Algorithm::Md5, &ha1, nonce, protection, body);
    assert_eq!(response(Protection::Auth(counted), b""), "6629fae49393a05397450978507c4ef1");
    // By RFC 2069, and by the formula of s.3.2.2.3 worked out apart.
    assert_eq!(response(Protection::Bare, b""), "670fd8c2df070c60b045671b8b24ff02");
    assert_eq!(response(Protection::Body(counted), b"v=0\r\n"), "151b6cabb7e59e0ac757207a039ff3d0");
}

#[test]
fn the_best_challenge_that_we_know_is_answered_and_unknown_ones_passed_over() {
    let values: Vec<String> = ["MD5", "SHA-512-256", "sha-256", "MD5-sess"]
        .iter()
        .map(|name| format!("Digest realm=\"{REALM}\", nonce=\"{name}\", algorithm={name}, qop=\"auth\""))
        .collect();
    let mut keyring = alice();
    keyring.take(&unauthorized(&values), &mut Answers::default()).unwrap();
    let given = answer(&mut keyring, URI, "");
    let [(name, value)] = given.as_slice() else { panic!("{given:?}") };
    assert_eq!(*name, "Authorization");
    assert!(value.contains("nonce=\"sha-256\"") && value.contains("algorithm=SHA-256"), "{value}");
    for unanswerable in [&values[1], &values[3], &format!("Digest realm=\"{REALM}\", nonce=\"1\", qop=\"x\"")]
    {
        let refusal = unauthorized(std::slice::from_ref(unanswerable));
        assert_eq!(
            alice().take(&refusal, &mut Answers::default()),
            Err(Denial::Unanswerable),
            "{unanswerable}"
        );
    }
}

#[test]
fn each_realm_is_answered_by_the_header_that_it_asks_for_with_a_count_of_its_own() {
    let server = ("WWW-Authenticate", "Digest realm=\"b\", nonce=\"2\", opaque=\"x\\\"y\"".to_owned());
    let proxy = ("Proxy-Authenticate", "Digest realm=\"a\", nonce=\"1\", qop=\"auth-int,auth\"".to_owned());
    let (mut keyring, mut answers) = (alice(), Answers::default());
    keyring.take(&refusal(407, &[proxy]), &mut answers).unwrap();
    let first = answer(&mut keyring, URI, "");
    assert_eq!(first.len(), 1);
    assert!(first[0].1.contains("nc=00000001") && first[0].1.contains("qop=auth"), "{first:?}");
    keyring.take(&refusal(401, &[server]), &mut answers).unwrap();
    let both = answer(&mut keyring, URI, "");
    assert_eq!(
        both.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["Proxy-Authorization", "Authorization"]
    );
    assert!(both[0].1.contains("nc=00000002") && both[1].1.ends_with(", opaque=\"x\\\"y\""), "{both:?}");
    assert!(!both[1].1.contains("qop") && !both[1].1.contains("algorithm"), "{both:?}");
}

#[test]
fn a_realm_that_asks_again_has_refused_the_password_unless_the_nonce_was_stale() {
    let challenge =
        |nonce: &str, more: &str| unauthorized(&[format!("Digest realm=\"r\", nonce=\"{nonce}\"{more}")]);
    let (mut keyring, mut answers) = (alice(), Answers::default());
    assert_eq!(keyring.take(&challenge("1", ""), &mut answers), Ok(()));
    assert_eq!(keyring.take(&challenge("2", ""), &mut answers.clone()), Err(Denial::Wrong));
    assert_eq!(keyring.take(&challenge("1", ", stale=true"), &mut answers.clone()), Err(Denial::Wrong));
    assert_eq!(keyring.take(&challenge("2", ", stale=\"TRUE\""), &mut answers), Ok(()));
    assert_eq!(keyring.take(&challenge("3", ", stale=true"), &mut answers), Err(Denial::Wrong));
    // A request of its own may be asked anew.
    assert_eq!(keyring.take(&challenge("4", ""), &mut Answers::default()), Ok(()));
}

#[test]
fn ever_new_realms_come_to_an_end() {
    let (mut keyring, mut answers) = (alice(), Answers::default());
    let ended = (0..100).find_map(|realm| {
        let refusal = unauthorized(&[format!("Digest realm=\"{realm}\", nonce=\"1\"")]);
        keyring.take(&refusal, &mut answers).err().map(|denial| (realm, denial))
    });
    assert_eq!(ended, Some((5, Denial::Endless)));
}

#[test]
fn a_password_is_printed_nowhere() {
    let who = Credentials::new("alice", "open sesame");
    let ha1 = Ha1::of("alice", REALM, "open sesame");
    let printed = format!("{who:?} {:?} {ha1:?} {:?}", Keyring::new(who.clone()), Gate::new(REALM, [9; 32]));
    assert!(!printed.contains("sesame") && !printed.contains('9') && printed.contains("alice"), "{printed}");
}

#[test]
fn the_right_password_passes_once_for_each_count() {
    let (mut gate, now) = (gate(), clock::start());
    assert_eq!(gate.check(now, &invite(&[], ""), source(), find), Err(Rejected::Missing));
    let credentials = answered(&mut gate, now);
    let request = invite(&credentials, "");
    let alice = Authenticated { username: "alice".to_owned() };
    assert_eq!(gate.check(now, &request, source(), find), Ok(alice));
    assert_eq!(gate.check(now, &request, source(), find), Err(Rejected::Replayed));
    assert_eq!(Rejected::Replayed.challenge(), Some(Stale::Yes));
}

#[test]
fn a_nonce_gets_old_and_one_of_another_life_is_stale_too() {
    let (mut gate, now) = (gate(), clock::start());
    let request = invite(&answered(&mut gate, now), "");
    let young = now + Duration::from_secs(299);
    assert_eq!(gate.check(now + LIFETIME, &request, source(), find), Err(Rejected::Stale));
    assert!(gate.check(young, &request, source(), find).is_ok());
    let mut reborn = Gate::new(REALM, [8; 32]);
    assert_eq!(reborn.check(now, &request, source(), find), Err(Rejected::Stale));
    let stale = reborn.challenge(now, source(), Stale::Yes);
    assert!(stale.iter().all(|value| value.ends_with(", stale=true")), "{stale:?}");
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_the_same_even_with_an_old_nonce() {
    let now = clock::start();
    for (username, password) in [("alice", "guess"), ("nobody", "secret")] {
        let mut gate = gate();
        let mut keyring = Keyring::new(Credentials::new(username, password));
        let challenges = gate.challenge(now, source(), Stale::No);
        keyring.take(&unauthorized(&challenges), &mut Answers::default()).unwrap();
        let request = invite(&answer(&mut keyring, URI, ""), "");
        for (at, rejected) in [(now, Rejected::Wrong), (now + LIFETIME, Rejected::Stale)] {
            assert_eq!(gate.check(at, &request, source(), find), Err(rejected), "{username}");
        }
    }
}

#[test]
fn who_guesses_has_to_wait_by_address_and_by_name_but_not_the_user_at_home() {
    let (mut gate, now) = (gate(), clock::start());
    let mut says = |password: &str, from: &str| {
        let from = from.parse().unwrap();
        let request = invite(&answered_from(&mut gate, now, from, password), "");
        gate.check(now, &request, from, find).map(|_| ())
    };
    assert_eq!(says("secret", "192.0.2.9"), Ok(()));
    for _ in 0..11 {
        assert_eq!(says("guess", "203.0.113.1"), Err(Rejected::Wrong));
    }
    let many = Rejected::TooManyGuesses { retry_after: Duration::from_secs(6) };
    let waiting = Err(many.clone());
    assert_eq!(says("guess", "203.0.113.1"), waiting);
    // By the name, from wherever it is guessed at; not even the right password counts there.
    assert_eq!(says("guess", "203.0.113.2"), waiting);
    assert_eq!(says("secret", "203.0.113.2"), waiting);
    assert_eq!(says("secret", "192.0.2.9"), Ok(()));
    assert_eq!(
        many.to_string(),
        "too many wrong passwords, by source address or user name: the next try counts in 7 s"
    );
}

#[test]
fn guesses_under_a_forged_source_are_laid_to_nobodys_charge() {
    let (mut gate, now) = (gate(), clock::start());
    let forger = "203.0.113.1".parse().unwrap();
    let made_up = invite(&answered_from(&mut Gate::new(REALM, [8; 32]), now, source(), "guess"), "");
    let given_elsewhere = invite(&answered_from(&mut gate, now, forger, "guess"), "");
    let old = invite(&answered_from(&mut gate, now, source(), "guess"), "");
    let at = now + LIFETIME;
    let nobody = |name: &str| panic!("{name} is looked up");
    for forged in [made_up, given_elsewhere, old] {
        for _ in 0..20 {
            assert_eq!(gate.check(at, &forged, source(), nobody), Err(Rejected::Stale));
        }
    }
    let request = invite(&answered(&mut gate, at), "");
    assert!(gate.check(at, &request, source(), find).is_ok());
}

#[test]
fn a_nonce_is_good_at_its_source_only_which_is_a_whole_site_in_ipv6() {
    let (mut gate, now) = (gate(), clock::start());
    let of = |text: &str| text.parse::<IpAddr>().unwrap();
    let request = invite(&answered_from(&mut gate, now, of("2001:db8::1"), "secret"), "");
    for elsewhere in ["2001:db8:0:1::1", "192.0.2.9"] {
        assert_eq!(gate.check(now, &request, of(elsewhere), find), Err(Rejected::Stale));
    }
    assert!(gate.check(now, &request, of("2001:db8::2"), find).is_ok());
}

#[test]
fn credentials_that_have_been_used_give_a_name_no_home() {
    let (mut gate, now) = (gate(), clock::start());
    let overheard = invite(&answered(&mut gate, now), "");
    assert!(gate.check(now, &overheard, source(), find).is_ok());
    let home = "203.0.113.1".parse().unwrap();
    let request = invite(&answered_from(&mut gate, now, home, "secret"), "");
    assert!(gate.check(now, &request, home, find).is_ok());
    assert_eq!(gate.check(now, &overheard, source(), find), Err(Rejected::Replayed));
    let guesser = "203.0.113.2".parse().unwrap();
    for _ in 0..11 {
        let request = invite(&answered_from(&mut gate, now, guesser, "guess"), "");
        assert_eq!(gate.check(now, &request, guesser, find), Err(Rejected::Wrong));
    }
    let request = invite(&answered_from(&mut gate, now, home, "secret"), "");
    assert!(gate.check(now, &request, home, find).is_ok());
}

#[test]
fn our_realm_is_found_among_others_in_either_header() {
    let (mut gate, now) = (gate(), clock::start());
    let other =
        "Digest username=\"x\", realm=\"elsewhere\", nonce=\"1\", uri=\"sip:x\", response=\"0\"".to_owned();
    let unknown = format!(
        "Digest username=\"x\", realm=\"{REALM}\", algorithm=SHA-512-256, nonce=\"1\", uri=\"\", response=\"0\""
    );
    for header in ["Authorization", "Proxy-Authorization"] {
        let (_, value) = answered(&mut gate, now).remove(0);
        let lines = [("Authorization", other.clone()), (header, unknown.clone()), (header, value)];
        assert!(gate.check(now, &invite(&lines, ""), source(), find).is_ok(), "{header}");
    }
    let none = invite(&[("Authorization", other), ("Authorization", unknown)], "");
    assert_eq!(gate.check(now, &none, source(), find), Err(Rejected::Missing));
}

#[test]
fn what_cannot_be_checked_is_malformed_in_words() {
    let (mut gate, now) = (gate(), clock::start());
    let (name, right) = answered(&mut gate, now).remove(0);
    let faulty = [
        (right.replace("nc=00000001", "nc=00000000"), "nc is not 1"),
        (right.replace("nc=00000001", "nc=+1"), "nc is not 1"),
        (right.replace("nc=00000001", "nc=123456789"), "nc is not 1"),
        (right.replace(", nc=00000001", ""), "without nc"),
        (right.replace("cnonce=", "c="), "without cnonce"),
        (right.replace("qop=auth", "qop=all"), "neither auth nor auth-int"),
        (right.replace("username=", "u="), "without a username"),
        (right.replace("response=", "r="), "without a response"),
        (right.replace("+14155550100@", "+14155550101@"), "calls somebody else"),
    ];
    for (value, words) in faulty {
        assert_ne!(value, right, "{words}");
        let rejected = gate.check(now, &invite(&[(name, value)], ""), source(), find).unwrap_err();
        assert!(
            matches!(rejected, Rejected::Malformed(_)) && rejected.to_string().contains(words),
            "{rejected}"
        );
        assert_eq!(rejected.challenge(), None);
    }
}

#[test]
fn the_uri_of_the_credentials_may_differ_in_what_hops_rewrite() {
    let (mut gate, now) = (gate(), clock::start());
    let mut keyring = alice();
    keyring.take(&unauthorized(&gate.challenge(now, source(), Stale::No)), &mut Answers::default()).unwrap();
    let credentials = answer(&mut keyring, "sip:+14155550100@pbx.example.net:5060;transport=udp", "");
    assert!(gate.check(now, &invite(&credentials, ""), source(), find).is_ok());
}

proptest! {
    #[test]
    fn client_and_server_agree_on_every_form_and_on_nothing_altered(
        username in "[ -~]{1,12}",
        password in "\\PC{0,12}",
        realm in "[ -~]{1,12}",
        best in prop::bool::ANY,
        qop in prop::sample::select(vec!["", ", qop=\"auth\"", ", qop=\"auth-int\"", ", qop=\"auth-int, auth\""]),
        algorithm in prop::bool::ANY,
        body in "[a-z]{0,20}",
    ) {
        let (mut gate, now) = (Gate::new(&realm, [3; 32]), clock::start());
        let find = |name: &str| (name == username).then(|| Ha1::of(&username, &realm, &password));
        let challenges = gate.challenge(now, source(), Stale::No);
        let offered = if best { &challenges[0] } else { &challenges[1] };
        let mut offered = offered.replace(", qop=\"auth\"", qop);
        if !best && !algorithm {
            offered = offered.replace(", algorithm=MD5", "");
        }
        let mut keyring = Keyring::new(Credentials::new(username.clone(), password.clone()));
        keyring.take(&unauthorized(&[offered]), &mut Answers::default()).unwrap();
        let given = answer(&mut keyring, URI, &body);
        prop_assert_eq!(given[0].0, Asker::Server.answer());
        if qop == ", qop=\"auth-int\"" {
            let other = invite(&given, &format!("{body}!"));
            prop_assert_eq!(gate.check(now, &other, source(), find), Err(Rejected::Wrong));
        }
        let request = invite(&given, &body);
        let passed = gate.check(now, &request, source(), find);
        prop_assert_eq!(passed, Ok(Authenticated { username: username.clone() }));
        prop_assert_eq!(gate.check(now, &request, source(), find), Err(Rejected::Replayed));
        let wrong = |name: &str| (name == username).then(|| Ha1::of(&username, &realm, &format!("{password}x")));
        prop_assert_eq!(gate.check(now, &request, source(), wrong), Err(Rejected::Wrong));
    }

    #[test]
    fn nothing_that_stands_in_a_header_breaks_either_side(value in "\\PC{0,80}", more in "[a-z=,\" ]{0,60}") {
        let (mut gate, now) = (gate(), clock::start());
        let text = format!("Digest {value} {more}");
        let header: String = text.chars().filter(|character| !character.is_control()).collect();
        let passed = gate.check(now, &invite(&[("Authorization", header.clone())], ""), source(), find);
        prop_assert!(passed.is_err());
        let taken = alice().take(&unauthorized(&[header]), &mut Answers::default());
        prop_assert!(taken.is_ok() || taken == Err(Denial::Unanswerable));
    }
}
