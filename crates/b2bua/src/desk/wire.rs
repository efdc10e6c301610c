//! SIP verbs. What the endpoint wants sent goes to the outbox with each of them, so that it keeps its place among the other effects.

use bytes::Bytes;
use sip::endpoint::{
    Body, Census, DialogKey, Event, Full, Header, Invite, Reliability, Reply, TransactionKey,
};
use sip::{Flow, Message, Method};

use super::{Desk, Owner};
use crate::fate::{Fate, Phase};
use crate::identify::identify;
use crate::io::{Now, Output};
use crate::refusal;

impl Desk {
    /// A source that nobody owns is told nothing beyond the dialogs that it is part of, until a call decides otherwise.
    pub(crate) fn receive(&mut self, now: Now, flow: Flow, bytes: Bytes) {
        match identify(&self.directory, flow.transport, flow.remote.ip()) {
            Some(_) => self.endpoint.receive(now.instant, flow, bytes),
            None => self.endpoint.receive_from_stranger(now.instant, flow, bytes),
        }
        self.flush();
    }

    pub(crate) fn flow_failed(&mut self, now: Now, flow: Flow) {
        self.endpoint.flow_failed(now.instant, flow);
        self.flush();
    }

    pub(crate) fn expire(&mut self, now: Now) {
        self.endpoint.expire(now.instant);
        self.flush();
    }

    pub(crate) fn event(&mut self) -> Option<Event> {
        self.endpoint.poll_event()
    }

    pub(crate) fn wire_deadline(&self) -> Option<std::time::Instant> {
        self.endpoint.deadline()
    }

    pub(crate) fn wire_census(&self) -> Census {
        self.endpoint.census()
    }

    pub(crate) fn trying(&mut self, now: Now, dialog: DialogKey) {
        self.endpoint.trying(now.instant, dialog);
        self.flush();
    }

    /// Sends a provisional response; reliably if the caller insists on that.
    pub(crate) fn ring(&mut self, now: Now, dialog: DialogKey, reply: Reply) {
        self.endpoint.ring(now.instant, dialog, reply);
        self.flush();
    }

    /// Sends a provisional response reliably, if the caller takes that.
    pub(crate) fn ring_reliably(&mut self, now: Now, dialog: DialogKey, reply: Reply) {
        self.endpoint.ring_reliably(now.instant, dialog, reply);
        self.flush();
    }

    /// What the caller's INVITE says of reliable provisional responses.
    pub(crate) fn reliability(&self, dialog: DialogKey) -> Reliability {
        self.endpoint.reliability(dialog)
    }

    /// Sends the 2xx, once no PRACK stands in its way.
    pub(crate) fn answer(&mut self, now: Now, dialog: DialogKey, reply: Reply) {
        self.endpoint.answer(now.instant, dialog, reply);
        self.flush();
    }

    /// Whether the 2xx is out.
    pub(crate) fn is_answered(&self, dialog: DialogKey) -> bool {
        self.endpoint.is_confirmed(dialog)
    }

    /// Refuses the caller, or leaves it without an answer, as the fate says. Its dialog is over.
    pub(crate) fn refuse(&mut self, now: Now, dialog: DialogKey, fate: &Fate) {
        self.index.dialogs.remove(&dialog);
        match refusal::reply(fate) {
            Some(reply) => self.endpoint.reject(now.instant, dialog, reply),
            None => self.endpoint.ignore(now.instant, dialog),
        }
        self.flush();
    }

    /// Refuses the caller with that. Its dialog is over.
    pub(crate) fn reject(&mut self, now: Now, dialog: DialogKey, reply: Reply) {
        self.index.dialogs.remove(&dialog);
        self.endpoint.reject(now.instant, dialog, reply);
        self.flush();
    }

    /// Asks the caller for credentials: it has to send its INVITE again with them.
    pub(crate) fn challenge(&mut self, now: Now, dialog: DialogKey, challenges: Vec<String>) {
        self.reject(now, dialog, refusal::challenge(challenges));
    }

    /// What is wrong with a request of somebody who was a stranger when it came: the answer to it, and the words of that.
    pub(crate) fn object(&self, request: &Message) -> Option<(Reply, String)> {
        self.endpoint.object(request)
    }

    pub(crate) fn respond(&mut self, now: Now, transaction: TransactionKey, reply: Reply) {
        self.endpoint.respond(now.instant, transaction, reply);
        self.flush();
    }

    pub(crate) fn disregard(&mut self, now: Now, transaction: TransactionKey) {
        self.endpoint.disregard(now.instant, transaction);
        self.flush();
    }

    pub(crate) fn invite(&mut self, now: Now, owner: Owner, invite: Invite) -> Result<DialogKey, Full> {
        let dialog = self.endpoint.invite(now.instant, invite)?;
        self.index.dialogs.insert(dialog, owner);
        self.flush();
        Ok(dialog)
    }

    /// Whether nothing at all has come to our INVITE.
    pub(crate) fn is_unheard(&self, dialog: DialogKey) -> bool {
        self.endpoint.is_unheard(dialog)
    }

    pub(crate) fn acknowledge(&mut self, now: Now, dialog: DialogKey, body: Option<Body>) {
        self.endpoint.acknowledge(now.instant, dialog, body);
        self.flush();
    }

    /// Offers a change of the session, or to leave it as it is.
    pub(crate) fn reinvite(&mut self, now: Now, dialog: DialogKey, description: &str) {
        let body = refusal::session_description(description);
        self.endpoint.reinvite(now.instant, dialog, Vec::new(), Some(body));
        self.flush();
    }

    /// The same by UPDATE.
    pub(crate) fn update(&mut self, now: Now, dialog: DialogKey, description: &str) {
        let body = refusal::session_description(description);
        self.endpoint.update(now.instant, dialog, Vec::new(), Some(body));
        self.flush();
    }

    /// Whether the far side takes UPDATE.
    pub(crate) fn takes_update(&self, dialog: DialogKey) -> bool {
        self.endpoint.takes_update(dialog)
    }

    /// Takes back our INVITE. The endpoint sees it to its end; the call hears no more of it.
    pub(crate) fn cancel(&mut self, now: Now, dialog: DialogKey, headers: Vec<Header>) {
        self.index.dialogs.remove(&dialog);
        self.endpoint.cancel(now.instant, dialog, headers);
        self.flush();
    }

    /// Ends a dialog. The endpoint sees the BYE to its end; the call hears no more of it.
    pub(crate) fn bye(&mut self, now: Now, dialog: DialogKey, fate: &Fate) {
        self.index.dialogs.remove(&dialog);
        self.endpoint.bye(now.instant, dialog, refusal::reasons(fate, Phase::Answered));
        self.flush();
    }

    /// Asks whether the far side is there, unless a session timer does. `Ended` follows if it is not.
    pub(crate) fn probe(&mut self, now: Now, dialog: DialogKey) {
        if self.endpoint.is_timed(dialog) {
            return;
        }
        self.endpoint.request(now.instant, dialog, Method::Options, Vec::new(), None);
        self.flush();
    }

    /// The far side ended the dialog.
    pub(crate) fn forget(&mut self, dialog: DialogKey) {
        self.index.dialogs.remove(&dialog);
    }

    pub(crate) fn call_id(&self, dialog: DialogKey) -> String {
        self.endpoint.call_id(dialog).unwrap_or_default().to_owned()
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.put(Output::Transmit(transmit));
        }
    }
}
