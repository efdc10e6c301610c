//! Connections that are gone: what was to travel on them finds another way, once (RFC 3261 s.12.2.1.1, s.18.2.2, s.18.4).

use std::time::Instant;

use super::clients::{Client, Invitation, Machine, Opens};
use super::usage::{State, Usages};
use super::{Endpoint, Event};
use crate::dialog::Dialog;
use crate::message::Message;
use crate::transaction::{client_invite, client_other};
use crate::{Flow, Transport};

impl Endpoint {
    /// Takes in that `flow` can't be sent on: its connection is gone, could not be opened, or nobody is there.
    ///
    /// A request of ours within a dialog that waits for its answer on a connection goes out again, the same to the octet and so
    /// known for the same by a peer that has it, by another connection: to where the peer was called, or else to its route or target
    /// over the same transport; and so does what follows in the dialog. A response goes to where its request came from, at the
    /// port of its Via. All other client transactions end as by 503.
    pub fn flow_failed(&mut self, now: Instant, flow: Flow) {
        if flow.transport != Transport::Udp {
            self.lose(flow);
        }
        for id in self.clients.on(flow) {
            if let Some((elsewhere, request)) = self.clients.detour(id) {
                self.send(elsewhere, request);
            } else {
                self.tell_undeliverable(id);
                self.unsendable(now, id);
            }
        }
    }

    /// What is to travel on a connection that is gone finds another.
    fn lose(&mut self, flow: Flow) {
        let instead = self.servers.lose(flow);
        self.usages.lose(flow, instead);
        for id in self.clients.on(flow) {
            let Some(Invitation { dialog, opens: Opens::Nothing, .. }) = self.clients.invitation_mut(id)
            else {
                continue;
            };
            let hop = self.usages.get(*dialog).and_then(|usage| usage.state.current()).map(Dialog::hop);
            if let (Some(hop), Some(invitation)) = (hop, self.clients.invitation_mut(id)) {
                for (_, ack) in &mut invitation.acks {
                    ack.flow = hop;
                }
            }
        }
    }

    /// Tells of a request within a dialog that found no way, for nobody else will.
    fn tell_undeliverable(&mut self, id: u64) {
        let Some(client) = self.clients.get(id).filter(|client| client.is_open()) else { return };
        let flow = client.flow;
        if let Ok(request) = Message::parse(client.request.clone())
            && request.to_tag().is_some()
        {
            self.raise(Event::Undeliverable { flow, request });
        }
    }
}

impl Client {
    pub(super) fn is_open(&self) -> bool {
        match &self.machine {
            Machine::Invite(state, _) => matches!(
                state,
                client_invite::State::Calling { .. }
                    | client_invite::State::Proceeding
                    | client_invite::State::Cancelling { .. }
            ),
            Machine::Other(state, _) => {
                matches!(state, client_other::State::Trying { .. } | client_other::State::Proceeding { .. })
            }
        }
    }
}

impl Usages {
    /// The connection of `flow` is gone; responses that are repeated on it go to `instead`.
    fn lose(&mut self, flow: Flow, instead: Option<Flow>) {
        for key in self.on(flow) {
            if let Some(usage) = self.get_mut(key) {
                usage.state.lose(flow, instead);
            }
            self.tie(key);
        }
    }
}

impl State {
    fn lose(&mut self, flow: Flow, instead: Option<Flow>) {
        match self {
            Self::Incoming(incoming) => {
                incoming.dialog.lose(flow);
                incoming.reliable.redirect(flow, instead);
            }
            Self::Outgoing(outgoing) => {
                for fork in &mut outgoing.forks {
                    fork.dialog.lose(flow);
                }
            }
            Self::Confirmed(confirmed) => {
                confirmed.dialog.lose(flow);
                let stranded = confirmed.unacked.iter_mut().filter(|unacked| unacked.response.flow == flow);
                for unacked in stranded {
                    unacked.response.flow = instead.unwrap_or(flow);
                }
            }
            Self::Ending(dialog) => dialog.lose(flow),
        }
    }

    /// The connections whose loss it has to hear of.
    pub(super) fn connections(&self) -> Vec<Flow> {
        let mut flows = match self {
            Self::Incoming(incoming) => {
                [incoming.dialog.came_by(), incoming.reliable.repeats_on()].into_iter().flatten().collect()
            }
            Self::Outgoing(outgoing) => {
                outgoing.forks.iter().filter_map(|fork| fork.dialog.came_by()).collect()
            }
            Self::Confirmed(confirmed) => {
                let unacked = confirmed.unacked.iter().map(|unacked| unacked.response.flow);
                confirmed.dialog.came_by().into_iter().chain(unacked).collect()
            }
            Self::Ending(dialog) => Vec::from_iter(dialog.came_by()),
        };
        flows.retain(|flow: &Flow| flow.transport.is_reliable());
        flows.sort_unstable();
        flows.dedup();
        flows
    }
}
