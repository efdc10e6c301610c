//! Several listeners, each with the address that peers reach it by, in both IP versions.

use super::*;

fn listener(transport: Transport, local: &str, advertised: &str) -> Listener {
    Listener { transport, local: local.parse().unwrap(), advertised: advertised.parse().unwrap() }
}

fn flow(transport: Transport, local: &str, remote: &str) -> Flow {
    Flow { transport, local: local.parse().unwrap(), remote: remote.parse().unwrap() }
}

fn bench() -> Bench {
    let mut config = config();
    config.listeners.push(listener(Transport::Udp, "10.0.0.1:5070", "203.0.113.1:5099"));
    config.listeners.push(listener(Transport::Tcp, "10.0.0.1:5060", "203.0.113.2:5060"));
    config.listeners.push(listener(Transport::Udp, "[2001:db8::1]:5060", "[2001:db8::ff]:5060"));
    config.listeners.push(listener(Transport::Tls, "[2001:db8::1]:5061", "[2001:db8::ff]:5061"));
    config.listeners.push(listener(Transport::Ws, "10.0.0.1:80", "203.0.113.3:80"));
    Bench::with(config)
}

#[test]
fn every_message_of_a_call_names_the_listener_that_it_came_to() {
    for (transport, local, sent_by, contact) in [
        (Transport::Udp, "192.0.2.1:5060", "UDP 198.51.100.1:5060", "<sip:strowger@198.51.100.1:5060>"),
        (Transport::Udp, "10.0.0.1:5070", "UDP 203.0.113.1:5099", "<sip:strowger@203.0.113.1:5099>"),
        (
            Transport::Tcp,
            "10.0.0.1:5060",
            "TCP 203.0.113.2:5060",
            "<sip:strowger@203.0.113.2:5060;transport=tcp>",
        ),
    ] {
        let mut bench = bench();
        bench.by(flow(transport, local, "192.0.2.9:5060"));
        let (dialog, tag) = bench.talking();
        bench.peer(request("INVITE", 2, "again", &tag, SDP));
        let Event::Reinvited { transaction, .. } = bench.event() else { panic!("a re-INVITE") };
        bench.core(|endpoint, now| endpoint.respond(now, transaction, sdp(200)));
        assert_eq!(bench.last().header("Contact").unwrap(), contact);
        bench.peer(request("ACK", 2, "ack2", &tag, ""));
        bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), None));
        let (by, ours) = bench.sent().remove(0);
        assert_eq!(by.local.to_string(), local);
        assert!(ours.header("Via").unwrap().starts_with(&format!("SIP/2.0/{sent_by};branch=")), "{ours:?}");
        assert_eq!(ours.header("Contact").unwrap(), contact);
        bench.peer(response(&ours, 488, "", ""));
        bench.sent();
        bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
        let bye = bench.one();
        assert!(bye.header("Via").unwrap().starts_with(&format!("SIP/2.0/{sent_by};branch=")), "{bye:?}");
    }
}

#[test]
fn an_invite_and_its_second_try_name_the_listener_that_they_leave_by() {
    let mut bench = bench();
    let by = flow(Transport::Udp, "10.0.0.1:5070", "192.0.2.9:5060");
    let invite = Invite { flow: by, ..super::calling::invitation() };
    bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let first = bench.one();
    bench.peer(response(&first, 422, "bob", "Min-SE: 3600\r\n"));
    let sent = bench.sent();
    let (flow, again) = sent.last().unwrap();
    assert_eq!((*flow, again.cseq().number), (by, first.cseq().number + 1));
    for invite in [&first, again] {
        assert!(
            invite.header("Via").unwrap().starts_with("SIP/2.0/UDP 203.0.113.1:5099;branch="),
            "{invite:?}"
        );
        assert_eq!(invite.header("Contact").unwrap(), "<sip:strowger@203.0.113.1:5099>");
    }
}

#[test]
fn an_ipv6_call_has_brackets_in_its_via_and_contact_and_none_in_received() {
    let mut bench = bench();
    let by = flow(Transport::Udp, "[2001:db8::1]:5060", "[2001:db8::9]:5062");
    bench.by(by);
    let six = |text: String| {
        text.replace("UDP 192.0.2.9:5060", "UDP [2001:db8::9]:5060")
            .replace("peer@192.0.2.9", "peer@[2001:db8::9]")
    };
    let dialog = bench.invited(six(invite()));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let (flow, ok) = bench.sent().remove(0);
    assert_eq!(flow, by);
    let via = ok.header("Via").unwrap().into_owned();
    assert!(via.ends_with(";received=2001:db8::9;rport=5062"), "{via}");
    assert_eq!(ok.header("Contact").unwrap(), "<sip:strowger@[2001:db8::ff]:5060>");
    let tag = ok.to_tag().unwrap().to_owned();
    bench.peer(six(request("ACK", 1, "ack", &tag, "")));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let (flow, bye) = bench.sent().remove(0);
    assert_eq!(flow.remote.to_string(), "[2001:db8::9]:5060", "to the Contact");
    assert!(bye.header("Via").unwrap().starts_with("SIP/2.0/UDP [2001:db8::ff]:5060;branch="), "{bye:?}");
    assert_eq!(bye.request_uri(), Some("sip:peer@[2001:db8::9]:5060"));
}

#[test]
fn an_ipv6_call_over_tls_finds_the_contact_when_its_connection_is_gone() {
    let mut bench = bench();
    let by = flow(Transport::Tls, "[2001:db8::1]:5061", "[2001:db8::9]:40000");
    bench.by(by);
    let dialog = bench.invited(invite().replace("peer@192.0.2.9:5060", "peer@[2001:db8::8]"));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("ACK", 1, "ack", &tag, ""));
    bench.core(|endpoint, now| endpoint.flow_failed(now, by));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let (flow, bye) = bench.sent().remove(0);
    assert_eq!((flow.transport, flow.remote.to_string().as_str()), (Transport::Tls, "[2001:db8::8]:5061"));
    assert!(bye.header("Via").unwrap().starts_with("SIP/2.0/TLS [2001:db8::ff]:5061;branch="), "{bye:?}");
}

#[test]
fn a_websocket_client_is_answered_and_called_on_its_connection_and_its_invalid_name_is_no_matter() {
    let mut bench = bench();
    let by = flow(Transport::Ws, "10.0.0.1:80", "192.0.2.9:40000");
    bench.by(by);
    let invalid = |text: String| {
        text.replace("UDP 192.0.2.9:5060", "WS df7jal23ls0d.invalid")
            .replace("peer@192.0.2.9:5060", "peer@df7jal23ls0d.invalid;transport=ws")
    };
    let dialog = bench.invited(invalid(invite()));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let (flow, ok) = bench.sent().remove(0);
    assert_eq!(
        (flow, ok.header("Contact").unwrap().as_ref()),
        (by, "<sip:strowger@203.0.113.3:80;transport=ws>")
    );
    let tag = ok.to_tag().unwrap().to_owned();
    bench.peer(invalid(request("ACK", 1, "ack", &tag, "")));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let (flow, bye) = bench.sent().remove(0);
    assert_eq!(flow, by);
    assert!(bye.header("Via").unwrap().starts_with("SIP/2.0/WS 203.0.113.3:80;branch="), "{bye:?}");
}

#[test]
fn our_requests_ask_for_rport() {
    let mut bench = bench();
    let (dialog, _) = bench.talking();
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    assert!(bench.last().via().unwrap().rport().is_some());
}
