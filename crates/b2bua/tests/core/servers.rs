//! An agent with several servers: which of them gets the INVITE (RFC 3263 s.4.3).

use std::time::Duration;

use b2bua::Input;
use b2bua::io::Verdict;
use sip::Transport;
use sip::endpoint::Listener;
use sip::locate::Candidate;

use crate::house::{AGENT, House, INVENTORY};
use crate::text::{Dial, OTHER, agent_says, header, place, place_over, reply};

const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// A call to the agent under a name, which was found at these places.
fn placed(house: &mut House, places: Vec<Candidate>) -> Dial {
    let call = Dial::to("+14155550105").named(&format!("call-{}", house.questions.len()));
    call.place(house);
    let ticket = house.questions.last().unwrap().0;
    house.look();
    house.input(Input::Verdict(ticket, Verdict::Resolved(places)));
    call
}

fn both() -> Vec<Candidate> {
    vec![place(AGENT), place(OTHER)]
}

fn agent_is_unreachable(house: &mut House) {
    let flow = sip::Flow {
        transport: Transport::Udp,
        local: crate::house::US.parse().unwrap(),
        remote: AGENT.parse().unwrap(),
    };
    house.input(Input::FlowFailed(flow));
}

#[test]
fn after_a_503_the_next_server_gets_an_invite_of_its_own() {
    let mut house = House::new();
    placed(&mut house, both());
    let first = house.last(AGENT, "INVITE");
    house.look();
    agent_says(&mut house, "503 Service Unavailable", "");
    let expected = "\nagent <- ACK\nnotice named, udp 198.51.100.7:5060 (at-198.51.100.7:5060): it answered 503 Service \
        Unavailable\nother <- INVITE\n";
    assert_eq!(house.look(), expected);
    let second = house.last(OTHER, "INVITE");
    for name in ["Via", "Call-ID", "From"] {
        assert_ne!(header(&first, name), header(&second, name), "{name}");
    }
    for name in ["To", "Max-Forwards", "P-Called-Party-ID"] {
        assert_eq!(header(&first, name), header(&second, name), "{name}");
    }
    assert_eq!(first.lines().next(), second.lines().next(), "the request URI");
}

#[test]
fn a_transport_error_leads_to_the_next_server_at_once() {
    let mut house = House::new();
    placed(&mut house, both());
    house.look();
    agent_is_unreachable(&mut house);
    assert!(house.look().ends_with("nothing can be sent to it\nother <- INVITE\n"));
}

#[test]
fn what_refuses_the_call_speaks_for_all_servers() {
    for (status, reason) in [("486 Busy Here", "agent-busy"), ("603 Decline", "agent-declined")] {
        let mut house = House::new();
        placed(&mut house, both());
        agent_says(&mut house, status, "");
        assert!(!house.look().contains("other <- INVITE"), "{status}");
        assert_eq!(house.record().reason.as_deref(), Some(reason));
    }
    let mut house = House::new();
    placed(&mut house, both());
    agent_says(&mut house, "500 Server Internal Error", "");
    let journal = house.look();
    assert!(!journal.contains("other <- INVITE"), "{journal}");
    assert!(
        journal.contains("notice named: it answered 500 Server Internal Error\n"),
        "to its fallback: {journal}"
    );
}

#[test]
fn a_server_that_says_nothing_is_left_after_four_seconds_and_cancelled_when_it_wakes() {
    let mut house = House::new();
    placed(&mut house, both());
    let first = house.last(AGENT, "INVITE");
    house.pass(Duration::from_millis(3_999));
    assert!(!house.look().contains("other"));
    house.pass(Duration::from_millis(1));
    let journal = house.look();
    assert!(journal.ends_with("no answer in 4 s\nother <- INVITE\n"), "{journal}");
    reply(&mut house, AGENT, &first, "180 Ringing", "");
    assert!(house.look().contains("agent <- CANCEL"));
}

#[test]
fn a_late_answer_of_a_server_that_was_left_is_ended_with_bye() {
    let mut house = House::new();
    placed(&mut house, both());
    let first = house.last(AGENT, "INVITE");
    house.pass(Duration::from_secs(4));
    house.look();
    reply(&mut house, AGENT, &first, "200 OK", ANSWER);
    assert_eq!(house.look(), "\nagent <- ACK\nagent <- BYE\n");
    let second = house.last(OTHER, "INVITE");
    reply(&mut house, OTHER, &second, "200 OK", ANSWER);
    assert!(house.look().ends_with("caller <- 200\n"));
}

#[test]
fn a_100_says_that_a_server_lives() {
    let mut house = House::new();
    placed(&mut house, both());
    let first = house.last(AGENT, "INVITE");
    reply(&mut house, AGENT, &first, "100 Trying", "");
    house.look();
    house.pass(Duration::from_millis(19_999));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_millis(1));
    assert!(house.look().contains("notice named: it took too long to be reached\n"));
}

