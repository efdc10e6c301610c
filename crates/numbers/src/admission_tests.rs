use std::collections::BTreeMap;

use super::*;
use crate::{DidOrigin, E164, Inventory, NodeState};

const INVENTORY: &str = "
    settings = { default_agent_id = 'reception' }
    agents = [
        { id = 'reception', endpoint = { kind = 'echo' } },
        { id = 'sales', endpoint = { kind = 'echo' }, max_calls = 2, fallback_agent_id = 'night' },
        { id = 'night', endpoint = { kind = 'echo' }, max_calls = 1 },
    ]
    trunks = [
        { id = 'acme', inbound = { addresses = ['192.0.2.1'] }, limits = { max_calls = 5 } },
        { id = 'shut', inbound = { enabled = false, addresses = ['192.0.2.2'] } },
        { id = 'out', outbound = { gateways = [{ host = '192.0.2.3' }] } },
    ]
    numbers = [
        { e164 = '+14155550100', trunk_id = 'acme', agent_id = 'sales', max_calls = 3 },
        { e164 = '+14155550101', trunk_id = 'acme', max_cps = 2, max_minutes_per_day = 1 },
        { e164 = '+14155550102', trunk_id = 'acme', status = 'suspended', inbound = false },
        { e164 = '+14155550103', trunk_id = 'acme', status = 'pending' },
        { e164 = '+14155550104', trunk_id = 'acme', inbound = false },
        { e164 = '+14155550105', trunk_id = 'acme', source = 'personal' },
    ]
";

#[derive(Default)]
struct Calls {
    trunks: BTreeMap<&'static str, u32>,
    number: u32,
    number_starts: u32,
    agents: BTreeMap<&'static str, u32>,
    node: u32,
}

impl Usage for Calls {
    fn trunk_calls(&self, trunk_id: &str) -> u32 {
        self.trunks.get(trunk_id).copied().unwrap_or_default()
    }
    fn number_calls(&self, _: E164) -> u32 {
        self.number
    }
    fn agent_calls(&self, agent_id: &str) -> u32 {
        self.agents.get(agent_id).copied().unwrap_or_default()
    }
    fn node_calls(&self) -> u32 {
        self.node
    }
    fn trunk_starts(&self, _: &str) -> u32 {
        0
    }
    fn number_starts(&self, _: E164) -> u32 {
        self.number_starts
    }
    fn trunk_seconds_today(&self, _: &str) -> u64 {
        u64::MAX
    }
    fn number_seconds_today(&self, _: E164) -> u64 {
        u64::MAX
    }
    fn seconds_left_today(&self) -> u32 {
        1
    }
}

fn directory() -> Directory {
    Directory::new(toml::from_str::<Inventory>(INVENTORY).unwrap()).unwrap()
}

fn admit(
    directory: &Directory,
    trunk: &str,
    number: &str,
    usage: &Calls,
    limits: &Limits,
) -> Result<Route, Refusal> {
    let did = Did { raw: number.to_owned(), e164: E164::parse(number).ok(), origin: DidOrigin::RequestUri };
    admit_inbound(directory, directory.trunk(trunk).unwrap(), &did, usage, limits)
}

fn refused(trunk: &str, number: &str, usage: &Calls, limits: &Limits) -> Refusal {
    admit(&directory(), trunk, number, usage, limits).unwrap_err()
}

#[test]
fn an_assigned_agent_answers_else_the_default_one() {
    let directory = directory();
    let route = admit(&directory, "acme", "+14155550100", &Calls::default(), &Limits::default()).unwrap();
    assert_eq!((route.agent.id.as_str(), route.agent_source), ("sales", AgentSource::Assigned));
    assert_eq!((route.trunk.id.as_str(), route.number.e164.to_string().as_str()), ("acme", "+14155550100"));
    let route = admit(&directory, "acme", "+14155550101", &Calls::default(), &Limits::default()).unwrap();
    assert_eq!((route.agent.id.as_str(), route.agent_source), ("reception", AgentSource::Default));
}

#[test]
fn without_any_agent_the_call_is_refused() {
    let mut inventory: Inventory = toml::from_str(INVENTORY).unwrap();
    inventory.settings.default_agent_id = None;
    let directory = Directory::new(inventory).unwrap();
    let refusal = admit(&directory, "acme", "+14155550101", &Calls::default(), &Limits::default());
    assert_eq!(refusal.unwrap_err(), Refusal::NoAgent);
}

