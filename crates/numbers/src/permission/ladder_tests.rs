//! Each refusal in its turn, and what lets a call out.

use super::*;
use crate::{Inventory, NodeState, NumberSource, Verified};

const INVENTORY: &str = "
    agents = [{ id = 'bot', endpoint = { kind = 'echo' } }]
    trunks = [
        { id = 'acme', limits = { max_calls = 10, max_cps = 5, max_minutes_per_day = 100 }, outbound = { allowed_countries = ['US', 'GB', '+800'] } },
        { id = 'world', outbound = { allowed_countries = 'worldwide' } },
        { id = 'special', outbound = { allowed_countries = ['worldwide', '+881', '+882', '+979', '+808'], allow_special = ['premium', 'satellite', 'emergency'] } },
        { id = 'closed', outbound = { allowed_countries = [] } },
        { id = 'silent', outbound = {} },
        { id = 'off', outbound = { enabled = false, allowed_countries = 'worldwide' } },
        { id = 'in', inbound = { addresses = ['192.0.2.1'] } },
    ]
    numbers = [
        { e164 = '+14155550100', trunk_id = 'acme', outbound = true, max_calls = 2, max_cps = 1, max_minutes_per_day = 10 },
        { e164 = '+14155550101', trunk_id = 'acme' },
        { e164 = '+14155550102', trunk_id = 'acme', outbound = true, status = 'suspended' },
        { e164 = '+14155550103', trunk_id = 'acme', outbound = true, status = 'pending' },
        { e164 = '+14155550104', trunk_id = 'acme', outbound = true, source = 'personal' },
        { e164 = '+14155550105', trunk_id = 'off', outbound = true },
        { e164 = '+14155550106', trunk_id = 'in', outbound = true },
        { e164 = '+14155550107', trunk_id = 'acme', outbound = true, allowed_countries = ['FR'] },
        { e164 = '+14155550108', trunk_id = 'world', outbound = true },
        { e164 = '+14155550109', trunk_id = 'special', outbound = true },
        { e164 = '+14155550110', trunk_id = 'closed', outbound = true },
        { e164 = '+14155550111', trunk_id = 'silent', outbound = true },
    ]
";

/// As much of everything as is said, whoever asks.
#[derive(Clone, Copy, Default)]
struct Used {
    node: u32,
    trunk: u32,
    number: u32,
    trunk_starts: u32,
    number_starts: u32,
    trunk_seconds: u64,
    number_seconds: u64,
}

impl Usage for Used {
    fn trunk_calls(&self, _: &str) -> u32 {
        self.trunk
    }
    fn number_calls(&self, _: E164) -> u32 {
        self.number
    }
    fn agent_calls(&self, _: &str) -> u32 {
        0
    }
    fn node_calls(&self) -> u32 {
        self.node
    }
    fn trunk_starts(&self, _: &str) -> u32 {
        self.trunk_starts
    }
    fn number_starts(&self, _: E164) -> u32 {
        self.number_starts
    }
    fn trunk_seconds_today(&self, _: &str) -> u64 {
        self.trunk_seconds
    }
    fn number_seconds_today(&self, _: E164) -> u64 {
        self.number_seconds
    }
    fn seconds_left_today(&self) -> u32 {
        4321
    }
}

fn ask_with(from: &str, to: &str, used: Used, limits: Limits) -> Result<Permit, Denial> {
    let directory = Directory::new(toml::from_str::<Inventory>(INVENTORY).unwrap()).unwrap();
    let asked = Asked { from, to, country: "US".parse().ok() };
    permit_outbound(&directory, &asked, &used, &limits)
}

fn ask(from: &str, to: &str) -> Result<Permit, Denial> {
    ask_with(from, to, Used::default(), Limits::default())
}

const MAIN: &str = "+14155550100";
const OWN_LIST: &str = "+14155550107";
const WORLD: &str = "+14155550108";
const SPECIAL: &str = "+14155550109";

#[test]
fn a_personal_number_calls_once_it_is_verified() {
    let mut number = Number::new(E164::parse("+14155550150").unwrap(), "acme");
    number.outbound = true;
    number.inbound = false;
    number.source = NumberSource::Personal;
    number.status = NumberStatus::Pending;
    let asked = |number: &Number| {
        let mut inventory: Inventory = toml::from_str(INVENTORY).unwrap();
        inventory.numbers.push(number.clone());
        let directory = Directory::new(inventory).unwrap();
        let asked = Asked { from: "+14155550150", to: "+12125550100", country: None };
        permit_outbound(&directory, &asked, &Used::default(), &Limits::default())
    };
    assert_eq!(asked(&number).unwrap_err().refusal, Refusal::NumberUnverified);
    number.verify(Verified { at: 1, by: "ops".into() });
    assert_eq!(number.status, NumberStatus::Active);
    assert!(asked(&number).is_ok());
    number.status = NumberStatus::Suspended;
    assert_eq!(asked(&number).unwrap_err().refusal, Refusal::NumberInactive);
}

