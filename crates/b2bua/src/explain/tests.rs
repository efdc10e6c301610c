//! Each way that an INVITE may go, as it is told.

use bytes::Bytes;

use super::*;

const INVENTORY: &str = r#"
[settings]
default_agent_id = "reception"

[[agents]]
id = "reception"
endpoint = { kind = "echo" }

[[agents]]
id = "sales"
endpoint = { kind = "echo" }

[[agents]]
id = "desk"
endpoint = { kind = "sip", uri = "sip:desk@198.51.100.9", addresses = ["198.51.100.9"] }

[[trunks]]
id = "acme"
inbound = { addresses = ["192.0.2.0/24", "192.0.2.128/25"], did_country = "US" }

[[trunks]]
id = "sealed"
inbound = { addresses = ["203.0.113.10"], originate = true, media_encryption = "required" }
outbound = { gateways = [{ host = "c.example" }], allowed_countries = ["US"], media_encryption = "optional" }

[[numbers]]
e164 = "+12125550188"
trunk_id = "sealed"
agent_id = "safe"
outbound = true

[[agents]]
id = "safe"
endpoint = { kind = "sip", uri = "sip:safe@198.51.100.10", media_encryption = "required" }

[[trunks]]
id = "pbx"
inbound = { addresses = ["203.0.113.9"], did_country = "US", originate = true }

[[trunks]]
id = "carrier"
outbound = { gateways = [{ host = "b.example", priority = 2 }, { host = "a.example", priority = 1, media_encryption = "required" }], allowed_countries = ["US"] }

[[trunks]]
id = "tls-only"
inbound = { addresses = ["203.0.113.7"], transports = ["tls"] }

[[numbers]]
e164 = "+14155550100"
trunk_id = "acme"
agent_id = "sales"

[[numbers]]
e164 = "+14155550101"
trunk_id = "acme"

[[numbers]]
e164 = "+12125550199"
trunk_id = "carrier"
outbound = true

[[numbers]]
e164 = "+14155550102"
trunk_id = "acme"
status = "suspended"
"#;

const SDP: &str = "v=0\r\no=- 0 0 IN IP4 192.0.2.200\r\ns=-\r\nc=IN IP4 192.0.2.200\r\nt=0 0\r\nm=audio 4000 RTP/AVP CODEC\r\n";

/// The steps and the outcome, as lines.
fn told(called: &str, source: &str, transport: Transport, codec: &str) -> String {
    let directory = Directory::new(toml::from_str(INVENTORY).unwrap()).unwrap();
    let sdp = SDP
        .replace("AVP CODEC", if codec.contains(' ') { codec } else { "AVP CODEC" })
        .replace("CODEC", codec);
    let invite = format!(
        "INVITE sip:{called}@203.0.113.5 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:+12125550199@192.0.2.200>;tag=f\r\nTo: <sip:{called}@203.0.113.5>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:2@192.0.2.200>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    let invite = Message::parse(Bytes::from(invite)).unwrap();
    let source = SocketAddr::new(source.parse().unwrap(), 5060);
    let origin = Origin { source, transport, unknown_source: UnknownSource::Drop };
    let Explained { steps, outcome, .. } = explain(&directory, &invite, origin).unwrap();
    let steps: Vec<_> = steps.iter().map(|step| format!("{}: {}", step.about, step.words)).collect();
    let outcome = match outcome {
        Outcome::Answered { agent_id, number, .. } => format!("{number} -> {agent_id}"),
        Outcome::LetOut { number, to, trunk_id } => format!("{number} -> {to} by {trunk_id}"),
        Outcome::Refused { reason, status, .. } => format!("{reason} {status:?}"),
    };
    steps.join("\n") + "\n" + &outcome
}

#[test]
fn an_answered_call_is_told_from_its_source_to_its_agent() {
    assert_eq!(
        told("4155550100", "192.0.2.200", Transport::Udp, "0"),
        "source: 192.0.2.200 by udp is trunk `acme`, as 192.0.2.128/25 is among its addresses\n\
         called: the Request-URI has \"4155550100\" (did_source = auto, did_country = US); that is +14155550100\n\
         number: it is ours: an inbound call\n\
         agent: `sales`, the number's own agent\n\
         audio: PCMU\n\
         +14155550100 -> sales"
    );
    let default = told("+14155550101", "192.0.2.1", Transport::Udp, "8");
    assert!(default.contains("agent: `reception`, the default agent, as the number has none"), "{default}");
}

#[test]
fn each_refusal_is_told_after_the_steps_that_led_to_it() {
    let ends = |called: &str, source: &str, codec: &str| {
        told(called, source, Transport::Udp, codec).lines().last().unwrap().to_owned()
    };
    assert_eq!(ends("+14155550199", "192.0.2.1", "0"), "did-unknown Some(404)");
    assert_eq!(ends("+14155550102", "192.0.2.1", "0"), "number-inactive Some(480)");
    assert_eq!(ends("+14155550100", "192.0.2.1", "18"), "no-common-codec Some(488)");
    assert_eq!(ends("+442079460000", "198.51.100.9", "0"), "country-not-allowed Some(403)");
    assert_eq!(ends("+14155550100", "198.51.100.1", "0"), "source-unknown None");
}

#[test]
fn a_call_of_a_pbx_to_the_outside_is_told_with_the_rule_that_lets_it_out_or_not() {
    let told = |called: &str| told(called, "203.0.113.9", Transport::Udp, "0");
    let out = told("2127366000");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[2], "number: it is none of ours: an outbound call from \"+12125550199\"");
    assert!(lines[3].starts_with("rule: ") && lines[3].contains("US"), "{out}");
    assert_eq!(
        lines[4],
        "trunk: `carrier`, by a.example (encrypted or not at all), b.example, dialled as +12127366000"
    );
    assert_eq!(lines[6], "+12125550199 -> +12127366000 by carrier");
    assert!(told("011442079460000").ends_with("country-not-allowed Some(403)"));
    assert!(told("4155550100").ends_with("+14155550100 -> sales"), "a number of ours is called inside");
}

#[test]
fn an_address_that_is_owned_by_another_transport_is_told_so() {
    let told = told("+14155550100", "203.0.113.7", Transport::Udp, "0");
    assert!(told.contains("trunk `tls-only` owns 203.0.113.7, but its inbound.transports are tls"), "{told}");
}

#[test]
fn what_each_leg_wants_of_encryption_is_told_and_who_lacks_it_is_refused() {
    let sealed = |called: &str, codec: &str| told(called, "203.0.113.10", Transport::Tls, codec);
    let keys = "SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
    let inbound = sealed("+12125550188", keys);
    assert!(
        inbound.contains("agent: `safe`, the number's own agent, encrypted or not at all\n"),
        "{inbound}"
    );
    assert!(inbound.contains("audio: PCMU, encrypted by AES_CM_128_HMAC_SHA1_80\n"), "{inbound}");
    assert!(!inbound.contains("d0Rm"), "{inbound}");
    assert!(sealed("+12125550188", "0").ends_with("media-encryption-required Some(488)"));
}
