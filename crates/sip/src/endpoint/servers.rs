//! The server transactions, and how requests find them.

use std::collections::BTreeMap;

use super::ties::Ties;
use super::{DialogKey, compose};
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
    /// Changed by `Servers::lose` only.
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
    /// Those that are answered on a connection.
    ties: Ties<u64>,
}

impl Servers {
    pub(super) fn insert(&mut self, id: u64, server: Server) {
        self.keys.insert(server.key.clone(), id);
        if let Some(merge) = &server.merge {
            self.merges.insert(merge.clone(), id);
        }
        if server.reply_to.transport.is_reliable() {
            self.ties.tie(server.reply_to, id);
        }
        self.transactions.insert(id, server);
    }

    pub(super) fn remove(&mut self, id: u64) {
        if let Some(server) = self.transactions.remove(&id) {
            self.keys.remove(&server.key);
            self.ties.untie(server.reply_to, id);
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

    /// The transactions that are answered on a connection.
    #[cfg(test)]
    pub(super) fn on(&self, flow: Flow) -> Vec<u64> {
        self.ties.on(flow)
    }

    /// The responses that were to go by a connection that is gone go elsewhere; tells where to.
    pub(super) fn lose(&mut self, flow: Flow) -> Option<Flow> {
        let mut instead = None;
        for id in self.ties.on(flow) {
            let Some(server) = self.transactions.get_mut(&id) else { continue };
            if let Some(elsewhere) = compose::reply_to_sent_by(&server.request, server.flow) {
                server.reply_to = elsewhere;
                self.ties.untie(flow, id);
                self.ties.tie(elsewhere, id);
                instead = Some(elsewhere);
            }
        }
        instead
    }

    #[cfg(test)]
    pub(super) fn is_untied(&self) -> bool {
        self.ties.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.transactions.len()
    }
}