#[test]
fn each_refusal_has_its_reason_and_says_what_to_change() {
    for (from, to, refusal, words) in [
        ("+14155550999", "+12125550100", Refusal::CallerNotOwned, "add it to [[numbers]]"),
        ("anonymous", "+12125550100", Refusal::CallerNotOwned, "call from one of its numbers"),
        ("", "+12125550100", Refusal::CallerNotOwned, "not in the inventory"),
        ("+14155550101", "+12125550100", Refusal::OutboundDisabled, "set outbound = true"),
        ("+14155550102", "+12125550100", Refusal::NumberInactive, "suspended"),
        ("+14155550103", "+12125550100", Refusal::NumberInactive, "pending"),
        ("+14155550104", "+12125550100", Refusal::NumberUnverified, "not verified"),
        ("+14155550105", "+12125550100", Refusal::OutboundDisabled, "outbound of trunk `off` is off"),
        ("+14155550106", "+12125550100", Refusal::OutboundDisabled, "trunk `in` takes no outbound calls"),
        (
            "+14155550110",
            "+12125550100",
            Refusal::CountryNotAllowed,
            "trunk `closed` has no entry, not \"US\"",
        ),
        ("+14155550111", "+12125550100", Refusal::CountryNotAllowed, "neither the calling number nor"),
        (MAIN, "", Refusal::DestinationInvalid, "no destination"),
        (MAIN, "1001", Refusal::DestinationInvalid, "neither a number of US"),
        (MAIN, "+44 20 79", Refusal::DestinationInvalid, "neither a number of US"),
        (MAIN, "+442079460", Refusal::DestinationInvalid, "no numbering plan"),
        (MAIN, "+999123456789", Refusal::DestinationInvalid, "no numbering plan"),
        (MAIN, "alice", Refusal::DestinationInvalid, "other than digits"),
        (
            MAIN,
            "+33612345678",
            Refusal::CountryNotAllowed,
            "trunk `acme` has \"US\", \"GB\", \"+800\", not \"FR\"; add it",
        ),
        (
            OWN_LIST,
            "+12125550100",
            Refusal::CountryNotAllowed,
            "of the calling number has \"FR\", not \"US\"",
        ),
        (WORLD, "+80012345678", Refusal::CountryNotAllowed, "has to be named itself"),
        (WORLD, "+881612345678", Refusal::CountryNotAllowed, "not \"+881\""),
        (MAIN, "+19002345678", Refusal::DestinationPremium, "premium number of US"),
        (WORLD, "+448431234567", Refusal::DestinationPremium, "name \"premium\""),
        (WORLD, "+447012345678", Refusal::DestinationPremium, "premium number of GB"),
        (WORLD, "+447640123456", Refusal::DestinationPremium, "premium number of GB"),
        (MAIN, "911", Refusal::DestinationEmergency, "unless outbound.allow_special of trunk `acme`"),
        (WORLD, "112", Refusal::DestinationEmergency, "name"),
        (WORLD, "+1911", Refusal::DestinationEmergency, "name"),
        (WORLD, "911;phone-context=+1", Refusal::DestinationEmergency, "name"),
        (WORLD, "9-1-1", Refusal::DestinationEmergency, "name"),
        (WORLD, "999", Refusal::DestinationEmergency, "elsewhere"),
        (WORLD, "000", Refusal::DestinationEmergency, "elsewhere"),
        (WORLD, "+911", Refusal::DestinationEmergency, "elsewhere"),
        (WORLD, "+44999", Refusal::DestinationEmergency, "elsewhere"),
        (SPECIAL, "110", Refusal::DestinationEmergency, "elsewhere"),
    ] {
        let denial = ask(from, to).unwrap_err();
        assert_eq!(denial.refusal, refusal, "{from} to {to}: {}", denial.words);
        assert!(denial.words.contains(words), "{from} to {to}: {}", denial.words);
        assert_eq!(denial.number.is_some(), refusal != Refusal::CallerNotOwned, "{from} to {to}");
        let digits = denial.words.split(|char: char| !char.is_ascii_digit()).map(str::len).max();
        let is_example = denial.words.contains("write it like +14155550100");
        assert!(digits < Some(5) || is_example, "a telephone number is told: {}", denial.words);
    }
}

#[test]
fn a_permit_says_the_rule_and_the_number_that_is_dialled() {
    for (from, to, dialled, rule) in [
        (
            MAIN,
            "2125550100",
            "+12125550100",
            "\"US\" is in outbound.allowed_countries of trunk `acme` by \"US\"",
        ),
        ("415-555-0100", "+44 20 7946 0000", "+442079460000", "by \"GB\""),
        ("14155550100", "011442079460000", "+442079460000", "by \"GB\""),
        (MAIN, "+80012345678", "+80012345678", "by \"+800\""),
        (OWN_LIST, "+33612345678", "+33612345678", "\"FR\" is in allowed_countries of the calling number"),
        (WORLD, "+33612345678", "+33612345678", "by \"worldwide\""),
        (SPECIAL, "+19002345678", "+19002345678", "trunk `special` names \"premium\""),
        (SPECIAL, "+881612345678", "+881612345678", "names \"satellite\""),
        (SPECIAL, "911", "+1911", "names \"emergency\""),
        // A national prefix behind the calling code is nobody's digit.
        (MAIN, "+4402079460000", "+442079460000", "by \"GB\""),
    ] {
        let permit = ask(from, to).unwrap_or_else(|denial| panic!("{from} to {to}: {}", denial.words));
        assert_eq!(permit.to.to_string(), dialled, "{to}");
        assert!(permit.rule.contains(rule), "{to}: {}", permit.rule);
        assert_eq!(permit.trunk.id, permit.number.trunk_id);
    }
}

