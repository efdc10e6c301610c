//! Requests within a dialog, theirs and ours, and its end (RFC 3261 s.12.2, 14, 15; RFC 5407).

use std::time::Instant;

use super::change::{Change, Outcome};
use super::compose::{self, Head, Rest};
use super::drive::{Purposed, Start, Started};
use super::servers::Purpose;
use super::turns::Turns;
use super::usage::{Offer, Phase, State};
use super::{
    Body, DialogKey, Endpoint, Event, Header, Reply, SessionTimer, Standing, TransactionKey, clients,
    description, screen,
};
use crate::Flow;
use crate::dialog::{Dialog, OutOfOrder};
use crate::digest::Subject;
use crate::message::{Message, Method, StatusCode};

#[expect(clippy::needless_pass_by_value, reason = "a verb takes what it is told, for it may keep it")]
impl Endpoint {
    /// Sends BYE. `Byed` follows. For a received INVITE that is answered but without ACK yet, it waits for the ACK or
    /// for its lack (RFC 3261 s.15). Before any 2xx it is `cancel` of our INVITE, or a rejection of theirs with 480.
    pub fn bye(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>) {
        match self.usages.get(dialog).map(|usage| &usage.state) {
            Some(State::Incoming(_)) => {
                self.reject(now, dialog, compose::plain(StatusCode::TEMPORARILY_UNAVAILABLE));
                self.raise(Event::Byed { dialog });
            }
            Some(State::Outgoing(_)) => self.cancel(now, dialog, headers),
            Some(State::Confirmed(confirmed)) => {
                if let Phase::Owing { .. } = confirmed.phase {
                    self.acknowledge(now, dialog, None);
                }
                self.finish_changes(now, dialog);
                self.close(now, dialog, headers);
            }
            Some(State::Ending(_)) | None => {}
        }
    }

    /// Sends the BYE, or holds it while a 2xx of ours waits for its ACK.
    fn close(&mut self, now: Instant, key: DialogKey, headers: Vec<Header>) {
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        match confirmed.phase {
            Phase::Closing(_) => {}
            Phase::Open | Phase::Owing { .. } if !confirmed.unacked.is_empty() => {
                confirmed.phase = Phase::Closing(headers);
            }
            Phase::Open | Phase::Owing { .. } => self.send_bye(now, key, &headers),
        }
    }

    /// Sends a request within a confirmed dialog whose answer nobody waits for (INFO). Without room for it, it is dropped.
    pub fn request(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        method: Method,
        headers: Vec<Header>,
        body: Option<Body>,
    ) {
        if !self.has_room(Standing::Known) {
            return;
        }
        let Some(confirmed) = self.usages.confirmed_mut(dialog) else { return };
        match confirmed.phase {
            Phase::Open => {}
            Phase::Owing { .. } | Phase::Closing(_) => return,
        }
        let mut shared = confirmed.dialog.clone();
        self.send_within(
            now,
            &mut shared,
            &method,
            Rest { contact: None, headers: &headers, body: body.as_ref() },
            clients::Purpose::Within(dialog),
        );
        if let Some(confirmed) = self.usages.confirmed_mut(dialog) {
            confirmed.dialog = shared;
        }
    }

    /// Sends the BYE of a confirmed dialog.
    pub(super) fn send_bye(&mut self, now: Instant, key: DialogKey, headers: &[Header]) {
        let Some(usage) = self.usages.remove(key) else { return };
        let State::Confirmed(confirmed) = usage.state else {
            return self.usages.insert(key, usage);
        };
        let mut dialog = confirmed.dialog;
        let rest = Rest { headers, ..Rest::default() };
        self.send_within(now, &mut dialog, &Method::Bye, rest, clients::Purpose::Bye(key));
        let state = State::Ending(Box::new(dialog));
        self.usages.insert(key, super::usage::Usage { state, ..usage });
        self.index_usage(key);
    }

    /// Sends a request within a dialog. The BYE of a dialog needs no room: there are no more of them than of dialogs. One that
    /// nobody waits for is sent but once if there is none.
    pub(super) fn send_within(
        &mut self,
        now: Instant,
        dialog: &mut Dialog,
        method: &Method,
        rest: Rest<'_>,
        purpose: clients::Purpose,
    ) {
        let flow = dialog.hop();
        let branch = self.random.branch();
        let cseq = dialog.next_cseq();
        let mut head = self.head_within(dialog, &branch, cseq);
        let body = rest.body.map_or(&[][..], |body| &body.bytes);
        head.credentials =
            self.authorize(dialog.keys.as_mut(), Subject { method, uri: &head.request_uri, body });
        let request = compose::request(&head, method, &self.config.user_agent, rest);
        if purpose == clients::Purpose::Alone && !self.has_room(Standing::Known) {
            return self.send(flow, request);
        }
        let key = clients::key(&branch, method);
        let detours = dialog.detours();
        let keys = dialog.keys.clone().filter(|_| purpose == clients::Purpose::Alone);
        self.start(now, Start { key, flow, detours, request, machine: Started::Other(purpose), keys });
    }

