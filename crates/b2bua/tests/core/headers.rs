//! What of one leg's headers the other leg gets, and what it never does.

use b2bua::record::{CallStatus, EndedBy};

use crate::house::{AGENT, CALLER, House, INVENTORY};
use crate::text::{Dial, agent_asks, agent_says, header, headers};

const ANSWER: &str = "v=0\r\no=- 9 9 IN IP4 198.51.100.8\r\ns=-\r\nc=IN IP4 198.51.100.8\r\nt=0 0\r\n\
    m=audio 50000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

/// The inventory with more keys of the SIP agent, and of its endpoint.
fn house(keys: &str, endpoint: &str) -> House {
    let desk = "id = \"desk\"\nendpoint = { kind = \"sip\", ";
    let more = format!("id = \"desk\"\n{keys}\nendpoint = {{ kind = \"sip\", {endpoint}");
    assert!(INVENTORY.contains(desk));
    House::with(&INVENTORY.replace(desk, &more), |_| {})
}

/// The INVITE that the SIP agent gets.
fn told(house: &mut House, call: &Dial) -> String {
    call.place(house);
    house.last(AGENT, "INVITE")
}

/// The agent's response to our INVITE, with these header lines.
fn agent_responds(house: &mut House, status: &str, lines: &str, body: &str) {
    let invite = house.last(AGENT, "INVITE");
    let get = |name| header(&invite, name).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=agent\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:desk@{AGENT}>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{body}",
        get("Via"),
        get("From"),
        get("To"),
        get("Call-ID"),
        get("CSeq"),
        body.len(),
    );
    house.receive(AGENT, &text);
}

fn connected(house: &mut House) -> Dial {
    let call = Dial::to("+14155550103");
    call.place(house);
    agent_says(house, "200 OK", ANSWER);
    call.ack(house, "");
    house.look();
    call
}

