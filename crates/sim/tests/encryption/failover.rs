//! Whoever is asked next gets an offer that is for it, with keys that nobody has seen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use phone::{Phone, Step};
use sim::cast::{DESK_1, DESK_2, GATEWAY, GATEWAY_2, PBX, call_out, caller, description, phone, talk};
use sim::stage::assert_rungs;
use sim::{Weather, World};

use crate::{
    FIRST, NOBODY, NOW, SECOND, SUITE, answer, assert_all_different, assert_sealed, descriptions, profile,
    reason, run, sealed_by, suites, told, world,
};

/// Answered by the agent at [`DESK_1`], and by the one at [`DESK_2`] in its stead.
const IN_TURN: &str = "+14155550110";

fn agents(first: &str, second: &str) -> String {
    format!(
        "
        [[agents]]
        id = \"first\"
        endpoint = {{ kind = \"sip\", uri = \"sip:one@{DESK_1}\", media_encryption = \"{first}\" }}
        fallback_agent_id = \"second\"
        [[agents]]
        id = \"second\"
        endpoint = {{ kind = \"sip\", uri = \"sip:two@{DESK_2}\", media_encryption = \"{second}\" }}
        [[numbers]]
        e164 = \"{IN_TURN}\"
        trunk_id = \"acme\"
        agent_id = \"first\"
        "
    )
}

fn refuses(name: &str, at: SocketAddr, status: u16) -> Phone {
    phone(name, name, at, vec![Step::ExpectInvite, Step::Reject { status }])
}

fn answers(name: &str, at: SocketAddr, wanted: &str) -> Phone {
    let with = if wanted == "off" { description(at) } else { sealed_by(at, FIRST) };
    phone(name, name, at, vec![Step::ExpectInvite, answer(with)])
}

fn suite(wanted: &str) -> Option<&'static str> {
    if wanted == "off" { None } else { SUITE }
}

/// The first offer and the second, as those want it that they are for.
fn assert_offers(offers: &[String], wanted: [&str; 2]) {
    let [first, second] = offers else { panic!("two offers: {offers:?}") };
    for (offer, wanted) in [(first, wanted[0]), (second, wanted[1])] {
        let secure = if wanted == "required" { "RTP/SAVP" } else { "RTP/AVP" };
        assert_eq!(profile(offer), secure, "{wanted}");
        assert_eq!(offer.contains("a=crypto"), wanted != "off", "{wanted}: {offer}");
    }
    assert_all_different(offers);
}

/// Behind those of the cast.
const GATEWAY_3: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 18, 0, 3)), 5060);

const PAIRS: [[&str; 2]; 5] = [
    ["required", "off"],
    ["off", "required"],
    ["required", "optional"],
    ["optional", "required"],
    ["required", "required"],
];

#[test]
fn an_agent_in_anothers_stead_is_offered_what_it_wants() {
    for [first, second] in PAIRS {
        let mut world = world(NOBODY, &agents(first, second));
        world.phone(NOW, refuses("one", DESK_1, 503));
        world.phone(NOW, answers("two", DESK_2, second));
        world.phone(NOW, caller(talk(IN_TURN, SECOND)));
        run(&mut world);
        let offers = descriptions(&world, "INVITE");
        assert_offers(&offers, [first, second]);
        if second != "off" {
            assert_sealed(told(&world, DESK_2)[0].as_ref(), FIRST, &offers[1]);
        }
        assert_eq!(suites(&world), (None, suite(second)));
    }
}

#[test]
fn an_agent_that_answers_plain_where_keys_are_required_gives_way_to_the_next() {
    let mut world = world(NOBODY, &agents("required", "off"));
    let plain = vec![Step::ExpectInvite, answer(description(DESK_1)), Step::ExpectBye];
    world.phone(NOW, phone("one", "one", DESK_1, plain));
    world.phone(NOW, answers("two", DESK_2, "off"));
    world.phone(NOW, caller(talk(IN_TURN, SECOND)));
    run(&mut world);
    assert_rungs(
        &world,
        "caller",
        "
           0  caller -> us  INVITE sdp
          20  us -> caller  100
         100  us -> caller  200 sdp
         120  caller -> us  ACK
        1120  caller -> us  BYE
        1140  us -> caller  200 BYE
        ",
    );
    assert!(told(&world, DESK_1).is_empty());
    assert_eq!(suites(&world), (None, None));
}

