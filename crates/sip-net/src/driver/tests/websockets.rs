//! SIP over WebSocket (RFC 7118), the server's side.

use futures_util::SinkExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::*;
use crate::{StreamLimits, bind_ws};

/// Without a Content-Length, which RFC 7118 s.5.3 makes optional.
const REGISTER: &str = "REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\r\n";

fn ws() -> Listener {
    bind_ws("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn echo(input: &Input) -> Said {
    let Input::Datagram { flow, bytes } = input else { return Said::NOTHING };
    Said::outputs(vec![transmit(*flow, bytes.clone())])
}

async fn connect(
    to: SocketAddr,
    protocol: Option<&'static str>,
) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://{to}/").into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    let stream = TcpStream::connect(to).await.unwrap();
    within(client_async(request, stream)).await.map(|(socket, response)| {
        assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "sip");
        socket
    })
}

#[tokio::test]
async fn one_message_is_one_sip_message_both_ways_without_a_content_length() {
    let mut node = Node::start(vec![ws()], echo);
    let mut peer = connect(node.locals[0], Some("xmpp, sip")).await.unwrap();
    peer.send(Message::text(REGISTER)).await.unwrap();
    peer.send(Message::binary(REGISTER)).await.unwrap();
    for _ in 0..2 {
        let (flow, bytes) = node.message().await;
        assert_eq!((flow.transport, flow.local), (Transport::Ws, node.locals[0]));
        assert_eq!(bytes, REGISTER);
        assert_eq!(within(peer.next()).await.unwrap().unwrap(), Message::text(REGISTER));
    }
    peer.send(Message::text("\r\n\r\n")).await.unwrap();
    assert_eq!(within(peer.next()).await.unwrap().unwrap(), Message::text("\r\n"));
}

#[tokio::test]
async fn a_websocket_that_is_not_for_sip_is_refused() {
    let mut node = Node::start(vec![ws()], echo);
    for protocol in [None, Some("xmpp")] {
        let refused = connect(node.locals[0], protocol).await.unwrap_err();
        let Error::Http(response) = refused else { panic!("an answer comes, not {refused:?}") };
        assert_eq!(response.status(), 400);
        let told = node.fault().await.to_string();
        assert!(told.contains("the subprotocol `sip` is not among those it offers"), "{told}");
    }
}

#[tokio::test]
async fn who_does_not_finish_the_handshake_is_closed() {
    let limits = StreamLimits { handshake: Duration::from_millis(100), ..StreamLimits::default() };
    let mut node = Node::start(Sockets { listeners: vec![ws()], limits, ..Sockets::default() }, echo);
    let _half_open = TcpStream::connect(node.locals[0]).await.unwrap();
    assert!(matches!(node.fault().await, StreamFault::Handshake { .. }));
}

#[tokio::test]
async fn who_takes_nothing_in_is_heard_all_the_same() {
    let long = REGISTER.to_owned() + &"x".repeat(60_000);
    let flood = move |input: &Input| {
        let Input::Datagram { flow, .. } = input else { return Said::NOTHING };
        Said::outputs((0..400).map(|_| transmit(*flow, long.clone())).collect())
    };
    let limits = StreamLimits { queue: 1 << 26, ..StreamLimits::default() };
    let mut node = Node::start(Sockets { listeners: vec![ws()], limits, ..Sockets::default() }, flood);
    let mut peer = connect(node.locals[0], Some("sip")).await.unwrap();
    for _ in 0..2 {
        peer.send(Message::text(REGISTER)).await.unwrap();
        assert_eq!(node.message().await.1, REGISTER);
    }
}

#[tokio::test]
async fn a_client_that_is_gone_is_not_called() {
    let socket = ws();
    let flow = socket.flow("127.0.0.1:9".parse().unwrap());
    let mut node = Node::start(vec![socket], move |input| {
        let wanted = matches!(input, Input::Timeout);
        Said::outputs(wanted.then(|| transmit(flow, REGISTER)).into_iter().collect())
    });
    node.hand_in(Input::Timeout).await;
    assert_eq!(node.failed().await, flow);
}
