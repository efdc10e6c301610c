//! Servers by priority and weight (RFC 2782).

use super::*;

#[test]
fn priorities_come_in_order_and_each_address_of_a_server_is_tried() {
    let mut zone = Zone::default()
        .srv(
            "_sip._udp.example.com.",
            &[
                (20, 1, 5062, "c.example.com."),
                (10, 1, 5061, "b.example.com."),
                (5, 1, 5060, "a.example.com."),
            ],
        )
        .host("a.example.com.", &["192.0.2.1"])
        .host("b.example.com.", &["192.0.2.2", "192.0.2.3"])
        .host("c.example.com.", &["192.0.2.4"]);
    let mut found = zone.found("sip:example.com", &reach(&[Udp]));
    found[1..3].sort();
    assert_eq!(
        found,
        ["udp 192.0.2.1:5060", "udp 192.0.2.2:5061", "udp 192.0.2.3:5061", "udp 192.0.2.4:5062"]
    );
}

#[test]
fn another_seed_is_another_choice_by_weight() {
    let mut zone = Zone::default()
        .srv("_sip._udp.example.com.", &[(1, 3, 1, "h.example.com."), (1, 1, 2, "h.example.com.")])
        .host("h.example.com.", &["192.0.2.1"]);
    let mut first = [0_u32; 2];
    for seed in 0..2_000 {
        let found = zone.locate_by("sip:example.com", &reach(&[Udp]), seed).unwrap();
        first[usize::from(found[0].address.port() - 1)] += 1;
    }
    assert!(first[0].abs_diff(1_400) < 110, "3.5 and 1.5 of 5, as the RFC has it: {first:?}");
}

#[test]
fn the_root_as_target_says_that_there_is_no_service() {
    let mut zone =
        Zone::default().srv("_sip._udp.example.com.", &[(0, 0, 0, ".")]).host("example.com", &["192.0.2.1"]);
    let located = zone.locate("sip:example.com", &all());
    assert_eq!(located, Err(Failure::NotOffered { name: "example.com".into() }));
    zone = zone
        .srv("_sip._tcp.example.com.", &[(0, 0, 5060, "h.example.com.")])
        .host("h.example.com.", &["192.0.2.2"]);
    assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.2:5060"]);
}

#[test]
fn a_server_without_an_address_is_passed_over() {
    let mut zone = Zone::default()
        .srv("_sip._udp.example.com.", &[(1, 0, 1, "gone.example.com."), (2, 0, 2, "h.example.com.")])
        .host("h.example.com.", &["192.0.2.1"]);
    assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.1:2"]);
}

#[test]
fn an_address_in_the_place_of_a_name_is_used_and_port_zero_is_not() {
    let mut zone =
        Zone::default().srv("_sip._udp.example.com.", &[(1, 0, 5070, "192.0.2.5."), (0, 0, 0, "192.0.2.6.")]);
    assert_eq!(zone.found("sip:example.com", &reach(&[Udp])), ["udp 192.0.2.5:5070"]);
}

#[test]
fn one_place_is_tried_once() {
    let mut zone = Zone::default()
        .srv("_sip._udp.example.com.", &[(1, 0, 5060, "a.example.com."), (2, 0, 5060, "b.example.com.")])
        .host("a.example.com.", &["192.0.2.1"])
        .host("b.example.com.", &["192.0.2.1", "192.0.2.2"]);
    assert_eq!(zone.found("sip:example.com", &reach(&[Udp])), ["udp 192.0.2.1:5060", "udp 192.0.2.2:5060"]);
}
