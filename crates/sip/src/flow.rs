//! A flow: the transport and the two addresses that a message travels between (RFC 5626 s.2).

use std::fmt;
use std::net::SocketAddr;

/// A SIP transport protocol, as its Via names it (RFC 3261 s.18).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Transport {
    /// Datagrams; a message is one of them.
    Udp,
    /// A stream, framed by Content-Length.
    Tcp,
    /// TCP under TLS.
    Tls,
    /// A WebSocket, one message in each of its messages (RFC 7118).
    Ws,
}

impl Transport {
    /// Whether the transport delivers in order or fails: no retransmission by the transaction layer then.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The token of a Via's sent-protocol: `UDP`, `TCP`, `TLS`, `WS`.
    pub const fn via(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
        })
    }
}

/// Where a message came from, and so where its answer goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Flow {
    /// The protocol.
    pub transport: Transport,
    /// Our address: the listener's.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}