    pub(super) fn head_within(&self, dialog: &Dialog, branch: &str, cseq: u32) -> Head {
        let (request_uri, routes) = dialog.path();
        Head {
            request_uri,
            routes,
            via: self.via(dialog.hop(), branch),
            from: dialog.local.clone(),
            to: dialog.remote.clone(),
            call_id: dialog.call_id.clone(),
            cseq,
            max_forwards: MAX_FORWARDS,
            credentials: Vec::new(),
        }
    }

    /// A request that says to be within a dialog.
    pub(super) fn receive_within(&mut self, now: Instant, flow: Flow, request: Message, standing: Standing) {
        let key = request.to_tag().and_then(|tag| self.usages.find(tag, request.call_id()));
        if let Some(key) = key {
            self.drop_stale(key);
        }
        let Some((key, judged)) = key.and_then(|key| Some((key, self.judge(key, &request)?))) else {
            if standing == Standing::Known {
                let unknown = compose::plain(StatusCode::CALL_DOES_NOT_EXIST);
                self.answer_statelessly(flow, &request, &unknown);
            }
            return;
        };
        let tag = request.from_tag();
        if let Some((dialog, _)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            dialog.hear(flow);
        }
        self.usages.tie(key);
        match judged {
            Judged::Refused(reply) => self.conclude(now, flow, &request, String::new(), Some(key), &reply),
            Judged::Later => {
                let reply = self.later(StatusCode::SERVER_INTERNAL_ERROR);
                self.conclude(now, flow, &request, String::new(), Some(key), &reply);
            }
            Judged::Hangup => self.hung_up(now, key, flow, request),
            Judged::Pracked => self.pracked(now, key, flow, request),
            Judged::Refreshed => {
                self.refresh(key, &request, flow);
                let mut reply = compose::plain(StatusCode::OK);
                self.grant(now, key, &request, &mut reply);
                self.index_usage(key);
                self.conclude(now, flow, &request, String::new(), Some(key), &reply);
            }
            Judged::Taken if !self.has_room(Standing::Known) => {
                let busy = self.busy();
                self.answer_statelessly(flow, &request, &busy);
            }
            Judged::Taken => self.take_within(now, key, flow, request),
        }
    }

