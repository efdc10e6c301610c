//! All the ways in which a call ends that nobody chose.

use std::time::Duration;

use b2bua::Input;
use b2bua::io::Command;
use b2bua::record::{CallStatus, EndedBy};

use crate::house::{CALLER, House, INVENTORY};
use crate::text::{Dial, header, reply};

fn finish_bye(house: &mut House) {
    let bye = house.last(CALLER, "BYE");
    reply(house, CALLER, &bye, "200 OK", "");
    house.assert_empty();
}

#[test]
fn a_silent_caller_is_hung_up_on() {
    let mut house = House::new();
    Dial::to("+14155550100").connect(&mut house);
    house.look();
    let media = house.media[0];
    house.input(Input::Media(media::Event::Silent { media }));
    assert!(house.look().starts_with("\ncaller <- BYE [SIP;cause=408;text=\"no media from the caller\"]\n"));
    let record = house.record();
    assert_eq!((record.reason.as_deref(), record.ended_by), (Some("media-silent"), Some(EndedBy::System)));
    finish_bye(&mut house);
}

#[test]
fn a_call_ends_at_its_longest_duration() {
    let mut house = House::with(INVENTORY, |config| config.limits.max_call_s = Some(100));
    Dial::to("+14155550100").connect(&mut house);
    house.look();
    house.pass(Duration::from_millis(99_999));
    assert_eq!(house.look(), "\n");
    house.pass(Duration::from_millis(1));
    assert!(house.look().contains("BYE"));
    let record = house.record();
    assert_eq!((record.reason.as_deref(), record.billable_s), (Some("max-duration"), 100));
    finish_bye(&mut house);
}

#[test]
fn an_answer_without_an_ack_is_ended_and_not_billed() {
    let mut house = House::new();
    Dial::to("+14155550100").place(&mut house);
    house.pass(Duration::from_secs(33));
    let record = house.record();
    assert_eq!((record.reason.as_deref(), record.status), (Some("ack-missing"), Some(CallStatus::Failed)));
    assert_eq!((record.billable_s, record.sip_status), (0, Some(200)));
    finish_bye(&mut house);
}

#[test]
fn a_bye_before_the_ack_ends_the_call() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550100");
    call.place(&mut house);
    call.bye(&mut house, "");
    assert_eq!(house.record().reason.as_deref(), Some("normal"));
    house.assert_empty();
}

#[test]
fn the_operator_hangs_up() {
    let mut house = House::new();
    Dial::to("+14155550100").connect(&mut house);
    let key = house.call();
    house.command(Command::Hangup(key));
    assert_eq!(
        (house.record().reason.as_deref(), house.record().status),
        (Some("hangup"), Some(CallStatus::Completed))
    );
    finish_bye(&mut house);
    house.command(Command::Hangup(key));
    assert_eq!(house.finished().len(), 1);
}

#[test]
fn the_operator_hangs_up_on_a_ringing_call() {
    let mut house = House::new();
    let call = Dial::to("+14155550101");
    call.place(&mut house);
    let key = house.call();
    house.command(Command::Hangup(key));
    call.absorb(&mut house, "480");
    assert_eq!(
        (house.record().reason.as_deref(), house.record().status),
        (Some("hangup"), Some(CallStatus::Failed))
    );
    house.assert_empty();
}

#[test]
fn a_draining_node_refuses_new_calls_and_keeps_running_ones() {
    let mut house = House::new();
    let mut running = Dial::to("+14155550100").connect(&mut house);
    house.command(Command::Drain);
    let late = Dial::to("+14155550100").named("c2");
    late.place(&mut house);
    assert!(header(&house.last(CALLER, "503"), "Retry-After").is_some());
    assert_eq!(house.record().reason.as_deref(), Some("draining"));
    late.absorb(&mut house, "503");
    running.bye(&mut house, "");
    assert_eq!(house.record().reason.as_deref(), Some("normal"));
    house.assert_empty();
}

#[test]
fn shutdown_ends_every_call_in_whatever_state() {
    let mut house = House::new();
    Dial::to("+14155550100").named("talking").connect(&mut house);
    let ringing = Dial::to("+14155550101").named("ringing");
    ringing.place(&mut house);
    Dial::to("+14155550100").named("unacknowledged").place(&mut house);
    house.look();
    house.command(Command::Shutdown);
    let reasons: Vec<_> = house.finished().iter().map(|record| record.reason.clone().unwrap()).collect();
    assert_eq!(reasons, ["shutdown", "shutdown", "shutdown"]);
    assert_eq!(house.core.census().calls, 0);
    assert!(house.look().contains("caller <- 503"));
}

#[test]
fn a_worker_that_never_lets_go_does_not_keep_the_record() {
    let mut house = House::new();
    house.binds = crate::house::Binds::Succeed;
    let mut call = Dial::to("+14155550100").connect(&mut house);
    house.deaf = true;
    call.bye(&mut house, "");
    assert_eq!(house.finished().len(), 0);
    house.pass(Duration::from_secs(5));
    assert_eq!(house.finished().len(), 1);
    house.assert_empty();
}

#[test]
fn a_flow_that_fails_under_our_bye_leaves_nothing() {
    let mut house = House::new();
    Dial::to("+14155550100").connect(&mut house);
    let key = house.call();
    house.command(Command::Hangup(key));
    let flow = sip::Flow {
        transport: sip::Transport::Udp,
        local: crate::house::US.parse().unwrap(),
        remote: CALLER.parse().unwrap(),
    };
    house.input(Input::FlowFailed(flow));
    house.assert_empty();
}

#[test]
fn keys_of_the_past_are_disregarded() {
    let mut house = House::new();
    let mut call = Dial::to("+14155550101");
    call.place(&mut house);
    house.opened();
    call.ack(&mut house, "");
    let (agent, media) = (house.stream(), house.media[0]);
    call.bye(&mut house, "");
    house.look();
    house.opened();
    house.failed();
    house.input(Input::Agent(media::agent::AgentEvent::Closed { agent, clean: true, reason: String::new() }));
    for event in [
        media::Event::Bound { media },
        media::Event::Silent { media },
        media::Event::Lost { media },
        media::Event::Released { media, counters: media::command::Counters::default() },
    ] {
        house.input(Input::Media(event));
    }
    house.input(Input::Verdict(b2bua::io::Ticket(999), b2bua::io::Verdict::Failed(String::new())));
    assert_eq!(house.look(), "\n");
    house.assert_empty();
}