#[test]
fn shared_calling_codes_are_told_apart_by_number() {
    for (number, country) in [
        ("+15062345678", "CA"),
        ("+18765230123", "JM"),
        ("+18092345678", "DO"),
        ("+12423456789", "BS"),
        ("+78005551234", "RU"),
        ("+73012345678", "RU"),
        ("+77123456789", "KZ"),
        ("+441481256789", "GG"),
        ("+441534456789", "JE"),
        ("+441624756789", "IM"),
        ("+442079460000", "GB"),
        ("+390669812345", "VA"),
        ("+390612345678", "IT"),
        ("+4779123456", "SJ"),
        ("+4721234567", "NO"),
        ("+61891621234", "CC"),
        ("+61891641234", "CX"),
        ("+61212345678", "AU"),
        ("+262269601234", "YT"),
        ("+262262161234", "RE"),
        ("+5997151234", "BQ"),
        ("+59994351234", "CW"),
    ] {
        let permit = ask(WORLD, number).unwrap_or_else(|denial| panic!("{number}: {}", denial.words));
        assert!(permit.rule.starts_with(&format!("\"{country}\" ")), "{number}: {}", permit.rule);
    }
}

#[test]
fn room_is_asked_of_the_node_the_trunk_and_the_number_and_last() {
    let full = Used {
        node: 9,
        trunk: 10,
        number: 2,
        trunk_starts: 5,
        number_starts: 1,
        trunk_seconds: 6000,
        number_seconds: 600,
    };
    let node = Limits { max_calls: Some(9), state: NodeState::Draining };
    let mut told = Vec::new();
    for (used, limits) in [
        (full, node),
        (full, Limits { state: NodeState::Serving, ..node }),
        (full, Limits::default()),
        (Used { trunk: 9, ..full }, Limits::default()),
        (Used { trunk: 9, number: 1, ..full }, Limits::default()),
        (Used { trunk: 9, number: 1, trunk_starts: 4, ..full }, Limits::default()),
        (Used { trunk: 9, number: 1, trunk_starts: 4, number_starts: 0, ..full }, Limits::default()),
        (Used { number_seconds: 600, ..Used::default() }, Limits::default()),
    ] {
        let denial = ask_with(MAIN, "+12125550100", used, limits).unwrap_err();
        assert_eq!(denial.refusal.status(), 503);
        told.push((denial.refusal, denial.retry_after, denial.words));
    }
    let expected = [
        (Refusal::Draining, 30, "this node takes no further calls: it is draining"),
        (Refusal::NodeFull, 5, "this node has 9 calls, as many as limits.max_calls of its configuration"),
        (Refusal::TrunkFull, 5, "trunk `acme` has 10 calls, as many as its limits.max_calls"),
        (Refusal::NumberFull, 5, "the number has 2 calls, as many as its max_calls"),
        (
            Refusal::RateLimited,
            1,
            "5 calls began on trunk `acme` within a second, as many as its limits.max_cps",
        ),
        (Refusal::RateLimited, 1, "1 calls began on the number within a second, as many as its max_cps"),
        (
            Refusal::RateLimited,
            4321,
            "trunk `acme` has spoken its limits.max_minutes_per_day = 100 for today (UTC)",
        ),
        (Refusal::RateLimited, 4321, "the number has spoken its max_minutes_per_day = 10 for today (UTC)"),
    ];
    let expected = expected.map(|(refusal, again, words)| (refusal, Some(again), words.to_owned()));
    assert_eq!(told, expected);
    let almost = Used {
        node: 8,
        trunk: 9,
        number: 1,
        trunk_starts: 4,
        number_starts: 0,
        trunk_seconds: 5999,
        number_seconds: 599,
    };
    let limits = Limits { max_calls: Some(9), state: NodeState::Serving };
    assert!(ask_with(MAIN, "+12125550100", almost, limits).is_ok());
    // What would be refused anywhere is not sent elsewhere for want of room.
    assert_eq!(ask_with(MAIN, "+33612345678", full, node).unwrap_err().refusal, Refusal::CountryNotAllowed);
}

#[test]
fn a_company_wide_number_is_an_ordinary_one() {
    for to in ["+443012345678", "+445512345678"] {
        assert!(ask(WORLD, to).is_ok(), "{to}");
    }
}
