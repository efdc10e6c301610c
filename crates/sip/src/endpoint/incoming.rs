//! INVITEs that we received: the UAS side up to and with the ACK (RFC 3261 s.13.3).

use std::time::Instant;

use bytes::Bytes;

use super::drive::Purposed;
use super::reliable::Reliable;
use super::servers::{Machine, Purpose};
use super::session::Session;
use super::timers::Owner;
use super::turns::Turns;
use super::usage::{Confirmed, Incoming, MINUTE, Offer, Peer, Phase, Stage, State, Unacked, Usage};
use super::{
    DialogKey, Endpoint, Event, Header, Reliability, Reply, TransactionKey, Transmit, compose, description,
};
use crate::Flow;
use crate::dialog::Dialog;
use crate::message::{Message, Method, StatusCode};
use crate::transaction::{Repetition, server_invite, server_other};

#[expect(clippy::needless_pass_by_value, reason = "a verb takes what it is told, for it may keep it")]
impl Endpoint {
    /// Sends 100 Trying to a received INVITE.
    pub fn trying(&mut self, now: Instant, dialog: DialogKey) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        if incoming.stage == Stage::Undecided {
            incoming.stage = Stage::Trying;
            let server = incoming.server;
            self.provisional(now, server, &compose::plain(StatusCode::TRYING));
        }
    }

    /// Sends a provisional response 101 to 199, with our tag and Contact. It is sent again each minute (RFC 3261 s.13.3.1.1).
    /// To a caller that insists on it, it goes as by `ring_reliably`.
    pub fn ring(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        match incoming.reliable.demand() {
            Reliability::Required => self.ring_reliably(now, dialog, reply),
            Reliability::Unsupported | Reliability::Supported => self.ring_once(now, dialog, &reply),
        }
    }

    pub(super) fn ring_once(&mut self, now: Instant, dialog: DialogKey, reply: &Reply) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        if !reply.status.is_provisional() {
            return;
        }
        incoming.stage = Stage::Ringing { again: now + MINUTE };
        let server = incoming.server;
        self.provisional(now, server, reply);
        self.index_usage(dialog);
    }

    /// Sends a 2xx to a received INVITE, and again until its ACK. It waits for the PRACK to a reliable provisional response with a
    /// body (RFC 3262 s.3).
    pub fn answer(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        if !reply.status.is_success() {
            return;
        }
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        let Some(mut reply) = incoming.reliable.hold(reply) else { return };
        let Some(usage) = self.usages.remove(dialog) else { return };
        let State::Incoming(incoming) = usage.state else { return };
        let Incoming { dialog: shared, server, offer, reliable, turns, peer, .. } = *incoming;
        let confirmed = Confirmed {
            dialog: shared,
            unacked: Vec::new(),
            turns,
            phase: Phase::Open,
            session: Session::Endless,
            peer,
            overtaken: reliable.overtaken(),
        };
        self.usages.insert(dialog, Usage { state: State::Confirmed(Box::new(confirmed)), ..usage });
        self.confirm(now, dialog, server, offer, &mut reply);
    }

    /// Sends the 2xx to an INVITE or re-INVITE of a dialog that is confirmed.
    fn confirm(&mut self, now: Instant, key: DialogKey, server: u64, offer: Offer, reply: &mut Reply) {
        let Some(transaction) = self.servers.get(server) else { return };
        let request = transaction.request.clone();
        self.grant(now, key, &request, reply);
        let unacked = self.succeed(now, server, offer, reply);
        if let Some(confirmed) = self.usages.confirmed_mut(key) {
            confirmed.unacked.extend(unacked);
        }
        self.index_usage(key);
    }

    /// Sends a final response above 299 to a received INVITE. The dialog is over; the transaction lives on by itself.
    pub fn reject(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        if reply.status.is_provisional() || reply.status.is_success() {
            return;
        }
        let server = incoming.server;
        self.finish(now, server, &reply);
        self.forget(dialog);
    }

    /// Never answers a received INVITE; retransmissions of it, and its CANCEL, are absorbed for 64*T1. The dialog is over.
    ///
    /// Once something has been sent, it is too late for that: the INVITE is rejected with 480 then.
    pub fn ignore(&mut self, now: Instant, dialog: DialogKey) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        let (server, stage) = (incoming.server, incoming.stage);
        match stage {
            Stage::Undecided => {
                self.step_invite_server(now, server, server_invite::Input::Ignore);
            }
            Stage::Trying | Stage::Ringing { .. } => {
                self.finish(now, server, &compose::plain(StatusCode::TEMPORARILY_UNAVAILABLE));
            }
        }
        self.forget(dialog);
    }

    /// Answers a re-INVITE, an UPDATE or any non-INVITE request. A 2xx to a re-INVITE is repeated until its ACK. A provisional
    /// response goes to a re-INVITE only (RFC 4320).
    pub fn respond(&mut self, now: Instant, transaction: TransactionKey, mut reply: Reply) {
        let TransactionKey(id) = transaction;
        let Some(server) = self.servers.get(id) else { return };
        let status = reply.status;
        match &server.machine {
            Machine::Invite(state, Purpose::Reinvite(key)) if state.is_open() => {
                let key = *key;
                if status.is_provisional() {
                    // Who insists on PRACK gets none: nothing is to be heard while a session is changed.
                    if Reliable::of(&server.request, 1).demand() != Reliability::Required {
                        self.provisional(now, id, &reply);
                    }
                    return;
                }
                if status.is_success() {
                    self.accept_reinvite(now, key, id, &mut reply);
                } else {
                    self.finish(now, id, &reply);
                }
                if let Some(confirmed) = self.usages.confirmed_mut(key) {
                    confirmed.turns.theirs = None;
                }
                self.index_usage(key);
            }
            Machine::Other(server_other::State::Trying { .. }, dialog) if !status.is_provisional() => {
                if let Some(key) = *dialog {
                    let (request, flow) = (server.request.clone(), server.flow);
                    self.settle(key, &request, id);
                    if *request.method() == Method::Update && status.is_success() {
                        self.refresh(key, &request, flow);
                        self.grant(now, key, &request, &mut reply);
                        self.index_usage(key);
                    }
                }
                self.finish(now, id, &reply);
            }
            // Answered, disregarded, or an INVITE for the verbs above.
            Machine::Other(..) | Machine::Invite(_, Purpose::Opening(_) | Purpose::Reinvite(_)) => {}
        }
    }

    /// Never answers a non-INVITE request; retransmissions are absorbed.
    pub fn disregard(&mut self, now: Instant, transaction: TransactionKey) {
        self.step_other_server(now, transaction.0, server_other::Input::Disregard);
    }

    /// An INVITE outside of any dialog.
    pub(super) fn invited(&mut self, now: Instant, flow: Flow, request: Message) {
        let key = DialogKey(self.next_key());
        let tag = self.random.tag();
        let cseq = self.random.cseq();
        let reliable = Reliable::of(&request, self.random.below(MAX_RSEQ) + 1);
        let dialog = Dialog::answering(&request, flow, &tag, cseq);
        let purpose = Purposed::Invite(Purpose::Opening(key));
        let server = self.open(now, flow, request.clone(), tag.clone(), purpose);
        let incoming = Incoming {
            dialog,
            server,
            offer: offer_of(&request),
            stage: Stage::Undecided,
            reliable,
            turns: Turns::FREE,
            peer: Peer::of(&request),
        };
        let usage = Usage {
            call_id: request.call_id().to_owned(),
            local_tag: tag,
            state: State::Incoming(Box::new(incoming)),
        };
        self.usages.insert(key, usage);
        self.raise(Event::Invited { dialog: key, request, flow });
    }

    /// The ACK to a 2xx of ours.
    pub(super) fn acknowledged(&mut self, now: Instant, key: DialogKey, request: Message) {
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        let number = request.cseq().number;
        if !confirmed.dialog.owns(&request) {
            return;
        }
        let Some(at) = confirmed.unacked.iter().position(|unacked| unacked.cseq == number) else { return };
        confirmed.unacked.remove(at);
        let closing = match &mut confirmed.phase {
            Phase::Closing(headers) if confirmed.unacked.is_empty() => Some(std::mem::take(headers)),
            Phase::Closing(_) | Phase::Open | Phase::Owing { .. } => None,
        };
        self.index_usage(key);
        self.raise(Event::Acknowledged { dialog: key, request });
        if let Some(headers) = closing {
            self.send_bye(now, key, &headers);
        }
    }

    /// Sends a provisional response, and tells what it was.
    pub(super) fn provisional(&mut self, now: Instant, server: u64, reply: &Reply) -> Option<Bytes> {
        let transaction = self.servers.get(server)?;
        let bytes = self.respond_to(&transaction.request, transaction.flow, &transaction.tag, reply);
        self.step_invite_server(now, server, server_invite::Input::Provisional(bytes.clone()));
        Some(bytes)
    }

    /// Sends a 2xx to an INVITE, and says how to go on repeating it.
    fn succeed(&mut self, now: Instant, server: u64, offer: Offer, reply: &Reply) -> Option<Unacked> {
        let transaction = self.servers.get(server)?;
        let bytes = self.respond_to(&transaction.request, transaction.flow, &transaction.tag, reply);
        let cseq = transaction.request.cseq().number;
        let response = Transmit { flow: transaction.reply_to, bytes: bytes.clone() };
        let timing = self.timing(transaction.flow.transport);
        self.step_invite_server(now, server, server_invite::Input::Success(bytes));
        let repetition = Repetition { at: now + timing.t1, interval: timing.t1 };
        Some(Unacked { cseq, offer, response, repetition, until: now + timing.patience() })
    }

    fn accept_reinvite(&mut self, now: Instant, key: DialogKey, server: u64, reply: &mut Reply) {
        let Some(transaction) = self.servers.get(server) else { return };
        let (request, flow) = (transaction.request.clone(), transaction.flow);
        self.refresh(key, &request, flow);
        self.confirm(now, key, server, offer_of(&request), reply);
    }

    /// Moves the target to where a request says that we accept.
    pub(super) fn refresh(&mut self, key: DialogKey, request: &Message, flow: Flow) {
        let tag = request.from_tag();
        if let Some((dialog, _)) = self.usages.get_mut(key).and_then(|usage| usage.state.dialog_mut(tag)) {
            dialog.refresh(request, flow);
        }
        self.usages.tie(key);
    }

    /// Ends a re-INVITE or UPDATE that we have not answered with 487, for it or the dialog is being ended.
    pub(super) fn finish_theirs(&mut self, now: Instant, key: DialogKey) {
        let Some(usage) = self.usages.get_mut(key) else { return };
        let open: Vec<u64> =
            usage.state.turns_mut().into_iter().filter_map(|turns| turns.theirs.take()).collect();
        for id in open {
            self.finish(now, id, &compose::plain(StatusCode::REQUEST_TERMINATED));
        }
    }

    /// Ends what is open in a dialog that ends, in both directions.
    pub(super) fn finish_changes(&mut self, now: Instant, key: DialogKey) {
        self.finish_theirs(now, key);
        self.abandon_ours(now, key);
    }

    pub(super) fn expire_usage(&mut self, now: Instant, key: DialogKey) {
        match self.usages.get_mut(key).map(|usage| &mut usage.state) {
            Some(State::Incoming(incoming)) => {
                if let Stage::Ringing { again } = &mut incoming.stage
                    && *again <= now
                {
                    *again = now + MINUTE;
                    let server = incoming.server;
                    self.step_invite_server(now, server, server_invite::Input::Request);
                }
            }
            Some(State::Confirmed(_)) => self.expire_unacked(now, key),
            Some(State::Outgoing(_) | State::Ending(_)) | None => {}
        }
        self.expire_reliable(now, key);
        self.expire_turns(now, key);
        self.expire_session(now, key);
        self.index_usage(key);
    }

    /// Repeats the 2xx that are due, and gives up on a peer that acknowledges none.
    fn expire_unacked(&mut self, now: Instant, key: DialogKey) {
        let cap = self.config.t2;
        let Some(confirmed) = self.usages.confirmed_mut(key) else { return };
        if let Some(at) = confirmed.unacked.iter().position(|unacked| unacked.until <= now) {
            let sent = confirmed.unacked.swap_remove(at).response;
            confirmed.unacked.clear();
            let wanted = match &mut confirmed.phase {
                Phase::Closing(headers) => Some(std::mem::take(headers)),
                Phase::Open | Phase::Owing { .. } => None,
            };
            let headers = wanted.unwrap_or_else(|| {
                self.raise(Event::AckMissing { dialog: key, sent });
                vec![Header::new("Reason", "SIP;cause=408;text=\"ACK missing\"")]
            });
            self.finish_changes(now, key);
            return self.send_bye(now, key, &headers);
        }
        let mut due = Vec::new();
        for unacked in &mut confirmed.unacked {
            if unacked.repetition.is_due(now) {
                unacked.repetition = unacked.repetition.doubled_to(now, cap);
                due.push(unacked.response.clone());
            }
        }
        self.transmits.extend(due);
    }

    /// Keeps the indices true: of timers, and of connections.
    pub(super) fn index_usage(&mut self, key: DialogKey) {
        self.usages.tie(key);
        let deadline = self.usages.get(key).and_then(|usage| usage.state.deadline());
        self.timers.arm(Owner::Dialog(key), deadline);
    }

    /// Forgets a dialog that is over.
    pub(super) fn forget(&mut self, key: DialogKey) {
        self.usages.remove(key);
        self.index_usage(key);
    }
}

/// Whose offer an INVITE is about: theirs if it carries a session description.
pub(super) fn offer_of(invite: &Message) -> Offer {
    if description::describes(invite) { Offer::Theirs } else { Offer::Ours }
}

/// `RSeq` numbers start below 2^31 (RFC 3262 s.3).
const MAX_RSEQ: u32 = (1 << 31) - 1;
