//! Whose turn it is within a dialog to change the session: one re-INVITE or UPDATE with an offer at a time, from either side
//! (RFC 3261 s.14, RFC 3311 s.5).

use std::time::Instant;

/// The requests within a dialog that may change its session and are not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turns {
    /// The server transaction of their request, as long as it has no final response.
    pub(super) theirs: Option<u64>,
    pub(super) ours: Ours,
}

/// Where our request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ours {
    Nowhere,
    /// It waits for its final response: a re-INVITE until it is cancelled, an UPDATE until its transaction gives up.
    Out {
        client: u64,
        cancel: Option<Instant>,
    },
    /// Something stood in its way, and it may be tried again then.
    Put {
        off: Instant,
    },
}

/// What has become due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    Nothing,
    /// It may be tried again.
    Again,
    /// It has been out for too long: cancel it.
    Cancel {
        client: u64,
    },
}

impl Turns {
    pub(super) const FREE: Self = Self { theirs: None, ours: Ours::Nowhere };

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.ours {
            Ours::Nowhere => None,
            Ours::Out { cancel, .. } => cancel,
            Ours::Put { off } => Some(off),
        }
    }

    /// What is due; it is so once.
    pub(super) fn expire(&mut self, now: Instant) -> Due {
        match self.ours {
            Ours::Put { off } if off <= now => {
                self.ours = Ours::Nowhere;
                Due::Again
            }
            Ours::Out { client, cancel: Some(cancel) } if cancel <= now => {
                self.ours = Ours::Out { client, cancel: None };
                Due::Cancel { client }
            }
            Ours::Nowhere | Ours::Out { .. } | Ours::Put { .. } => Due::Nothing,
        }
    }

    /// Whether nobody is about to change the session.
    pub(super) fn are_free(&self) -> bool {
        self.theirs.is_none() && self.ours == Ours::Nowhere
    }

    /// Whether a request of ours has no final response.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.ours, Ours::Out { .. })
    }

    /// Whether that client transaction is it.
    pub(super) fn is_by(&self, id: u64) -> bool {
        matches!(self.ours, Ours::Out { client, .. } if client == id)
    }
}
