//! Connections over TCP: framing, reuse, keep-alive, and what peers may not take of us.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::stream::StreamFault;
use crate::{Full, StreamLimits, bind_tcp};

pub(super) const OPTIONS: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n\
    To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

fn tcp() -> Listener {
    bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn bounded(limits: StreamLimits) -> Sockets {
    Sockets { listeners: vec![tcp()], limits, ..Sockets::default() }
}

/// Sends back what comes in.
fn echo(input: &Input) -> Said {
    let Input::Datagram { flow, bytes } = input else { return Said::NOTHING };
    Said::outputs(vec![transmit(*flow, bytes.clone())])
}

/// Sends the outputs in turn, one for each `Timeout`.
fn in_turn(outputs: Vec<Output>) -> impl FnMut(&Input) -> Said + Send {
    let mut outputs = VecDeque::from(outputs);
    move |input| {
        let wanted = matches!(input, Input::Timeout);
        Said::outputs(wanted.then(|| outputs.pop_front()).flatten().into_iter().collect())
    }
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    within(stream.read_exact(&mut buffer)).await.unwrap();
    buffer
}

/// Until the peer closes or resets; what it said before.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = Vec::new();
    within(stream.read_to_end(&mut buffer)).await.ok();
    buffer
}

impl Node {
    /// The next input but for what the test itself handed in.
    async fn next(&mut self) -> Input {
        loop {
            let input = self.seen().await;
            if !matches!(input, Input::Timeout) {
                return input;
            }
        }
    }

    pub(super) async fn message(&mut self) -> (Flow, Bytes) {
        let Input::Datagram { flow, bytes } = self.next().await else { panic!("a message comes") };
        (flow, bytes)
    }

    pub(super) async fn failed(&mut self) -> Flow {
        let Input::FlowFailed(flow) = self.next().await else { panic!("a flow fails") };
        flow
    }

    pub(super) async fn fault(&mut self) -> StreamFault {
        within(self.faults.recv()).await.unwrap()
    }
}

#[tokio::test]
async fn a_message_comes_in_by_a_connection_and_the_answer_leaves_by_it_in_both_ip_versions() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let mut node = Node::start(vec![bind_tcp(address.parse().unwrap()).unwrap()], echo);
        let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
        peer.write_all(OPTIONS.as_bytes()).await.unwrap();
        assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS.as_bytes());
        let remote = peer.local_addr().unwrap();
        let expected = Flow { transport: Transport::Tcp, local: node.locals[0], remote };
        assert_eq!(node.message().await, (expected, OPTIONS.into()));
        drop(peer);
        assert_eq!(node.failed().await, expected);
    }
}

#[tokio::test]
async fn messages_are_cut_right_however_they_are_glued_or_torn() {
    let mut node = Node::start(vec![tcp()], echo);
    let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
    peer.set_nodelay(true).unwrap();
    peer.write_all(format!("{OPTIONS}{OPTIONS}{}", &OPTIONS[..40]).as_bytes()).await.unwrap();
    assert_eq!(node.message().await.1, OPTIONS);
    assert_eq!(node.message().await.1, OPTIONS);
    for octets in OPTIONS.as_bytes()[40..].chunks(7) {
        peer.write_all(octets).await.unwrap();
        peer.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(node.message().await.1, OPTIONS);
    assert_eq!(read(&mut peer, 3 * OPTIONS.len()).await, OPTIONS.repeat(3).as_bytes());
}

#[tokio::test]
async fn a_ping_is_answered_by_a_pong_and_is_no_message() {
    let mut node = Node::start(vec![tcp()], echo);
    let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
    for _ in 0..3 {
        peer.write_all(b"\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut peer, 2).await, b"\r\n");
    }
    peer.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(node.message().await.1, OPTIONS);
}

#[tokio::test]
async fn what_is_no_sip_ends_its_stream_with_one_line_and_no_other_stream() {
    let mut node = Node::start(vec![tcp()], echo);
    let mut good = TcpStream::connect(node.locals[0]).await.unwrap();
    let mut bad = TcpStream::connect(node.locals[0]).await.unwrap();
    bad.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut bad).await, b"");
    let told = node.fault().await.to_string();
    let start = format!("tcp {} ended: what it sent is no SIP: ", bad.local_addr().unwrap());
    assert!(told.starts_with(&start), "{told}");
    good.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(read(&mut good, OPTIONS.len()).await, OPTIONS.as_bytes());
    assert!(node.faults.try_recv().is_err());
}

