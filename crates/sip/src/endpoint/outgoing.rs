//! INVITEs that we send: the UAC side up to and with the ACK (RFC 3261 s.13.2, s.9.1).

use std::time::Instant;

use super::again::Challenged;
use super::change::{Change, Outcome, seconds_after};
use super::clients::{self, Invitation, Machine, Opens};
use super::compose::{self, Head, Rest};
use super::drive::{Start, Started};
use super::large::Passage;
use super::session::{self, Session};
use super::turns::Turns;
use super::usage::{Cancel, Confirmed, MAX_FORKS, Offer, Outgoing, Peer, Phase, State, Usage};
use super::{
    Body, DialogKey, Endpoint, Event, Failure, Full, Header, Invite, Reliability, SUPPORTED, Standing,
    Transmit,
};
use crate::Flow;
use crate::dialog::Dialog;
use crate::digest::Keyring;
use crate::message::{Message, Method, StatusCode};
use crate::transaction::client_invite::Reason;
use crate::transaction::key::ClientKey;
use crate::transaction::{client_invite, client_other};

#[expect(clippy::needless_pass_by_value, reason = "a verb takes what it is told, for it may keep it")]
impl Endpoint {
    /// Sends an INVITE outside of any dialog.
    ///
    /// # Errors
    /// [`Full`] when a bound of [`Config`](super::Config) is reached.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<DialogKey, Full> {
        if !self.has_room(Standing::Known) || self.usages.len() >= self.config.max_dialogs {
            return Err(Full);
        }
        let dialog = DialogKey(self.next_key());
        let (tag, branch, call_id) = (self.random.tag(), self.random.branch(), self.random.call_id());
        let head = Head {
            request_uri: invite.request_uri,
            routes: Vec::new(),
            via: self.via(invite.flow, &branch),
            from: format!("{};tag={tag}", invite.from),
            to: invite.to,
            call_id: call_id.clone(),
            cseq: self.random.cseq(),
            max_forwards: invite.max_forwards,
            credentials: Vec::new(),
        };
        let mut headers = session::inviting(self.config.session);
        headers.extend(extensions(invite.reliability));
        headers.extend(invite.headers);
        let offer =
            if invite.body.as_ref().is_some_and(Body::describes) { Offer::Ours } else { Offer::Theirs };
        let mut passage = self.passage(invite.flow, branch, head, &headers, invite.body.as_ref());
        let mut instead = None;
        if let Some(stream) = self.stream_for(now, invite.flow, passage.request.len()) {
            let branch = self.random.branch();
            let head = Head { via: self.via(stream, &branch), ..passage.head.clone() };
            let long = self.passage(stream, branch, head, &headers, invite.body.as_ref());
            instead = Some(Box::new(std::mem::replace(&mut passage, long)));
        }
        let Passage { flow, branch, head, request } = passage;
        let invitation = Invitation {
            dialog,
            opens: Opens::Dialog,
            head,
            tag: tag.clone(),
            acks: Vec::new(),
            forks: Vec::new(),
            instead,
            keys: invite.credentials.map(Keyring::new),
        };
        let machine = Started::Invite(Box::new(invitation));
        let key = clients::key(&branch, &Method::Invite);
        let client = self.start(now, Start { key, flow, detours: Vec::new(), request, machine, keys: None });
        let state = State::Outgoing(Outgoing::new(client, offer, invite.reliability));
        self.usages.insert(dialog, Usage { call_id, local_tag: tag, state });
        Ok(dialog)
    }

    /// An INVITE as it goes by that flow.
    fn passage(
        &self,
        flow: Flow,
        branch: String,
        head: Head,
        headers: &[Header],
        body: Option<&Body>,
    ) -> Passage {
        let contact = self.contact(flow);
        let rest = Rest { contact: Some(&contact), headers, body };
        let request = compose::request(&head, &Method::Invite, &self.config.user_agent, rest);
        Passage { flow, branch, head, request }
    }

    /// Sends the ACK of `Event::Answered`, with the answer if the 2xx carried the offer; again for each repeated 2xx.
    pub fn acknowledge(&mut self, _now: Instant, dialog: DialogKey, body: Option<Body>) {
        let Some(confirmed) = self.usages.confirmed_mut(dialog) else { return };
        let Phase::Owing { invite, cseq } = confirmed.phase else { return };
        confirmed.phase = Phase::Open;
        let shared = confirmed.dialog.clone();
        self.send_ack(&shared, invite, cseq, body.as_ref());
    }

    /// Cancels our INVITE: at once, or upon the first provisional response. `Rejected` (487 as a rule) follows; a 2xx that
    /// crosses is acknowledged and ended by a BYE here, and `Rejected` with 487 still follows. After `Answered` it is `bye`.
    pub fn cancel(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>) {
        let Some(usage) = self.usages.get_mut(dialog) else { return };
        match &mut usage.state {
            State::Outgoing(outgoing) => match outgoing.cancel {
                Cancel::No => {
                    outgoing.cancel = Cancel::Held(headers);
                    self.release_cancel(now, dialog);
                }
                Cancel::Held(_) | Cancel::Sent => {}
            },
            State::Confirmed(_) => self.bye(now, dialog, headers),
            State::Incoming(_) | State::Ending(_) => {}
        }
    }

    /// Whether nothing at all, not even a 100, has come to our INVITE.
    pub fn is_unheard(&self, dialog: DialogKey) -> bool {
        let client = match self.usages.get(dialog).map(|usage| &usage.state) {
            Some(State::Outgoing(outgoing)) => self.clients.get(outgoing.client),
            Some(State::Incoming(_) | State::Confirmed(_) | State::Ending(_)) | None => None,
        };
        let machine = client.map(|client| &client.machine);
        matches!(machine, Some(Machine::Invite(client_invite::State::Calling { .. }, _)))
    }

    /// Sends a CANCEL that is wanted, if a provisional response has come.
    fn release_cancel(&mut self, now: Instant, dialog: DialogKey) {
        let Some(usage) = self.usages.get_mut(dialog) else { return };
        let State::Outgoing(outgoing) = &mut usage.state else { return };
        let Some(client) = self.clients.get(outgoing.client) else { return };
        let Machine::Invite(client_invite::State::Proceeding, _) = &client.machine else { return };
        let Cancel::Held(headers) = std::mem::replace(&mut outgoing.cancel, Cancel::Sent) else { return };
        let invite = outgoing.client;
        self.cancel_client(now, invite, &headers);
    }

    /// Sends the CANCEL of an INVITE or re-INVITE that has had a provisional response.
    pub(super) fn cancel_client(&mut self, now: Instant, invite: u64, headers: &[Header]) {
        let Some(client) = self.clients.get(invite) else { return };
        let Machine::Invite(client_invite::State::Proceeding, invitation) = &client.machine else { return };
        let rest = Rest { headers, ..Rest::default() };
        let request = compose::request(&invitation.head, &Method::Cancel, &self.config.user_agent, rest);
        let key = ClientKey { branch: client.key.branch.clone(), method: Method::Cancel };
        let (flow, detours) = (client.flow, client.detours.clone());
        let machine = Started::Other(clients::Purpose::Alone);
        self.start(now, Start { key, flow, detours, request, machine, keys: None });
        self.step_invite_client(now, invite, client_invite::Input::Cancel);
        self.index_client(invite);
    }

    pub(super) fn receive_response(&mut self, now: Instant, response: Message) {
        // Another hop's Via under ours: it was not meant for us (s.8.1.3.3).
        if response.headers("Via").nth(1).is_some() {
            return;
        }
        let Some(id) = ClientKey::of(&response).and_then(|key| self.clients.find(&key)) else { return };
        let Some(status) = response.status() else { return };
        match self.clients.get(id).map(|client| &client.machine) {
            Some(Machine::Invite(_, invitation)) => {
                let (dialog, opens) = (invitation.dialog, invitation.opens);
                self.receive_invite_response(now, id, dialog, opens, status, response);
            }
            Some(Machine::Other(_, purpose)) => {
                let purpose = *purpose;
                let input = if status.is_provisional() {
                    client_other::Input::Provisional
                } else {
                    client_other::Input::Final
                };
                let action = self.step_other_client(now, id, input);
                self.index_client(id);
                if action == client_other::Action::Pass
                    && self.answer_challenge(now, id, status, &response) != Challenged::Answered
                {
                    self.concluded(now, id, purpose, Outcome::Response(status, response));
                }
            }
            None => return,
        }
        self.index_client(id);
    }

    fn receive_invite_response(
        &mut self,
        now: Instant,
        id: u64,
        dialog: DialogKey,
        opens: Opens,
        status: StatusCode,
        response: Message,
    ) {
        let input = if status.is_provisional() {
            client_invite::Input::Provisional
        } else if status.is_success() {
            client_invite::Input::Success
        } else {
            client_invite::Input::Failure(self.failure_ack(id, &response))
        };
        if let Some(invitation) = self.clients.invitation_mut(id) {
            invitation.instead = None;
        }
        let action = self.step_invite_client(now, id, input);
        let challenged = match action {
            client_invite::Action::AcknowledgeAndPass(_) => self.answer_challenge(now, id, status, &response),
            client_invite::Action::Nothing
            | client_invite::Action::Repeat
            | client_invite::Action::Pass
            | client_invite::Action::Acknowledge(_)
            | client_invite::Action::GiveUp(_) => Challenged::No,
        };
        if challenged == Challenged::Answered {
            return;
        }
        if opens == Opens::Nothing {
            return self.receive_reinvite_response(now, id, dialog, status, response, &action);
        }
        match action {
            client_invite::Action::Pass if status.is_provisional() => {
                self.progressed(now, dialog, status, response);
            }
            client_invite::Action::Pass => self.succeeded(now, id, dialog, response),
            client_invite::Action::AcknowledgeAndPass(_) => {
                if status == StatusCode::SESSION_INTERVAL_TOO_SMALL && self.try_longer(now, id, &response) {
                    return;
                }
                let cancel = self.usages.outgoing_mut(dialog).map(|outgoing| &outgoing.cancel);
                let failure = match (status, challenged, cancel) {
                    (_, _, Some(Cancel::Held(_) | Cancel::Sent)) => Failure::Cancelled,
                    (StatusCode::SERVICE_UNAVAILABLE, _, _) => {
                        Failure::Unavailable { retry_after: seconds_after(&response) }
                    }
                    (_, Challenged::Denied(denial), _) => Failure::Denied(denial),
                    (_, Challenged::No | Challenged::Answered, Some(Cancel::No) | None) => Failure::Refused,
                };
                self.forget(dialog);
                self.raise(Event::Rejected { dialog, status, response: Some(response), failure });
            }
            client_invite::Action::Nothing
            | client_invite::Action::Repeat
            | client_invite::Action::Acknowledge(_)
            | client_invite::Action::GiveUp(_) => {}
        }
    }

    /// The ACK to a 300-699: hop by hop, so with the INVITE's own Via and Request-URI (s.17.1.1.3).
    fn failure_ack(&self, id: u64, response: &Message) -> bytes::Bytes {
        match self.clients.get(id).map(|client| &client.machine) {
            Some(Machine::Invite(_, invitation)) => {
                let to = response.header("To").unwrap_or_default().into_owned();
                let head = Head { to, ..invitation.head.clone() };
                compose::request(&head, &Method::Ack, "", Rest::default())
            }
            Some(Machine::Other(..)) | None => bytes::Bytes::new(),
        }
    }

    fn progressed(&mut self, now: Instant, dialog: DialogKey, status: StatusCode, response: Message) {
        let cancelled = match self.usages.get(dialog).map(|usage| &usage.state) {
            Some(State::Outgoing(outgoing)) => !matches!(outgoing.cancel, Cancel::No),
            Some(State::Incoming(_) | State::Confirmed(_) | State::Ending(_)) | None => return,
        };
        if cancelled {
            self.release_cancel(now, dialog);
        } else if status.code() > 100 {
            self.ringing(now, dialog, response);
        }
    }

    /// A 2xx: the first, one again, or one of another fork (s.13.2.2.4).
    fn succeeded(&mut self, now: Instant, id: u64, dialog: DialogKey, response: Message) {
        let Some(invitation) = self.clients.invitation_mut(id) else { return };
        let fork = response.to_tag();
        if let Some((_, ack)) = invitation.acks.iter().find(|(tag, _)| tag.as_deref() == fork) {
            let again = ack.clone();
            return self.transmits.push_back(again);
        }
        let (cseq, forks) = (invitation.head.cseq, invitation.acks.len());
        let early = self.take_fork(id, dialog, fork);
        let Some(flow) = self.clients.get(id).map(|client| client.flow) else { return };
        let Some(invitation) = self.clients.invitation_mut(id) else { return };
        let mut shared = Dialog::answered(&response, flow, invitation.opening());
        if let Some(early) = &early {
            shared = shared.after(&early.dialog);
        }
        match self.usages.get_mut(dialog).map(|usage| &mut usage.state) {
            Some(State::Outgoing(Outgoing { cancel: Cancel::No, .. })) => {
                let phase = Phase::Owing { invite: id, cseq };
                let confirmed = Confirmed {
                    dialog: shared,
                    unacked: Vec::new(),
                    turns: early.map_or(Turns::FREE, |early| early.turns),
                    phase,
                    session: Session::answered(now, &response),
                    peer: Peer::of(&response),
                    overtaken: None,
                };
                if let Some(usage) = self.usages.get_mut(dialog) {
                    usage.state = State::Confirmed(Box::new(confirmed));
                }
                self.index_usage(dialog);
                return self.raise(Event::Answered { dialog, response });
            }
            // It crossed our CANCEL, or overtook the provisional response that the CANCEL was waiting for.
            Some(State::Outgoing(Outgoing { cancel: Cancel::Held(_) | Cancel::Sent, .. })) => {
                self.forget(dialog);
                let status = StatusCode::REQUEST_TERMINATED;
                let failure = Failure::Cancelled;
                self.raise(Event::Rejected { dialog, status, response: None, failure });
            }
            // Again, before the core has said what the ACK is to carry.
            Some(State::Confirmed(confirmed))
                if matches!(confirmed.phase, Phase::Owing { .. })
                    && confirmed.dialog.remote_tag.as_deref() == fork =>
            {
                return;
            }
            Some(State::Incoming(_) | State::Confirmed(_) | State::Ending(_)) | None => {}
        }
        if forks >= MAX_FORKS {
            return;
        }
        self.send_ack(&shared, id, cseq, None);
        self.send_within(now, &mut shared, &Method::Bye, Rest::default(), clients::Purpose::Alone);
    }

    /// Sends the ACK to a 2xx, and keeps it for when that 2xx comes again.
    fn send_ack(&mut self, dialog: &Dialog, invite: u64, cseq: u32, body: Option<&Body>) {
        let branch = self.random.branch();
        let mut head = self.head_within(dialog, &branch, cseq);
        // The ACK has no challenge of its own (s.22.1).
        let invitation = self.clients.invitation(invite);
        head.credentials = invitation.map(|own| own.head.credentials.clone()).unwrap_or_default();
        let rest = Rest { body, ..Rest::default() };
        let bytes = compose::request(&head, &Method::Ack, &self.config.user_agent, rest);
        let ack = Transmit { flow: dialog.hop(), bytes };
        self.transmits.push_back(ack.clone());
        if let Some(invitation) = self.clients.invitation_mut(invite) {
            invitation.acks.push((dialog.remote_tag.clone(), ack));
        }
    }

    pub(super) fn expire_client(&mut self, now: Instant, id: u64) {
        match self.clients.get(id).map(|client| &client.machine) {
            Some(Machine::Invite(..)) => {
                let action = self.step_invite_client(now, id, client_invite::Input::Expire);
                self.end_invite(now, id, &action);
            }
            Some(Machine::Other(..)) => {
                let action = self.step_other_client(now, id, client_other::Input::Expire);
                self.end_other(now, id, &action);
            }
            None => {}
        }
    }

    pub(super) fn unsendable(&mut self, now: Instant, id: u64) {
        match self.clients.get(id).map(|client| &client.machine) {
            Some(Machine::Invite(..)) => {
                let action = self.step_invite_client(now, id, client_invite::Input::Unsendable);
                self.end_invite(now, id, &action);
            }
            Some(Machine::Other(..)) => {
                let action = self.step_other_client(now, id, client_other::Input::Unsendable);
                self.end_other(now, id, &action);
            }
            None => {}
        }
    }

    /// An INVITE that has no final response, if it has given up.
    fn end_invite(&mut self, now: Instant, id: u64, action: &client_invite::Action) {
        let about = self.clients.invitation_mut(id).map(|invitation| (invitation.dialog, invitation.opens));
        let instead = match action {
            client_invite::Action::GiveUp(Reason::Unsendable) => self.take_instead(now, id),
            client_invite::Action::GiveUp(Reason::TimedOut)
            | client_invite::Action::Nothing
            | client_invite::Action::Repeat
            | client_invite::Action::Pass
            | client_invite::Action::AcknowledgeAndPass(_)
            | client_invite::Action::Acknowledge(_) => None,
        };
        self.index_client(id);
        let (Some((dialog, opens)), client_invite::Action::GiveUp(reason)) = (about, action) else { return };
        if opens == Opens::Nothing {
            return self.changed(now, id, dialog, Change::Reinvite, Outcome::of(*reason));
        }
        let Some(usage) = self.usages.get(dialog) else { return };
        let (status, failure) = match &usage.state {
            State::Outgoing(Outgoing { cancel: Cancel::Held(_) | Cancel::Sent, .. }) => {
                (StatusCode::REQUEST_TERMINATED, Failure::Cancelled)
            }
            State::Outgoing(Outgoing { cancel: Cancel::No, .. }) => match reason {
                Reason::Unsendable if let Some((invitation, instead)) = instead => {
                    return self.send_unstreamed(now, id, invitation, instead);
                }
                Reason::TimedOut => (StatusCode::REQUEST_TIMEOUT, Failure::Silent),
                Reason::Unsendable => (StatusCode::SERVICE_UNAVAILABLE, Failure::Unsendable),
            },
            State::Incoming(_) | State::Confirmed(_) | State::Ending(_) => return,
        };
        self.forget(dialog);
        self.raise(Event::Rejected { dialog, status, response: None, failure });
    }

    fn end_other(&mut self, now: Instant, id: u64, action: &client_other::Action) {
        let purpose = match self.clients.get(id).map(|client| &client.machine) {
            Some(Machine::Other(_, purpose)) => Some(*purpose),
            Some(Machine::Invite(..)) | None => None,
        };
        self.index_client(id);
        if let (Some(purpose), client_other::Action::GiveUp(reason)) = (purpose, action) {
            self.concluded(now, id, purpose, Outcome::of(*reason));
        }
    }
}

/// What of the extensions an INVITE says.
fn extensions(reliability: Reliability) -> Vec<Header> {
    let supported = |value: &str| Header::new("Supported", value.to_owned());
    match reliability {
        Reliability::Unsupported => vec![supported("timer")],
        Reliability::Supported => vec![supported(SUPPORTED)],
        Reliability::Required => {
            vec![supported(SUPPORTED), Header::new("Require", "100rel")]
        }
    }
}
