//! What peers send, apt to be understood: the words that stories choose from.

use std::net::SocketAddr;

use sip::{Flow, Transport};

pub(super) fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

/// One of our sockets.
pub(super) fn local(transport: Transport) -> SocketAddr {
    match transport {
        Transport::Udp | Transport::Tcp => address(1, 5060),
        Transport::Tls => address(1, 5061),
        Transport::Ws => address(1, 80),
    }
}

/// A peer on a transport; two of them on connections that they opened.
pub(super) fn flow(which: u8) -> Flow {
    let (transport, port) = match which % 8 {
        0..=3 => (Transport::Udp, 5060),
        4 => (Transport::Tcp, 40_000),
        5 => (Transport::Tcp, 5060),
        6 => (Transport::Tls, 40_001),
        _ => (Transport::Ws, 40_002),
    };
    Flow { transport, local: local(transport), remote: address(2 + which % 2, port) }
}

pub(super) const TRANSPORTS: [Transport; 4] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws];

pub(super) const METHODS: [&str; 12] = [
    "INVITE", "ACK", "BYE", "CANCEL", "INVITE", "ACK", "OPTIONS", "UPDATE", "INFO", "PRACK", "REGISTER", "X",
];

pub(super) const STATUSES: [u16; 16] =
    [100, 180, 200, 200, 183, 202, 302, 404, 408, 481, 487, 500, 422, 491, 503, 405];

pub(super) const BODIES: [&str; 4] = [
    "Content-Type: application/sdp\r\n",
    "c: Multipart/Mixed;boundary=application/sdp\r\n",
    "Content-Type: text/plain\r\nContent-Disposition: x;handling=optional\r\n",
    "Content-Type: application/pkcs7-mime\r\n",
];

pub(super) const MORE: [&str; 16] = [
    "Contact: <sip:p@192.0.2.2>\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nRecord-Route: <sip:192.0.2.3;lr>, <sip:192.0.2.2;lr>\r\n",
    "Contact: <sip:p@10.0.0.1:0>\r\nRecord-Route: <sip:strict@192.0.2.3?x=y>\r\n",
    "Contact: <sip:p@host.example?x=y>\r\nMax-Forwards: 70\r\n",
    "Contact: <sip:p@[2001:db8::1]>\r\nRecord-Route: <sip:host.example;lr>\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nRequire: x\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nMax-Forwards: 0\r\n",
    "",
    "Contact: <sip:p@192.0.2.2>\r\nSupported: 100rel, timer\r\nAllow: UPDATE\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: 1\r\nAllow: UPDATE\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: 2\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nRequire: timer\r\nSession-Expires: 90;refresher=uac\r\nAllow: UPDATE\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nSupported: timer\r\nSession-Expires: 4000000000;refresher=uas\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nSupported: timer\r\nSession-Expires: 1\r\nMin-SE: 120\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nMin-SE: 99999999999\r\nRetry-After: 7\r\n",
    "Contact: <sip:p@192.0.2.2>\r\nMin-SE: 1800\r\nAllow: INVITE\r\nRetry-After: 4294967295\r\n",
];