#[tokio::test]
async fn a_message_that_the_core_can_make_nothing_of_ends_its_stream() {
    let mut node = Node::start(vec![tcp()], |input| {
        let Input::Datagram { flow, .. } = input else { return Said::NOTHING };
        let notice = Notice::Malformed { source: flow.remote, fault: "no such version".into() };
        Said::outputs(vec![Output::Notice(notice)])
    });
    let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
    peer.write_all(b"NOTHING sip:a SIP/9.9\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut peer).await, b"");
    let told = within(node.told.recv()).await.unwrap();
    assert!(told.starts_with("notice Malformed"), "{told}");
}

#[tokio::test]
async fn a_connection_of_ours_is_opened_once_used_for_all_and_known_by_the_peer_that_we_named() {
    let socket = tcp();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = socket.flow(server.local_addr().unwrap());
    let requests = (0..100).map(|_| transmit(flow, OPTIONS)).collect();
    let mut node = Node::start(vec![socket], in_turn(requests));
    for _ in 0..100 {
        node.hand_in(Input::Timeout).await;
    }
    let (mut peer, from) = within(server.accept()).await.unwrap();
    assert_ne!(from.port(), flow.local.port(), "from a port of its own");
    assert_eq!(read(&mut peer, 100 * OPTIONS.len()).await, OPTIONS.repeat(100).as_bytes());
    assert!(timeout(Duration::from_millis(50), server.accept()).await.is_err(), "one connection for all");
    peer.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(node.message().await, (flow, OPTIONS.into()));
}

#[tokio::test]
async fn a_flow_whose_connection_died_is_told_and_gets_another_with_the_next_message() {
    let socket = tcp();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = socket.flow(server.local_addr().unwrap());
    let mut node = Node::start(vec![socket], in_turn((0..3).map(|_| transmit(flow, OPTIONS)).collect()));
    for _ in 0..3 {
        node.hand_in(Input::Timeout).await;
        let (mut peer, _) = within(server.accept()).await.unwrap();
        assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS.as_bytes());
        drop(peer);
        assert_eq!(node.failed().await, flow);
    }
}

#[tokio::test]
async fn a_peer_that_is_not_there_fails_its_flow_with_a_line() {
    let socket = tcp();
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let flow = socket.flow(dead);
    let mut node = Node::start(vec![socket], in_turn(vec![transmit(flow, OPTIONS)]));
    node.hand_in(Input::Timeout).await;
    assert_eq!(node.failed().await, flow);
    let told = node.fault().await.to_string();
    assert_eq!(
        told,
        format!("tcp {dead} can't be reached: connection refused; is it up and listening there?")
    );
}

#[tokio::test]
async fn who_takes_no_connection_is_given_up_in_time_for_another_way() {
    let crowded = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    crowded.bind(&any.into()).unwrap();
    crowded.listen(0).unwrap();
    let remote = crowded.local_addr().unwrap().as_socket().unwrap();
    // The system drops what asks to be let in once as many wait as may.
    let moment = Duration::from_millis(200);
    let knock = || std::net::TcpStream::connect_timeout(&remote, moment).ok();
    let waiting: Vec<_> = std::iter::from_fn(knock).take(16).collect();
    assert!(waiting.len() < 16, "nobody was kept out");
    let limits = StreamLimits { connect: moment, ..StreamLimits::default() };
    let sockets = bounded(limits);
    let flow = sockets.listeners[0].flow(remote);
    let mut node = Node::start(sockets, in_turn(vec![transmit(flow, OPTIONS)]));
    node.hand_in(Input::Timeout).await;
    let told = node.fault().await.to_string();
    assert!(told.contains("can't be reached: no answer in"), "{told}");
    assert_eq!(node.failed().await, flow);
}

