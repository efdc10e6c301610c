//! A bound socket of any transport: what [`crate::run`] listens on.

use std::net::SocketAddr;
use std::sync::Arc;

use sip::Transport;
use tokio::net::TcpListener;

use crate::datagrams::Datagrams;
use crate::tls::Tls;

/// A bound socket. Made by [`crate::bind_udp`], [`crate::bind_tcp`], [`crate::bind_tls`], [`crate::bind_ws`].
#[derive(Debug)]
pub struct Listener(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Datagrams(Datagrams),
    Streams(Door),
}

/// Where streams come in, and from where ours go out: a stream that we open has `local` in its flow, though its own port is
/// another, so that the core's name for it (our listener and the peer) is the name of what comes back on it.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) socket: TcpListener,
    pub(crate) local: SocketAddr,
    pub(crate) security: Security,
}

/// What is between TCP and SIP.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    Plain,
    Tls(Arc<Tls>),
    /// Peers only come in by it: a WebSocket server is not called back (RFC 7118 s.5).
    WebSocket,
}

impl Listener {
    /// Its address: the `local` of every flow through it.
    pub const fn local(&self) -> SocketAddr {
        match &self.0 {
            Kind::Datagrams(datagrams) => datagrams.local(),
            Kind::Streams(door) => door.local,
        }
    }

    /// Its transport.
    pub const fn transport(&self) -> Transport {
        match &self.0 {
            Kind::Datagrams(_) => Transport::Udp,
            Kind::Streams(door) => door.transport(),
        }
    }

    /// The flow to a peer.
    #[cfg(test)]
    pub(crate) const fn flow(&self, remote: SocketAddr) -> sip::Flow {
        sip::Flow { transport: self.transport(), local: self.local(), remote }
    }
}

impl Door {
    pub(crate) const fn transport(&self) -> Transport {
        match self.security {
            Security::Plain => Transport::Tcp,
            Security::Tls(_) => Transport::Tls,
            Security::WebSocket => Transport::Ws,
        }
    }
}