#[test]
fn the_caller_is_who_the_trunk_says_it_is() {
    const BOB: &str = "\"Bob\" <sip:+14085550199@carrier.example>";
    const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    const SHOWN: &str = "\"Bob\" <sip:+14085550199@203.0.113.5>";
    const BARE: &str = "<sip:+14085550199@203.0.113.5>";
    let table = [
        // From, other lines; From and P-Asserted-Identity to the agent; the number in the record.
        (BOB, "", SHOWN, Some(SHOWN), "+14085550199"),
        (
            BOB,
            "P-Asserted-Identity: \"Main\" <sip:+14085550100@c>, <tel:+14085550100>",
            SHOWN,
            Some("\"Main\" <sip:+14085550100@203.0.113.5>"),
            "+14085550100",
        ),
        (
            "<sip:desk7@pbx>",
            "P-Asserted-Identity: <sip:desk7@pbx>\r\nP-Asserted-Identity: <tel:+14085550100>",
            "<sip:desk7@203.0.113.5>",
            Some("<sip:+14085550100@203.0.113.5>"),
            "+14085550100",
        ),
        (
            "<sip:4085550199@c>",
            "P-Preferred-Identity: <sip:4085550100@c>",
            BARE,
            Some("<sip:+14085550100@203.0.113.5>"),
            "+14085550100",
        ),
        (
            "<sip:4085550199@c>",
            "P-Asserted-Identity: <sip:4085550102@c>\r\nP-Preferred-Identity: <sip:4085550100@c>",
            BARE,
            Some("<sip:+14085550102@203.0.113.5>"),
            "+14085550102",
        ),
        (
            "<sip:4085550199@c>",
            "Remote-Party-ID: <sip:4085550100@c>;party=calling;screen=yes;privacy=off",
            BARE,
            Some("<sip:+14085550100@203.0.113.5>"),
            "+14085550100",
        ),
        (
            "<sip:4085550199@c>",
            "Remote-Party-ID: <sip:4085550100@c>;screen=no",
            BARE,
            Some(BARE),
            "+14085550199",
        ),
        (
            "<sip:4085550199@c>",
            "Remote-Party-ID: <sip:4085550100@c>;party=called",
            BARE,
            Some(BARE),
            "+14085550199",
        ),
        (BOB, "Remote-Party-ID: <sip:4085550199@c>;privacy=name", BARE, Some(BARE), "+14085550199"),
        (
            BOB,
            "Remote-Party-ID: <sip:4085550100@c>;privacy=\"full-network\"",
            ANONYMOUS,
            None,
            "+14085550100",
        ),
        (BOB, "Remote-Party-ID: <sip:4085550100@c>;privacy=full", ANONYMOUS, None, "+14085550100"),
        (BOB, "Privacy: id", ANONYMOUS, None, "+14085550199"),
        (BOB, "Privacy: none", SHOWN, Some(SHOWN), "+14085550199"),
        (BOB, "Privacy: critical\r\nPrivacy: header;ID", ANONYMOUS, None, "+14085550199"),
        (
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
            "P-Asserted-Identity: \"Main\" <sip:+14085550100@c>",
            ANONYMOUS,
            None,
            "+14085550100",
        ),
        (
            "\"B \\\"ob\\\" \\\\\" <sip:+14085550199@c>",
            "",
            "\"B ob\" <sip:+14085550199@203.0.113.5>",
            Some("\"B ob\" <sip:+14085550199@203.0.113.5>"),
            "+14085550199",
        ),
    ];
    for (from, lines, shown, asserted, recorded) in table {
        let mut house = House::new();
        let mut call = Dial::to("+14155550103").from(from);
        if !lines.is_empty() {
            call = call.with(lines);
        }
        let invite = told(&mut house, &call);
        let from = header(&invite, "From").and_then(|from| from.split(";tag=").next());
        assert_eq!((from, header(&invite, "P-Asserted-Identity")), (Some(shown), asserted), "{lines}");
        assert_eq!(house.record().from.as_deref(), Some(recorded), "{lines}");
        for name in ["P-Preferred-Identity", "Remote-Party-ID", "Privacy"] {
            assert_eq!(header(&invite, name), None, "{lines}");
        }
        if asserted.is_none() {
            assert!(!invite.contains("408555"), "{invite}");
        }
    }
}

#[test]
fn an_agent_gets_the_headers_that_its_list_names() {
    let mut house = house(
        "pass_headers = [\"X-Account\", \"X-Acme-*\", \"Subject\"]",
        "headers = { X-Tenant = \"blue\", X-Acme-Own = \"ours\" }, ",
    );
    let call = Dial::to("+14155550103")
        .with("x-account: 42")
        .with("X-Acme-Queue: sales")
        .with("X-Acme-Queue: support")
        .with("X-Acme-Own: theirs")
        .with("X-Other: no")
        .with("s: a word")
        .with("Priority: urgent")
        .with("Accept-Language: en")
        .with("User-to-User: 56a390;encoding=hex;purpose=never-heard-of,00ff;encoding=hex");
    let invite = told(&mut house, &call);
    assert_eq!(headers(&invite, "X-Account"), ["42"]);
    assert!(invite.contains("\r\nX-Account: 42\r\n"), "spelled as the list spells it: {invite}");
    assert_eq!(headers(&invite, "X-Acme-Queue"), ["sales", "support"]);
    assert_eq!(headers(&invite, "X-Acme-Own"), ["ours"]);
    assert_eq!(headers(&invite, "X-Tenant"), ["blue"]);
    assert_eq!(headers(&invite, "Subject"), ["a word"]);
    assert_eq!(
        headers(&invite, "User-to-User"),
        ["56a390;encoding=hex;purpose=never-heard-of,00ff;encoding=hex"]
    );
    for name in ["X-Other", "Priority", "Accept-Language"] {
        assert_eq!(header(&invite, name), None, "{name}");
    }
}