    /// What becomes of a request within a dialog; `None` if the dialog is not its own.
    fn judge(&mut self, key: DialogKey, request: &Message) -> Option<Judged> {
        let timer = self.config.session;
        let kind = Kind::of(request);
        let updating = |turns: Turns| {
            let open = turns.theirs.and_then(|id| self.servers.get(id));
            open.is_some_and(|server| *server.request.method() == Method::Update)
        };
        match &mut self.usages.get_mut(key)?.state {
            State::Outgoing(outgoing) => {
                let Some(fork) = outgoing.fork_mut(request.from_tag()) else {
                    return Some(match kind {
                        // Its 18x may be lost or late.
                        Kind::Refresh => {
                            screen::within(request, timer).map_or(Judged::Refreshed, Judged::Refused)
                        }
                        // Our INVITE is open, and with it our offer (RFC 3311 s.5.2).
                        Kind::Offer => refused(StatusCode::REQUEST_PENDING),
                        Kind::Bye | Kind::Invite | Kind::Prack | Kind::Other => {
                            refused(StatusCode::CALL_DOES_NOT_EXIST)
                        }
                    });
                };
                let judged = in_order(&mut fork.dialog, request, timer)?;
                Some(judged.unwrap_or(match kind {
                    // A callee may not hang up before it has answered (s.15).
                    Kind::Bye | Kind::Prack => refused(StatusCode::CALL_DOES_NOT_EXIST),
                    Kind::Invite => refused(StatusCode::REQUEST_PENDING),
                    Kind::Offer => offered(fork.offer, fork.turns),
                    Kind::Refresh if updating(fork.turns) => Judged::Later,
                    Kind::Refresh => Judged::Refreshed,
                    Kind::Other => Judged::Taken,
                }))
            }
            State::Ending(dialog) => dialog.owns(request).then(|| match kind {
                Kind::Bye => Judged::Hangup,
                Kind::Invite | Kind::Offer | Kind::Refresh | Kind::Prack | Kind::Other => {
                    refused(StatusCode::CALL_DOES_NOT_EXIST)
                }
            }),
            State::Incoming(incoming) => {
                let judged = in_order(&mut incoming.dialog, request, timer)?;
                Some(judged.unwrap_or(match kind {
                    Kind::Bye => Judged::Hangup,
                    Kind::Prack if incoming.reliable.is_awaited(request) => Judged::Pracked,
                    Kind::Prack => refused(StatusCode::CALL_DOES_NOT_EXIST),
                    // Their INVITE is open.
                    Kind::Invite => Judged::Later,
                    Kind::Offer => offered(incoming.offer, incoming.turns),
                    Kind::Refresh if updating(incoming.turns) => Judged::Later,
                    Kind::Refresh => Judged::Refreshed,
                    Kind::Other => Judged::Taken,
                }))
            }
            State::Confirmed(confirmed) => {
                let judged = in_order(&mut confirmed.dialog, request, timer)?;
                let ours = confirmed.unacked.iter().any(|unacked| unacked.offer == Offer::Ours);
                let overtaken = confirmed.overtaken.is_some_and(|what| what.is_in(request));
                Some(judged.unwrap_or(match (kind, &confirmed.phase) {
                    (Kind::Bye, _) => Judged::Hangup,
                    (Kind::Prack, _) if overtaken => Judged::Pracked,
                    (Kind::Prack, _)
                    | (Kind::Invite | Kind::Offer | Kind::Refresh | Kind::Other, Phase::Closing(_)) => {
                        refused(StatusCode::CALL_DOES_NOT_EXIST)
                    }
                    (Kind::Invite | Kind::Offer, Phase::Owing { .. }) => refused(StatusCode::REQUEST_PENDING),
                    // Our 2xx made the offer, and the ACK that answers it is not here (RFC 5407 s.3.1.5).
                    (Kind::Invite | Kind::Offer, Phase::Open) if ours && confirmed.turns.theirs.is_none() => {
                        refused(StatusCode::REQUEST_PENDING)
                    }
                    // Who acknowledges nothing gets no more to be sent again and again.
                    (Kind::Invite, Phase::Open) if confirmed.unacked.len() >= MAX_UNACKED => Judged::Later,
                    (Kind::Invite | Kind::Offer, Phase::Open) => offered(Offer::Settled, confirmed.turns),
                    (Kind::Refresh, Phase::Open | Phase::Owing { .. }) if updating(confirmed.turns) => {
                        Judged::Later
                    }
                    (Kind::Refresh, Phase::Open | Phase::Owing { .. }) => Judged::Refreshed,
                    (Kind::Other, Phase::Open | Phase::Owing { .. }) => Judged::Taken,
                }))
            }
        }
    }

    /// Raises a request within a dialog.
    fn take_within(&mut self, now: Instant, key: DialogKey, flow: Flow, request: Message) {
        let kind = Kind::of(&request);
        let purpose = match kind {
            Kind::Invite => Purposed::Invite(Purpose::Reinvite(key)),
            Kind::Bye | Kind::Offer | Kind::Refresh | Kind::Prack | Kind::Other => Purposed::Other(Some(key)),
        };
        let id = self.open(now, flow, request.clone(), String::new(), purpose);
        let transaction = TransactionKey(id);
        match kind {
            Kind::Invite => {
                self.hand_over(key, &request, id);
                self.raise(Event::Reinvited { dialog: key, transaction, request });
            }
            Kind::Offer => {
                self.hand_over(key, &request, id);
                self.raise(Event::Updated { dialog: key, transaction, request });
            }
            Kind::Bye | Kind::Refresh | Kind::Prack | Kind::Other => {
                self.raise(Event::Requested { dialog: key, transaction, request });
            }
        }
    }

    /// Notes that the core is to answer an offer.
    pub(super) fn hand_over(&mut self, key: DialogKey, request: &Message, id: u64) {
        let tag = request.from_tag();
        if let Some((_, turns)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            turns.theirs = Some(id);
        }
    }

    /// Notes that the core has answered one.
    pub(super) fn settle(&mut self, key: DialogKey, request: &Message, id: u64) {
        let tag = request.from_tag();
        if let Some((_, turns)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            turns.theirs = turns.theirs.filter(|&theirs| theirs != id);
        }
    }

    /// Their BYE.
    fn hung_up(&mut self, now: Instant, key: DialogKey, flow: Flow, request: Message) {
        self.accept(now, flow, &request, String::new(), Some(key));
        let event = match self.usages.get(key).map(|usage| &usage.state) {
            // Ours crossed it, and will have its own end.
            Some(State::Outgoing(_) | State::Ending(_)) | None => return,
            Some(State::Incoming(incoming)) => {
                let server = incoming.server;
                self.finish(now, server, &compose::plain(StatusCode::REQUEST_TERMINATED));
                self.finish_theirs(now, key);
                Event::Ended { dialog: key, request: Some(request) }
            }
            Some(State::Confirmed(confirmed)) => {
                let event = match confirmed.phase {
                    Phase::Closing(_) => Event::Byed { dialog: key },
                    Phase::Open | Phase::Owing { .. } => Event::Ended { dialog: key, request: Some(request) },
                };
                self.finish_changes(now, key);
                event
            }
        };
        self.forget(key);
        self.raise(event);
    }

