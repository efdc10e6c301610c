//! A UDP socket: reading without waiting, sending without waiting, and telling which peers are unreachable.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use sip::{Flow, Transport};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::origins::Origins;
use crate::trouble;

/// A bound UDP socket.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    local: SocketAddr,
    /// Of a socket on a wildcard address.
    origins: Option<Origins>,
}

/// What became of a datagram that was to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// The system has it, or dropped it as a full network would.
    Yes,
    /// It can't be sent to that peer.
    Impossible,
}

impl Datagrams {
    pub(crate) const fn new(socket: UdpSocket, local: SocketAddr, origins: Option<Origins>) -> Self {
        Self { socket, local, origins }
    }

    /// Its address: the `local` of every flow through it.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// The flow to a peer.
    pub(crate) const fn flow(&self, remote: SocketAddr) -> Flow {
        Flow { transport: Transport::Udp, local: self.local, remote }
    }

    /// Waits until there is a datagram, or news of an unreachable peer.
    pub(crate) async fn ready(&self) {
        if self.socket.ready(Interest::READABLE | Interest::ERROR).await.is_err() {
            // Only when the runtime is on its way down: nothing comes any more.
            std::future::pending::<()>().await;
        }
    }

    /// The next datagram, without waiting.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        loop {
            let received = match &self.origins {
                None => self.socket.try_recv_from(buffer),
                Some(origins) => {
                    self.socket.try_io(Interest::READABLE, || origins.receive(&self.socket, buffer))
                }
            };
            match received {
                Ok(datagram) => return Some(datagram),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                // The system's word on an earlier send; `unreachable` tells whose.
                Err(_) => {}
            }
        }
    }

    /// The peers that the network says can't be reached, since the last time.
    pub(crate) fn unreachable(&self) -> Vec<SocketAddr> {
        let mut peers = Vec::new();
        // It ends with `WouldBlock`, which makes the next `ready` wait for news; whatever else it may end with tells nothing.
        self.socket.try_io(Interest::ERROR, || self.read_troubles(&mut peers)).ok();
        peers
    }

    /// Sends without waiting. Peers that turn out to be unreachable on the way go to `failed`.
    ///
    /// Straight to the system: what tokio remembers of the socket's readiness may be older than the socket's state.
    pub(crate) fn send(&self, bytes: &[u8], to: SocketAddr, failed: &mut Vec<SocketAddr>) -> Sent {
        for _ in 0..2 {
            let sent = match &self.origins {
                None => SockRef::from(&self.socket).send_to(bytes, &to.into()),
                Some(origins) => origins.send(&self.socket, bytes, to),
            };
            match sent {
                Ok(_) => return Sent::Yes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Sent::Yes,
                // It may be the system's word on an earlier send, to another peer: asked once more, it speaks of this one.
                Err(_) => drop(self.read_troubles(failed)),
            }
        }
        Sent::Impossible
    }

    /// Ends with an error: `WouldBlock` when there is nothing more.
    fn read_troubles(&self, peers: &mut Vec<SocketAddr>) -> io::Result<()> {
        loop {
            if let Some(peer) = trouble::next(&self.socket)?
                && !peers.contains(&peer)
            {
                peers.push(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::listener::Kind;
    use crate::{BindError, bind_udp};

    use super::*;

    fn bound(address: &str) -> Result<Datagrams, BindError> {
        match bind_udp(address.parse().unwrap())?.0 {
            Kind::Datagrams(datagrams) => Ok(datagrams),
            Kind::Streams(door) => panic!("{door:?}"),
        }
    }

    /// Speaks to a socket at one of its addresses; a connected socket hears from that address alone.
    async fn spoken_to(listener: &Datagrams, at: &str) {
        let at: SocketAddr = format!("{at}:{}", listener.local().port()).parse().unwrap();
        let any = SocketAddr::new(if at.is_ipv4() { [127, 0, 0, 1].into() } else { at.ip() }, 0);
        let peer = UdpSocket::bind(any).await.unwrap();
        peer.connect(at).await.unwrap();
        peer.send(b"question").await.unwrap();
        let mut buffer = [0; 64];
        let (length, source) = loop {
            listener.ready().await;
            if let Some(datagram) = listener.receive(&mut buffer) {
                break datagram;
            }
        };
        assert_eq!((&buffer[..length], source), (&b"question"[..], peer.local_addr().unwrap()));
        assert_eq!(listener.flow(source).local, listener.local());
        assert_eq!(listener.send(b"answer", source, &mut Vec::new()), Sent::Yes);
        let heard = tokio::time::timeout(std::time::Duration::from_secs(10), peer.recv(&mut buffer)).await;
        assert_eq!(&buffer[..heard.expect("it hears from the address that it called").unwrap()], b"answer");
    }

    #[tokio::test]
    async fn an_answer_leaves_from_the_address_that_the_request_came_to() {
        let everywhere = bound("0.0.0.0:0").unwrap();
        for at in ["127.0.0.5", "127.0.0.1", "127.0.0.9"] {
            spoken_to(&everywhere, at).await;
        }
        let here = bound("127.0.0.5:0").unwrap();
        spoken_to(&here, "127.0.0.5").await;
    }

    #[tokio::test]
    async fn an_ipv6_listener_everywhere_answers() {
        match bound("[::]:0") {
            Ok(everywhere) => spoken_to(&everywhere, "[::1]").await,
            Err(error) => eprintln!("skipped: no IPv6 here: {error}"),
        }
    }

    #[tokio::test]
    async fn a_listener_everywhere_speaks_first_from_where_the_system_chooses() {
        let everywhere = bound("0.0.0.0:0").unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = peer.local_addr().unwrap();
        assert_eq!(everywhere.send(b"hello", to, &mut Vec::new()), Sent::Yes);
        let (_, source) = peer.recv_from(&mut [0; 64]).await.unwrap();
        assert_eq!(source.port(), everywhere.local().port());
    }
}