#[test]
fn a_stream_agent_gets_its_headers_as_parameters() {
    let bot = "id = \"bot\"\n";
    let more = format!("{bot}pass_headers = [\"X-Account\", \"X-Acme-*\", \"User-to-User\"]\n");
    let mut house = House::with(&INVENTORY.replacen(bot, &more, 1), |_| {});
    Dial::to("+14155550101")
        .with("X-ACCOUNT: 42")
        .with("X-Acme-Queue: sales")
        .with("X-Acme-Queue: support")
        .with("X-Other: no")
        .with("User-to-User: 56a390;encoding=hex")
        .with("Diversion: <sip:4155550177@pbx.internal>;reason=user-busy")
        .place(&mut house);
    let parameters: Vec<_> =
        house.streams[0].1.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        parameters,
        [
            ("persona", "sales"),
            ("from_number", "+14085550199"),
            ("to_number", "+14155550101"),
            ("forwarded_from", "+14155550177"),
            ("X-Account", "42"),
            ("X-Acme-Queue", "sales, support"),
            ("User-to-User", "56a390;encoding=hex"),
        ]
    );
}

#[test]
fn max_forwards_goes_down_on_the_way() {
    for (theirs, ours) in [
        ("Max-Forwards: 70\r\n", "69"),
        ("Max-Forwards: 1\r\n", "0"),
        ("Max-Forwards: 255\r\n", "254"),
        ("", "69"),
    ] {
        let mut house = House::new();
        let invite = Dial::to("+14155550103").invite().replace("Max-Forwards: 70\r\n", theirs);
        house.receive(CALLER, &invite);
        assert_eq!(header(&house.last(AGENT, "INVITE"), "Max-Forwards"), Some(ours), "{theirs}");
    }
}

#[test]
fn who_diverted_the_call_is_told_in_the_header_that_the_agent_reads() {
    let call =
        || Dial::to("+14155550103").with("Diversion: <sip:+14155550177@10.0.0.1>;reason=user-busy;limit=5");
    let invite = told(&mut House::new(), &call());
    assert_eq!(
        headers(&invite, "Diversion"),
        ["<sip:+14155550177@203.0.113.5>;reason=user-busy;counter=1;limit=5;privacy=off"]
    );
    assert_eq!(header(&invite, "History-Info"), None);
    let invite = told(&mut house("", "redirections = \"history-info\", "), &call());
    assert_eq!(
        headers(&invite, "History-Info"),
        ["<sip:+14155550177@203.0.113.5>;index=1", "<sip:+14155550103@203.0.113.5;cause=486>;index=1.1;mp=1"]
    );
    assert_eq!(header(&invite, "Diversion"), None);
}