#[test]
fn the_last_server_has_as_long_as_an_agent_has() {
    let mut house = House::new();
    placed(&mut house, vec![place(AGENT)]);
    house.pass(Duration::from_millis(19_999));
    assert!(!house.look().contains("notice"));
    house.pass(Duration::from_millis(1));
    assert!(house.look().contains("notice named: it took too long to be reached\n"));
}

#[test]
fn a_server_that_asked_for_time_is_not_asked_until_it_is_over() {
    let mut house = House::new();
    placed(&mut house, both());
    house.look();
    let invite = house.last(AGENT, "INVITE");
    reply(&mut house, AGENT, &invite, "503 Service Unavailable\r\nRetry-After: 120", "");
    let second = house.last(OTHER, "INVITE");
    reply(&mut house, OTHER, &second, "486 Busy Here", "");

    placed(&mut house, both());
    let journal = house.look();
    assert!(journal.contains("other <- INVITE") && !journal.contains("agent <- INVITE"), "{journal}");
    let second = house.last(OTHER, "INVITE");
    reply(&mut house, OTHER, &second, "486 Busy Here", "");
    house.pass(Duration::from_mins(2));
    house.look();
    placed(&mut house, both());
    assert!(house.look().contains("agent <- INVITE"));
}

#[test]
fn servers_that_all_ask_for_time_give_way_to_the_fallback() {
    let mut house = House::new();
    let asked = "503 Service Unavailable\r\nRetry-After: 60";
    placed(&mut house, vec![place(AGENT)]);
    let invite = house.last(AGENT, "INVITE");
    reply(&mut house, AGENT, &invite, asked, "");
    house.look();
    placed(&mut house, vec![place(AGENT)]);
    let journal = house.look();
    let words = "notice named: each of its servers answered 503, and asks for 61 s without calls\n";
    assert!(journal.starts_with(&format!("\n{words}")), "{journal}");
    assert!(!journal.contains("agent <- INVITE") && journal.ends_with("caller <- 200\n"), "{journal}");
}

#[test]
fn one_that_failed_is_asked_after_the_others_for_half_a_minute() {
    let mut house = House::new();
    placed(&mut house, both());
    agent_is_unreachable(&mut house);
    placed(&mut house, both());
    let journal = house.look();
    assert!(journal.ends_with("other <- INVITE\n"), "{journal}");
    house.pass(Duration::from_secs(30));
    house.look();
    placed(&mut house, both());
    assert!(house.look().contains("agent <- INVITE"));
}

#[test]
fn the_transport_that_was_found_decides_the_listener() {
    let tcp = "203.0.113.5:5070".parse().unwrap();
    let mut house = House::with(INVENTORY, |config| {
        config.sip.listeners.push(Listener { transport: Transport::Tcp, local: tcp, advertised: tcp });
    });
    placed(&mut house, vec![place_over(Transport::Tls, OTHER), place_over(Transport::Tcp, AGENT)]);
    let invite = house.last(AGENT, "INVITE");
    assert!(header(&invite, "Via").unwrap().starts_with("SIP/2.0/TCP 203.0.113.5:5070;"), "{invite}");
    assert!(!house.look().contains("other <- INVITE"), "no listener of ours speaks TLS");
}

#[test]
fn eight_servers_are_asked_at_most() {
    let mut house = House::new();
    let places = (1..=20).map(|last| place(&format!("198.51.100.{last}:5060"))).collect();
    placed(&mut house, places);
    house.look();
    house.pass(Duration::from_secs(50));
    let asked: std::collections::BTreeSet<_> = house
        .sent
        .iter()
        .filter(|(_, text)| text.starts_with("INVITE"))
        .map(|(receiver, _)| receiver.to_string())
        .collect();
    assert_eq!(asked.len(), 8, "{asked:?}");
    assert!(
        house.look().contains("notice named: it took too long to be reached\n"),
        "the fallback has its turn"
    );
}

#[test]
fn the_caller_is_found_by_the_call_id_of_the_latest_attempt_until_its_call_is_forgotten() {
    let mut house = House::new();
    let call = placed(&mut house, both());
    let id = |invite: &str| header(invite, "Call-ID").unwrap().to_owned();
    let first = id(&house.last(AGENT, "INVITE"));
    let caller = Some(house.core.calls().last().unwrap().record.sip_call_id_a.clone());
    assert_eq!(house.core.caller_of(&first), caller.as_deref());
    agent_says(&mut house, "503 Service Unavailable", "");
    let second = id(&house.last(OTHER, "INVITE"));
    assert_eq!((house.core.caller_of(&first), house.core.caller_of(&second)), (None, caller.as_deref()));
    let cancel = call.cancel();
    house.receive(&call.source, &cancel);
    house.assert_empty();
    assert_eq!(house.core.caller_of(&second), None);
}
