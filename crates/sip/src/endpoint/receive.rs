//! Where a message goes that came in: to its transaction, to its dialog, or up as something fresh.

use std::time::Instant;

use bytes::Bytes;

use super::drive::{Passed, Purposed};
use super::refusing::Refusal;
use super::servers::{Machine, Purpose};
use super::usage::{Stage, State};
use super::{Endpoint, Event, Standing, TransactionKey, compose};
use crate::Flow;
use crate::message::{Message, Method, StatusCode};
use crate::transaction::key::ServerKey;
use crate::transaction::{server_invite, server_other};

impl Endpoint {
    pub(super) fn take_in(&mut self, now: Instant, flow: Flow, bytes: Bytes, standing: Standing) {
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => self.receive_request(now, flow, message, standing),
            Ok(message) => self.receive_response(now, message),
            Err(malformed) => match malformed.answer {
                Some((status, request)) if standing == Standing::Known => {
                    self.refuse(now, flow, *request, Refusal::told(status, malformed.fault));
                }
                Some(_) | None => self.raise(Event::Malformed { flow, fault: malformed.fault }),
            },
        }
    }

    fn receive_request(&mut self, now: Instant, flow: Flow, request: Message, standing: Standing) {
        if *request.method() == Method::Ack {
            return self.receive_ack(now, request);
        }
        if *request.method() == Method::Cancel {
            return self.receive_cancel(now, flow, request, standing);
        }
        if let Some(id) = self.servers.find(&ServerKey::of(&request)) {
            return self.receive_again(now, id);
        }
        if request.to_tag().is_some() {
            self.receive_within(now, flow, request, standing);
        } else {
            self.receive_fresh(now, flow, request, standing);
        }
    }

    /// A repeated request.
    fn receive_again(&mut self, now: Instant, id: u64) {
        match self.servers.get(id).map(|server| &server.machine) {
            Some(Machine::Invite(..)) => {
                self.step_invite_server(now, id, server_invite::Input::Request);
            }
            Some(Machine::Other(..)) => self.step_other_server(now, id, server_other::Input::Request),
            None => {}
        }
    }

    /// A request outside of any dialog.
    fn receive_fresh(&mut self, now: Instant, flow: Flow, request: Message, standing: Standing) {
        if let Some(copy) = self.servers.merged(&request) {
            if standing == Standing::Known && !self.is_silent(&copy.machine) {
                let refusal = Refusal::new(StatusCode::LOOP_DETECTED, "another copy of it is being served");
                self.refuse(now, flow, request, refusal);
            }
            return;
        }
        if standing == Standing::Known
            && let Some(refusal) = super::screen::fresh(&request, self.config.session)
        {
            return self.refuse(now, flow, request, refusal);
        }
        // A stranger's stray is not raised either: there is no dialog that it could be about.
        if super::screen::needs_dialog(request.method()) {
            return;
        }
        let invite = *request.method() == Method::Invite;
        let full = invite && self.usages.len() >= self.config.max_dialogs;
        if full || !self.has_room(standing) {
            if standing == Standing::Known {
                let words = "as many transactions or dialogs as there may be".to_owned();
                let busy = Refusal { reply: self.busy(), words };
                self.refuse(now, flow, request, busy);
            }
            return;
        }
        if invite {
            return self.invited(now, flow, request);
        }
        let tag = self.random.tag();
        let id = self.open(now, flow, request.clone(), tag, Purposed::Other(None));
        self.raise(Event::OutOfDialog { transaction: TransactionKey(id), request, flow });
    }

    /// Whether the core has not said, or has declined, to speak with the sender.
    fn is_silent(&self, machine: &Machine) -> bool {
        match machine {
            Machine::Invite(server_invite::State::Ignored { .. }, _)
            | Machine::Other(
                server_other::State::Disregarded { .. } | server_other::State::Trying { .. },
                _,
            ) => true,
            Machine::Invite(_, Purpose::Opening(key)) => self.is_undecided(*key),
            Machine::Invite(_, Purpose::Reinvite(_))
            | Machine::Other(server_other::State::Completed { .. } | server_other::State::Terminated, _) => {
                false
            }
        }
    }

    fn is_undecided(&self, key: super::DialogKey) -> bool {
        match self.usages.get(key).map(|usage| &usage.state) {
            Some(State::Incoming(incoming)) => incoming.stage == Stage::Undecided,
            Some(State::Outgoing(_) | State::Confirmed(_) | State::Ending(_)) | None => false,
        }
    }

    /// An ACK is its transaction's if it acknowledges a failure, and its dialog's if a 2xx. It is never answered.
    fn receive_ack(&mut self, now: Instant, request: Message) {
        if let Some(id) = self.servers.find(&ServerKey::of(&request))
            && self.step_invite_server(now, id, server_invite::Input::Ack) == Passed::No
        {
            return;
        }
        let Some(key) = request.to_tag().and_then(|tag| self.usages.find(tag, request.call_id())) else {
            return;
        };
        self.acknowledged(now, key, request);
    }

    /// CANCEL (RFC 3261 s.9.2).
    fn receive_cancel(&mut self, now: Instant, flow: Flow, request: Message, standing: Standing) {
        if let Some(id) = self.servers.find(&ServerKey::of(&request)) {
            return self.receive_again(now, id);
        }
        let target = self.servers.find(&ServerKey::cancelled_by(&request));
        let found = target.and_then(|id| Some((id, self.servers.get(id)?)));
        let Some((id, server)) = found else {
            if standing == Standing::Known {
                let unknown = compose::plain(StatusCode::CALL_DOES_NOT_EXIST);
                self.answer_statelessly(flow, &request, &unknown);
            }
            return;
        };
        // What the core has not decided on, or has ignored, is not there for its sender either. A client repeats its CANCEL, and so a
        // decision taken meanwhile lets a later one through.
        if self.is_silent(&server.machine) {
            return;
        }
        let Machine::Invite(state, purpose) = &server.machine else { return };
        let (open, purpose, tag) = (state.is_open(), *purpose, server.tag.clone());
        self.accept(now, flow, &request, tag, None);
        if !open {
            return;
        }
        match purpose {
            Purpose::Opening(key) => {
                self.finish(now, id, &compose::plain(StatusCode::REQUEST_TERMINATED));
                self.finish_theirs(now, key);
                self.forget(key);
                self.raise(Event::Cancelled { dialog: key, request });
            }
            Purpose::Reinvite(key) => {
                self.finish_theirs(now, key);
                self.raise(Event::ReinviteCancelled { dialog: key });
            }
        }
    }

    /// Answers a request 200, with a transaction if there is room for one.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        tag: String,
        dialog: Option<super::DialogKey>,
    ) {
        let ok = compose::plain(StatusCode::OK);
        self.conclude(now, flow, request, tag, dialog, &ok);
    }

    /// Answers a request with a final response at once, with a transaction if there is room for one.
    pub(super) fn conclude(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message,
        tag: String,
        dialog: Option<super::DialogKey>,
        reply: &super::Reply,
    ) {
        if !self.has_room(Standing::Known) {
            return self.answer_statelessly(flow, request, reply);
        }
        let purpose = match dialog {
            Some(key) if *request.method() == Method::Invite => Purposed::Invite(Purpose::Reinvite(key)),
            Some(_) | None => Purposed::Other(dialog),
        };
        let id = self.open(now, flow, request.clone(), tag, purpose);
        self.finish(now, id, reply);
    }
}
