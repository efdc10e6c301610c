//! Calls to an agent that is a SIP peer.

use std::time::Duration;

use b2bua::io::Command;
use b2bua::record::{CallStatus, EndedBy};
use b2bua::{CallRecord, Input};
use media::MediaKey;
use media::command::Counters;

use crate::house::{AGENT, CALLER, House, INVENTORY, US};
use crate::text::{Dial, OFFER, agent_asks, agent_says, body, header, reply};

pub(crate) const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn connected(house: &mut House) -> Dial {
    let call = Dial::to("+14155550103");
    call.place(house);
    agent_says(house, "180 Ringing", "");
    agent_says(house, "200 OK", ANSWER);
    call.ack(house, "");
    house.look();
    call
}

#[test]
fn both_legs_are_relayed_before_the_caller_is_answered() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550103").with("Max-Forwards-Unused: x");
    call.place(&mut house);
    assert_eq!(
        house.look(),
        "
record
caller <- 100
bind m1
bind m2
agent <- INVITE
"
    );
    agent_says(&mut house, "180 Ringing", "");
    agent_says(&mut house, "180 Ringing", "");
    assert_eq!(house.look(), "\ncaller <- 180\n");
    agent_says(&mut house, "200 OK", ANSWER);
    assert_eq!(
        house.look(),
        "
agent <- ACK
describe m1 Pcmu 192.0.2.9:40000 both
describe m2 Pcma 198.51.100.8:50000 both
relay m1 m2
caller <- 200
"
    );
    call.ack(&mut house, "");
    house.pass(Duration::from_secs(2));
    call.bye(&mut house, "Reason: Q.850;cause=31\r\n");
    assert_eq!(
        house.look(),
        "
caller <- 200
agent <- BYE [Q.850;cause=31]
release m1
release m2
record Completed normal
"
    );
    let record = house.record().clone();
    assert_eq!((record.ended_by, record.q850), (Some(EndedBy::Caller), Some(31)));
    assert_eq!(record.codec.as_deref(), Some("PCMU"));
    assert!(record.quality_a.is_some() && record.quality_b.is_some());
    let invite = house.last(AGENT, "INVITE");
    assert_eq!(record.sip_call_id_b.as_deref(), header(&invite, "Call-ID"));
    let bye = house.last(AGENT, "BYE");
    reply(&mut house, AGENT, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_call_that_is_up_tells_how_its_legs_do_and_goes_on_as_it_was() {
    let mut house = House::new();
    connected(&mut house);
    house.look();
    let told = |received| {
        let counters = Counters { received, sent: 7, jitter_us: 2_500, ..Counters::default() };
        move |media| Input::Media(media::Event::Measured { media, counters })
    };
    let [a, b] = house.media[..] else { panic!("two legs") };
    house.input(told(90)(a));
    house.input(told(80)(b));
    house.input(told(91)(a));
    // Of no call.
    house.input(told(1)(MediaKey(999)));
    assert_eq!(house.look(), "\n");
    let packets = |record: &CallRecord| [record.quality_a, record.quality_b].map(|leg| leg.unwrap().packets);
    let up = house.core.calls().next().expect("it is up").record.clone();
    assert_eq!((packets(&up), up.status), ([91, 80], None));
    let leg = up.quality_a.unwrap();
    assert_eq!((leg.sent, leg.mos.is_some(), leg.far_mos), (7, true, None));
    let call = house.call();
    house.command(Command::Hangup(call));
    house.look();
    assert_eq!(packets(house.record()), [50, 50], "what they came to");
    house.input(told(92)(a));
    assert_eq!(house.look(), "\n");
    assert_eq!(packets(house.record()), [50, 50]);
}

#[test]
fn a_call_whose_packet_thread_failed_ends_on_both_sides() {
    let mut house = House::new();
    connected(&mut house);
    for media in house.media.clone() {
        house.input(Input::Media(media::Event::Lost { media }));
    }
    assert_eq!(
        house.look(),
        "
caller <- BYE [SIP;cause=500;text=\"the packet thread of the call failed\"]
agent <- BYE [SIP;cause=500;text=\"the packet thread of the call failed\"]
release m1
release m2
record Completed media-failed
"
    );
    let record = house.record();
    assert_eq!((record.ended_by, record.q850), (Some(EndedBy::System), Some(41)));
    assert_eq!(house.core.census().ports, 0);
}

#[test]
fn a_caller_who_hears_ringing_gets_500_when_the_packet_thread_fails() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "180 Ringing", "");
    house.look();
    let media = house.media[1];
    house.input(Input::Media(media::Event::Lost { media }));
    let ladder = house.look();
    assert!(ladder.contains("agent <- CANCEL") && ladder.contains("caller <- 500"), "{ladder}");
    assert!(ladder.ends_with("record Failed media-failed\n"), "{ladder}");
    assert_eq!(house.record().sip_status, Some(500));
}

#[test]
fn the_invite_to_the_agent_tells_who_calls_whom() {
    let mut house = House::new();
    Dial::to("+14155550103").offering(&OFFER.replace("0 8 101", "8 0 101")).place(&mut house);
    let invite = house.last(AGENT, "INVITE");
    assert!(invite.starts_with("INVITE sip:desk@198.51.100.7:5060 SIP/2.0\r\n"), "{invite}");
    assert!(
        header(&invite, "From")
            .is_some_and(|from| from.starts_with("\"Bob\" <sip:+14085550199@203.0.113.5>;tag="))
    );
    assert_eq!(header(&invite, "To"), Some("<sip:desk@198.51.100.7>"));
    assert_eq!(header(&invite, "P-Asserted-Identity"), Some("\"Bob\" <sip:+14085550199@203.0.113.5>"));
    assert_eq!(header(&invite, "P-Called-Party-ID"), Some("<sip:+14155550103@203.0.113.5>"));
    assert_eq!(header(&invite, "Max-Forwards"), Some("69"));
    assert_ne!(header(&invite, "Call-ID"), Some("c1@carrier"));
    assert!(body(&invite).contains("m=audio 10002 RTP/AVP 8 0 101"), "{invite}");
}

#[test]
fn an_anonymous_caller_is_anonymous_to_the_agent() {
    let mut house = House::new();
    Dial::to("+14155550103").with("Privacy: id").place(&mut house);
    let invite = house.last(AGENT, "INVITE");
    let from = header(&invite, "From").unwrap_or_default();
    assert!(from.starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{invite}");
    assert_eq!(header(&invite, "P-Asserted-Identity"), None);
    assert!(!invite.contains("4085550199"), "{invite}");
}

#[test]
fn a_word_in_place_of_the_callers_number_is_no_number() {
    for from in ["Restricted", "unavailable", "Unknown", "PRIVATE", "withheld", "Anonymous"] {
        let mut house = House::new();
        Dial::to("+14155550103").from(&format!("<sip:{from}@carrier.example>")).place(&mut house);
        let invite = house.last(AGENT, "INVITE");
        let told = header(&invite, "From").unwrap_or_default();
        assert!(told.contains("<sip:anonymous@anonymous.invalid>"), "{from}: {told}");
        assert_eq!(house.record().from_raw, from);
    }
    let mut house = House::new();
    Dial::to("+14155550103").from("<sip:+14085550199@anonymous.invalid>").place(&mut house);
    assert!(!house.last(AGENT, "INVITE").contains("4085550199"));
}

#[test]
fn while_one_side_holds_the_silence_of_the_other_is_no_fault() {
    let mut house = House::new();
    let mut call = connected(&mut house);
    let timeouts = |house: &House| -> Vec<_> {
        house.described.values().map(|remote| remote.silence_timeout.is_some()).collect()
    };
    assert_eq!(timeouts(&house), [true, true]);
    call.inside(&mut house, "INVITE", "", &OFFER.replace("a=sendrecv", "a=inactive"));
    agent_says(&mut house, "200 OK", &format!("{ANSWER}a=inactive\r\n"));
    call.ack(&mut house, "");
    assert_eq!(timeouts(&house), [false, false]);
    house.look();
    house.pass(Duration::from_mins(1));
    assert_eq!(house.look(), "\ncaller <- OPTIONS\nagent <- OPTIONS\n", "both are asked instead");
    for who in [CALLER, AGENT] {
        let options = house.last(who, "OPTIONS");
        reply(&mut house, who, &options, "200 OK", "");
    }
    call.inside(&mut house, "INVITE", "", OFFER);
    agent_says(&mut house, "200 OK", ANSWER);
    call.ack(&mut house, "");
    assert_eq!(timeouts(&house), [true, true]);
    agent_asks(&mut house, "INVITE", 1, "", &format!("{ANSWER}a=inactive\r\n"));
    let ours = house.last(CALLER, "INVITE");
    reply(&mut house, CALLER, &ours, "200 OK", &OFFER.replace("a=sendrecv", "a=inactive"));
    assert_eq!(timeouts(&house), [false, false]);
}

#[test]
fn an_agent_that_hangs_up_ends_the_callers_leg() {
    let mut house = House::new();
    connected(&mut house);
    agent_asks(&mut house, "BYE", 1, "", "");
    assert_eq!(
        house.look(),
        "
agent <- 200
caller <- BYE [Q.850;cause=16;text=\"agent hung up\"]
release m1
release m2
record Completed normal
"
    );
    assert_eq!(house.record().ended_by, Some(EndedBy::Agent));
    let bye = house.last(CALLER, "BYE");
    reply(&mut house, CALLER, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_busy_agent_is_busy_to_the_caller() {
    for (said, heard, reason) in [
        ("486 Busy Here", "486", "agent-busy"),
        ("600 Busy Everywhere", "486", "agent-busy"),
        ("603 Decline", "603", "agent-declined"),
    ] {
        let mut house = House::new();
        let call = Dial::to("+14155550103");
        call.place(&mut house);
        agent_says(&mut house, said, "");
        call.absorb(&mut house, heard);
        assert_eq!(
            (house.record().status, house.record().reason.as_deref()),
            (Some(CallStatus::Busy), Some(reason))
        );
        house.assert_empty();
    }
}

#[test]
fn any_other_refusal_of_the_agent_is_480_but_for_what_is_wrong_with_the_call() {
    for (said, heard, q850) in [
        ("404 Not Found", "404", 1),
        ("484 Address Incomplete", "484", 28),
        ("488 Not Acceptable Here", "488", 127),
        ("606 Not Acceptable", "488", 127),
        ("500 Server Internal Error", "480", 18),
        ("302 Moved Temporarily", "480", 18),
        ("407 Proxy Authentication Required", "480", 18),
    ] {
        let mut house = House::new();
        let call = Dial::to("+14155550103");
        call.place(&mut house);
        house.look();
        agent_says(&mut house, said, "");
        let (journal, code) = (house.look(), &said[..3]);
        let told = format!(
            "notice desk: it answered {said}\ncaller <- {heard} [SIP;cause={code};text=\"agent-unreachable: the agent answered {code}\"]"
        );
        assert!(journal.contains(&told), "{journal}");
        assert_eq!(house.record().q850, Some(q850), "{said}");
        call.absorb(&mut house, heard);
        house.assert_empty();
    }
}

#[test]
fn the_refusal_of_an_agent_is_not_that_of_its_fallback() {
    let inventory = INVENTORY.replace("\nid = \"desk\"\n", "\nid = \"desk\"\nfallback_agent_id = \"bot\"\n");
    let mut house = House::with(&inventory, |_| {});
    Dial::to("+14155550103").place(&mut house);
    agent_says(&mut house, "404 Not Found", "");
    house.failed();
    let refusal = house.last(CALLER, "480");
    assert!(refusal.contains("SIP;cause=480;text=\"agent-unreachable: the agent could"), "{refusal}");
}

#[test]
fn an_agent_that_never_answers_is_unreachable_after_timer_b() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    house.pass(Duration::from_secs(33));
    assert_eq!(house.record().reason.as_deref(), Some("agent-unreachable"));
    call.absorb(&mut house, "480");
    house.assert_empty();
}

#[test]
fn an_agent_that_rings_for_ever_is_no_answer() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "180 Ringing", "");
    house.look();
    house.pass(Duration::from_secs(59));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_secs(1));
    let journal = house.look();
    assert!(
        journal.contains("caller <- 480 [SIP;cause=480;text=\"no-answer: no answer\"]\nagent <- CANCEL"),
        "{journal}"
    );
    assert_eq!(house.record().status, Some(CallStatus::NoAnswer));
    call.absorb(&mut house, "480");
    let cancel = house.last(AGENT, "CANCEL");
    reply(&mut house, AGENT, &cancel, "200 OK", "");
    agent_says(&mut house, "487 Request Terminated", "");
    house.assert_empty();
}

#[test]
fn a_cancel_reaches_the_agent() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "180 Ringing", "");
    house.look();
    let cancel =
        call.cancel().replace("Content-Length", "Reason: SIP;cause=200;text=\"elsewhere\"\r\nContent-Length");
    house.receive(CALLER, &cancel);
    let journal = house.look();
    assert!(journal.contains("agent <- CANCEL [SIP;cause=200;text=\"elsewhere\"]"), "{journal}");
    call.absorb(&mut house, "487");
    let cancel = house.last(AGENT, "CANCEL");
    reply(&mut house, AGENT, &cancel, "200 OK", "");
    agent_says(&mut house, "487 Request Terminated", "");
    assert_eq!(house.finished().len(), 1);
    house.assert_empty();
}

