//! How many calls, and how fast.

use std::time::Duration;

use b2bua::{Input, Sharing};
use media::command::WorkerId;
use numbers::{Load, Subject, Tally, Used};

use crate::house::{CALLER, House, INVENTORY};
use crate::text::{Dial, header};

fn full(inventory: &str, adjust: impl FnOnce(&mut b2bua::Config), did: &str, reason: &str) {
    let mut house = House::with(inventory, adjust);
    let mut first = Dial::to(did).connect(&mut house);
    let second = Dial::to(did).named("c2");
    second.place(&mut house);
    assert_eq!(house.record().reason.as_deref(), Some(reason));
    let status = house.record().sip_status.unwrap().to_string();
    second.absorb(&mut house, &status);
    first.bye(&mut house, "");
    Dial::to(did).named("c3").connect(&mut house);
    assert_eq!(house.record().status, None, "the seat was given back");
}

#[test]
fn a_node_takes_so_many_calls() {
    full(INVENTORY, |config| config.limits.max_calls = Some(1), "+14155550100", "node-full");
}

#[test]
fn a_trunk_takes_so_many_calls() {
    let inventory =
        INVENTORY.replace("did_country = \"US\" }", "did_country = \"US\" }\nlimits = { max_calls = 1 }");
    full(&inventory, |_| {}, "+14155550100", "trunk-full");
}

#[test]
fn a_number_takes_so_many_calls() {
    let inventory = INVENTORY.replace("e164 = \"+14155550100\"", "e164 = \"+14155550100\"\nmax_calls = 1");
    full(&inventory, |_| {}, "+14155550100", "number-full");
}

#[test]
fn an_agent_takes_so_many_calls() {
    let inventory =
        INVENTORY.replace("[[agents]]\nid = \"echo\"\n", "[[agents]]\nid = \"echo\"\nmax_calls = 1\n");
    full(&inventory, |_| {}, "+14155550100", "agent-full");
}

/// Whatever a call takes: one port pair, a stream beside it, or two pairs.
#[test]
fn calls_take_the_packet_threads_in_turn() {
    for (did, pairs) in [("+14155550100", 1), ("+14155550101", 1), ("+14155550103", 2)] {
        for workers in 1..=6_u16 {
            let mut house = House::with(INVENTORY, |config| config.workers = workers);
            for call in 0..workers * 2 {
                Dial::to(did).named(&format!("c{call}")).place(&mut house);
            }
            house.workers.sort_unstable();
            let expected: Vec<_> =
                (0..workers).flat_map(|worker| vec![WorkerId(worker); pairs * 2]).collect();
            assert_eq!(house.workers, expected, "to {did}");
        }
    }
}

#[test]
fn a_trunk_may_call_so_often_a_second() {
    let inventory =
        INVENTORY.replace("did_country = \"US\" }", "did_country = \"US\" }\nlimits = { max_cps = 5 }");
    let mut house = House::with(&inventory, |_| {});
    for at in 0..8 {
        Dial::to("+14155550100").named(&format!("c{at}")).place(&mut house);
    }
    assert_eq!(house.finished().len(), 3);
    assert_eq!(house.record().reason.as_deref(), Some("rate-limited"));
    assert!(header(&house.last(CALLER, "503"), "Retry-After").is_some());
    house.pass(Duration::from_millis(200));
    Dial::to("+14155550100").named("later").place(&mut house);
    assert_eq!(house.record().status, None);
}

#[test]
fn a_node_may_be_called_so_often_a_second() {
    let mut house = House::with(INVENTORY, |config| config.limits.max_cps = Some(2));
    for at in 0..3 {
        Dial::to("+14155550100").named(&format!("c{at}")).place(&mut house);
    }
    assert_eq!(house.finished().len(), 1);
}

#[test]
fn a_call_that_falls_back_counts_for_the_agent_that_answers() {
    let inventory = INVENTORY
        .replace("[[agents]]\nid = \"echo\"\n", "[[agents]]\nid = \"echo\"\nmax_calls = 1\n")
        .replace("id = \"bot-then-echo\"\nfallback", "id = \"bot-then-echo\"\nmax_calls = 1\nfallback");
    let mut house = House::with(&inventory, |_| {});
    let first = Dial::to("+14155550102");
    first.place(&mut house);
    house.failed();
    let second = Dial::to("+14155550102").named("c2");
    second.place(&mut house);
    assert_eq!(house.streams.len(), 2, "the first agent is free again");
    house.failed();
    assert_eq!(house.record().reason.as_deref(), Some("agent-unreachable"), "its fallback is full");
}

#[test]
fn ports_rest_after_a_call() {
    let mut house = House::with(INVENTORY, |config| config.ports = 10_000..=10_003);
    let mut first = Dial::to("+14155550100").connect(&mut house);
    first.bye(&mut house, "");
    Dial::to("+14155550100").named("c2").connect(&mut house);
    assert!(house.last(CALLER, "200").contains("m=audio 10002 "));
}

/// So many calls of it on other nodes.
fn elsewhere(subject: &Subject, calls: u32) -> Input {
    let load = Load { calls, spoken: Tally::default() };
    Input::Others(vec![Used { subject: subject.clone(), load }])
}

#[test]
fn calls_on_other_nodes_take_places_until_they_end() {
    let number = "+14155550100".parse().unwrap();
    for (before, after, subject, reason) in [
        ("e164 = \"+14155550100\"", "max_calls = 2", Subject::Number(number), "number-full"),
        ("did_country = \"US\" }", "limits = { max_calls = 2 }", Subject::Trunk("acme".into()), "trunk-full"),
        ("[[agents]]\nid = \"echo\"", "max_calls = 2", Subject::Agent("echo".into()), "agent-full"),
    ] {
        let inventory = INVENTORY.replace(before, &format!("{before}\n{after}"));
        let mut house = House::with(&inventory, |_| {});
        house.input(elsewhere(&subject, 1));
        let mut first = Dial::to("+14155550100").connect(&mut house);
        Dial::to("+14155550100").named("c2").place(&mut house);
        assert_eq!(house.record().reason.as_deref(), Some(reason));
        first.bye(&mut house, "");
        house.input(elsewhere(&subject, 2));
        Dial::to("+14155550100").named("c3").place(&mut house);
        assert_eq!(house.record().reason.as_deref(), Some(reason));
        house.input(elsewhere(&subject, 0));
        Dial::to("+14155550100").named("c4").connect(&mut house);
        assert_eq!(house.record().status, None, "{reason}");
    }
}

#[test]
fn other_nodes_are_told_what_a_call_takes_and_gives_back() {
    let mut house = House::with(INVENTORY, |config| config.sharing = Sharing::Shared);
    let told = |house: &mut House| {
        let used = std::mem::take(&mut house.used);
        used.into_iter().map(|used| (used.subject, used.load.calls)).collect::<Vec<_>>()
    };
    let subjects = |calls| {
        [
            (Subject::Trunk("acme".into()), calls),
            (Subject::Number("+14155550100".parse().unwrap()), calls),
            (Subject::Agent("echo".into()), calls),
        ]
    };
    let mut first = Dial::to("+14155550100").connect(&mut house);
    assert_eq!(told(&mut house), subjects(1));
    first.bye(&mut house, "");
    assert_eq!(told(&mut house), subjects(0));
    let mut alone = House::with(INVENTORY, |_| {});
    Dial::to("+14155550100").connect(&mut alone);
    assert!(alone.used.is_empty(), "nobody is there to be told");
}
