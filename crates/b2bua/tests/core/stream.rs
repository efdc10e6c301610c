//! Calls to an agent behind a Media Streams WebSocket.

use std::time::Duration;

use b2bua::Input;
use b2bua::record::EndedBy;
use media::agent::AgentEvent;

use crate::house::{CALLER, House};
use crate::text::{Dial, header};

#[test]
fn the_caller_hears_ringing_until_the_stream_is_open() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550101");
    call.place(&mut house);
    assert_eq!(
        house.look(),
        "
record
caller <- 100
bind m1
stream open
caller <- 180
"
    );
    house.pass(Duration::from_millis(700));
    house.opened();
    assert_eq!(house.look(), "\ndescribe m1 Pcmu 192.0.2.9:40000 both\ntap m1\ncaller <- 200\n");
    call.ack(&mut house, "");
    house.pass(Duration::from_secs(1));
    call.bye(&mut house, "");
    assert_eq!(house.look(), "\ncaller <- 200\nstream close\nrelease m1\nrecord Completed normal\n");
    let record = house.record();
    assert_eq!((record.ringing_at, record.answered_at), (Some(1_000_000), Some(1_000_700)));
    assert_eq!((record.duration_ms, record.billable_s, record.agent_active_ms), (1_700, 1, 1_000));
    house.assert_empty();
}

#[test]
fn the_agent_is_told_who_calls_whom() {
    let mut house = House::new();
    Dial::to("+14155550101").place(&mut house);
    let stream = &house.streams[0].1;
    assert_eq!(stream.url, "wss://bots.example.com/sales");
    assert_eq!(stream.call_sid, format!("CA{}", house.record().id));
    for sid in [&stream.account_sid, &stream.call_sid, &stream.stream_sid] {
        assert!(sid.len() == 34 && sid[2..].bytes().all(|b| b.is_ascii_hexdigit()), "{sid}");
    }
    let parameters: Vec<_> =
        stream.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        parameters,
        [("persona", "sales"), ("from_number", "+14085550199"), ("to_number", "+14155550101")]
    );
}

#[test]
fn a_withheld_number_is_not_told_to_the_agent() {
    let mut house = House::new();
    Dial::to("+14155550101").with("Privacy: id").place(&mut house);
    let parameters = &house.streams[0].1.parameters;
    assert!(parameters.contains(&("from_number".to_owned(), "anonymous".to_owned())), "{parameters:?}");
    assert_eq!(house.record().from.as_deref(), Some("+14085550199"));
}

#[test]
fn an_agent_that_cant_be_reached_gives_way_to_its_fallback() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550102");
    call.place(&mut house);
    house.look();
    house.failed();
    assert_eq!(
        house.look(),
        "
notice bot-then-echo: connection refused
describe m1 Pcmu 192.0.2.9:40000 both
echo m1
caller <- 200
"
    );
    call.ack(&mut house, "");
    call.bye(&mut house, "");
    assert_eq!(house.record().agent_id.as_deref(), Some("echo"));
    house.assert_empty();
}

#[test]
fn an_agent_without_a_fallback_is_480() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    house.look();
    house.failed();
    assert_eq!(
        house.look(),
        "
notice bot: connection refused
caller <- 480 [SIP;cause=480;text=\"agent-unreachable: the agent could not be reached\"]
release m1
record Failed agent-unreachable
"
    );
    assert_eq!(house.record().ended_by, Some(EndedBy::Agent));
    call.absorb(&mut house, "480");
    house.assert_empty();
}

#[test]
fn a_stream_side_that_never_answers_is_given_up() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    house.look();
    house.pass(Duration::from_millis(5_999));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_millis(1));
    assert!(house.look().contains("stream close\nnotice bot: it took too long to be reached\ncaller <- 480"));
    call.absorb(&mut house, "480");
    house.assert_empty();
}

