//! A UDP socket: reading without waiting, sending without waiting, and telling which peers are unreachable.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use sip::{Flow, Transport};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::trouble;

/// A bound UDP socket.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    local: SocketAddr,
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
    pub(crate) const fn new(socket: UdpSocket, local: SocketAddr) -> Self {
        Self { socket, local }
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
            match self.socket.try_recv_from(buffer) {
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
            match SockRef::from(&self.socket).send_to(bytes, &to.into()) {
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
