//! An INVITE that is too long for a datagram goes by TCP, and as a datagram all the same to a peer that takes no TCP (RFC 3261
//! s.18.1.1): to one that is refused, to one whose firewall drops the connection, and to one that takes it and hears no SIP there.
//! Who says nothing on it for two seconds, not even a 100, gets the datagram too; of the two INVITEs the one that is answered counts.
//!
//! Where we leave the RFC's words: that holds for the INVITE that begins a dialog. What follows in the dialog stays on its
//! transport, for peers that are known by their transport would not know it again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::clients::{self, Invitation, Machine};
use super::compose::Head;
use super::drive::{Start, Started};
use super::usage::Cancel;
use super::{DialogKey, Endpoint};
use crate::message::Method;
use crate::transaction::client_invite;
use crate::{Flow, Transport};

/// One way for an INVITE of ours to go.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) flow: Flow,
    pub(super) branch: String,
    pub(super) head: Head,
    pub(super) request: Bytes,
    /// When it is taken although the other one has not failed.
    pub(super) due: Instant,
}

/// The peers that took no TCP lately.
#[derive(Debug, Default)]
pub(super) struct NoTcp {
    recent: VecDeque<(Instant, SocketAddr)>,
}

impl NoTcp {
    fn note(&mut self, now: Instant, peer: SocketAddr) {
        self.recent.retain(|&(_, known)| known != peer);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((now, peer));
    }

    fn has(&self, now: Instant, peer: SocketAddr) -> bool {
        self.recent.iter().any(|&(at, known)| known == peer && now < at + FORGOTTEN)
    }
}

impl Endpoint {
    /// How an INVITE of that length goes that was to go by `flow`; `None` if so.
    pub(super) fn stream_for(&self, now: Instant, flow: Flow, length: usize) -> Option<Flow> {
        let most = self.config.udp_max_payload;
        if flow.transport != Transport::Udp
            || most == 0
            || length <= most
            || self.no_tcp.has(now, flow.remote)
        {
            return None;
        }
        let fits = |local: &SocketAddr| local.is_ipv4() == flow.remote.is_ipv4();
        let tcp = self.config.listeners.iter().filter(|listener| listener.transport == Transport::Tcp);
        let locals: Vec<SocketAddr> = tcp.map(|listener| listener.local).filter(fits).collect();
        let same = locals.iter().find(|local| local.ip() == flow.local.ip());
        let local = *same.or(locals.first())?;
        Some(Flow { transport: Transport::Tcp, local, remote: flow.remote })
    }

    /// Sends an INVITE as a datagram that found no connection: the same but for its Via and Contact.
    pub(super) fn send_unstreamed(
        &mut self,
        now: Instant,
        failed: u64,
        invitation: Invitation,
        instead: Passage,
    ) {
        let Passage { flow, branch, head, request, .. } = instead;
        let dialog: DialogKey = invitation.dialog;
        let machine = Started::Invite(Box::new(Invitation { head, ..invitation }));
        let key = clients::key(&branch, &Method::Invite);
        let again = self.start(now, Start { key, flow, detours: Vec::new(), request, machine });
        if let Some(usage) = self.usages.get_mut(dialog) {
            usage.state.hand_on(failed, again);
        }
    }

    /// The other way of an INVITE that its connection came to nothing for. Its peer is remembered, whatever has become of the call.
    pub(super) fn take_instead(&mut self, now: Instant, id: u64) -> Option<(Invitation, Passage)> {
        let invitation = self.clients.invitation_mut(id)?;
        let instead = *invitation.instead.take()?;
        let invitation = invitation.clone();
        self.no_tcp.note(now, instead.flow.remote);
        Some((invitation, instead))
    }

    /// Sends the INVITE as a datagram as well, if its connection has been silent for long enough.
    pub(super) fn tire_of_stream(&mut self, now: Instant, id: u64) {
        let Some(invitation) = self.clients.invitation_mut(id) else { return };
        if invitation.instead.as_ref().is_none_or(|instead| now < instead.due) {
            return;
        }
        let Some((invitation, instead)) = self.take_instead(now, id) else { return };
        let wanted = self.usages.outgoing_mut(invitation.dialog);
        if wanted.is_some_and(|outgoing| outgoing.client == id && matches!(outgoing.cancel, Cancel::No)) {
            self.send_unstreamed(now, id, invitation, instead);
        }
    }

    /// Whether an INVITE is the one that its call goes by; of two that are out, that is the second, until the first is answered.
    pub(super) fn is_current(&mut self, dialog: DialogKey, id: u64) -> bool {
        self.usages.outgoing_mut(dialog).is_none_or(|outgoing| outgoing.client == id)
    }

    /// Takes in that an INVITE is answered: it is its call's, unless the other one was answered before.
    pub(super) fn prefer(&mut self, dialog: DialogKey, id: u64) {
        let current = self.usages.outgoing_mut(dialog).map(|outgoing| outgoing.client);
        let Some(current) = current.filter(|&current| current != id) else { return };
        let unheard = match self.clients.get(current).map(|client| &client.machine) {
            Some(Machine::Invite(state, _)) => matches!(state, client_invite::State::Calling { .. }),
            Some(Machine::Other(..)) | None => true,
        };
        if unheard && let Some(usage) = self.usages.get_mut(dialog) {
            usage.state.hand_on(current, id);
        }
    }

    /// Takes in that a peer has had the INVITE by the other way already, as its 482 says (s.8.2.2.2). Whether there is one.
    pub(super) fn is_merged(&mut self, dialog: DialogKey, id: u64) -> bool {
        let Some(twin) = self.clients.twin(dialog, id) else { return false };
        if let Some(usage) = self.usages.get_mut(dialog) {
            usage.state.hand_on(id, twin);
        }
        true
    }
}

/// What a peer has for its first word on a connection.
const FIRST_WORD: Duration = Duration::from_secs(2);

/// When the datagram goes out as well.
pub(super) fn due(now: Instant) -> Instant {
    now + FIRST_WORD
}

const REMEMBERED: usize = 256;

/// After so long a peer is tried by TCP again.
const FORGOTTEN: Duration = Duration::from_mins(10);
