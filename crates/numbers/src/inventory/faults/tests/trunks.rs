//! Where trunks are, who they are, and how numbers are written towards them.

use super::{SOUND, expect_one, faults_with, read};

#[test]
fn a_network_belongs_to_one_trunk() {
    let two = |a: &str, b: &str| {
        let text = format!(
            "trunks = [{{ id = 'a', inbound = {{ addresses = ['198.51.100.1', '{a}'] }} }}, {{ id = 'b', inbound = {{ addresses = ['{b}'] }} }}]"
        );
        read(&text)
            .faults()
            .into_iter()
            .map(|fault| format!("{} {}", fault.path, fault.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(two("192.0.2.0/24", "192.0.2.7"), [""; 0]);
    let fault = "trunks[1].inbound.addresses[0] `192.0.2.7/32` belongs to trunk `a` too";
    assert_eq!(two("192.0.2.7", "192.0.2.7/32"), [fault]);
    assert_eq!(two("192.0.2.7", "::ffff:192.0.2.7").len(), 1);
}

#[test]
fn a_network_with_host_bits_is_a_mistake() {
    let remedy = "write 203.0.113.0/28 for the network, or 203.0.113.5 for the host";
    expect_one("203.0.113.0/28", "203.0.113.5/28", "trunks[0].inbound.addresses[0]", remedy);
}

#[test]
fn a_trunk_that_takes_calls_needs_addresses() {
    expect_one(
        "addresses = [\"203.0.113.0/28\", \"2001:db8::5\"]",
        "",
        "trunks[0].inbound.addresses",
        "neither an address",
    );
}

#[test]
fn how_numbers_are_written_towards_a_trunk_is_said_in_full() {
    let format = "number_format = \"+e164\"";
    expect_one(
        format,
        "number_format = \"national\"",
        "trunks[0].outbound.country",
        "the writing of a country",
    );
    let national = "number_format = \"national\"\ncountry = \"ZZ\"";
    expect_one(format, national, "trunks[0].outbound.country", "`ZZ` is no country");
    let unused = "number_format = \"e164\"\ncountry = \"US\"";
    expect_one(format, unused, "trunks[0].outbound.country", "only number_format = \"national\"");
    assert_eq!(faults_with(format, "number_format = \"national\"\ncountry = \"US\""), Vec::<String>::new());
    for prefix in ["", "12 34", "a", "12345678901234567"] {
        let written = format!("prefix = \"{prefix}\"");
        expect_one("prefix = \"1234\"", &written, "trunks[0].outbound.prefix", "use 1 to 16 digits");
    }
}

#[test]
fn a_username_has_a_password_and_one_owner() {
    for (from, to, path, words) in [
        ("registers = false", "username = 'u'", "trunks[0].inbound.password", "no password"),
        ("registers = false", "password = 'p'", "trunks[0].inbound.username", "no username"),
        ("transport = \"udp\"", "username = 'u'", "agents[2].endpoint.password", "no password"),
        ("transport = \"udp\"", "password = 'p'", "agents[2].endpoint.username", "no username"),
        (
            "registers = false",
            "username = 'a b'\npassword = 'p'",
            "trunks[0].inbound.username",
            "can't be a user name",
        ),
        ("password = { env = \"ACME\" }", "", "trunks[0].outbound.password", "no password"),
    ] {
        expect_one(from, to, path, words);
    }
    let desk = SOUND.replace("transport = \"udp\"", "username = 'x', password = 'p'");
    let both = desk.replace("registers = false", "username = 'x'\npassword = 'q'");
    let faults = read(&both).faults();
    assert!(faults.len() == 1 && faults[0].path == "trunks[0].inbound.username", "{faults:?}");
    assert!(faults[0].message.contains("agent `desk`"), "{faults:?}");
}

#[test]
fn a_trunk_that_has_no_address_is_known_by_its_password() {
    let text =
        SOUND.replace("addresses = [\"203.0.113.0/28\", \"2001:db8::5\"]", "username = 'x'\npassword = 'p'");
    let inventory = read(&text);
    assert_eq!(inventory.faults(), []);
}

#[test]
fn tcp_and_tls_reach_agents_and_trunks_come_by_any_transport_that_is_listened_on() {
    let udp_uri = "sip:bot@10.0.0.7:5060";
    for (from, to) in [
        (udp_uri, "sip:bot@10.0.0.7;transport=tcp"),
        (udp_uri, "sips:bot@bots.example.com"),
        ("transport = \"udp\"", "transport = \"tls\""),
        ("transports = [\"udp\"]", "transports = [\"udp\", \"tcp\", \"tls\", \"ws\"]"),
    ] {
        assert_eq!(read(&SOUND.replace(from, to)).faults(), [], "{to}");
    }
}
