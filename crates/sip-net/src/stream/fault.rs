//! What is wrong with a stream or its peer, in a line that says what to do.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sip::{Flow, Transport};

use super::gate::Full;
use crate::tls::TlsFault;

/// Why a connection was refused, ended, or not made: a line for the log. Peers can cause any number of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamFault {
    /// A peer's octets are no SIP, or not to be cut into messages. The connection is ended.
    Malformed {
        /// Which connection.
        flow: Flow,
        /// What is wrong, in words.
        fault: String,
    },
    /// A peer did not send its first message, or the rest of one, in time.
    Slow {
        /// Which connection.
        flow: Flow,
        /// How long it had.
        after: Duration,
    },
    /// A peer takes nothing in.
    Stuck {
        /// Which connection.
        flow: Flow,
        /// How long it had.
        after: Duration,
    },
    /// A peer that answers pings left one without an answer.
    Dead {
        /// Which connection.
        flow: Flow,
        /// How long it had.
        after: Duration,
    },
    /// A peer takes in less than is for it.
    Overflow {
        /// Which connection.
        flow: Flow,
    },
    /// Peers have opened as many connections as they may.
    TooMany {
        /// Who wanted one more.
        source: IpAddr,
        /// What is full.
        full: Full,
    },
    /// The system gives us no connection, though a peer is at the door.
    Unaccepted {
        /// What is spoken there.
        transport: Transport,
        /// Where it is listened.
        local: SocketAddr,
        /// The system's words.
        error: String,
    },
    /// We have opened as many connections as we may.
    TooManyOfOurs {
        /// The bound.
        bound: usize,
    },
    /// A peer can't be reached.
    Unreachable {
        /// Which connection.
        flow: Flow,
        /// The system's words.
        error: String,
    },
    /// TLS did not come about.
    Tls {
        /// Which connection.
        flow: Flow,
        /// Whom we called; `None` if the peer came to us.
        name: Option<String>,
        /// Why.
        fault: TlsFault,
    },
    /// A peer's WebSocket handshake is none, or not for SIP.
    WebSocket {
        /// Which connection.
        flow: Flow,
        /// What is wrong, in words.
        fault: String,
    },
    /// A peer did not finish a handshake in time.
    Handshake {
        /// Which connection.
        flow: Flow,
        /// How long it had.
        after: Duration,
    },
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { flow, fault } => {
                write!(f, "{} ended: what it sent is no SIP: {fault}", Peer(flow))
            }
            Self::Slow { flow, after } => {
                write!(f, "{} ended: no whole message in {} s", Peer(flow), after.as_secs())
            }
            Self::Stuck { flow, after } => write!(
                f,
                "{} ended: it took in nothing for {} s; its machine or the way to it is down",
                Peer(flow),
                after.as_secs()
            ),
            Self::Dead { flow, after } => {
                write!(f, "{} ended: no answer to a keep-alive in {} s", Peer(flow), after.as_secs())
            }
            Self::Overflow { flow } => {
                write!(f, "{} ended: too much waits for it; it reads slower than its calls need", Peer(flow))
            }
            Self::TooMany { source, full: Full::Source(bound) } => write!(
                f,
                "a connection from {source} refused: it has {bound} open already; let it reuse them"
            ),
            Self::TooMany { source, full: Full::Node(bound) } => {
                write!(f, "a connection from {source} refused: {bound} are open already")
            }
            Self::TooMany { source, full: Full::Stranger(bound) } => write!(
                f,
                "a connection from {source} refused: no trunk or agent has that address, and it has {bound} open already"
            ),
            Self::TooMany { source, full: Full::Strangers(bound) } => write!(
                f,
                "a connection from {source} refused: no trunk or agent has that address, and strangers have {bound} open already"
            ),
            Self::Unaccepted { transport, local, error } => write!(
                f,
                "no connection can be accepted on {transport} {local}: {error}; are there files left (ulimit -n)?"
            ),
            Self::TooManyOfOurs { bound } => {
                write!(f, "no connection opened: we have {bound} open already")
            }
            Self::Unreachable { flow, error } => {
                write!(f, "{} can't be reached: {error}; is it up and listening there?", Peer(flow))
            }
            Self::Tls { flow, name: Some(name), fault } => {
                write!(f, "{} ({name}): {}", Peer(flow), fault.of_server(name))
            }
            Self::Tls { flow, name: None, fault } => write!(f, "{}: {}", Peer(flow), fault.of_client()),
            Self::WebSocket { flow, fault } => write!(f, "{} refused: {fault}", Peer(flow)),
            Self::Handshake { flow, after } => {
                write!(f, "{} ended: no handshake in {} s", Peer(flow), after.as_secs())
            }
        }
    }
}

/// `tls 192.0.2.1:5061`.
struct Peer<'a>(&'a Flow);

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.transport, self.0.remote)
    }
}
