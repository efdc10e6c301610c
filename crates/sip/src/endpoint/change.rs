//! Our re-INVITEs (RFC 3261 s.14.1) and UPDATEs (RFC 3311): one at a time, and what stands in their way.

use std::time::{Duration, Instant};

use super::clients::{self, Invitation, Opens, Purpose};
use super::compose::{self, Head, Rest};
use super::drive::{Start, Started};
use super::turns::{Due, Ours};
use super::usage::{Offer, Phase, Stage, State, Takes};
use super::within::Told;
use super::{Body, DialogKey, Endpoint, Event, Header, Standing, Transmit};
use crate::dialog::Caller;
use crate::digest::Subject;
use crate::message::{Message, Method, StatusCode};
use crate::transaction::client_invite::{self, Reason};

/// How we change a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Reinvite,
    Update,
}

/// How a request of ours within a dialog ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With a final response.
    Response(StatusCode, Message),
    TimedOut,
    Unsendable,
}

impl Outcome {
    pub(super) fn of(reason: Reason) -> Self {
        match reason {
            Reason::TimedOut => Self::TimedOut,
            Reason::Unsendable => Self::Unsendable,
        }
    }
}

/// What stands in the way of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Obstacle {
    Nothing,
    /// Another change, or an ACK that is due.
    Turn,
}

#[expect(clippy::needless_pass_by_value, reason = "a verb takes what it is told, for it may keep it")]
impl Endpoint {
    /// Sends a re-INVITE in a confirmed dialog; with no body it asks the far side for an offer.
    ///
    /// Exactly one of `ReinviteAnswered` (then `acknowledge` it) and `ReinviteRejected` follows, unless the dialog ends before. While another
    /// change is under way in either direction it is rejected with 491 at once; and with 491, from there or from here, `OfferDue` follows
    /// when it is time to try again (RFC 3261 s.14.1). A far side that answers 481, or nothing, has lost the dialog: `Ended`.
    pub fn reinvite(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>, body: Option<Body>) {
        self.change(now, dialog, Change::Reinvite, &headers, body.as_ref());
    }

    /// Sends an UPDATE in a confirmed dialog, or in an early one (of several, the one heard of last). There an offer may go only after
    /// the first offer has been answered reliably.
    ///
    /// Exactly one of `UpdateAnswered` and `UpdateRejected` follows, with 491 and the end of the dialog as for `reinvite`.
    pub fn update(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>, body: Option<Body>) {
        self.change(now, dialog, Change::Update, &headers, body.as_ref());
    }

    /// Whether the far side says (by Allow) that it takes UPDATE; of several early dialogs, that of the one heard of last.
    pub fn takes_update(&self, dialog: DialogKey) -> bool {
        let peer = self.usages.get(dialog).and_then(|usage| match &usage.state {
            State::Incoming(incoming) => Some(incoming.peer),
            State::Outgoing(outgoing) => outgoing.forks.last().map(|fork| fork.peer),
            State::Confirmed(confirmed) => Some(confirmed.peer),
            State::Ending(_) => None,
        });
        peer.is_some_and(|peer| peer.update == Takes::Yes)
    }

    fn change(
        &mut self,
        now: Instant,
        key: DialogKey,
        change: Change,
        headers: &[Header],
        body: Option<&Body>,
    ) {
        self.drop_stale(key);
        let Some(usage) = self.usages.get_mut(key) else { return };
        let Some(tag) = usage.state.current().map(|dialog| dialog.remote_tag.clone()) else { return };
        let Some(obstacle) = obstacle(&usage.state, change, body) else { return };
        match obstacle {
            Obstacle::Nothing if self.has_room(Standing::Known) => {
                self.send_change(now, key, tag.as_deref(), change, headers, body);
            }
            Obstacle::Nothing => self.refuse_change(now, key, change, StatusCode::SERVICE_UNAVAILABLE, None),
            Obstacle::Turn => {
                self.put_off(now, key, tag.as_deref(), None);
                self.refuse_change(now, key, change, StatusCode::REQUEST_PENDING, None);
            }
        }
        self.index_usage(key);
    }