#[test]
fn a_call_that_was_diverted_too_often_is_a_loop() {
    let mut house = House::new();
    let call = Dial::to("+14155550103").with("Diversion: <sip:u@h>;reason=unconditional;counter=11");
    call.place(&mut house);
    assert_eq!(
        house.look(),
        "
caller <- 482 [SIP;cause=482;text=\"loop-detected: the call was diverted 11 times, and 10 are the most\"]
record Refused loop-detected
"
    );
    call.absorb(&mut house, "482");
    house.assert_empty();
}

#[test]
fn the_agents_cause_reaches_the_caller_in_our_refusal() {
    for (status, lines, expected, q850) in [
        (
            "486 Busy Here",
            "Reason: Q.850;cause=34;text=\"all lines\"\r\n",
            &["SIP;cause=486;text=\"agent-busy: agent busy\"", "Q.850;cause=34;text=\"all lines\""],
            34,
        ),
        ("603 Decline", "", &["SIP;cause=603;text=\"agent-declined: agent declined\"", "Q.850;cause=21"], 21),
        (
            "404 Not Found",
            "Reason: SIP;cause=404;text=\"10.0.0.7 says no\", Q.850;cause=1\r\n",
            &["SIP;cause=404;text=\"agent-unreachable: the agent answered 404\"", "Q.850;cause=1"],
            1,
        ),
        (
            "302 Moved Temporarily",
            "",
            &["SIP;cause=302;text=\"agent-unreachable: the agent answered 302\"", "Q.850;cause=18"],
            18,
        ),
    ] {
        let mut house = House::new();
        let call = Dial::to("+14155550103");
        call.place(&mut house);
        agent_responds(&mut house, status, lines, "");
        let code = if status.starts_with("302") { "480" } else { &status[..3] };
        assert_eq!(headers(&house.last(CALLER, code), "Reason"), expected, "{status}");
        assert_eq!(house.record().q850, Some(q850), "{status}");
        call.absorb(&mut house, code);
        house.assert_empty();
    }
}

#[test]
fn the_reasons_of_a_bye_reach_the_other_leg() {
    let mut house = House::new();
    connected(&mut house);
    agent_asks(
        &mut house,
        "BYE",
        1,
        "Reason: SIP;cause=600;text=\"later\"\r\nReason: Q.850;cause=17\r\n",
        "",
    );
    let bye = house.last(CALLER, "BYE");
    assert_eq!(headers(&bye, "Reason"), ["SIP;cause=600;text=\"later\"", "Q.850;cause=17"]);
    assert_eq!((house.record().q850, house.record().ended_by), (Some(17), Some(EndedBy::Agent)));
    let mut house = House::new();
    let mut call = connected(&mut house);
    call.bye(&mut house, "Reason: SIP;cause=503\r\n");
    let bye = house.last(AGENT, "BYE");
    assert_eq!(headers(&bye, "Reason"), ["SIP;cause=503", "Q.850;cause=16"]);
    let mut house = House::new();
    let mut call = connected(&mut house);
    call.bye(&mut house, "");
    let bye = house.last(AGENT, "BYE");
    assert_eq!(
        headers(&bye, "Reason"),
        ["Q.850;cause=16;text=\"caller hung up\""],
        "nothing of SIP;cause=200"
    );
}

#[test]
fn a_call_that_was_answered_elsewhere_is_not_missed() {
    let mut house = House::new();
    let call = Dial::to("+14155550103");
    call.place(&mut house);
    agent_says(&mut house, "180 Ringing", "");
    let lines = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\nContent-Length";
    house.receive(CALLER, &call.cancel().replace("Content-Length", lines));
    assert_eq!(
        headers(&house.last(AGENT, "CANCEL"), "Reason"),
        ["SIP;cause=200;text=\"Call completed elsewhere\"", "Q.850;cause=26"]
    );
    let record = house.record();
    assert_eq!(
        (record.status, record.reason.as_deref(), record.q850),
        (Some(CallStatus::Canceled), Some("answered-elsewhere"), Some(26))
    );
}

#[test]
fn nothing_of_the_way_of_one_leg_is_on_the_other() {
    let mut house = house("pass_headers = [\"X-*\"]", "");
    let call = Dial::to("+14155550103")
        .with("Record-Route: <sip:10.1.1.1;lr;secret>")
        .with("User-Agent: secret/1.0")
        .with("Organization: secret")
        .with("P-Charging-Vector: icid-value=secret")
        .with("P-Access-Network-Info: secret")
        .with("Call-Info: <http://secret.internal/>")
        .with("Diversion: <sip:+14155550177@secret.internal>")
        .with("History-Info: <sip:secret.internal>;index=1");
    let invite = told(&mut house, &call);
    for secret in ["secret", "10.1.1.1", "192.0.2.1", "192.0.2.9", "carrier"] {
        assert!(!invite.contains(secret), "{secret}: {invite}");
    }
    let lines = "Record-Route: <sip:10.2.2.2;lr;hidden>\r\nServer: hidden/1.0\r\nP-Asserted-Identity: <sip:hidden@x>\r\n\
                 X-Node: hidden\r\n";
    agent_responds(&mut house, "200 OK", lines, ANSWER);
    let ok = house.last(CALLER, "200");
    for hidden in ["hidden", "10.2.2.2", "198.51.100.7", "198.51.100.8"] {
        assert!(!ok.contains(hidden), "{hidden}: {ok}");
    }
    assert_ne!(header(&ok, "Call-ID"), header(&invite, "Call-ID"));
}
