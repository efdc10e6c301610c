//! INVITEs that are too long for a datagram.

use super::*;

fn tcp(remote: &str) -> Flow {
    Flow { transport: Transport::Tcp, ..udp(remote) }
}

fn config_with_tcp() -> Config {
    let mut config = config();
    let advertised = "198.51.100.1:5062".parse().unwrap();
    config.listeners.push(Listener { transport: Transport::Tcp, advertised, ..config.listeners[0].clone() });
    config
}

/// Sends an INVITE whose description has so many octets more than is usual.
fn invite(bench: &mut Bench, more: usize) -> DialogKey {
    let bytes = Bytes::from(format!("{OFFER}{}", "a=x\r\n".repeat(more / 5)));
    let body = Some(Body { content_type: "application/sdp", bytes });
    let invite = Invite { flow: udp("192.0.2.9:5060"), body, ..super::calling::invitation() };
    bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap()
}

fn refuse_tcp(bench: &mut Bench) {
    bench.core(|endpoint, now| endpoint.flow_failed(now, tcp("192.0.2.9:5060")));
}

#[test]
fn an_invite_over_1300_octets_goes_by_tcp_and_its_dialog_stays_there() {
    let mut bench = Bench::with(config_with_tcp());
    let dialog = invite(&mut bench, 1_300);
    let (flow, request) = bench.sent().remove(0);
    assert_eq!(flow, tcp("192.0.2.9:5060"));
    assert!(
        request.header("Via").unwrap().starts_with("SIP/2.0/TCP 198.51.100.1:5062;branch="),
        "{request:?}"
    );
    assert_eq!(request.header("Contact").unwrap(), "<sip:strowger@198.51.100.1:5062;transport=tcp>");
    bench.peer(response(
        &request,
        200,
        "bob",
        "Contact: <sip:bob@192.0.2.9>\r\nContent-Type: application/sdp\r\n",
    ));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
    let sent = bench.sent();
    let [(acked, ack), (ended, bye)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((*acked, *ended), (tcp("192.0.2.9:5060"), tcp("192.0.2.9:5060")));
    assert!(ack.header("Via").unwrap().starts_with("SIP/2.0/TCP"), "{ack:?}");
    assert!(bye.header("Via").unwrap().starts_with("SIP/2.0/TCP"), "{bye:?}");
}

#[test]
fn an_invite_up_to_the_bound_goes_by_udp() {
    let mut bench = Bench::with(config_with_tcp());
    invite(&mut bench, 100);
    assert_eq!(bench.sent()[0].0, udp("192.0.2.9:5060"));
}

#[test]
fn a_peer_without_tcp_gets_the_long_invite_by_udp_and_the_next_one_at_once() {
    let mut bench = Bench::with(config_with_tcp());
    let dialog = invite(&mut bench, 1_300);
    let first = bench.one();
    refuse_tcp(&mut bench);
    let (flow, request) = bench.sent().remove(0);
    assert_eq!(flow, udp("192.0.2.9:5060"));
    assert!(
        request.header("Via").unwrap().starts_with("SIP/2.0/UDP 198.51.100.1:5060;branch="),
        "{request:?}"
    );
    assert_eq!(request.header("Contact").unwrap(), "<sip:strowger@198.51.100.1:5060>");
    assert_ne!(request.via().unwrap().branch(), first.via().unwrap().branch(), "a new transaction");
    for same in ["From", "To", "Call-ID", "CSeq"] {
        assert_eq!(request.header(same), first.header(same));
    }
    bench.peer(response(
        &request,
        200,
        "bob",
        "Contact: <sip:bob@192.0.2.9>\r\nContent-Type: application/sdp\r\n",
    ));
    assert!(matches!(bench.event(), Event::Answered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    assert_eq!(bench.sent()[0].0, udp("192.0.2.9:5060"));
    invite(&mut bench, 1_300);
    assert_eq!(bench.sent()[0].0, udp("192.0.2.9:5060"), "it is remembered");
    bench.pass(600_000);
    bench.sent();
    invite(&mut bench, 1_300);
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.9:5060"), "and tried again later");
}

#[test]
fn a_long_invite_fails_once_udp_fails_too() {
    let mut bench = Bench::with(config_with_tcp());
    invite(&mut bench, 1_300);
    refuse_tcp(&mut bench);
    assert!(bench.events().is_empty(), "there is another way");
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.9:5060")));
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Unsendable, .. }));
    bench.settled();
}

#[test]
fn a_connection_that_dies_after_a_100_ends_the_call_and_is_no_lack_of_tcp() {
    let mut bench = Bench::with(config_with_tcp());
    invite(&mut bench, 1_300);
    let request = bench.one();
    bench.peer(response(&request, 100, "", ""));
    refuse_tcp(&mut bench);
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Unsendable, .. }));
    assert!(bench.sent().is_empty());
}

#[test]
fn a_cancelled_invite_is_not_sent_a_second_way() {
    let mut bench = Bench::with(config_with_tcp());
    let dialog = invite(&mut bench, 1_300);
    bench.sent();
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    refuse_tcp(&mut bench);
    assert!(matches!(bench.event(), Event::Rejected { failure: Failure::Cancelled, .. }));
    assert!(bench.sent().is_empty());
}

#[test]
fn a_peer_without_tcp_is_remembered_though_the_call_was_cancelled_meanwhile() {
    let mut bench = Bench::with(config_with_tcp());
    let dialog = invite(&mut bench, 1_300);
    bench.sent();
    bench.core(|endpoint, now| endpoint.cancel(now, dialog, Vec::new()));
    refuse_tcp(&mut bench);
    bench.events();
    invite(&mut bench, 1_300);
    assert_eq!(bench.sent()[0].0, udp("192.0.2.9:5060"));
}

#[test]
fn without_a_bound_or_a_listener_for_tcp_every_invite_goes_by_udp() {
    for config in [Config { udp_max_payload: 0, ..config_with_tcp() }, config()] {
        let mut bench = Bench::with(config);
        invite(&mut bench, 5_000);
        assert_eq!(bench.sent()[0].0, udp("192.0.2.9:5060"));
    }
}

#[test]
fn a_long_invite_by_ipv6_does_not_leave_by_an_ipv4_listener() {
    let mut config = config_with_tcp();
    config.listeners[0].local = "[2001:db8::1]:5060".parse().unwrap();
    let mut bench = Bench::with(config);
    let (local, remote) = ("[2001:db8::1]:5060".parse().unwrap(), "[2001:db8::9]:5060".parse().unwrap());
    let flow = Flow { transport: Transport::Udp, local, remote };
    let bytes = Bytes::from("a=x\r\n".repeat(400));
    let body = Some(Body { content_type: "application/sdp", bytes });
    let invite = Invite { flow, body, ..super::calling::invitation() };
    bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    assert_eq!(bench.sent()[0].0, flow);
}
