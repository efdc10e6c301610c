//! Connections that die, and what was to travel on them.

use super::*;

fn tcp(remote: &str) -> Flow {
    Flow { transport: Transport::Tcp, ..udp(remote) }
}

impl Endpoint {
    pub(super) fn is_untied(&self) -> bool {
        self.clients.is_untied() && self.servers.is_untied() && self.usages.is_untied()
    }

    /// How many client transactions, server transactions and usages are looked at when a flow fails.
    fn hang_on(&self, flow: Flow) -> (usize, usize, usize) {
        (self.clients.on(flow).len(), self.servers.on(flow).len(), self.usages.on(flow).len())
    }
}

/// A bench whose peer comes in over TCP, from a port where it does not listen.
fn bench() -> Bench {
    let mut config = config();
    let advertised = "198.51.100.1:5062".parse().unwrap();
    config.listeners.push(Listener { transport: Transport::Tcp, advertised, ..config.listeners[0].clone() });
    let mut bench = Bench::with(config);
    bench.by(tcp("192.0.2.9:40000"));
    bench
}

fn lose(bench: &mut Bench, remote: &str) {
    bench.core(|endpoint, now| endpoint.flow_failed(now, tcp(remote)));
}

fn bye(bench: &mut Bench, dialog: DialogKey) {
    bench.core(|endpoint, now| endpoint.bye(now, dialog, Vec::new()));
}

#[test]
fn a_bye_goes_to_the_contact_when_the_callers_connection_is_gone() {
    let mut bench = bench();
    let (dialog, _) = bench.talking();
    lose(&mut bench, "192.0.2.9:40000");
    bye(&mut bench, dialog);
    let (flow, request) = bench.sent().remove(0);
    assert_eq!(flow, tcp("192.0.2.9:5060"), "by TCP, as the INVITE came");
    assert!(request.header("Via").unwrap().starts_with("SIP/2.0/TCP 198.51.100.1:5062;"), "{request:?}");
    bench.peer(response(&request, 200, "", ""));
    assert!(matches!(bench.event(), Event::Byed { .. }));
    bench.settled();
}

#[test]
fn a_request_on_a_connection_that_dies_goes_out_again_by_another_the_same_to_the_octet() {
    let mut bench = bench();
    let (dialog, _) = bench.talking();
    bench.core(|endpoint, now| endpoint.reinvite(now, dialog, Vec::new(), None));
    let first = bench.one();
    lose(&mut bench, "192.0.2.9:40000");
    let (flow, again) = bench.sent().remove(0);
    assert_eq!((flow, again.bytes()), (tcp("192.0.2.9:5060"), first.bytes()));
    bench.peer(response(
        &again,
        200,
        "",
        "Contact: <sip:peer@192.0.2.9:5060>\r\nContent-Type: application/sdp\r\n",
    ));
    assert!(matches!(bench.event(), Event::ReinviteAnswered { .. }));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.9:5060"));
    lose(&mut bench, "192.0.2.9:5060");
    assert!(bench.events().is_empty(), "what has its answer is not sent again");
}

#[test]
fn with_a_route_set_the_first_route_is_where_it_goes() {
    let mut bench = bench();
    let routed = request("INVITE", 1, "invite", "", SDP)
        .replace("CSeq", "Record-Route: <sip:192.0.2.8:5070;lr;transport=tcp>, <sip:192.0.2.7;lr>\r\nCSeq");
    let dialog = bench.invited(routed);
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    let tag = bench.last().to_tag().unwrap().to_owned();
    bench.peer(request("ACK", 1, "ack", &tag, ""));
    lose(&mut bench, "192.0.2.9:40000");
    bye(&mut bench, dialog);
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.8:5070"));
}

#[test]
fn a_peer_that_comes_back_by_a_new_connection_is_spoken_to_there() {
    let mut bench = bench();
    let (dialog, tag) = bench.talking();
    lose(&mut bench, "192.0.2.9:40000");
    bench.by(tcp("192.0.2.9:40001")).peer(request("INFO", 2, "info", &tag, ""));
    bye(&mut bench, dialog);
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.9:40001"));
}

