//! The client transactions, and how responses find them.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::compose::Head;
use super::early::Early;
use super::large::Passage;
use super::ties::Ties;
use super::{DialogKey, Transmit};
use crate::Flow;
use crate::dialog::Opening;
use crate::digest::{Answers, Keyring};
use crate::message::Method;
use crate::transaction::key::ClientKey;
use crate::transaction::{client_invite, client_other};

#[derive(Debug)]
pub(super) struct Client {
    pub(super) key: ClientKey,
    /// Changed by `Clients::detour` only.
    pub(super) flow: Flow,
    /// Where it goes when the connection of `flow` dies before it is answered, the last one first.
    pub(super) detours: Vec<Flow>,
    /// The request, to be sent again.
    pub(super) request: Bytes,
    pub(super) machine: Machine,
    /// What answers a challenge of a request that nobody waits for: its dialog may be gone by then.
    pub(super) keys: Option<Keyring>,
    pub(super) past: Past,
}

/// The requests in whose place one was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// How many had too short a session interval.
    pub(super) short: u8,
    /// The challenges that they have answered.
    pub(super) answers: Answers,
}

#[derive(Debug)]
pub(super) enum Machine {
    Invite(client_invite::State, Box<Invitation>),
    Other(client_other::State, Purpose),
}

/// What an INVITE of ours is remembered by, beside its state.
#[derive(Clone, Debug)]
pub(super) struct Invitation {
    pub(super) dialog: DialogKey,
    pub(super) opens: Opens,
    pub(super) head: Head,
    /// Our From tag.
    pub(super) tag: String,
    /// The ACK to each 2xx, by the To tag of the fork that sent it: sent again whenever that 2xx comes again.
    pub(super) acks: Vec<(Option<String>, Transmit)>,
    /// The early dialogs that were left when the first 2xx came: the BYE to such a fork counts on from its PRACKs.
    pub(super) forks: Vec<Early>,
    /// How it goes if no connection comes about, as long as nothing has come for it.
    pub(super) instead: Option<Box<Passage>>,
    /// What answers the challenges of an INVITE that opens a dialog; within one it is the dialog's.
    pub(super) keys: Option<Keyring>,
}

impl Invitation {
    pub(super) fn opening(&self) -> Opening<'_> {
        let Self { head, tag, keys, .. } = self;
        Opening { from: &head.from, tag, request_uri: &head.request_uri, keys: keys.as_ref() }
    }
}

/// Whether an INVITE is to open a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Opens {
    Dialog,
    /// It is a re-INVITE.
    Nothing,
}

/// What a request other than INVITE is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To end the dialog.
    Bye(DialogKey),
    /// To carry something within the dialog.
    Within(DialogKey),
    /// To change its session.
    Update(DialogKey),
    /// To keep its session alive.
    Refresh(DialogKey),
    /// Nobody waits for its outcome: a CANCEL, a PRACK, or the BYE to a fork.
    Alone,
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    transactions: BTreeMap<u64, Client>,
    keys: BTreeMap<ClientKey, u64>,
    ties: Ties<u64>,
}

impl Clients {
    pub(super) fn insert(&mut self, id: u64, client: Client) {
        self.keys.insert(client.key.clone(), id);
        self.ties.tie(client.flow, id);
        self.transactions.insert(id, client);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(client) = self.transactions.remove(&id) {
            self.keys.remove(&client.key);
            self.ties.untie(client.flow, id);
        }
    }

    pub(super) fn find(&self, key: &ClientKey) -> Option<u64> {
        self.keys.get(key).copied()
    }

    pub(super) fn get(&self, id: u64) -> Option<&Client> {
        self.transactions.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Client> {
        self.transactions.get_mut(&id)
    }

    /// An INVITE of ours, as long as its transaction lives.
    pub(super) fn invitation(&self, id: u64) -> Option<&Invitation> {
        match &self.transactions.get(&id)?.machine {
            Machine::Invite(_, invitation) => Some(invitation),
            Machine::Other(..) => None,
        }
    }

    /// An INVITE of ours, as long as its transaction lives.
    pub(super) fn invitation_mut(&mut self, id: u64) -> Option<&mut Invitation> {
        match &mut self.transactions.get_mut(&id)?.machine {
            Machine::Invite(_, invitation) => Some(invitation),
            Machine::Other(..) => None,
        }
    }

    /// The transactions whose messages take `flow`, in the order of their making.
    pub(super) fn on(&self, flow: Flow) -> Vec<u64> {
        self.ties.on(flow)
    }

    /// Where a request goes next, if it has no final response and there is another way.
    pub(super) fn detour(&mut self, id: u64) -> Option<(Flow, Bytes)> {
        let client = self.transactions.get_mut(&id).filter(|client| client.is_open())?;
        let elsewhere = client.detours.pop()?;
        self.ties.untie(client.flow, id);
        self.ties.tie(elsewhere, id);
        client.flow = elsewhere;
        Some((elsewhere, client.request.clone()))
    }

    #[cfg(test)]
    pub(super) fn is_untied(&self) -> bool {
        self.ties.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.transactions.len()
    }
}

/// The key of a transaction of ours.
pub(super) fn key(branch: &str, method: &Method) -> ClientKey {
    ClientKey { branch: branch.into(), method: method.clone() }
}