#[test]
fn another_server_of_an_agent_gets_other_keys() {
    let inventory = "
        [[agents]]
        id = \"safe\"
        endpoint = { kind = \"sip\", uri = \"sip:desk@safe.example.com\", media_encryption = \"required\" }
        [[numbers]]
        e164 = \"+14155550111\"
        trunk_id = \"acme\"
        agent_id = \"safe\"
        ";
    let mut world = world(NOBODY, inventory);
    world.host("safe.example.com", vec![DESK_1, DESK_2]);
    world.phone(NOW, refuses("one", DESK_1, 503));
    world.phone(NOW, answers("two", DESK_2, "required"));
    world.phone(NOW, caller(talk("+14155550111", SECOND)));
    run(&mut world);
    let offers = descriptions(&world, "INVITE");
    assert_offers(&offers, ["required", "required"]);
    assert_sealed(told(&world, DESK_2)[0].as_ref(), FIRST, &offers[1]);
}

/// The trunk's gateways, the first of best priority, and what each wants.
fn gateways(wanted: &[&str]) -> World {
    let mut setup = sim::cast::setup(1, Weather::calm());
    let plain = "[{ host = \"198.18.0.2\", priority = 20 }, { host = \"198.18.0.1\", priority = 10 }]";
    assert!(setup.inventory.contains(plain));
    let gateway = |(place, wanted): (usize, &&str)| {
        let place = place + 1;
        format!("{{ host = \"198.18.0.{place}\", priority = {place}0, media_encryption = \"{wanted}\" }}")
    };
    let wanting: Vec<_> = wanted.iter().enumerate().rev().map(gateway).collect();
    setup.inventory = setup.inventory.replace(plain, &format!("[{}]", wanting.join(", ")));
    World::new(setup).expect("the inventory is sound")
}

#[test]
fn the_next_gateway_is_offered_what_it_wants() {
    for [first, second] in PAIRS {
        for status in [503, 480] {
            let mut world = gateways(&[first, second]);
            world.phone(NOW, phone("pbx", "4711", PBX, call_out(PBX, SECOND)));
            world.phone(NOW, refuses("one", GATEWAY, status));
            world.phone(NOW, answers("two", GATEWAY_2, second));
            run(&mut world);
            let offers = descriptions(&world, "INVITE");
            assert_offers(&offers, [first, second]);
            if second != "off" {
                assert_sealed(told(&world, GATEWAY_2)[0].as_ref(), FIRST, &offers[1]);
            }
            assert_eq!(suites(&world), (None, suite(second)));
        }
    }
}

#[test]
fn a_gateway_that_says_nothing_is_followed_by_one_with_keys_of_its_own() {
    let mut world = gateways(&["required", "optional"]);
    world.phone(NOW, phone("pbx", "4711", PBX, call_out(PBX, SECOND)));
    world.phone(NOW, answers("two", GATEWAY_2, "optional"));
    run(&mut world);
    let mut offers = descriptions(&world, "INVITE");
    // The first goes out again and again, as it was.
    offers.dedup();
    let second = offers.iter().position(|offer| profile(offer) == "RTP/AVP").expect("the second is asked");
    assert_offers(&[offers[0].clone(), offers[second].clone()], ["required", "optional"]);
    assert_sealed(told(&world, GATEWAY_2)[0].as_ref(), FIRST, &offers[second]);
    assert_eq!(suites(&world), (None, SUITE));
}

#[test]
fn a_gateway_that_can_not_take_the_offer_gives_way_to_one_that_gets_another() {
    for status in [488, 606] {
        let mut world = gateways(&["required", "off"]);
        world.phone(NOW, phone("pbx", "4711", PBX, call_out(PBX, SECOND)));
        world.phone(NOW, refuses("one", GATEWAY, status));
        world.phone(NOW, answers("two", GATEWAY_2, "off"));
        run(&mut world);
        assert_offers(&descriptions(&world, "INVITE"), ["required", "off"]);
        assert_eq!((reason(&world), suites(&world)), (Some("normal"), (None, None)));
    }
    let mut world = gateways(&["required", "required"]);
    let mut script = call_out(PBX, SECOND);
    script.truncate(1);
    script.push(Step::Expect(488));
    world.phone(NOW, phone("pbx", "4711", PBX, script));
    world.phone(NOW, refuses("one", GATEWAY, 488));
    world.phone(NOW, answers("two", GATEWAY_2, "required"));
    run(&mut world);
    assert_eq!(reason(&world), Some("trunk-failed"), "the second would say the same");
}

#[test]
fn gateways_that_would_get_the_offer_that_one_can_not_take_are_passed_over() {
    let mut world = gateways(&["required", "required", "off"]);
    world.phone(NOW, phone("pbx", "4711", PBX, call_out(PBX, SECOND)));
    world.phone(NOW, refuses("one", GATEWAY, 488));
    world.phone(NOW, answers("two", GATEWAY_2, "required"));
    world.phone(NOW, answers("three", GATEWAY_3, "off"));
    run(&mut world);
    assert_offers(&descriptions(&world, "INVITE"), ["required", "off"]);
    assert!(told(&world, GATEWAY_2).is_empty(), "the second would say the same");
    assert_eq!((reason(&world), suites(&world)), (Some("normal"), (None, None)));
}
