//! INVITE usages: what we are to each other from the INVITE to the end (RFC 3261 s.12 to 15).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::early::Early;
use super::reliable::{Acknowledgeable, Reliable};
use super::session::Session;
use super::ties::Ties;
use super::turns::Turns;
use super::{DialogKey, Endpoint, Header, Reliability, Transmit};
use crate::Flow;
use crate::dialog::Dialog;
use crate::message::Message;
use crate::transaction::Repetition;

impl Endpoint {
    /// What the caller's INVITE, as long as it has no final response, says of reliable provisional responses.
    pub fn reliability(&self, dialog: DialogKey) -> Reliability {
        match self.usages.get(dialog).map(|usage| &usage.state) {
            Some(State::Incoming(incoming)) => incoming.reliable.demand(),
            Some(State::Outgoing(_) | State::Confirmed(_) | State::Ending(_)) | None => {
                Reliability::Unsupported
            }
        }
    }

    /// Whether a 2xx went either way: that of `answer` may be waiting for a PRACK.
    pub fn is_confirmed(&self, dialog: DialogKey) -> bool {
        matches!(self.usages.get(dialog).map(|usage| &usage.state), Some(State::Confirmed(_)))
    }
}

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
    pub(super) offer: Offer,
    pub(super) stage: Stage,
    pub(super) reliable: Reliable,
    pub(super) turns: Turns,
    pub(super) peer: Peer,
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

/// Whose the offer of an INVITE is (RFC 3264).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offer {
    /// Theirs.
    Theirs,
    /// Ours, the answer of which is theirs.
    Ours,
    /// It has been made and answered before the 2xx, reliably.
    Settled,
}

/// What the far side can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Peer {
    pub(super) update: Takes,
}

/// Whether a method is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    Yes,
    /// Or it has not said so.
    No,
}

impl Peer {
    /// What its INVITE, or its 2xx to ours, says.
    pub(super) fn of(message: &Message) -> Self {
        let update = message.headers("Allow").any(|method| method == "UPDATE");
        Self { update: if update { Takes::Yes } else { Takes::No } }
    }
}

#[derive(Debug)]
pub(super) struct Outgoing {
    /// The client transaction of the INVITE.
    pub(super) client: u64,
    pub(super) cancel: Cancel,
    /// Whose the offer of the INVITE is: not settled here, for each fork settles it for itself.
    pub(super) offer: Offer,
    pub(super) reliability: Reliability,
    /// The early dialogs, by the forks that sent provisional responses, the last one heard of last.
    pub(super) forks: Vec<Early>,
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
    pub(super) turns: Turns,
    pub(super) phase: Phase,
    pub(super) session: Session,
    pub(super) peer: Peer,
    /// A reliable provisional response that our 2xx overtook: its PRACK may still come.
    pub(super) overtaken: Option<Acknowledgeable>,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// We owe the ACK to the 2xx of our INVITE or re-INVITE.
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
            Self::Incoming(incoming) => {
                let again = match incoming.stage {
                    Stage::Undecided | Stage::Trying => None,
                    Stage::Ringing { again } => Some(again),
                };
                soonest([again, incoming.reliable.deadline(), incoming.turns.deadline()])
            }
            Self::Outgoing(outgoing) => outgoing.forks.iter().filter_map(|fork| fork.turns.deadline()).min(),
            Self::Ending(_) => None,
            Self::Confirmed(confirmed) => {
                let unacked =
                    confirmed.unacked.iter().map(|unacked| unacked.repetition.at.min(unacked.until)).min();
                let session = match confirmed.phase {
                    Phase::Owing { .. } | Phase::Open => confirmed.session.deadline(),
                    Phase::Closing(_) => None,
                };
                soonest([unacked, session, confirmed.turns.deadline()])
            }
        }
    }

    /// The dialog with the far side of that tag, and whose turn it is in it, as long as it may carry requests of ours.
    pub(super) fn dialog_mut(&mut self, tag: Option<&str>) -> Option<(&mut Dialog, &mut Turns)> {
        match self {
            Self::Incoming(incoming) => Some((&mut incoming.dialog, &mut incoming.turns)),
            Self::Outgoing(outgoing) => {
                let fork = outgoing.forks.iter_mut().find(|fork| fork.dialog.remote_tag.as_deref() == tag)?;
                Some((&mut fork.dialog, &mut fork.turns))
            }
            Self::Confirmed(confirmed) => Some((&mut confirmed.dialog, &mut confirmed.turns)),
            Self::Ending(_) => None,
        }
    }
}

