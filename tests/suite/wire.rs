//! A client of our own, for what SIPp can't do: it writes octets as it is told to, in whatever pieces.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::world::{OPEN, SECURE, Transport, World};
use crate::support::PATIENCE;

/// A way to the daemon, and what came by it and is not read yet.
pub(super) struct Wire {
    way: Way,
    read: Vec<u8>,
    transport: Transport,
    call: String,
}

enum Way {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Wire {
    /// A way to the daemon for one call of that Call-ID.
    pub(super) fn to(world: &World, call: &str) -> Self {
        let transport = world.transport;
        let way = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind((world.hosts.caller, OPEN)).unwrap();
                socket.connect((world.hosts.daemon, OPEN)).unwrap();
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                Way::Datagrams(socket)
            }
            Transport::Tcp => Way::Stream(Box::new(connected((world.hosts.daemon, OPEN).into()))),
            Transport::Tls => {
                let name = ServerName::IpAddress(std::net::IpAddr::V4(world.hosts.daemon).into());
                let session = ClientConnection::new(trusting(world), name).unwrap();
                let stream = connected((world.hosts.daemon, SECURE).into());
                Way::Stream(Box::new(StreamOwned::new(session, stream)))
            }
        };
        Self { way, read: Vec::new(), transport, call: call.to_owned() }
    }

    /// Writes octets at once: a datagram, or what a stream sends in one piece.
    pub(super) fn send(&mut self, octets: &str) {
        match &mut self.way {
            Way::Datagrams(socket) => {
                socket.send(octets.as_bytes()).unwrap();
            }
            Way::Stream(stream) => {
                stream.write_all(octets.as_bytes()).unwrap();
                stream.flush().unwrap();
            }
        }
    }

    /// Reads exactly so many octets.
    pub(super) fn octets(&mut self, many: usize) -> Vec<u8> {
        while self.read.len() < many {
            assert!(self.more(), "the connection ended");
        }
        self.read.drain(..many).collect()
    }

    /// Reads one message.
    pub(super) fn message(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(head) = text.find("\r\n\r\n") {
                let end = head + 4 + header(&text, "Content-Length").parse::<usize>().unwrap();
                if self.read.len() >= end {
                    self.read.drain(..end);
                    return text[..end].to_owned();
                }
            }
            assert!(self.more(), "the connection ended after `{text}`");
        }
    }

    /// Reads responses as far as one of that status and method, and gives it.
    pub(super) fn response(&mut self, status: u16, method: &str) -> String {
        loop {
            let message = self.message();
            let is_of = header(&message, "CSeq").ends_with(method);
            if is_of && message.starts_with(&format!("SIP/2.0 {status} ")) {
                return message;
            }
            assert!(!is_of || message.starts_with("SIP/2.0 1"), "not {status} to {method}: {message}");
        }
    }

    /// Whether the daemon has ended the connection, with nothing said before.
    pub(super) fn is_ended(&mut self) -> bool {
        !self.more()
    }

    /// A request of the call. A branch is that of its `CSeq`, which is the CANCEL's as well.
    pub(super) fn request(&self, method: &str, number: &str, cseq: u32, to_tag: &str, body: &str) -> String {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let (transport, call) = (self.transport, &self.call);
        let sender = match &self.way {
            Way::Datagrams(socket) => socket.local_addr().unwrap().to_string(),
            Way::Stream(_) => "client.invalid".to_owned(),
        };
        format!(
            "{method} sip:{number}@us.example SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {sender};branch=z9hG4bK{call}{cseq};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+14155550123@us.example>;tag=caller\r\nTo: <sip:{number}@us.example>{to_tag}\r\n\
             Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{sender}>\r\n\
             {kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Reads on; false at the end.
    fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length = match &mut self.way {
            Way::Datagrams(socket) => socket.recv(&mut buffer).unwrap(),
            // A connection may end by a reset, or without the closing word of TLS.
            Way::Stream(stream) => match stream.read(&mut buffer) {
                Ok(length) => length,
                Err(error) => {
                    let late =
                        matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                    assert!(!late, "nothing came");
                    0
                }
            },
        };
        self.read.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

/// An offer.
pub(super) const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

/// The value of a header.
pub(super) fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    message.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
}

/// The tag of the far side, as a To header's parameter.
pub(super) fn to_tag(message: &str) -> String {
    header(message, "To").split_once(";tag=").map(|(_, tag)| format!(";tag={tag}")).unwrap()
}

fn connected(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Each write is a piece of its own.
    stream.set_nodelay(true).unwrap();
    stream
}

fn trusting(world: &World) -> Arc<ClientConfig> {
    let file = |name: &str| world.daemon.folder().join(name);
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let certificate = CertificateDer::from_pem_file(file("tunnel.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("tunnel.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_client_auth_cert(vec![certificate], key).unwrap())
}
