//! An INVITE that is too long for a datagram goes by TCP, and as a datagram all the same to a peer that takes no TCP (RFC 3261
//! s.18.1.1).
//!
//! Where we leave the RFC's words: that holds for the INVITE that begins a dialog. What follows in the dialog stays on its
//! transport, for peers that are known by their transport would not know it again.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::clients::{self, Invitation};
use super::compose::Head;
use super::drive::{Start, Started};
use super::{DialogKey, Endpoint};
use crate::message::Method;
use crate::{Flow, Transport};

/// One way for an INVITE of ours to go.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) flow: Flow,
    pub(super) branch: String,
    pub(super) head: Head,
    pub(super) request: Bytes,
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
        let Passage { flow, branch, head, request } = instead;
        let dialog: DialogKey = invitation.dialog;
        let machine = Started::Invite(Box::new(Invitation { head, ..invitation }));
        let key = clients::key(&branch, &Method::Invite);
        let again = self.start(now, Start { key, flow, detours: Vec::new(), request, machine, keys: None });
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
}

const REMEMBERED: usize = 256;

/// After so long a peer is tried by TCP again.
const FORGOTTEN: Duration = Duration::from_mins(10);