#[test]
fn what_finds_no_way_is_told_of_with_where_it_should_have_gone() {
    let mut bench = bench();
    let (dialog, _) = bench.talking();
    bye(&mut bench, dialog);
    lose(&mut bench, "192.0.2.9:40000");
    assert_eq!(bench.sent().len(), 2);
    lose(&mut bench, "192.0.2.9:5060");
    let events = bench.events();
    let [Event::Undeliverable { flow, request }, Event::Byed { .. }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!((*flow, request.method()), (tcp("192.0.2.9:5060"), &crate::Method::Bye));
    assert_eq!(request.request_uri(), Some("sip:peer@192.0.2.9:5060"));
    assert!(bench.sent().is_empty());
    bench.settled();
}

#[test]
fn a_callee_that_was_called_is_called_again_and_then_where_its_contact_says() {
    let mut bench = bench();
    let invite = Invite { flow: tcp("192.0.2.9:5060"), ..super::calling::invitation() };
    let dialog = bench.core(|endpoint, now| endpoint.invite(now, invite)).unwrap();
    let invite = bench.one();
    bench.peer(response(
        &invite,
        200,
        "bob",
        "Contact: <sip:bob@192.0.2.8>\r\nContent-Type: application/sdp\r\n",
    ));
    bench.core(|endpoint, now| endpoint.acknowledge(now, dialog, None));
    bench.events();
    bench.sent();
    lose(&mut bench, "192.0.2.9:5060");
    bye(&mut bench, dialog);
    lose(&mut bench, "192.0.2.9:5060");
    lose(&mut bench, "192.0.2.9:5060");
    lose(&mut bench, "192.0.2.8:5060");
    let flows: Vec<Flow> = bench.sent().into_iter().map(|(flow, _)| flow).collect();
    assert_eq!(flows, ["192.0.2.9:5060", "192.0.2.9:5060", "192.0.2.8:5060"].map(tcp));
    bench.settled();
}

#[test]
fn a_response_whose_connection_is_gone_goes_to_the_port_of_the_via() {
    let mut bench = bench();
    let dialog = bench.invited(invite().replace("UDP 192.0.2.9:5060", "TCP 10.0.0.9:5080"));
    lose(&mut bench, "192.0.2.9:40000");
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.pass(600);
    let flows: Vec<Flow> = bench.sent().into_iter().map(|(flow, _)| flow).collect();
    assert_eq!(flows, [tcp("192.0.2.9:5080"); 2], "and so does its repetition");
}

#[test]
fn a_2xx_that_is_repeated_leaves_a_connection_that_dies() {
    let mut bench = bench();
    let dialog = bench.invited(invite().replace("UDP 192.0.2.9:5060", "TCP 10.0.0.9"));
    bench.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
    bench.sent();
    lose(&mut bench, "192.0.2.9:40000");
    bench.pass(600);
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.9:5060"), "the default port of TCP");
}

#[test]
fn a_reliable_183_leaves_a_connection_that_dies() {
    let mut bench = bench();
    let dialog = bench.invited(request("INVITE", 1, "invite", "", &format!("Supported: 100rel\r\n{SDP}")));
    bench.core(|endpoint, now| endpoint.ring_reliably(now, dialog, sdp(183)));
    bench.sent();
    lose(&mut bench, "192.0.2.9:40000");
    bench.pass(600);
    assert_eq!(bench.sent()[0].0, tcp("192.0.2.9:5060"));
}

#[test]
fn an_unreachable_port_over_udp_ends_what_waits_there_and_is_told() {
    let mut bench = Bench::new();
    let (dialog, _) = bench.talking();
    bye(&mut bench, dialog);
    bench.core(|endpoint, now| endpoint.flow_failed(now, udp("192.0.2.9:5060")));
    let events = bench.events();
    assert!(matches!(events.as_slice(), [Event::Undeliverable { .. }, Event::Byed { .. }]), "{events:?}");
}

#[test]
fn a_connection_that_closes_costs_what_hangs_on_it_and_a_strangers_nothing() {
    let mut bench = bench();
    let stranger = tcp("203.0.113.66:50000");
    for call in 0..50 {
        let own = |text: &str| text.replace("call-1", &format!("call-{call}"));
        bench.by(tcp(&format!("192.0.2.9:{}", 40_000 + call)));
        bench.invited(own(&request("INVITE", 1, &format!("invite-{call}"), "", SDP)));
    }
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40007")), (0, 1, 1));
    assert_eq!(bench.endpoint.hang_on(stranger), (0, 0, 0));
    bench.core(|endpoint, now| endpoint.flow_failed(now, stranger));
    lose(&mut bench, "192.0.2.9:40007");
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40007")), (0, 0, 0));
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:5060")), (0, 1, 0), "a response waits there");
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40008")), (0, 1, 1));
}

#[test]
fn a_dialog_hangs_on_the_connection_that_it_moved_to() {
    let mut bench = bench();
    let (dialog, tag) = bench.talking();
    bench.pass(100_000);
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40000")), (0, 0, 1));
    bench.by(tcp("192.0.2.9:40001")).peer(request("UPDATE", 2, "update", &tag, ""));
    bench.pass(100_000);
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40000")), (0, 0, 0));
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40001")), (0, 0, 1));
    lose(&mut bench, "192.0.2.9:40001");
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40001")), (0, 0, 0));
    bench.by(tcp("192.0.2.9:40002")).peer(request("INFO", 3, "info", &tag, ""));
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40002")).2, 1, "it came back");
    bye(&mut bench, dialog);
    assert_eq!(bench.endpoint.hang_on(tcp("192.0.2.9:40002")).0, 1, "the BYE");
    bench.settled();
}
