//! Why a target has no address, in words for the operator.

use super::question::Trouble;
use crate::flow::Transport;

/// No candidate, and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// NXDOMAIN.
    #[error("{name}: there is no such name (NXDOMAIN)")]
    NameUnknown {
        /// Which.
        name: String,
    },
    /// A name without addresses, or none of our IP versions.
    #[error("{name}: it has no {family} address")]
    NoAddress {
        /// Which.
        name: String,
        /// `IPv4`, `IPv6`, or `IP` for both.
        family: &'static str,
    },
    /// SRV says so, with the root as its target (RFC 2782).
    #[error("{name}: its SRV records say that it offers no SIP")]
    NotOffered {
        /// Which.
        name: String,
    },
    /// DNS does not tell.
    #[error("{name}: {trouble}")]
    Unanswered {
        /// Which.
        name: String,
        /// What was wrong.
        trouble: Trouble,
    },
    /// No listener of ours has the transport.
    #[error("{name}: no listener of ours can send over {transport}")]
    OutOfReach {
        /// Which.
        name: String,
        /// The one that it takes.
        transport: Transport,
    },
    /// A literal address of an IP version that no listener of ours has.
    #[error("{name}: no listener of ours has its IP version")]
    OtherFamily {
        /// Which.
        name: String,
    },
}

impl Failure {
    /// Whether a later try may go better, with DNS itself unchanged.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }
}