    fn send_change(
        &mut self,
        now: Instant,
        key: DialogKey,
        tag: Option<&str>,
        change: Change,
        headers: &[Header],
        body: Option<&Body>,
    ) {
        let Some(usage) = self.usages.get_mut(key) else { return };
        let mut all = vec![Header::new("Supported", "timer")];
        if let State::Confirmed(confirmed) = &usage.state {
            all.extend(confirmed.session.requesting(self.config.session));
        }
        all.extend_from_slice(headers);
        let Some(mut dialog) = usage.state.dialog_mut(tag).map(|(dialog, _)| dialog.clone()) else { return };
        let (flow, branch, cseq) = (dialog.hop(), self.random.branch(), dialog.next_cseq());
        let mut head = self.head_within(&dialog, &branch, cseq);
        let contact = self.contact(flow);
        let rest = Rest { contact: Some(&contact), headers: &all, body };
        let method = change.method();
        let octets = body.map_or(&[][..], |body| &body.bytes);
        let subject = Subject { method: &method, uri: &head.request_uri, body: octets };
        head.credentials = self.authorize(dialog.keys.as_mut(), subject);
        let request = compose::request(&head, &method, &self.config.user_agent, rest);
        let (machine, cancel) = match change {
            Change::Reinvite => {
                let invitation = Invitation {
                    dialog: key,
                    opens: Opens::Nothing,
                    head,
                    tag: dialog.local_tag.clone(),
                    acks: Vec::new(),
                    forks: Vec::new(),
                    instead: None,
                    keys: None,
                };
                (Started::Invite(Box::new(invitation)), Some(now + PATIENCE))
            }
            Change::Update => (Started::Other(Purpose::Update(key)), None),
        };
        let detours = dialog.detours();
        let start =
            Start { key: clients::key(&branch, &method), flow, detours, request, machine, keys: None };
        let client = self.start(now, start);
        if let Some((own, turns)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            *own = dialog;
            turns.ours = Ours::Out { client, cancel };
        }
    }

    /// A response to a re-INVITE of ours.
    pub(super) fn receive_reinvite_response(
        &mut self,
        now: Instant,
        id: u64,
        key: DialogKey,
        status: StatusCode,
        response: Message,
        action: &client_invite::Action,
    ) {
        match action {
            client_invite::Action::Pass if status.is_provisional() => {
                // Nobody waits for it any longer: without an end of its own it would ring for ever.
                if self.usages.changing(key, id).is_none() {
                    self.step_invite_client(now, id, client_invite::Input::Cancel);
                }
            }
            client_invite::Action::Pass => self.reinvite_accepted(now, id, key, response),
            client_invite::Action::AcknowledgeAndPass(_) => {
                self.changed(now, id, key, Change::Reinvite, Outcome::Response(status, response));
            }
            client_invite::Action::Nothing
            | client_invite::Action::Repeat
            | client_invite::Action::Acknowledge(_)
            | client_invite::Action::GiveUp(_) => {}
        }
    }

    /// A 2xx to a re-INVITE: the first, or one again.
    fn reinvite_accepted(&mut self, now: Instant, id: u64, key: DialogKey, response: Message) {
        let Some(invitation) = self.clients.invitation_mut(id) else { return };
        if let Some((_, ack)) = invitation.acks.first() {
            let again = ack.clone();
            return self.transmits.push_back(again);
        }
        let cseq = invitation.head.cseq;
        match self.usages.get_mut(key).map(|usage| &mut usage.state) {
            Some(State::Confirmed(confirmed)) if confirmed.turns.is_by(id) => {
                confirmed.turns.ours = Ours::Nowhere;
                confirmed.phase = Phase::Owing { invite: id, cseq };
                confirmed.agree(now, &response);
                self.index_usage(key);
                self.raise(Event::ReinviteAnswered { dialog: key, response });
            }
            // Again, before the core has said what the ACK is to carry.
            Some(State::Confirmed(confirmed)) if matches!(confirmed.phase, Phase::Owing { invite, .. } if invite == id) =>
                {}
            // The dialog is over or ending; its 2xx wants an ACK all the same.
            Some(State::Incoming(_) | State::Outgoing(_) | State::Confirmed(_) | State::Ending(_)) | None => {
                self.acknowledge_late(id);
            }
        }
    }

