//! What a peer on a stream may take of us: connections, time, memory.

use std::time::Duration;

/// Bounds on streams. The size of a message is bounded by [`sip::message::Limits::SIZE`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamLimits {
    /// Connections that peers opened, and as many that we did.
    pub connections: usize,
    /// Of those that peers opened, from one source: an IPv4 address, or an IPv6 network of 64 bits.
    pub per_source: usize,
    /// Of those, what strangers may have open at once: half of `connections` together, and so many from one source.
    pub per_stranger: usize,
    /// For reaching a peer. Not long: there may be another to call, or UDP to call it by.
    pub connect: Duration,
    /// For the handshake of TLS or WebSocket.
    pub handshake: Duration,
    /// For a peer's first message, and for each message from its first octet to its last; over WebSocket for the first message alone, for
    /// of a later one nothing is seen before its end.
    pub message: Duration,
    /// A connection without a message or keep-alive for so long is closed.
    pub idle: Duration,
    /// The same for one that a peer opened, as long as it is sent nothing but refusals, challenges among them: those are all that strangers get.
    pub unanswered: Duration,
    /// For a peer to take in anything of what we have for it.
    pub write: Duration,
    /// A connection that was silent for so long is pinged (RFC 5626 s.4.4.1): less than the two minutes after which proxies close it.
    /// One that the peer opened only once something has been sent to it, and without an answer being asked for.
    pub ping: Duration,
    /// For the answer to a ping. A peer that never answered one is not known to speak RFC 5626, and not held to it: of its death the
    /// unacknowledged octets of the ping tell, after `write`.
    pub pong: Duration,
    /// Octets that may wait for one connection.
    pub queue: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            connections: 4_000,
            per_source: 1_000,
            per_stranger: 20,
            connect: Duration::from_secs(3),
            handshake: Duration::from_secs(10),
            message: Duration::from_secs(30),
            idle: Duration::from_hours(5),
            unanswered: Duration::from_mins(1),
            write: Duration::from_secs(20),
            ping: Duration::from_secs(90),
            pong: Duration::from_secs(10),
            queue: 4 << 20,
        }
    }
}