impl State {
    /// The dialog in which that client transaction is a change of ours.
    pub(super) fn changing(&mut self, id: u64) -> Option<(&mut Dialog, &mut Turns)> {
        match self {
            Self::Incoming(incoming) => Some((&mut incoming.dialog, &mut incoming.turns)),
            Self::Outgoing(outgoing) => {
                let fork = outgoing.forks.iter_mut().find(|fork| fork.turns.is_by(id))?;
                Some((&mut fork.dialog, &mut fork.turns))
            }
            Self::Confirmed(confirmed) => Some((&mut confirmed.dialog, &mut confirmed.turns)),
            Self::Ending(_) => None,
        }
        .filter(|(_, turns)| turns.is_by(id))
    }

    /// Whose turn it is, in each of its dialogs.
    pub(super) fn turns_mut(&mut self) -> Vec<&mut Turns> {
        match self {
            Self::Incoming(incoming) => vec![&mut incoming.turns],
            Self::Outgoing(outgoing) => outgoing.forks.iter_mut().map(|fork| &mut fork.turns).collect(),
            Self::Confirmed(confirmed) => vec![&mut confirmed.turns],
            Self::Ending(_) => Vec::new(),
        }
    }
}

fn soonest<const N: usize>(times: [Option<Instant>; N]) -> Option<Instant> {
    times.into_iter().flatten().min()
}

#[derive(Debug, Default)]
pub(super) struct Usages {
    by_key: BTreeMap<DialogKey, Usage>,
    by_tag: BTreeMap<String, DialogKey>,
    ties: Ties<DialogKey>,
    /// The connections by which a usage is in `ties`, if there are any.
    tied: BTreeMap<DialogKey, Vec<Flow>>,
}

impl Usages {
    pub(super) fn insert(&mut self, key: DialogKey, usage: Usage) {
        self.by_tag.insert(usage.local_tag.clone(), key);
        self.by_key.insert(key, usage);
        self.tie(key);
    }

    pub(super) fn remove(&mut self, key: DialogKey) -> Option<Usage> {
        let usage = self.by_key.remove(&key)?;
        self.by_tag.remove(&usage.local_tag);
        self.tie(key);
        Some(usage)
    }

    /// Keeps true which connections a usage hangs on.
    pub(super) fn tie(&mut self, key: DialogKey) {
        let flows = self.by_key.get(&key).map(|usage| usage.state.connections()).unwrap_or_default();
        let before = self.tied.get(&key).map(Vec::as_slice).unwrap_or_default();
        if before == flows {
            return;
        }
        for &flow in before {
            self.ties.untie(flow, key);
        }
        for &flow in &flows {
            self.ties.tie(flow, key);
        }
        if flows.is_empty() {
            self.tied.remove(&key);
        } else {
            self.tied.insert(key, flows);
        }
    }

    /// The usages that hang on a connection, in the order of their making.
    pub(super) fn on(&self, flow: Flow) -> Vec<DialogKey> {
        self.ties.on(flow)
    }

    /// The first usage that hangs on other connections than is known.
    #[cfg(test)]
    pub(super) fn mistied(&self) -> Option<DialogKey> {
        let known = |key| self.tied.get(key).cloned().unwrap_or_default();
        self.by_key.iter().find(|(key, usage)| usage.state.connections() != known(key)).map(|(key, _)| *key)
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

    pub(super) fn outgoing_mut(&mut self, key: DialogKey) -> Option<&mut Outgoing> {
        match &mut self.by_key.get_mut(&key)?.state {
            State::Outgoing(outgoing) => Some(outgoing),
            State::Incoming(_) | State::Confirmed(_) | State::Ending(_) => None,
        }
    }

    /// The dialog in which that client transaction is a change of ours.
    pub(super) fn changing(&mut self, key: DialogKey, id: u64) -> Option<(&mut Dialog, &mut Turns)> {
        self.by_key.get_mut(&key)?.state.changing(id)
    }

    /// The usage that has this tag of ours and this Call-ID.
    pub(super) fn find(&self, local_tag: &str, call_id: &str) -> Option<DialogKey> {
        let key = *self.by_tag.get(local_tag)?;
        (self.by_key.get(&key)?.call_id == call_id).then_some(key)
    }

    #[cfg(test)]
    pub(super) fn is_untied(&self) -> bool {
        self.ties.is_empty() && self.tied.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}

/// How many forks of one INVITE are kept apart and ended properly; more than that is no phone's doing.
pub(super) const MAX_FORKS: usize = 16;

/// How often a ringing call is told so (s.13.3.1.1).
pub(super) const MINUTE: Duration = Duration::from_mins(1);