    /// The ACK to the 2xx of a re-INVITE whose dialog is gone: by the path of the re-INVITE.
    fn acknowledge_late(&mut self, id: u64) {
        let branch = self.random.branch();
        let Some(flow) = self.clients.get(id).map(|client| client.flow) else { return };
        let via = self.via(flow, &branch);
        let Some(invitation) = self.clients.invitation_mut(id) else { return };
        let head = Head { via, ..invitation.head.clone() };
        let bytes = compose::request(&head, &Method::Ack, &self.config.user_agent, Rest::default());
        let ack = Transmit { flow, bytes };
        invitation.acks.push((None, ack.clone()));
        self.transmits.push_back(ack);
    }

    /// How our re-INVITE or UPDATE ended, but for a 2xx to a re-INVITE.
    pub(super) fn changed(
        &mut self,
        now: Instant,
        id: u64,
        key: DialogKey,
        change: Change,
        outcome: Outcome,
    ) {
        if let Outcome::Response(StatusCode::SESSION_INTERVAL_TOO_SMALL, response) = &outcome
            && self.try_longer(now, id, response)
        {
            return;
        }
        let Some((dialog, turns)) = self.usages.changing(key, id) else { return };
        turns.ours = Ours::Nowhere;
        let tag = dialog.remote_tag.clone();
        let confirmed = self.usages.confirmed_mut(key);
        match outcome {
            Outcome::Response(status, response) if status.is_success() => {
                match confirmed {
                    Some(confirmed) => confirmed.agree(now, &response),
                    None => self.retarget(key, tag.as_deref(), &response),
                }
                self.index_usage(key);
                self.raise(Event::UpdateAnswered { dialog: key, response });
            }
            // 481 and 408 mean that the dialog is gone (s.12.2.1.2); a peer that said nothing is told so.
            Outcome::Response(StatusCode::CALL_DOES_NOT_EXIST, _) if confirmed.is_some() => {
                self.lost(now, key, Told::Not);
            }
            Outcome::Response(StatusCode::REQUEST_TIMEOUT, _) | Outcome::TimedOut if confirmed.is_some() => {
                self.lost(now, key, Told::ByBye);
            }
            Outcome::Response(status, response) => {
                let wait = retry_after(&response);
                if status == StatusCode::REQUEST_PENDING {
                    self.put_off(now, key, tag.as_deref(), None);
                } else if let (
                    StatusCode::SERVER_INTERNAL_ERROR | StatusCode::SERVICE_UNAVAILABLE,
                    Some(wait),
                ) = (status, wait)
                {
                    self.put_off(now, key, tag.as_deref(), Some(wait));
                }
                self.refuse_change(now, key, change, status, Some(response));
            }
            Outcome::TimedOut => self.refuse_change(now, key, change, StatusCode::REQUEST_TIMEOUT, None),
            Outcome::Unsendable => {
                self.refuse_change(now, key, change, StatusCode::SERVICE_UNAVAILABLE, None);
            }
        }
    }

    fn retarget(&mut self, key: DialogKey, tag: Option<&str>, response: &Message) {
        if let Some((dialog, _)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            dialog.retarget(response);
        }
    }

    fn refuse_change(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        change: Change,
        status: StatusCode,
        response: Option<Message>,
    ) {
        // If it was to refresh the session as well, that is still to be done.
        if let Some(confirmed) = self.usages.confirmed_mut(dialog) {
            confirmed.session.retry(now + AGAIN);
        }
        self.index_usage(dialog);
        self.raise(match change {
            Change::Reinvite => Event::ReinviteRejected { dialog, status, response },
            Change::Update => Event::UpdateRejected { dialog, status, response },
        });
    }

