//! Where an INVITE to a SIP agent or a gateway may go: the one place that it is sent to, and the next (RFC 3263 s.4.3).

use sip::endpoint::Failure;
use sip::locate::{Candidate, Candidates, Setback};

use super::target::Target;
use crate::desk::Desk;
use crate::io::Now;

/// The servers of an agent or a gateway. Each gets an INVITE of its own, with its own branch and also its own Call-ID: one that said nothing may
/// have the first INVITE still, and where both of them lead to the same phone, that one would refuse the second as the first come
/// by another way (482, RFC 3261 s.8.2.2.2).
#[derive(Debug)]
pub(super) struct Hops {
    pub(super) target: Target,
    candidates: Box<Candidates>,
    tries_left: u8,
}

impl Hops {
    pub(super) fn new(target: Target, candidates: Candidates) -> Self {
        Self { target, candidates: Box::new(candidates), tries_left: MAX_TRIES - 1 }
    }

    pub(super) fn current(&self) -> &Candidate {
        self.candidates.current()
    }

    /// Whether there is one to go on to, as far as can be said before the current one has failed.
    pub(super) fn has_more(&self) -> bool {
        self.tries_left > 0 && self.candidates.left() > 0
    }

    /// The current one failed, which later calls are to know. Goes on to the next; `false` if none is left to be asked.
    pub(super) fn go_on(&mut self, setback: Setback, desk: &mut Desk, now: Now) -> bool {
        let more = self.candidates.next(setback, &mut desk.shunned, now.instant).is_some();
        let Some(tries_left) = self.tries_left.checked_sub(1) else { return false };
        self.tries_left = tries_left;
        more
    }

    /// The current one works, whatever it says.
    pub(super) fn works(&self, desk: &mut Desk) {
        desk.shunned.forgive(self.current());
    }
}

/// Why the next server is to be tried; `None` where this one has spoken for whoever is called.
pub(super) const fn setback(failure: Failure) -> Option<Setback> {
    match failure {
        Failure::Refused | Failure::Denied(_) | Failure::Cancelled => None,
        Failure::Unavailable { retry_after } => Some(Setback::Unavailable { retry_after }),
        Failure::Silent => Some(Setback::Timeout),
        Failure::Unsendable => Some(Setback::Transport),
    }
}

/// As many servers are asked for one call: with the time that each may be silent, half of the usual `ring_s`, so that the fallback
/// has its turn.
const MAX_TRIES: u8 = 8;
