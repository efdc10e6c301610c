//! Which NAPTR records count (RFC 3403, RFC 3263 s.4.1).

use super::*;

fn zone(records: &[(u16, u16, &str, &str, &str)]) -> Zone {
    Zone::default()
        .naptr("example.com.", records)
        .srv("u.example.com.", &[(1, 0, 1, "h.example.com.")])
        .srv("t.example.com.", &[(1, 0, 2, "h.example.com.")])
        .srv("s.example.com.", &[(1, 0, 3, "h.example.com.")])
        .host("h.example.com.", &["192.0.2.1"])
}

#[test]
fn the_lowest_order_is_taken_whatever_its_preference() {
    let mut zone = zone(&[
        (50, 1, "s", "SIP+D2U", "u.example.com."),
        (20, 9, "s", "SIP+D2T", "t.example.com."),
        (90, 1, "s", "SIPS+D2T", "s.example.com."),
    ]);
    assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:2"]);
}

#[test]
fn within_an_order_preference_decides_and_the_others_follow() {
    let mut zone = zone(&[
        (10, 30, "s", "SIP+D2U", "u.example.com."),
        (10, 20, "s", "SIPS+D2T", "s.example.com."),
        (10, 40, "s", "SIP+D2T", "t.example.com."),
    ]);
    let found = zone.found("sip:example.com", &all());
    assert_eq!(found, ["tls 192.0.2.1:3", "udp 192.0.2.1:1", "tcp 192.0.2.1:2"]);
}

#[test]
fn flags_and_services_are_read_in_either_case() {
    let mut zone = zone(&[(10, 1, "S", "sip+d2t", "T.Example.com")]);
    assert_eq!(zone.found("sip:Example.COM", &all()), ["tcp 192.0.2.1:2"]);
}

#[test]
fn records_that_are_not_for_us_are_discarded() {
    for (flags, services, replacement) in [
        ("u", "SIP+D2T", "t.example.com."),
        ("a", "SIP+D2T", "t.example.com."),
        ("", "SIP+D2T", "t.example.com."),
        ("s", "SIP+D2S", "t.example.com."),
        ("s", "SIPS+D2U", "t.example.com."),
        ("s", "E2U+sip", "t.example.com."),
        ("s", "SIP+D2T", "."),
        ("s", "SIP+D2W", "t.example.com."),
    ] {
        let mut zone =
            zone(&[(1, 1, flags, services, replacement), (2, 1, "s", "SIP+D2U", "u.example.com.")]);
        assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.1:1"], "{flags} {services}");
    }
}

#[test]
fn a_regular_expression_is_no_rule_of_sip() {
    let record = Naptr {
        order: 1,
        preference: 1,
        flags: "s".into(),
        services: "SIP+D2T".into(),
        regexp: "!^.*$!t.example.com!".into(),
        replacement: "t.example.com.".into(),
    };
    let mut zone = zone(&[]).host("example.com", &["192.0.2.2"]);
    zone = zone.with(Kind::Naptr, "example.com.", Answer::Naptr(vec![record]));
    assert_eq!(zone.found("sip:example.com", &all()), ["udp 192.0.2.2:5060"]);
}

#[test]
fn an_order_whose_srv_records_are_gone_gives_way_to_the_next() {
    let mut zone =
        zone(&[(10, 1, "s", "SIPS+D2T", "gone.example.com."), (20, 1, "s", "SIP+D2T", "t.example.com.")]);
    assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:2"]);
}

#[test]
fn naptr_without_any_srv_still_says_the_transport() {
    let mut zone = Zone::default()
        .naptr("example.com.", &[(0, 1, "s", "SIP+D2T", "gone.example.com.")])
        .host("example.com", &["192.0.2.1"]);
    assert_eq!(zone.found("sip:example.com", &all()), ["tcp 192.0.2.1:5060"]);
}

#[test]
fn a_websocket_server_is_found_by_naptr() {
    let mut zone = zone(&[(10, 1, "s", "SIP+D2W", "u.example.com.")]);
    assert_eq!(zone.found("sip:example.com", &reach(&[Udp, Ws])), ["ws 192.0.2.1:1"]);
}