#[test]
fn a_cancel_that_crosses_the_agents_answer_ends_the_agents_dialog() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "180 Ringing", "");
    let cancel = call.cancel();
    house.receive(CALLER, &cancel);
    call.absorb(&mut house, "487");
    house.look();
    agent_says(&mut house, "200 OK", ANSWER);
    let journal = house.look();
    assert!(journal.contains("agent <- ACK") && journal.contains("agent <- BYE"), "{journal}");
    for method in ["BYE", "CANCEL"] {
        let request = house.last(AGENT, method);
        reply(&mut house, AGENT, &request, "200 OK", "");
    }
    assert_eq!(house.finished().len(), 1);
    house.assert_empty();
}

#[test]
fn an_answer_that_cant_be_used_ends_the_agents_dialog_and_refuses_the_caller() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    house.look();
    agent_says(&mut house, "200 OK", &ANSWER.replace("m=audio 50000", "m=audio 0"));
    let journal = house.look();
    assert!(journal.starts_with("\nagent <- ACK\nagent <- BYE"), "{journal}");
    assert!(journal.contains("caller <- 480"), "{journal}");
    call.absorb(&mut house, "480");
    let bye = house.last(AGENT, "BYE");
    reply(&mut house, AGENT, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_digit_from_either_side_reaches_the_other() {
    let mut house = House::new();
    let mut call = connected(&mut house);
    call.inside(
        &mut house,
        "INFO",
        "Content-Type: application/dtmf-relay\r\n",
        "Signal=5\r\nDuration=250\r\n",
    );
    assert_eq!(house.look(), "\ndial m2 5 250ms\ncaller <- 200\n");
    agent_asks(&mut house, "INFO", 1, "Content-Type: application/dtmf\r\n", "#");
    assert_eq!(house.look(), "\ndial m1 # 160ms\nagent <- 200\n");
}

#[test]
fn a_late_offer_is_made_after_the_agents_answer() {
    let mut house = House::new();
    let call = Dial::to("+14155550103").offering("");
    call.place(&mut house);
    house.look();
    agent_says(&mut house, "200 OK", ANSWER);
    assert_eq!(house.look(), "\nagent <- ACK\ncaller <- 200\n");
    assert!(
        body(&house.last(CALLER, "200")).contains("m=audio 10000 RTP/AVP 8 0 101"),
        "the agent's codec first"
    );
    call.ack(&mut house, OFFER);
    assert_eq!(
        house.look(),
        "\ndescribe m1 Pcmu 192.0.2.9:40000 both\ndescribe m2 Pcma 198.51.100.8:50000 both\nrelay m1 m2\n"
    );
    assert!(house.last(CALLER, "200").contains(US.split(':').next().unwrap()));
}

#[test]
fn the_notice_says_why_the_answer_of_an_agent_cant_be_used() {
    for (answer, why) in [
        ("", "there is none"),
        (
            &*ANSWER.replace("8 101", "18 101"),
            "no common audio codec: PCMU and PCMA at 8000 Hz are spoken here",
        ),
        (&*ANSWER.replace("audio 50000", "audio 0"), "the session description has no audio"),
    ] {
        let mut house = House::new();
        Dial::to("+14155550103").place(&mut house);
        house.look();
        agent_says(&mut house, "200 OK", answer);
        let journal = house.look();
        assert!(journal.contains(&format!("notice desk: the answer can't be used: {why}\n")), "{journal}");
        assert!(
            journal.contains(&format!("cause=488;text=\"the answer can't be used: {why}\"")),
            "{journal}"
        );
    }
}
