//! Why a stream could not be opened, in words for the log and the call record.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Names the guilty party, and what to do where there is something. Never shows credentials, headers or a query.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The agent's URL is not usable.
    #[error("the agent's URL {0}")]
    Url(String),
    /// One of the agent's headers is not usable.
    #[error("the agent's header {name:?} {why}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No address for the host.
    #[error("{host}: name not found ({system})")]
    Name {
        /// The host.
        host: String,
        /// The resolver's words.
        system: String,
    },
    /// Nobody listens.
    #[error("{0}: connection refused; is the bot running and listening there?")]
    Refused(SocketAddr),
    /// No connection for another reason.
    #[error("{address}: {system}")]
    Connect {
        /// The address tried last.
        address: SocketAddr,
        /// The system's words.
        system: io::Error,
    },
    /// The certificate does not hold.
    #[error("{host}: certificate refused: {why}")]
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// No TLS session for another reason.
    #[error("{host}: TLS: {why}")]
    Tls {
        /// The host.
        host: String,
        /// In words.
        why: String,
    },
    /// An HTTP answer other than 101.
    #[error("{host}: HTTP {status}: {hint}")]
    Http {
        /// The host.
        host: String,
        /// The status, with its phrase.
        status: String,
        /// What it means for an agent.
        hint: String,
    },
    /// The answer to the upgrade is no WebSocket's.
    #[error("{host}: no WebSocket there: {why}")]
    Upgrade {
        /// The host.
        host: String,
        /// In words.
        why: String,
    },
    /// Not open in time.
    #[error("{host}: {stage} took longer than {} s", .limit.as_secs_f32())]
    Timeout {
        /// The host.
        host: String,
        /// What it was busy with.
        stage: Stage,
        /// From the start of all stages.
        limit: Duration,
    },
}

/// One step on the way to an open stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Stage {
    Resolve,
    Connect,
    Handshake,
    Upgrade,
    Greeting,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking the name up",
            Self::Connect => "connecting",
            Self::Handshake => "the TLS handshake",
            Self::Upgrade => "the answer to the WebSocket upgrade",
            Self::Greeting => "taking the first messages",
        })
    }
}