#[tokio::test]
async fn who_sends_a_message_too_slowly_is_closed_and_who_says_nothing_too() {
    let after = Duration::from_millis(200);
    let mut node = Node::start(bounded(StreamLimits { message: after, ..StreamLimits::default() }), echo);
    let mut silent = TcpStream::connect(node.locals[0]).await.unwrap();
    let mut slow = TcpStream::connect(node.locals[0]).await.unwrap();
    slow.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(read(&mut slow, OPTIONS.len()).await, OPTIONS.as_bytes());
    assert_eq!(rest(&mut silent).await, b"");
    let drip = async {
        for octet in OPTIONS.as_bytes().iter().cycle() {
            if slow.write_all(&[*octet]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within(drip).await;
    for _ in 0..2 {
        let fault = node.fault().await;
        assert!(matches!(fault, StreamFault::Slow { .. }), "{fault:?}");
    }
}

#[tokio::test]
async fn connections_of_one_source_are_bounded_and_the_ones_within_go_on() {
    let limits = StreamLimits { per_source: 2, ..StreamLimits::default() };
    let mut node = Node::start(bounded(limits), echo);
    let mut within_bound = Vec::new();
    for _ in 0..2 {
        let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
        peer.write_all(OPTIONS.as_bytes()).await.unwrap();
        assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS.as_bytes());
        within_bound.push(peer);
    }
    let mut over = TcpStream::connect(node.locals[0]).await.unwrap();
    assert_eq!(rest(&mut over).await, b"");
    let source: IpAddr = "127.0.0.1".parse().unwrap();
    assert_eq!(node.fault().await, StreamFault::TooMany { source, full: Full::Source(2) });
    let mut peer = within_bound.remove(0);
    peer.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS.as_bytes());
}

/// What the core has to say to that method.
fn response(status: &str, method: &str) -> String {
    OPTIONS.replace("OPTIONS sip:a@b SIP/2.0", &format!("SIP/2.0 {status}")).replace("OPTIONS", method)
}

/// Has the core say it.
async fn say(peer: &mut TcpStream, response: &str) {
    peer.write_all(response.as_bytes()).await.unwrap();
    assert_eq!(read(peer, response.len()).await, response.as_bytes());
}

/// What anybody is told where somebody is known by a password alone.
const TO_ANYBODY: [(&str, &str); 3] =
    [("401 Unauthorized", "INVITE"), ("401 Unauthorized", "OPTIONS"), ("200 OK", "CANCEL")];

#[tokio::test]
async fn a_stranger_that_is_challenged_remains_one_until_its_call_is_taken() {
    let limits = StreamLimits { per_stranger: 1, ..StreamLimits::default() };
    let mut node = Node::start(bounded(limits), echo);
    let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
    let source: IpAddr = "127.0.0.1".parse().unwrap();
    for (status, method) in TO_ANYBODY {
        say(&mut peer, &response(status, method)).await;
        let mut over = TcpStream::connect(node.locals[0]).await.unwrap();
        assert_eq!(rest(&mut over).await, b"", "{status} to {method}");
        assert_eq!(node.fault().await, StreamFault::TooMany { source, full: Full::Stranger(1) });
    }
    say(&mut peer, &response("100 Trying", "INVITE")).await;
    let mut next = TcpStream::connect(node.locals[0]).await.unwrap();
    say(&mut next, &response("200 OK", "OPTIONS")).await;
}

#[tokio::test]
async fn a_stranger_that_is_challenged_and_does_not_come_again_is_closed() {
    let limits = StreamLimits { unanswered: Duration::from_secs(1), ..StreamLimits::default() };
    let node = Node::start(bounded(limits), echo);
    let mut peers = Vec::new();
    for (status, method) in TO_ANYBODY {
        let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
        say(&mut peer, &response(status, method)).await;
        peers.push(peer);
    }
    for mut peer in peers {
        assert_eq!(rest(&mut peer).await, b"");
    }
}

#[tokio::test]
async fn who_does_not_read_is_cut_when_its_queue_is_full_and_nobody_waits_for_it() {
    let socket = tcp();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deaf = socket.flow(server.local_addr().unwrap());
    let hearer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = socket.flow(hearer.local_addr().unwrap());
    let sockets = Sockets {
        listeners: vec![socket],
        limits: StreamLimits { queue: 1 << 20, ..Default::default() },
        ..Sockets::default()
    };
    let mut node = Node::start(sockets, move |input| {
        if matches!(input, Input::Recorded(_)) {
            return Said::outputs(vec![transmit(other, OPTIONS)]);
        }
        let wanted = matches!(input, Input::Timeout);
        Said::outputs(wanted.then(|| transmit(deaf, vec![b'x'; 60_000])).into_iter().collect())
    });
    let mut failed = None;
    while failed.is_none() {
        node.hand_in(Input::Timeout).await;
        while let Ok(input) = node.seen.try_recv() {
            if let Input::FlowFailed(flow) = input {
                failed = Some(flow);
            }
        }
    }
    assert_eq!(failed, Some(deaf));
    assert_eq!(node.fault().await, StreamFault::Overflow { flow: deaf });
    node.hand_in(Input::Recorded(CallKey(1))).await;
    let (mut peer, _) = within(hearer.accept()).await.unwrap();
    assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS.as_bytes());
}

