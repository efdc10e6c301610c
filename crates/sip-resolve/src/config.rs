//! What a resolver is made from.

use std::net::SocketAddr;
use std::time::Duration;

use sip::locate::Reach;

/// A resolver's settings. [`Config::new`] has the usual ones.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom to ask.
    pub name_servers: NameServers,
    /// What our listeners can send.
    pub reach: Reach,
    /// The longest that one search may take.
    pub patience: Duration,
    /// Questions that may be under way at the same time; what is more fails at once.
    pub at_once: usize,
    /// Answers that are kept.
    pub cache: usize,
    /// Starts the chance by which servers of the same priority share the calls.
    pub seed: u64,
}

/// Whom to ask, after `/etc/hosts`, which is read once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum NameServers {
    /// Those of `/etc/resolv.conf` with its search list, as they are at the start.
    #[default]
    System,
    /// These alone, without a search list.
    At(Vec<SocketAddr>),
}

/// A resolver can't be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetupFault {
    /// An empty list.
    #[error("no name server is given")]
    NoNameServer,
    /// The resolver's library refuses.
    #[error("the DNS resolver can't be set up: {0}")]
    Library(String),
}

impl Config {
    /// 5 s of patience, 256 questions at once, 4,096 answers.
    pub const fn new(name_servers: NameServers, reach: Reach, seed: u64) -> Self {
        Self { name_servers, reach, patience: Duration::from_secs(5), at_once: 256, cache: 4096, seed }
    }
}