#[test]
fn the_agents_of_a_chain_are_asked_in_turn_and_the_caller_hears_one_ringing() {
    let chain = crate::house::INVENTORY
        .replace(
            "[[agents]]\nid = \"bot\"\n",
            "[[agents]]\nid = \"bot\"\nfallback_agent_id = \"bot-then-echo\"\n",
        )
        .replace(
            "id = \"echo\"\nendpoint = { kind = \"echo\" }",
            "id = \"echo\"\nendpoint = { kind = \"media-stream\", url = \"ws://c.example/\" }",
        );
    let mut house = House::with(&chain, |_| {});
    Dial::to("+14155550101").place(&mut house);
    house.failed();
    house.failed();
    house.failed();
    assert_eq!(house.streams.len(), 3);
    assert_eq!(house.record().reason.as_deref(), Some("agent-unreachable"));
    assert!(house.look().matches("caller <- 180").count() == 1);
}

#[test]
fn a_bot_that_closes_its_stream_hangs_up() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    house.opened();
    call.ack(&mut house, "");
    house.look();
    let agent = house.stream();
    house.input(Input::Agent(AgentEvent::Closed { agent, clean: true, reason: "1000".to_owned() }));
    assert_eq!(
        house.look(),
        "
caller <- BYE [Q.850;cause=16;text=\"agent hung up\"]
release m1
record Completed normal
"
    );
    assert!(house.last(CALLER, "BYE").contains("Reason: Q.850;cause=16"));
    assert_eq!(house.record().ended_by, Some(EndedBy::Agent));
    let bye = house.last(CALLER, "BYE");
    crate::text::reply(&mut house, CALLER, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_stream_that_breaks_ends_the_call_as_agent_gone() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    house.opened();
    call.ack(&mut house, "");
    house.look();
    let agent = house.stream();
    house.input(Input::Agent(AgentEvent::Closed { agent, clean: false, reason: "reset".to_owned() }));
    assert!(house.look().starts_with("\nnotice bot gone: reset\ncaller <- BYE"));
    assert!(header(&house.last(CALLER, "BYE"), "Reason").is_some_and(|reason| reason.contains("cause=502")));
    assert_eq!(house.record().reason.as_deref(), Some("agent-gone"));
    assert_eq!(house.record().q850, Some(41));
}

#[test]
fn a_stream_that_breaks_before_it_is_open_is_an_agent_that_can_not_be_reached() {
    let mut house = House::new();
    Dial::to("+14155550102").place(&mut house);
    house.look();
    let agent = house.stream();
    house.input(Input::Agent(AgentEvent::Closed { agent, clean: false, reason: "reset".to_owned() }));
    let notice = "\nnotice bot-then-echo: the stream broke before it was open: reset\n";
    assert!(house.look().starts_with(notice));
}

#[test]
fn a_cancel_while_the_stream_opens_closes_it() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    house.look();
    let cancel = call.cancel();
    house.receive(CALLER, &cancel);
    let journal = house.look();
    assert!(journal.contains("caller <- 200\n") && journal.contains("caller <- 487"), "{journal}");
    assert!(journal.ends_with("stream close\nrelease m1\nrecord Canceled canceled\n"), "{journal}");
    call.absorb(&mut house, "487");
    house.opened();
    assert_eq!(house.look(), "\n", "the stream that opens too late is of no call");
    let record = house.record();
    assert_eq!((record.sip_status, record.ended_by), (Some(487), Some(EndedBy::Caller)));
    house.assert_empty();
}

#[test]
fn a_caller_that_leaves_while_ports_are_bound_leaves_nothing() {
    let mut house = House::new();
    house.binds = crate::house::Binds::Wait;
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    let cancel = call.cancel();
    house.receive(CALLER, &cancel);
    call.absorb(&mut house, "487");
    let media = house.media[0];
    house.input(Input::Media(media::Event::Bound { media }));
    assert!(house.streams.is_empty());
    assert_eq!(house.record().reason.as_deref(), Some("canceled"));
    house.assert_empty();
}
