//! Before the answer anything may happen: seeded stories of callers and forking agents that ring, describe, acknowledge, update and
//! give up as they please. Each INVITE gets one final response, each call one finished record, and in the end nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use b2bua::io::Command;

use crate::house::{AGENT, CALLER, House};
use crate::text::{Dial, OFFER, header};

const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
const ELSEWHERE: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n\
    m=audio 50002 RTP/AVP 8\r\na=sendonly\r\n";
const BODIES: [&str; 5] = ["", ANSWER, ANSWER, ELSEWHERE, "v=0\r\nnonsense"];

/// Knuth's LCG, its high bits.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A response of the agent's fork of that tag to the INVITE that it got last.
fn says(house: &mut House, status: &str, tag: &str, headers: &str, body: &str) {
    let invite = house.last(AGENT, "INVITE");
    let get = |name| header(&invite, name).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag={tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:{tag}@{AGENT}>\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
        get("Via"),
        get("From"),
        get("To"),
        get("Call-ID"),
        get("CSeq"),
        body.len(),
    );
    house.receive(AGENT, &text);
}

/// A request of that fork.
fn asks(house: &mut House, method: &str, tag: &str, cseq: usize, headers: &str, body: &str) {
    let invite = house.last(AGENT, "INVITE");
    let get = |name| header(&invite, name).unwrap_or_default();
    let uri = get("Contact").trim_start_matches('<').split('>').next().unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {AGENT};branch=z9hG4bK-{tag}-{cseq}\r\nMax-Forwards: 70\r\n\
         From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{tag}@{AGENT}>\r\n\
         {headers}{kind}Content-Length: {}\r\n\r\n{body}",
        get("To"),
        get("From"),
        get("Call-ID"),
        body.len(),
    );
    house.receive(AGENT, &text);
}

fn agent(house: &mut House, dice: &mut Dice, step: usize) {
    let called = house.sent.iter().any(|(to, text)| to.to_string() == AGENT && text.starts_with("INVITE"));
    if !called {
        return;
    }
    let tag = format!("fork{}", dice.below(3));
    let gate = dice.of(&["", "", "P-Early-Media: inactive\r\n", "P-Early-Media: sendonly, gated\r\n"]);
    let reliable = format!("{gate}Require: 100rel\r\nRSeq: {}\r\n", 1 + dice.below(3));
    let body = dice.of(&BODIES);
    match dice.below(12) {
        0..=3 => {
            let status =
                dice.of(&["180 Ringing", "181 Forwarded", "183 Progress", "183 Progress", "199 Gone"]);
            let headers = if dice.below(2) == 0 { gate } else { &reliable };
            says(house, status, &tag, headers, body);
        }
        4 | 5 => asks(house, "UPDATE", &tag, step + 1, gate, body),
        6 => says(house, "200 OK", &tag, "", body),
        7 => {
            let status = dice.of(&["486 Busy", "503 No", "500 No", "487 Gone"]);
            says(house, status, &tag, "", "");
        }
        8 => asks(house, dice.of(&["BYE", "INFO", "PRACK", "INVITE"]), &tag, step + 1, "", body),
        _rest => {}
    }
}

fn caller(house: &mut House, dice: &mut Dice, call: &mut Dial) {
    let rung =
        house.sent.iter().rev().find_map(|(to, text)| {
            header(text, "RSeq").filter(|_| to.to_string() == CALLER).map(str::to_owned)
        });
    let rseq = rung.unwrap_or_else(|| "1".to_owned());
    match dice.below(14) {
        0..=4 => {
            let rack = if dice.below(8) == 0 { "7 1 INVITE".to_owned() } else { format!("{rseq} 1 INVITE") };
            call.inside(house, "PRACK", &format!("RAck: {rack}\r\n"), dice.of(&["", OFFER, OFFER]));
        }
        5 => call.inside(house, "UPDATE", "", dice.of(&["", OFFER, "v=0\r\nnonsense"])),
        6 if call.has_tag(house) => call.inside(house, "INVITE", "", dice.of(&["", OFFER])),
        7 => {
            let cancel = call.cancel();
            house.receive(CALLER, &cancel);
        }
        8 if call.has_tag(house) => call.bye(house, ""),
        9 | 10 => call.ack(house, dice.of(&["", OFFER])),
        _rest => {}
    }
}

fn story(seed: u64) -> BTreeSet<String> {
    let mut house = House::new();
    let mut dice = Dice(seed);
    let demand = dice.of(&["Require: 100rel", "Supported: 100rel", "Supported: timer"]);
    let mut call = Dial::to(dice.of(&["+14155550103", "+14155550103", "+14155550101", "+14155550100"]))
        .with(demand)
        .with("P-Early-Media: supported")
        .offering(dice.of(&[OFFER, OFFER, ""]));
    call.place(&mut house);
    for step in 0..40 {
        agent(&mut house, &mut dice, step);
        caller(&mut house, &mut dice, &mut call);
        match dice.below(12) {
            0 => house.pass(Duration::from_millis(u64::try_from(dice.below(40_000)).unwrap())),
            1..=6 => house.pass(Duration::from_millis(u64::try_from(dice.below(900)).unwrap())),
            _rest => {}
        }
    }
    house.command(Command::Shutdown);
    house.pass(Duration::from_secs(200));
    let census = house.core.census();
    assert_eq!(
        (census.calls, census.seats, census.ports, census.keys),
        (0, 0, 0, 0),
        "seed {seed}: {census:?}"
    );
    assert_eq!((census.sip.dialogs, census.sip.transactions), (0, 0), "seed {seed}: {census:?}");
    let finished = house.finished();
    assert_eq!(finished.len(), 1, "seed {seed}: {finished:?}");
    let to_invite = |text: &&String| header(text, "CSeq") == Some("1 INVITE") && text.starts_with("SIP/2.0 ");
    let to_caller = house.sent.iter().filter(|(to, _)| to.to_string() == CALLER).map(|(_, text)| text);
    let responses = to_caller.filter(to_invite);
    let finals: BTreeSet<&str> = responses.map(|text| &text[8..11]).filter(|code| *code >= "200").collect();
    assert_eq!(finals.len(), 1, "seed {seed}: {finals:?}");
    finished.iter().filter_map(|record| record.reason.clone()).collect()
}

#[test]
fn whatever_happens_before_the_answer_the_call_ends_once_and_nothing_is_left() {
    let reasons: BTreeSet<String> = (0..600).flat_map(story).collect();
    for reason in ["normal", "canceled", "prack-missing", "agent-busy", "no-common-codec", "ack-missing"] {
        assert!(reasons.contains(reason), "no story ends so: {reason} ({reasons:?})");
    }
}