    /// Sees to it that `OfferDue` follows: after `wait`, or what s.14.1 has for a 491.
    fn put_off(&mut self, now: Instant, key: DialogKey, tag: Option<&str>, wait: Option<Duration>) {
        let random = self.random.below(1 << 16);
        if let Some((dialog, turns)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag))
            && turns.ours == Ours::Nowhere
        {
            turns.ours = Ours::Put { off: now + wait.unwrap_or_else(|| back_off(dialog.caller, random)) };
        }
    }

    /// Ends what we wait for in a dialog that ends.
    pub(super) fn abandon_ours(&mut self, now: Instant, key: DialogKey) {
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        if let Ours::Out { client, .. } = std::mem::replace(&mut confirmed.turns.ours, Ours::Nowhere) {
            self.step_invite_client(now, client, client_invite::Input::Cancel);
            self.index_client(client);
        }
    }

    /// Looks after the change that we wait for, or wait with.
    pub(super) fn expire_turns(&mut self, now: Instant, key: DialogKey) {
        let Some(usage) = self.usages.get_mut(key) else { return };
        let due: Vec<Due> = match &mut usage.state {
            State::Incoming(incoming) => vec![incoming.turns.expire(now)],
            State::Outgoing(outgoing) => {
                outgoing.forks.iter_mut().map(|fork| fork.turns.expire(now)).collect()
            }
            State::Confirmed(confirmed) => vec![confirmed.turns.expire(now)],
            State::Ending(_) => Vec::new(),
        };
        for due in due {
            match due {
                Due::Nothing => {}
                Due::Again => self.raise(Event::OfferDue { dialog: key }),
                Due::Cancel { client } => self.cancel_client(now, client, &[]),
            }
        }
    }

    /// Forgets a request of theirs that nobody has answered while its sender waited.
    pub(super) fn drop_stale(&mut self, key: DialogKey) {
        let Some(usage) = self.usages.get_mut(key) else { return };
        for turns in usage.state.turns_mut() {
            turns.theirs = turns.theirs.filter(|&id| self.servers.get(id).is_some());
        }
    }
}

impl Change {
    fn method(self) -> Method {
        match self {
            Self::Reinvite => Method::Invite,
            Self::Update => Method::Update,
        }
    }
}

/// What stands in the way; `None` where such a change makes no sense.
fn obstacle(state: &State, change: Change, body: Option<&Body>) -> Option<Obstacle> {
    let free = match (state, change) {
        (State::Confirmed(confirmed), Change::Reinvite | Change::Update) => match confirmed.phase {
            Phase::Closing(_) => return None,
            Phase::Owing { .. } => false,
            Phase::Open => confirmed.unacked.is_empty() && confirmed.turns.are_free(),
        },
        (State::Incoming(incoming), Change::Update) => {
            if !matches!(incoming.stage, Stage::Ringing { .. }) {
                return None;
            }
            incoming.turns.are_free() && (body.is_none() || incoming.offer == Offer::Settled)
        }
        (State::Outgoing(outgoing), Change::Update) => {
            let fork = outgoing.forks.last()?;
            fork.turns.are_free() && (body.is_none() || fork.offer == Offer::Settled)
        }
        (State::Incoming(_) | State::Outgoing(_), Change::Reinvite) | (State::Ending(_), _) => return None,
    };
    Some(if free { Obstacle::Nothing } else { Obstacle::Turn })
}

/// How long to wait after a 491, in steps of 10 ms (s.14.1): 2.1 to 4 s for who chose the Call-ID, 0 to 2 s for the other side.
pub(super) fn back_off(caller: Caller, random: u32) -> Duration {
    let steps = match caller {
        Caller::Us => 210 + random % 191,
        Caller::Them => random % 201,
    };
    Duration::from_millis(10 * u64::from(steps))
}

/// What a Retry-After says, as far as it neither has us ask without end nor wait for what is over by then.
pub(super) fn retry_after(response: &Message) -> Option<Duration> {
    seconds_after(response).map(|wait| wait.clamp(Duration::from_secs(1), Duration::from_secs(32)))
}

/// What a Retry-After says.
pub(super) fn seconds_after(response: &Message) -> Option<Duration> {
    let value = response.header("Retry-After")?;
    let digits = value.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()))
}

/// How long a re-INVITE may go without a final response before it is cancelled.
const PATIENCE: Duration = Duration::from_mins(1);

/// After how long a refresh is tried again that was refused.
const AGAIN: Duration = Duration::from_secs(10);
