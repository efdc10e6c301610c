//! Why a command could not do what it was asked: one clear line each.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::fault::Faults;

/// Ends the process with status 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A line for each fault.
    #[error(transparent)]
    Faulty(#[from] Faults),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Listen(#[from] sip_net::BindError),
    #[error(transparent)]
    Admin(#[from] admin::BindError),
    #[error("hep.collector: there is no way to {0}: {1}; choose an address that this machine has a route to")]
    Collector(SocketAddr, io::Error),
    #[error(transparent)]
    Daemon(#[from] admin::FetchError),
    #[error(transparent)]
    Trust(#[from] admin::TrustError),
    #[error(
        "the configuration does not say where the running daemon listens; set [admin] listen, such as \
         \"127.0.0.1:8080\", or give --url"
    )]
    NoAddress,
    /// A daemon of another version.
    #[error("the daemon at {url} does not serve {path}; is it of this version?")]
    NotServed { url: admin::Url, path: String },
    /// What the daemon said to a request: in words, and the problem document; `null` if it sent none.
    #[error("{words}")]
    Refused { words: String, problem: Box<serde_json::Value> },
    /// What is asked for is not in the store.
    #[error("{0}")]
    Absent(String),
    /// The first digits of an id are those of several calls.
    #[error("{0}")]
    Ambiguous(String),
    #[error(transparent)]
    Tls(#[from] sip_net::TlsError),
    #[error("the packet threads can't be started: {0}")]
    Workers(io::Error),
    #[error(
        "media.backend: io-uring can't be had here: {0}; it takes Linux 6.1, kernel.io_uring_disabled = 0 and, in a container, a \
         seccomp profile that lets it through; write \"auto\" or \"epoll\""
    )]
    NoIoUring(io::Error),
    #[error("the system's randomness can't be read: {0}")]
    Randomness(getrandom::Error),
    #[error("the signals of the system can't be listened to: {0}")]
    Signals(io::Error),
    #[error("the runtime can't be started: {0}")]
    Runtime(io::Error),
    #[error("loopback does not give what the demo needs: {0}")]
    Loopback(io::Error),
    #[error("standard output can't be written: {0}")]
    Output(io::Error),
    #[error("the manual pages can't be written into {}: {system}; give a directory that exists", directory.display())]
    Pages { directory: PathBuf, system: io::Error },
    #[error("a list can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the indexing of the inventory ended by itself: {0}")]
    Indexing(String),
    #[error("the signalling task ended by itself: {0}")]
    Signalling(String),
    #[error(transparent)]
    Worker(media_net::WorkerFailed),
    #[error("the recorder of calls ended by itself: {0}")]
    Recorder(String),
    #[error("what tells other daemons of our calls ended by itself: {0}")]
    Sharing(String),
    #[error("a task that carries events ended by itself: {0}")]
    Carrier(String),
}
