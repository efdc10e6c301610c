//! Where agents are, and what they are told.

use super::{SOUND, expect_one, read};

#[test]
fn fallback_agents_must_come_to_an_end() {
    let text = |fallbacks: &[(&str, &str)]| {
        let agents = fallbacks.iter().map(|(id, next)| {
            format!("[[agents]]\nid = '{id}'\nendpoint = {{ kind = 'echo' }}\nfallback_agent_id = '{next}'\n")
        });
        agents
            .chain(["[[agents]]\nid = 'end'\nendpoint = { kind = 'echo' }\n".to_owned()])
            .collect::<String>()
    };
    let paths = |fallbacks: &[(&str, &str)]| -> Vec<String> {
        read(&text(fallbacks))
            .faults()
            .into_iter()
            .map(|fault| format!("{} {}", fault.path, fault.message))
            .collect()
    };
    assert_eq!(paths(&[("a", "b"), ("b", "c"), ("c", "end")]), [""; 0]);
    assert_eq!(
        paths(&[("a", "a")]),
        ["agents[0].fallback_agent_id the fallback agents go round in a circle: a"]
    );
    let circle = "agents[1].fallback_agent_id the fallback agents go round in a circle: b, c";
    assert_eq!(paths(&[("a", "b"), ("b", "c"), ("c", "b"), ("d", "c")]), [circle]);
    assert_eq!(paths(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]).len(), 2);
}

#[test]
fn urls_and_uris_are_checked() {
    expect_one(
        "wss://bots.example.com/sales",
        "https://bots.example.com/sales",
        "agents[1].endpoint.url",
        "use ws:// or wss://",
    );
    expect_one("sip:bot@10.0.0.7:5060", "bot@10.0.0.7", "agents[2].endpoint.uri", "begins with sip:");
    expect_one(
        "sip:bot@10.0.0.7:5060",
        "sip:bot@10.0.0.7;transport=ws",
        "agents[2].endpoint.uri",
        "UDP, TCP and TLS only",
    );
    expect_one(
        "host = \"192.0.2.1\"",
        "host = \"192.0.2.1:5060\"",
        "trunks[0].outbound.gateways[1].host",
        "is no host",
    );
    expect_one(
        "Authorization =",
        "'Sec-WebSocket-Key' =",
        "agents[1].endpoint.headers.Sec-WebSocket-Key",
        "ours to set",
    );
    expect_one("\"Bearer x\"", "\"a\\r\\nX: y\"", "agents[1].endpoint.headers.Authorization", "line end");
    expect_one("persona =", "to_number =", "agents[1].endpoint.parameters.to_number", "each call sets");
    expect_one("X-Token", "CSEQ", "trunks[0].outbound.headers.CSEQ", "ours to set");
}

#[test]
fn headers_that_make_the_request_are_neither_set_nor_passed() {
    let desk = |header: &str| format!("agents[2].endpoint.headers.{header}");
    expect_one("X-Tenant", "Record-Route", &desk("Record-Route"), "ours to set");
    expect_one("X-Tenant", "v", &desk("v"), "short form of another header");
    expect_one("X-Tenant", "'X Tenant'", &desk("X Tenant"), "no header name");
    expect_one("\"blue\"", "\"a\\r\\nVia: y\"", &desk("X-Tenant"), "line end");
    expect_one("\"blue\"", &format!("\"{}\"", "a".repeat(513)), &desk("X-Tenant"), "512");
    for refused in ["Via", "P-*", "*", "X-a*b", "Contact", "X a", ""] {
        let refused = format!("\"{refused}\"");
        expect_one("\"X-Account\"", &refused, "agents[2].pass_headers[0]", "list names or prefixes");
    }
    expect_one(
        "endpoint = { kind = \"echo\" }",
        "pass_headers = [\"X-*\"]\nendpoint = { kind = \"echo\" }",
        "agents[0].pass_headers",
        "sees no headers",
    );
}

#[test]
fn an_agent_that_answers_at_once_has_no_ringback() {
    expect_one(
        "endpoint = { kind = \"echo\" }",
        "ringback = \"none\"\nendpoint = { kind = \"echo\" }",
        "agents[0].ringback",
        "answers at once",
    );
}

#[test]
fn an_agent_is_no_server_of_a_carrier() {
    let uri = "sip:bot@10.0.0.7:5060";
    for carrier in [
        "sip:+88216@sip.acme.example",
        "sip:+88216@SIP.acme.example.:5090;transport=tcp",
        "sip:+88216@192.0.2.1:5062",
        "sip:+88216@203.0.113.9",
        "sip:+88216@[2001:db8:0::5]:5060",
        "sip:+88216@bots.example.com;transport=tcp;Maddr=192.0.2.1",
        "sip:+88216@bots.example.com;maddr=[2001:db8::5]",
        "sip:+88216@bots.example.com;maddr=sip.acme.example",
    ] {
        expect_one(uri, carrier, "agents[2].endpoint.uri", "is a server of trunk `acme`");
        let pbx = SOUND.replace(uri, carrier).replace("originate = false", "originate = true");
        assert_eq!(read(&pbx).faults(), [], "{carrier}");
    }
    let own = SOUND.replace(uri, "sip:bot@203.0.113.9");
    for (addresses, faults) in [("203.0.113.9", 0), ("203.0.113.8/29", 0), ("203.0.113.10", 1)] {
        let own = own.replace("addresses = [\"10.0.0.7\"]", &format!("addresses = [\"{addresses}\"]"));
        assert_eq!(read(&own).faults().len(), faults, "{addresses}");
    }
    let here = SOUND.replace("192.0.2.1\"", "127.0.0.1\", port = 5070");
    for (uri, faults) in [
        ("sip:bot@127.0.0.1:5071", 0),
        ("sip:bot@127.0.0.1:5070", 1),
        ("sip:bot@bots.example.com:5070;maddr=127.0.0.1", 1),
    ] {
        assert_eq!(read(&here.replace("sip:bot@10.0.0.7:5060", uri)).faults().len(), faults, "{uri}");
    }
}
