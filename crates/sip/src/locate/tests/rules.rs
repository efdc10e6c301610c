//! What each form of a URI asks for (RFC 3263 s.4).

use super::*;

#[test]
fn a_literal_address_asks_nothing() {
    let mut zone = Zone::default();
    assert_eq!(zone.found("sip:192.0.2.1", &all()), ["udp 192.0.2.1:5060"]);
    assert_eq!(zone.found("sip:192.0.2.1:5070;transport=tcp", &all()), ["tcp 192.0.2.1:5070"]);
    assert_eq!(zone.found("sips:192.0.2.1", &all()), ["tls 192.0.2.1:5061"]);
    assert_eq!(zone.found("sip:192.0.2.1;transport=ws", &reach(&[Udp, Ws])), ["ws 192.0.2.1:80"]);
    let v6 = Reach { families: Families::V6First, ..all() };
    assert_eq!(zone.found("sip:[2001:db8::1]", &v6), ["udp [2001:db8::1]:5060"]);
    assert_eq!(zone.asked, [""; 0]);
}

#[test]
fn an_explicit_port_asks_for_addresses_alone() {
    let mut zone = Zone::default().host("example.com", &["192.0.2.1"]);
    assert_eq!(zone.found("sip:example.com:5060", &all()), ["udp 192.0.2.1:5060"]);
    assert_eq!(zone.asked, ["A example.com"]);
    assert_eq!(zone.found("sips:example.com:5099", &all()), ["tls 192.0.2.1:5099"]);
    assert_eq!(zone.asked, ["A example.com"]);
}

#[test]
fn a_transport_skips_naptr_and_asks_for_its_own_srv() {
    let mut zone = Zone::default()
        .srv("_sip._tcp.example.com.", &[(1, 0, 5080, "a.example.com.")])
        .srv("_sips._tcp.example.com.", &[(1, 0, 5081, "a.example.com.")])
        .host("a.example.com.", &["192.0.2.1"]);
    assert_eq!(zone.found("sip:example.com;transport=tcp", &all()), ["tcp 192.0.2.1:5080"]);
    assert_eq!(zone.asked, ["SRV _sip._tcp.example.com.", "A a.example.com."]);
    for uri in ["sip:example.com;transport=tls", "sips:example.com;transport=tcp"] {
        assert_eq!(zone.found(uri, &all()), ["tls 192.0.2.1:5081"]);
        assert_eq!(zone.asked, ["SRV _sips._tcp.example.com.", "A a.example.com."]);
    }
}

#[test]
fn without_naptr_each_transport_of_ours_is_asked_for_in_our_order() {
    let mut zone = Zone::default()
        .srv("_sip._udp.example.com.", &[(1, 0, 5060, "a.example.com.")])
        .srv("_sips._tcp.example.com.", &[(1, 0, 5061, "a.example.com.")])
        .host("a.example.com.", &["192.0.2.1"]);
    let found = zone.found("sip:example.com", &reach(&[Tls, Tcp, Udp]));
    assert_eq!(found, ["tls 192.0.2.1:5061", "udp 192.0.2.1:5060"]);
    assert_eq!(
        zone.asked,
        [
            "NAPTR example.com.",
            "SRV _sips._tcp.example.com.",
            "SRV _sip._tcp.example.com.",
            "SRV _sip._udp.example.com.",
            "A a.example.com.",
        ]
    );
}

#[test]
fn sips_is_tls_at_each_step() {
    let mut zone = Zone::default().host("example.com", &["192.0.2.1"]).naptr(
        "example.com.",
        &[(1, 1, "s", "SIP+D2U", "_sip._udp.example.com."), (2, 1, "s", "SIP+D2T", "_sip._tcp.example.com.")],
    );
    assert_eq!(zone.found("sips:example.com", &all()), ["tls 192.0.2.1:5061"]);
    assert_eq!(zone.asked, ["NAPTR example.com.", "SRV _sips._tcp.example.com.", "A example.com"]);
    let unreachable = zone.locate("sips:example.com", &reach(&[Udp, Tcp]));
    assert_eq!(unreachable, Err(Failure::OutOfReach { name: "example.com".into(), transport: Tls }));
}

#[test]
fn without_any_record_it_is_udp_at_the_default_port() {
    let mut zone = Zone::default().host("example.com", &["192.0.2.1"]);
    assert_eq!(zone.found("sip:example.com", &reach(&[Tls, Tcp, Udp])), ["udp 192.0.2.1:5060"]);
    assert_eq!(zone.found("sip:example.com", &reach(&[Tcp, Tls])), ["tcp 192.0.2.1:5060"]);
}

#[test]
fn a_name_without_a_dot_is_a_host() {
    let mut zone = Zone::default().host("localhost", &["127.0.0.1"]);
    assert_eq!(zone.found("sip:localhost", &all()), ["udp 127.0.0.1:5060"]);
    assert_eq!(zone.asked, ["A localhost"]);
}

#[test]
fn maddr_is_looked_up_and_the_host_is_what_a_certificate_must_name() {
    let mut zone = Zone::default().host("edge.example.net", &["192.0.2.9"]);
    let found = zone.locate("sips:example.com:5061;maddr=edge.example.net", &all()).unwrap();
    assert_eq!(found[0].domain, "example.com");
    assert_eq!(found[0].address, "192.0.2.9:5061".parse().unwrap());
}

#[test]
fn srv_keeps_the_domain_for_the_certificate_and_names_its_server() {
    let mut zone = Zone::default()
        .srv("_sips._tcp.example.com.", &[(1, 0, 5061, "edge7.hoster.example.")])
        .host("edge7.hoster.example.", &["192.0.2.1"]);
    let found = zone.locate("sips:example.com", &all()).unwrap();
    assert_eq!((found[0].domain.as_str(), found[0].server.as_str()), ("example.com", "edge7.hoster.example"));
}