#[tokio::test]
async fn who_takes_nothing_in_is_given_up_after_a_while() {
    let socket = tcp();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deaf = socket.flow(server.local_addr().unwrap());
    let limits =
        StreamLimits { write: Duration::from_millis(300), queue: 64 << 20, ..StreamLimits::default() };
    let sockets = Sockets { listeners: vec![socket], limits, ..Sockets::default() };
    let flood = move |_: u32| transmit(deaf, vec![b'x'; 60_000]);
    let mut node = Node::start(sockets, move |input| {
        let floods = if matches!(input, Input::Timeout) { 400 } else { 0 };
        Said::outputs((0..floods).map(flood).collect())
    });
    node.hand_in(Input::Timeout).await;
    let _unread = within(server.accept()).await.unwrap();
    assert_eq!(node.failed().await, deaf);
}

#[tokio::test]
async fn a_silent_connection_of_ours_is_pinged_and_dead_once_a_known_answerer_is_silent() {
    let socket = tcp();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = socket.flow(server.local_addr().unwrap());
    let limits = StreamLimits {
        ping: Duration::from_millis(100),
        pong: Duration::from_millis(100),
        ..StreamLimits::default()
    };
    let sockets = Sockets { listeners: vec![socket], limits, ..Sockets::default() };
    let mut node = Node::start(sockets, in_turn(vec![transmit(flow, OPTIONS)]));
    node.hand_in(Input::Timeout).await;
    let (mut peer, _) = within(server.accept()).await.unwrap();
    read(&mut peer, OPTIONS.len()).await;
    for _ in 0..3 {
        assert_eq!(
            read(&mut peer, 4).await,
            b"\r\n\r\n",
            "who never answers is pinged on and not held to it"
        );
    }
    peer.write_all(b"\r\n").await.unwrap();
    assert_eq!(rest(&mut peer).await, b"\r\n\r\n");
    assert_eq!(node.failed().await, flow);
    assert!(matches!(node.fault().await, StreamFault::Dead { .. }));
}

#[tokio::test]
async fn the_last_responses_are_written_before_the_end() {
    let mut node = Node::start(vec![tcp()], echo);
    let mut peer = TcpStream::connect(node.locals[0]).await.unwrap();
    peer.write_all(OPTIONS.as_bytes()).await.unwrap();
    node.message().await;
    node.hand_in(Input::Command(Command::Shutdown)).await;
    assert_eq!(rest(&mut peer).await, OPTIONS.as_bytes());
    assert_eq!(within(node.task).await.unwrap(), Ending::ShutDown);
}