    /// How a request of ours within a dialog ended.
    pub(super) fn concluded(&mut self, now: Instant, id: u64, purpose: clients::Purpose, outcome: Outcome) {
        match purpose {
            clients::Purpose::Alone => {}
            clients::Purpose::Bye(key) => {
                self.forget(key);
                self.raise(Event::Byed { dialog: key });
            }
            clients::Purpose::Update(key) => self.changed(now, id, key, Change::Update, outcome),
            clients::Purpose::Refresh(key) => self.refreshed(now, id, key, &outcome),
            // 481 and 408 mean that the dialog is gone (s.12.2.1.2); a peer that said nothing is told so.
            clients::Purpose::Within(key) => match outcome {
                Outcome::Response(StatusCode::CALL_DOES_NOT_EXIST, _) => self.lost(now, key, Told::Not),
                Outcome::Response(StatusCode::REQUEST_TIMEOUT, _)
                | Outcome::TimedOut
                | Outcome::Unsendable => {
                    self.lost(now, key, Told::ByBye);
                }
                Outcome::Response(..) => {}
            },
        }
    }

    /// The far side has lost the dialog.
    pub(super) fn lost(&mut self, now: Instant, key: DialogKey, told: Told) {
        if self.usages.confirmed_mut(key).is_none() {
            return;
        }
        self.finish_changes(now, key);
        if let (Told::ByBye, Some(confirmed)) = (told, self.usages.confirmed_mut(key)) {
            let mut dialog = confirmed.dialog.clone();
            self.send_within(now, &mut dialog, &Method::Bye, Rest::default(), clients::Purpose::Alone);
        }
        self.forget(key);
        self.raise(Event::Ended { dialog: key, request: None });
    }
}

/// What becomes of a request within a dialog.
enum Judged {
    /// Raised, for the core above to answer.
    Taken,
    /// The BYE.
    Hangup,
    /// A PRACK that is awaited.
    Pracked,
    /// 200 to an UPDATE that offers nothing: it moves the target, or says that its sender is alive.
    Refreshed,
    Refused(Reply),
    /// 500 with Retry-After.
    Later,
}

/// What a request within a dialog is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bye,
    Invite,
    /// An UPDATE with an offer.
    Offer,
    /// An UPDATE without.
    Refresh,
    Prack,
    Other,
}

impl Kind {
    fn of(request: &Message) -> Self {
        match request.method() {
            Method::Bye => Self::Bye,
            Method::Invite => Self::Invite,
            Method::Update if description::describes(request) => Self::Offer,
            Method::Update => Self::Refresh,
            Method::Prack => Self::Prack,
            Method::Ack
            | Method::Cancel
            | Method::Options
            | Method::Register
            | Method::Info
            | Method::Refer
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Extension(_) => Self::Other,
        }
    }
}

/// Whether a peer that has lost the dialog gets a BYE for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Not,
    ByBye,
}

fn refused(status: StatusCode) -> Judged {
    Judged::Refused(compose::plain(status))
}

/// What becomes of an offer where `first` tells of the INVITE's (RFC 3311 s.5.2, RFC 3261 s.14.2).
fn offered(first: Offer, turns: Turns) -> Judged {
    match first {
        Offer::Theirs => Judged::Later,
        Offer::Ours => refused(StatusCode::REQUEST_PENDING),
        Offer::Settled if turns.theirs.is_some() => Judged::Later,
        Offer::Settled if turns.is_ours() => refused(StatusCode::REQUEST_PENDING),
        Offer::Settled => Judged::Taken,
    }
}

/// What is wrong with a request whatever the state of its dialog: `None` if it is none of the dialog's, `Some(None)` if
/// nothing.
#[expect(clippy::option_option, reason = "whose it is, and then what is wrong with it")]
fn in_order(dialog: &mut Dialog, request: &Message, timer: SessionTimer) -> Option<Option<Judged>> {
    if !dialog.owns(request) {
        return None;
    }
    if let Some(refusal) = screen::within(request, timer) {
        return Some(Some(Judged::Refused(refusal)));
    }
    Some(match dialog.note(request) {
        Ok(()) => None,
        Err(OutOfOrder) => Some(refused(StatusCode::SERVER_INTERNAL_ERROR)),
    })
}

/// How many 2xx of one dialog may wait for their ACK: that of a re-INVITE can overtake the one of the INVITE.
const MAX_UNACKED: usize = 2;

/// Of requests that start with us (s.8.1.1.6).
const MAX_FORWARDS: u8 = 70;
