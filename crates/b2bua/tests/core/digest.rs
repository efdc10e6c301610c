//! Who is asked for a password, and what becomes of the answer; and what we answer to a carrier that asks us.

use std::fmt::Write;
use std::time::Duration;

use b2bua::UnknownSource;
use b2bua::ask::{Asker, Place};
use b2bua::io::Command;
use md5::{Digest, Md5};
use sip::Transport;

use crate::house::{AGENT, House, INVENTORY, STRANGER};
use crate::text::{Dial, header, headers, reply};

const GATEWAY: &str = "198.51.100.9:5060";

/// What the house owns, and: a PBX and an agent that are known by their passwords, and a trunk that wants ours. Of the PBX's password there
/// is what is kept of it in this realm.
fn inventory(realm: &str) -> String {
    let kept = md5(&format!("pbx:{realm}:secret"));
    format!(
        "{INVENTORY}\n[[agents]]\nid = \"roamer\"\n\
         endpoint = {{ kind = \"sip\", uri = \"sip:r@pbx.example.com\", username = \"roamer\", password = \"hunter2\" }}\n\
         [[trunks]]\nid = \"pbx\"\ninbound = {{ addresses = [\"203.0.113.40\"], username = \"pbx\", originate = true,\n\
         password = {{ username = \"pbx\", realm = \"{realm}\", md5 = \"{kept}\", sha256 = \"{kept}{kept}\" }} }}\n\
         [[trunks]]\nid = \"out\"\n[trunks.outbound]\ngateways = [{{ host = \"198.51.100.9\" }}]\nallowed_countries = [\"US\"]\n\
         username = \"us\"\npassword = \"ours\"\n\
         [[numbers]]\ne164 = \"+14155550120\"\ntrunk_id = \"out\"\noutbound = true\n"
    )
}

fn house() -> House {
    House::with(&inventory("strowger"), |_| {})
}

const PBX: &str = "203.0.113.40:5060";
const FROM: &str = "<sip:+14155550120@pbx.example>";

/// An INVITE to the outside from there, the so-manieth of its call.
fn ask(source: &str, number: u32) -> Dial {
    Dial::to("+12125550177").named(&format!("d{number}")).at_source(source).from(FROM)
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes it");
        hex
    })
}

/// One parameter of a challenge.
fn part<'a>(challenge: &'a str, name: &str) -> &'a str {
    let (_, rest) =
        challenge.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}: {challenge}"));
    rest.split('"').next().unwrap_or_default()
}

/// The MD5 challenge of the last 401 to that source.
fn challenge(house: &House, source: &str) -> String {
    let refusal = house.last(source, "401");
    let all = headers(&refusal, "WWW-Authenticate");
    assert!(all[0].contains("algorithm=SHA-256"), "{all:?}");
    all.into_iter().find(|challenge| challenge.contains("algorithm=MD5")).expect("one by MD5").to_owned()
}

/// The Authorization line of an INVITE that answers a challenge.
fn answer(challenge: &str, username: &str, password: &str, count: u32) -> String {
    answer_of("INVITE", challenge, username, password, count)
}

fn answer_of(method: &str, challenge: &str, username: &str, password: &str, count: u32) -> String {
    let (realm, nonce) = (part(challenge, "realm"), part(challenge, "nonce"));
    let uri = format!("sip:+12125550177@{}", crate::house::US);
    let (one, two) = (md5(&format!("{username}:{realm}:{password}")), md5(&format!("{method}:{uri}")));
    let response = md5(&format!("{one}:{nonce}:{count:08x}:abc:auth:{two}"));
    format!(
        "Authorization: Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm=MD5, qop=auth, nc={count:08x}, cnonce=\"abc\""
    )
}

/// The challenge that an INVITE without credentials gets.
fn challenged(house: &mut House, source: &str) -> String {
    let first = ask(source, 1);
    first.place(house);
    let challenge = challenge(house, source);
    first.absorb(house, "401");
    assert!(house.records.is_empty(), "a challenge is no call");
    challenge
}

#[test]
fn who_has_a_password_calls_out_with_it() {
    for (source, username, password, agent) in
        [(STRANGER, "roamer", "hunter2", Some("roamer")), (PBX, "pbx", "secret", None)]
    {
        let mut house = house();
        let challenge = challenged(&mut house, source);
        assert_eq!(part(&challenge, "realm"), "strowger");
        let call = ask(source, 2).with(&answer(&challenge, username, password, 1));
        call.place(&mut house);
        assert!(house.last(GATEWAY, "INVITE").starts_with("INVITE sip:+12125550177@198.51.100.9 "));
        let record = house.record();
        assert_eq!((record.agent_id.as_deref(), record.trunk_id.as_deref()), (agent, Some("out")));
        assert!(!house.journal.iter().any(|line| line.starts_with("notice")), "{:?}", house.journal);
    }
}

#[test]
fn what_is_kept_of_a_password_counts_in_its_own_realm_only() {
    let mut house = House::with(&inventory("elsewhere"), |_| {});
    let challenge = challenged(&mut house, PBX);
    house.look();
    ask(PBX, 2).with(&answer(&challenge, "pbx", "secret", 1)).place(&mut house);
    let journal = house.look();
    assert!(journal.contains("wrong user name or password") && journal.ends_with("<- 401\n"), "{journal}");
}