#[test]
fn the_number_must_be_ours_in_use_and_open() {
    let (calls, limits) = (Calls::default(), Limits::default());
    for (number, refusal) in [
        ("+14155550999", Refusal::DidUnknown),
        ("911", Refusal::DidUnknown),
        ("+14155550102", Refusal::NumberInactive),
        ("+14155550103", Refusal::NumberInactive),
        ("+14155550104", Refusal::InboundDisabled),
        ("+14155550105", Refusal::InboundDisabled),
    ] {
        assert_eq!(refused("acme", number, &calls, &limits), refusal, "{number}");
    }
}

#[test]
fn the_trunk_must_take_calls() {
    for trunk in ["shut", "out"] {
        let refusal = refused(trunk, "+14155550100", &Calls::default(), &Limits::default());
        assert_eq!(refusal, Refusal::InboundDisabled, "{trunk}");
    }
}

#[test]
fn room_is_asked_of_the_node_then_the_trunk_then_the_number() {
    let full = Calls { trunks: BTreeMap::from([("acme", 5)]), number: 3, node: 9, ..Calls::default() };
    let limits = Limits { max_calls: Some(9), state: NodeState::Draining };
    assert_eq!(refused("acme", "+14155550100", &full, &limits), Refusal::Draining);
    let limits = Limits { state: NodeState::Serving, ..limits };
    assert_eq!(refused("acme", "+14155550100", &full, &limits), Refusal::NodeFull);
    assert_eq!(refused("acme", "+14155550100", &full, &Limits::default()), Refusal::TrunkFull);
    let full = Calls { trunks: BTreeMap::from([("acme", 4)]), ..full };
    assert_eq!(refused("acme", "+14155550100", &full, &Limits::default()), Refusal::NumberFull);
    // What would be refused anywhere is not sent elsewhere for want of room.
    assert_eq!(refused("acme", "+14155550999", &full, &limits), Refusal::DidUnknown);
}

#[test]
fn a_number_takes_its_calls_a_second_and_minutes_a_day_are_of_outbound_calls() {
    let calls = Calls { number_starts: 2, ..Calls::default() };
    assert_eq!(refused("acme", "+14155550101", &calls, &Limits::default()), Refusal::RateLimited);
    let calls = Calls { number_starts: 1, ..Calls::default() };
    assert!(admit(&directory(), "acme", "+14155550101", &calls, &Limits::default()).is_ok());
}

#[test]
fn a_full_agent_hands_over_to_its_fallback_until_that_is_full_too() {
    let directory = directory();
    let mut calls = Calls { agents: BTreeMap::from([("sales", 2)]), ..Calls::default() };
    let route = admit(&directory, "acme", "+14155550100", &calls, &Limits::default()).unwrap();
    assert_eq!((route.agent.id.as_str(), route.agent_source), ("night", AgentSource::Assigned));
    calls.agents.insert("night", 1);
    assert_eq!(refused("acme", "+14155550100", &calls, &Limits::default()), Refusal::AgentFull);
}

#[test]
fn refusals_read_as_the_interface_says() {
    let table = [
        ("source-unknown", 403),
        ("did-unknown", 404),
        ("number-inactive", 480),
        ("inbound-disabled", 404),
        ("no-agent", 480),
        ("agent-unreachable", 480),
        ("agent-full", 486),
        ("outbound-disabled", 403),
        ("caller-not-owned", 403),
        ("number-unverified", 403),
        ("destination-invalid", 484),
        ("country-not-allowed", 403),
        ("destination-premium", 403),
        ("destination-emergency", 403),
        ("trunk-full", 503),
        ("number-full", 503),
        ("node-full", 503),
        ("rate-limited", 503),
        ("draining", 503),
        ("media-encryption-required", 488),
        ("no-common-codec", 488),
        ("trunk-failed", 502),
    ];
    let told: Vec<_> = Refusal::ALL.iter().map(|refusal| (refusal.reason(), refusal.status())).collect();
    assert_eq!(told, table);
    for refusal in Refusal::ALL {
        assert_eq!(refusal.retry_after().is_some(), refusal.status() == 503, "{refusal}");
        assert!((1..=127).contains(&refusal.q850()), "{refusal}");
        assert!(!refusal.text().contains(['"', '\\', '\r', '\n']), "{refusal}");
    }
    let header = Refusal::DidUnknown.reason_header();
    assert_eq!(header, "SIP;cause=404;text=\"did-unknown: the called number is not ours\"");
}
