//! The places to try, one after another (RFC 3263 s.4.3).

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::shunned::{Shunned, Standing};
use crate::flow::Transport;
use crate::message::StatusCode;

/// One place to try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Over what.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// The host of the URI, IPv6 without brackets: what the server's certificate must name, and the SNI if it is a
    /// name. What DNS made of it is no proof (RFC 5922 s.7.2).
    pub domain: String,
    /// The host that has the address, as SRV names it, or else the target itself.
    pub server: String,
}

/// The one that is tried, and those that are left. Never without one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidates {
    current: Candidate,
    left: VecDeque<Candidate>,
}

/// Why the next one is tried: nothing else is a reason to (RFC 3263 s.4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setback {
    /// The transport reported an error: ICMP, a connection refused or broken, a certificate of another.
    Transport,
    /// Timer B or F fired without any response.
    Timeout,
    /// 503.
    Unavailable {
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
}

/// Each server asked to be left alone for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("each of its servers answered 503, and asks for {} s without calls", .wait.as_secs() + 1)]
pub struct AllBusy {
    /// Until the first of them may be asked again.
    pub wait: Duration,
}

impl Candidates {
    /// What [`Locate`](super::Locate) found; those that failed of late go last, those that asked for time are left out.
    ///
    /// # Errors
    /// [`AllBusy`] if none is left.
    pub fn new(found: Vec<Candidate>, shunned: &Shunned, now: Instant) -> Result<Self, AllBusy> {
        let wait =
            found.iter().filter_map(|candidate| shunned.wait(candidate, now)).min().unwrap_or_default();
        let mut left = VecDeque::from(found);
        let current = pick(&mut left, shunned, now).ok_or(AllBusy { wait })?;
        Ok(Self { current, left })
    }

    /// The one to send to.
    pub const fn current(&self) -> &Candidate {
        &self.current
    }

    /// The current one failed, which others hear of by `shunned`. Moves on to the next; `None` if there is none. The
    /// request to it is another transaction: it needs a new branch.
    pub fn next(&mut self, setback: Setback, shunned: &mut Shunned, now: Instant) -> Option<&Candidate> {
        shunned.note(&self.current, setback, now);
        self.current = pick(&mut self.left, shunned, now)?;
        Some(&self.current)
    }

    /// How many are left beside the current one.
    pub fn left(&self) -> usize {
        self.left.len()
    }
}

impl Candidate {
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        (self.transport, self.address) == (other.transport, other.address)
    }
}

impl Setback {
    /// The setback that a final response is, if it is one: 503 alone. `retry_after` is that of its header.
    pub fn of(status: StatusCode, retry_after: Option<Duration>) -> Option<Self> {
        (status.code() == 503).then_some(Self::Unavailable { retry_after })
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.transport, self.address, self.server)
    }
}

impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport => f.write_str("transport error"),
            Self::Timeout => f.write_str("no answer"),
            Self::Unavailable { retry_after: None } => f.write_str("503"),
            Self::Unavailable { retry_after: Some(wait) } => {
                write!(f, "503, Retry-After {} s", wait.as_secs())
            }
        }
    }
}

/// Takes the first in good standing, or else the first that only failed: it may be back.
fn pick(left: &mut VecDeque<Candidate>, shunned: &Shunned, now: Instant) -> Option<Candidate> {
    let at = |wanted| left.iter().position(|candidate| shunned.standing(candidate, now) == wanted);
    let chosen = at(Standing::Good).or_else(|| at(Standing::Failed))?;
    left.remove(chosen)
}