#[test]
fn an_agent_that_asks_is_shown_what_it_has_for_us() {
    let desk =
        "endpoint = { kind = \"sip\", uri = \"sip:desk@198.51.100.7:5060\", addresses = [\"198.51.100.7\"]";
    let ours = format!("{desk}, call_username = \"strow\", call_password = \"ours\"");
    assert!(INVENTORY.contains(desk));
    let mut house = House::with(&INVENTORY.replace(desk, &ours), |_| {});
    Dial::to("+14155550103").place(&mut house);
    let first = house.last(AGENT, "INVITE");
    let status = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"bots\", nonce=\"n1\"";
    reply(&mut house, AGENT, &first, status, "");
    let second = house.last(AGENT, "INVITE");
    let shown = header(&second, "Authorization").expect("credentials");
    assert!(shown.contains("username=\"strow\"") && shown.contains("realm=\"bots\""), "{shown}");
    let uri = part(shown, "uri");
    let (one, two) = (md5("strow:bots:ours"), md5(&format!("INVITE:{uri}")));
    assert_eq!(part(shown, "response"), md5(&format!("{one}:n1:{two}")));
}

#[test]
fn a_wrong_name_and_a_wrong_password_are_told_the_same() {
    let told = |username: &str, password: &str| {
        let mut house = house();
        let challenge = challenged(&mut house, STRANGER);
        house.sent.clear();
        house.look();
        ask(STRANGER, 2).with(&answer(&challenge, username, password, 1)).place(&mut house);
        let journal = house.look();
        assert!(
            journal.starts_with("\nnotice 203.0.113.66:5060: wrong user name or password\n"),
            "{journal}"
        );
        let refusal = house.last(STRANGER, "401");
        let lines = refusal.lines().filter(|line| !line.contains("nonce") && !line.starts_with("To"));
        assert!(house.records.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told("nobody", "hunter2"), told("roamer", "hunter3"));
}

#[test]
fn a_password_does_not_count_from_an_address_that_is_not_its_owners() {
    let mut house = house();
    let challenge = challenged(&mut house, STRANGER);
    house.look();
    ask(STRANGER, 2).with(&answer(&challenge, "pbx", "secret", 1)).place(&mut house);
    let journal = house.look();
    assert!(journal.contains("wrong user name or password"), "{journal}");
    assert!(journal.ends_with("other <- 401\n"), "{journal}");
}

#[test]
fn an_address_does_not_count_without_its_password() {
    let mut house = house();
    let challenge = challenged(&mut house, PBX);
    ask(PBX, 2).with(&answer(&challenge, "pbx", "guess", 1)).place(&mut house);
    assert!(house.journal.last().is_some_and(|line| line == "other <- 401"), "{:?}", house.journal);
}

#[test]
fn what_was_used_once_is_stale() {
    let mut house = house();
    let challenge = challenged(&mut house, STRANGER);
    let credentials = answer(&challenge, "roamer", "hunter2", 1);
    ask(STRANGER, 2).with(&credentials).place(&mut house);
    house.look();
    ask(STRANGER, 3).with(&credentials).place(&mut house);
    let journal = house.look();
    assert!(journal.contains("right credentials that have been used before"), "{journal}");
    assert!(header(&house.last(STRANGER, "401"), "WWW-Authenticate").unwrap().contains("stale=true"));
    ask(STRANGER, 4).with(&answer(&challenge, "roamer", "hunter2", 2)).place(&mut house);
    assert!(house.look().contains("other <- 100"), "the next count is another use");
}

#[test]
fn an_old_nonce_is_stale_and_no_mistake() {
    let mut house = house();
    let challenge = challenged(&mut house, STRANGER);
    house.pass(Duration::from_mins(10));
    house.look();
    ask(STRANGER, 2).with(&answer(&challenge, "roamer", "hunter2", 1)).place(&mut house);
    assert_eq!(house.look(), "\nother <- 401\n", "nothing is told to the log");
    assert!(header(&house.last(STRANGER, "401"), "WWW-Authenticate").unwrap().contains("stale=true"));
}

#[test]
fn who_guesses_is_shut_out() {
    for (unknown_source, expected) in [(UnknownSource::Drop, ""), (UnknownSource::Reject, "403")] {
        let mut house = House::with(&inventory("strowger"), |config| config.unknown_source = unknown_source);
        let challenge = challenged(&mut house, STRANGER);
        for guess in 2..40 {
            let password = format!("guess {guess}");
            ask(STRANGER, guess).with(&answer(&challenge, "roamer", &password, guess)).place(&mut house);
        }
        house.look();
        ask(STRANGER, 40).with(&answer(&challenge, "roamer", "hunter2", 40)).place(&mut house);
        let journal = house.look();
        assert!(journal.contains("too many wrong passwords") && !journal.contains("401"), "{journal}");
        assert_eq!(journal.contains("other <- "), !expected.is_empty(), "{journal}");
        assert!(journal.contains(expected), "{journal}");
    }
}

#[test]
fn where_nobody_roams_a_stranger_learns_nothing() {
    let mut house = House::new();
    ask(STRANGER, 1).place(&mut house);
    assert!(house.sent.is_empty(), "{:?}", house.sent);
    assert_eq!(house.record().reason.as_deref(), Some("source-unknown"));
}

#[test]
fn a_flood_from_forged_addresses_keeps_nobody_out_who_has_a_connection() {
    let mut house = house();
    for number in 0..300 {
        ask(STRANGER, number).place(&mut house);
    }
    assert!(house.sent.len() < 300, "a flood is not answered in full");
    for (transport, via, number) in [(Transport::Tcp, "TCP", 301), (Transport::Tls, "TLS", 302)] {
        house.sent.clear();
        let invite = ask(STRANGER, number).invite().replace("SIP/2.0/UDP", &format!("SIP/2.0/{via}"));
        house.receive_over(transport, STRANGER, &invite);
        assert!(house.last(STRANGER, "401").contains("WWW-Authenticate: Digest"), "{transport}");
    }
}

/// OPTIONS with that, the so-manieth.
fn options(number: u32, authorization: &str) -> String {
    let call = ask(STRANGER, number).with(authorization).offering("");
    call.invite().replace("INVITE", "OPTIONS")
}

#[test]
fn a_scan_by_options_is_answered_in_part_and_takes_no_call_its_challenge() {
    let mut house = house();
    for number in 0..300 {
        house.receive(STRANGER, &options(number, "X-None: 1"));
    }
    assert_eq!(house.sent.len(), 50);
    house.sent.clear();
    for number in 300..600 {
        ask(STRANGER, number).place(&mut house);
    }
    assert_eq!(house.sent.len(), 200, "all that INVITEs get");
}

#[test]
fn a_pbx_that_is_known_by_its_password_learns_by_options_that_the_trunk_is_there() {
    let mut house = house();
    house.receive(STRANGER, &options(1, "X-None: 1"));
    let challenge = challenge(&house, STRANGER);
    house.receive(STRANGER, &options(2, &answer_of("OPTIONS", &challenge, "roamer", "hunter2", 1)));
    assert!(house.last(STRANGER, "200").contains("CSeq: 1 OPTIONS"));
    house.sent.clear();
    house.receive(STRANGER, &options(3, &answer_of("OPTIONS", &challenge, "roamer", "wrong", 2)));
    assert_eq!(house.sent.len(), 1, "a wrong password is asked for again: {:?}", house.sent);
    house.last(STRANGER, "401");
}

#[test]
fn an_address_alone_is_enough_where_there_is_no_password() {
    let mut house = house();
    ask(AGENT, 1).place(&mut house);
    assert!(house.last(GATEWAY, "INVITE").contains("+12125550177"));
}

#[test]
fn what_a_proven_stranger_sends_is_looked_at_as_anybodys() {
    let mut house = house();
    let challenge = challenged(&mut house, STRANGER);
    house.look();
    let call = ask(STRANGER, 2).with(&answer(&challenge, "roamer", "hunter2", 1)).with("Require: replaces");
    call.place(&mut house);
    let refusal = house.last(STRANGER, "420");
    assert_eq!(header(&refusal, "Unsupported"), Some("replaces"));
    assert_eq!(house.record().reason.as_deref(), Some("unsupported-extension"));
}

#[test]
fn a_challenge_of_the_carrier_is_answered_with_what_the_trunk_has() {
    let mut house = house();
    ask(AGENT, 1).place(&mut house);
    let first = house.last(GATEWAY, "INVITE");
    let status = "407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"";
    reply(&mut house, GATEWAY, &first, status, "");
    let second = house.last(GATEWAY, "INVITE");
    let shown = header(&second, "Proxy-Authorization").expect("credentials");
    assert!(shown.contains("username=\"us\"") && shown.contains("realm=\"carrier\""), "{shown}");
    assert_eq!(header(&first, "Call-ID"), header(&second, "Call-ID"));
    assert!(!second.contains("ours"), "{second}");
    reply(&mut house, GATEWAY, &second, status, "");
    let refusal = house.last(AGENT, "502");
    assert!(refusal.contains("trunk-failed"), "{refusal}");
}

#[test]
fn a_call_of_our_own_answers_the_carriers_challenge_too() {
    let mut house = house();
    let wish = Place::new("+14155550120", "+12125550177").expect("a number calls a number");
    house.command(Command::Place(Asker(1), Box::new(wish)));
    let first = house.last(GATEWAY, "INVITE");
    assert_eq!(header(&first, "Authorization"), None);
    let status = "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"";
    reply(&mut house, GATEWAY, &first, status, "");
    let second = house.last(GATEWAY, "INVITE");
    let shown = header(&second, "Authorization").expect("credentials");
    assert!(shown.contains("username=\"us\"") && shown.contains("realm=\"carrier\""), "{shown}");
    reply(&mut house, GATEWAY, &second, "486 Busy Here", "");
    assert_eq!(house.record().reason.as_deref(), Some("callee-busy"));
}
