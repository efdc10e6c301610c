//! The server transactions, and how requests find them.

use std::collections::BTreeMap;

use super::DialogKey;
use crate::Flow;
use crate::message::Message;
use crate::transaction::key::{MergeKey, ServerKey};
use crate::transaction::{server_invite, server_other};

#[derive(Debug)]
pub(super) struct Server {
    key: ServerKey,
    merge: Option<MergeKey>,
    pub(super) request: Message,
    /// Where the request came from.
    pub(super) flow: Flow,
    pub(super) reply_to: Flow,
    /// Our To tag, for a request without one.
    pub(super) tag: String,
    pub(super) machine: Machine,
}

#[derive(Debug)]
pub(super) enum Machine {
    Invite(server_invite::State, Purpose),
    /// Any other method; within which dialog, if within one.
    Other(server_other::State, Option<DialogKey>),
}

/// What an INVITE is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To open the dialog.
    Opening(DialogKey),
    /// To change it.
    Reinvite(DialogKey),
}

impl Server {
    pub(super) fn new(request: Message, flow: Flow, reply_to: Flow, tag: String, machine: Machine) -> Self {
        let key = ServerKey::of(&request);
        Self { key, merge: MergeKey::of(&request), request, flow, reply_to, tag, machine }
    }
}

#[derive(Debug, Default)]
pub(super) struct Servers {
    transactions: BTreeMap<u64, Server>,
    keys: BTreeMap<ServerKey, u64>,
    merges: BTreeMap<MergeKey, u64>,
}

impl Servers {
    pub(super) fn insert(&mut self, id: u64, server: Server) {
        self.keys.insert(server.key.clone(), id);
        if let Some(merge) = &server.merge {
            self.merges.insert(merge.clone(), id);
        }
        self.transactions.insert(id, server);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(server) = self.transactions.remove(&id) {
            self.keys.remove(&server.key);
            if let Some(merge) = server.merge {
                self.merges.remove(&merge);
            }
        }
    }

    pub(super) fn find(&self, key: &ServerKey) -> Option<u64> {
        self.keys.get(key).copied()
    }

    /// The transaction of which `request` is another copy.
    pub(super) fn merged(&self, request: &Message) -> Option<&Server> {
        self.transactions.get(self.merges.get(&MergeKey::of(request)?)?)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Server> {
        self.transactions.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Server> {
        self.transactions.get_mut(&id)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        self.transactions.values_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.transactions.len()
    }
}
