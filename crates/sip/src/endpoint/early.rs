//! The early dialogs of an INVITE that we sent, one for each fork that rings (RFC 3261 s.12.1.2), and the PRACKs in them (RFC 3262 s.4).

use std::time::Instant;

use super::clients::{self, Machine};
use super::compose::Rest;
use super::turns::Turns;
use super::usage::{Cancel, MAX_FORKS, Offer, Outgoing, Peer, State};
use super::{Body, DialogKey, Endpoint, Event, Header, Reliability, description};
use crate::dialog::Dialog;
use crate::message::{Message, Method};

#[derive(Clone, Debug)]
pub(super) struct Early {
    pub(super) dialog: Dialog,
    pub(super) offer: Offer,
    pub(super) turns: Turns,
    pub(super) peer: Peer,
    /// The `RSeq` of its last reliable response in order.
    rseq: Option<u32>,
}

/// What a provisional response is to the core above.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Heard {
    Progress,
    Offer,
    /// It came before, or one before it is missing: it will come again in its turn.
    OutOfTurn,
}

#[expect(clippy::needless_pass_by_value, reason = "a verb takes what it is told, for it may keep it")]
impl Endpoint {
    /// Sends the PRACK of `Event::EarlyOffer`: `body` is the answer to the offer in `response`.
    pub fn prack(&mut self, now: Instant, dialog: DialogKey, response: &Message, body: Body) {
        let Some(outgoing) = self.usages.outgoing_mut(dialog) else { return };
        let Some(fork) = outgoing.fork_mut(response.to_tag()) else { return };
        if fork.offer == Offer::Theirs && fork.rseq.is_some() && fork.rseq == rseq(response) {
            fork.offer = Offer::Settled;
            self.send_prack(now, dialog, response, Some(&body));
        }
    }

    /// A provisional response to our INVITE, other than 100.
    pub(super) fn ringing(&mut self, now: Instant, dialog: DialogKey, response: Message) {
        match self.hear(now, dialog, &response) {
            Heard::Progress => self.raise(Event::Progress { dialog, response }),
            Heard::Offer => self.raise(Event::EarlyOffer { dialog, response }),
            Heard::OutOfTurn => {}
        }
    }

    fn hear(&mut self, now: Instant, key: DialogKey, response: &Message) -> Heard {
        let Some(outgoing) = self.usages.outgoing_mut(key) else { return Heard::OutOfTurn };
        let Some(tag) = response.to_tag() else { return Heard::Progress };
        if outgoing.fork_mut(Some(tag)).is_none() {
            if outgoing.forks.len() >= MAX_FORKS {
                return Heard::Progress;
            }
            let Some(client) = self.clients.get(outgoing.client) else { return Heard::Progress };
            let Machine::Invite(_, invitation) = &client.machine else { return Heard::Progress };
            let dialog = Dialog::answered(response, client.flow, invitation.opening());
            outgoing.forks.push(Early {
                dialog,
                offer: outgoing.offer,
                turns: Turns::FREE,
                peer: Peer::of(response),
                rseq: None,
            });
        }
        outgoing.last_heard_of(tag);
        let reliable = match outgoing.reliability {
            Reliability::Unsupported => None,
            Reliability::Supported | Reliability::Required => rseq(response),
        };
        let Some(number) = reliable else { return Heard::Progress };
        let Some(fork) = outgoing.fork_mut(Some(tag)) else { return Heard::Progress };
        if fork.rseq.is_some_and(|last| last.checked_add(1) != Some(number)) {
            return Heard::OutOfTurn;
        }
        fork.rseq = Some(number);
        match (fork.offer, description::describes(response)) {
            (Offer::Theirs, true) => return Heard::Offer,
            (Offer::Ours, true) => fork.offer = Offer::Settled,
            (Offer::Theirs | Offer::Ours, false) | (Offer::Settled, _) => {}
        }
        self.send_prack(now, key, response, None);
        Heard::Progress
    }

    fn send_prack(&mut self, now: Instant, key: DialogKey, response: &Message, body: Option<&Body>) {
        let Some(number) = rseq(response) else { return };
        let tag = response.to_tag();
        let Some(fork) = self.usages.outgoing_mut(key).and_then(|outgoing| outgoing.fork_mut(tag)) else {
            return;
        };
        let mut dialog = fork.dialog.clone();
        let value = format!("{number} {} INVITE", response.cseq().number);
        let headers = [Header::new("RAck", value)];
        let rest = Rest { contact: None, headers: &headers, body };
        self.send_within(now, &mut dialog, &Method::Prack, rest, clients::Purpose::Alone);
        if let Some(fork) = self.usages.outgoing_mut(key).and_then(|outgoing| outgoing.fork_mut(tag)) {
            fork.dialog = dialog;
        }
    }

    /// The early dialog, if any, that a 2xx to the INVITE `id` confirms: its numbers go on in the dialog that the 2xx makes. The
    /// others wait with the INVITE for a 2xx of their own.
    pub(super) fn take_fork(&mut self, id: u64, key: DialogKey, tag: Option<&str>) -> Option<Early> {
        let forks = self.usages.outgoing_mut(key).map(|outgoing| std::mem::take(&mut outgoing.forks));
        let invitation = self.clients.invitation_mut(id)?;
        invitation.forks.extend(forks.into_iter().flatten());
        let at = invitation.forks.iter().position(|fork| fork.dialog.remote_tag.as_deref() == tag)?;
        Some(invitation.forks.remove(at))
    }
}

impl Outgoing {
    pub(super) fn new(client: u64, offer: Offer, reliability: Reliability) -> Self {
        Self { client, cancel: Cancel::No, offer, reliability, forks: Vec::new() }
    }

    pub(super) fn fork_mut(&mut self, tag: Option<&str>) -> Option<&mut Early> {
        self.forks.iter_mut().find(|fork| fork.dialog.remote_tag.as_deref() == tag)
    }

    fn last_heard_of(&mut self, tag: &str) {
        if let Some(at) = self.forks.iter().position(|fork| fork.dialog.remote_tag.as_deref() == Some(tag)) {
            self.forks[at..].rotate_left(1);
        }
    }
}

impl State {
    /// The dialog that is changed: of several early ones that which was heard of last.
    pub(super) fn current(&self) -> Option<&Dialog> {
        match self {
            Self::Incoming(incoming) => Some(&incoming.dialog),
            Self::Outgoing(outgoing) => outgoing.forks.last().map(|fork| &fork.dialog),
            Self::Confirmed(confirmed) => Some(&confirmed.dialog),
            Self::Ending(dialog) => Some(dialog),
        }
    }
}

/// The number of a provisional response that is reliable.
fn rseq(response: &Message) -> Option<u32> {
    let required = response.headers("Require").any(|tag| tag.eq_ignore_ascii_case("100rel"));
    response.header("RSeq").filter(|_| required)?.trim().parse().ok().filter(|&number| number > 0)
}
