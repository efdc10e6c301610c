//! INVITE usages: what we are to each other from the INVITE to the end (RFC 3261 s.12 to 15).

use std::collections::BTreeMap;
use std::time::Instant;

use super::{DialogKey, Header, Transmit};
use crate::dialog::Dialog;
use crate::transaction::Repetition;

#[derive(Debug)]
pub(super) struct Usage {
    pub(super) call_id: String,
    /// Ours; unique among all usages.
    pub(super) local_tag: String,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    /// Their INVITE has no final response.
    Incoming(Box<Incoming>),
    /// Our INVITE has none.
    Outgoing(Outgoing),
    /// A 2xx went either way.
    Confirmed(Box<Confirmed>),
    /// Our BYE is out.
    Ending(Box<Dialog>),
}

#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) dialog: Dialog,
    /// The server transaction of the INVITE.
    pub(super) server: u64,
    /// Whether the INVITE had a body, and so the offer.
    pub(super) offer: Offer,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The core has not said whether it speaks with the caller: nothing may be sent.
    Undecided,
    Trying,
    /// A provisional response above 100 went out. It is sent again now and then, so that no proxy's timer C ends the call
    /// (s.13.3.1.1).
    Ringing {
        again: Instant,
    },
}

/// Who makes the offer of an INVITE (RFC 3264).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offer {
    /// The INVITE.
    Theirs,
    /// Our 2xx; the answer comes in the ACK.
    Ours,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    /// The client transaction of the INVITE.
    pub(super) client: u64,
    pub(super) cancel: Cancel,
}

#[derive(Debug)]
pub(super) enum Cancel {
    No,
    /// Wanted, but nothing has come that could be cancelled (s.9.1); and what it shall say.
    Held(Vec<Header>),
    Sent,
}

#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) dialog: Dialog,
    /// Our 2xx that wait for their ACK: of the INVITE, and of a re-INVITE that overtook that ACK.
    pub(super) unacked: Vec<Unacked>,
    /// The server transaction of a re-INVITE without final response.
    pub(super) reinvite: Option<u64>,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// We owe the ACK to the 2xx of our INVITE.
    Owing {
        /// Its client transaction.
        invite: u64,
        /// Its `CSeq` number, which the ACK repeats.
        cseq: u32,
    },
    Open,
    /// A BYE is wanted, and waits for the ACK to our 2xx (s.15).
    Closing(Vec<Header>),
}

/// A 2xx of ours: sent again until its ACK, on every transport (s.13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) cseq: u32,
    pub(super) offer: Offer,
    pub(super) response: Transmit,
    pub(super) repetition: Repetition,
    pub(super) until: Instant,
}

impl State {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Incoming(incoming) => match incoming.stage {
                Stage::Undecided | Stage::Trying => None,
                Stage::Ringing { again } => Some(again),
            },
            Self::Outgoing(_) | Self::Ending(_) => None,
            Self::Confirmed(confirmed) => {
                confirmed.unacked.iter().map(|unacked| unacked.repetition.at.min(unacked.until)).min()
            }
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Usages {
    by_key: BTreeMap<DialogKey, Usage>,
    by_tag: BTreeMap<String, DialogKey>,
}

impl Usages {
    pub(super) fn insert(&mut self, key: DialogKey, usage: Usage) {
        self.by_tag.insert(usage.local_tag.clone(), key);
        self.by_key.insert(key, usage);
    }

    pub(super) fn remove(&mut self, key: DialogKey) -> Option<Usage> {
        let usage = self.by_key.remove(&key)?;
        self.by_tag.remove(&usage.local_tag);
        Some(usage)
    }

    pub(super) fn get(&self, key: DialogKey) -> Option<&Usage> {
        self.by_key.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: DialogKey) -> Option<&mut Usage> {
        self.by_key.get_mut(&key)
    }

    pub(super) fn incoming_mut(&mut self, key: DialogKey) -> Option<&mut Incoming> {
        match &mut self.by_key.get_mut(&key)?.state {
            State::Incoming(incoming) => Some(incoming),
            State::Outgoing(_) | State::Confirmed(_) | State::Ending(_) => None,
        }
    }

    pub(super) fn confirmed_mut(&mut self, key: DialogKey) -> Option<&mut Confirmed> {
        match &mut self.by_key.get_mut(&key)?.state {
            State::Confirmed(confirmed) => Some(confirmed),
            State::Incoming(_) | State::Outgoing(_) | State::Ending(_) => None,
        }
    }

    /// The usage that has this tag of ours and this Call-ID.
    pub(super) fn find(&self, local_tag: &str, call_id: &str) -> Option<DialogKey> {
        let key = *self.by_tag.get(local_tag)?;
        (self.by_key.get(&key)?.call_id == call_id).then_some(key)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}
