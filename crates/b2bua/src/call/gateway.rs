//! The only way out to the telephone network: the gateways of a trunk, one after another.
//!
//! [`Gateways`] is made of a [`Permit`] and of nothing else, and a permit only [`numbers::permit_outbound`] gives. Whoever wants a
//! call to leave has asked there.

use std::collections::VecDeque;

use numbers::{Gateway, Login, MediaEncryption, Outbound, Permit};
use sip::locate;

use crate::headers::{self, Dress};
use crate::io::Notice;

use super::Brief;
use super::target::known;

/// The gateways that may be asked for one call, and what it is let out by.
#[derive(Clone, Debug)]
pub(crate) struct Gateways {
    permit: Permit,
    current: Gateway,
    left: VecDeque<Gateway>,
}

impl Gateways {
    /// In the order of their priorities, and of chance by their weights (RFC 2782). `None` if the trunk has no gateway.
    pub(crate) fn new(permit: Permit, seed: u64) -> Option<Self> {
        let gateways = permit.trunk().outbound.as_ref()?.gateways.clone();
        let rank = |gateway: &Gateway| (gateway.priority, gateway.weight);
        let mut left = VecDeque::from(locate::in_order(gateways, rank, seed));
        let current = left.pop_front()?;
        Some(Self { permit, current, left })
    }

    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }

    pub(crate) fn current(&self) -> String {
        let Gateway { port, transport, .. } = &self.current;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{transport:?} {}{port}", self.host()).to_lowercase()
    }

    /// Whether there is one to go on to.
    pub(crate) fn has_more(&self) -> bool {
        !self.left.is_empty()
    }

    /// Goes on to the next; `false` if there is none.
    pub(crate) fn go_on(&mut self) -> bool {
        let Some(next) = self.left.pop_front() else { return false };
        self.current = next;
        true
    }

    /// For the log.
    pub(crate) fn failed(&self, gateway: String, error: String) -> Notice {
        Notice::GatewayFailed { trunk_id: self.permit.trunk().id.clone(), gateway, error }
    }

    /// Where the current one is, as far as the inventory says.
    ///
    /// # Errors
    /// In words: why it can't be called.
    pub(super) fn place(&self) -> Result<locate::Target, String> {
        let Gateway { host, port, transport, .. } = &self.current;
        locate::Target::host(host, *port, Some(known(*transport)?)).map_err(|fault| fault.to_string())
    }

    /// The Request-URI for the current one: the called number there.
    pub(super) fn uri(&self) -> String {
        let Gateway { port, transport, .. } = &self.current;
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let transport = match transport {
            numbers::Transport::Udp => "",
            numbers::Transport::Tcp => ";transport=tcp",
            numbers::Transport::Tls => ";transport=tls",
            numbers::Transport::Ws | numbers::Transport::Wss => ";transport=ws",
        };
        let Some(outbound) = self.outbound() else { return String::new() };
        let (user, phone) = (headers::called(&self.permit, outbound), headers::user_phone(outbound));
        format!("sip:{user}@{}{port}{transport}{phone}", self.host())
    }

    /// What else our INVITE to the current one says.
    pub(super) fn dress(&self, brief: &Brief) -> Dress {
        headers::for_trunk(brief, &self.permit, &self.host())
    }

    /// What we have to show the trunk.
    pub(super) fn login(&self) -> Option<Login<'_>> {
        self.outbound()?.login()
    }

    /// Whether the audio between the current one and us is to be encrypted.
    pub(super) fn media_encryption(&self) -> MediaEncryption {
        self.media_encryption_of(&self.current)
    }

    /// Whether one is left whose offer would be another: where this one's can't be taken that one's may be.
    pub(super) fn offers_otherwise_later(&self) -> bool {
        let refused = self.media_encryption();
        self.left.iter().any(|later| self.media_encryption_of(later) != refused)
    }

    /// Leaves out those whose offer would be that of the current one.
    pub(super) fn pass_over_alike(&mut self) {
        let refused = self.media_encryption();
        let mut left = std::mem::take(&mut self.left);
        left.retain(|later| self.media_encryption_of(later) != refused);
        self.left = left;
    }

    fn media_encryption_of(&self, gateway: &Gateway) -> MediaEncryption {
        self.outbound().map(|outbound| outbound.media_encryption_of(gateway)).unwrap_or_default()
    }

    fn outbound(&self) -> Option<&Outbound> {
        self.permit.trunk().outbound.as_ref()
    }

    /// As URIs write it.
    fn host(&self) -> String {
        headers::in_uri(&self.current.host)
    }
}
