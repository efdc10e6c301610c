//! Provisional responses that are sent until their PRACK comes (RFC 3262 s.3): the UAS side.

use std::collections::VecDeque;
use std::time::Instant;

use super::drive::Purposed;
use super::usage::{MINUTE, Offer, Stage, State};
use super::{
    DialogKey, Endpoint, Event, Header, Reliability, Reply, TransactionKey, Transmit, compose, description,
};
use crate::Flow;
use crate::message::{Message, StatusCode};
use crate::transaction::Repetition;

/// What an INVITE that we received may get before its final response.
#[derive(Debug)]
pub(super) struct Reliable {
    demand: Reliability,
    /// The `RSeq` of the next one.
    next: u32,
    waiting: Option<Waiting>,
    /// What is to be sent reliably after that.
    queue: VecDeque<Reply>,
    /// The 2xx that is to follow, held because the description in a provisional response is not known to have arrived.
    answer: Option<Reply>,
}

/// A reliable provisional response without PRACK.
#[derive(Debug)]
struct Waiting {
    what: Acknowledgeable,
    content: Content,
    response: Transmit,
    repetition: Repetition,
    until: Instant,
}

/// What a PRACK names in its `RAck`, beside the method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Acknowledgeable {
    rseq: u32,
    cseq: u32,
}

/// Whether a response carries a description.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    Bare,
    Described,
}

impl Reliable {
    /// What `invite` asks for; `first` is the first `RSeq`, from 1 to 2^31-1.
    pub(super) fn of(invite: &Message, first: u32) -> Self {
        let lists = |header| invite.headers(header).any(|tag| tag.eq_ignore_ascii_case("100rel"));
        let demand = match (lists("Require"), lists("Supported")) {
            (true, _) => Reliability::Required,
            (false, true) => Reliability::Supported,
            (false, false) => Reliability::Unsupported,
        };
        Self { demand, next: first, waiting: None, queue: VecDeque::new(), answer: None }
    }

    pub(super) fn demand(&self) -> Reliability {
        self.demand
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|waiting| waiting.repetition.at.min(waiting.until))
    }

    /// What is repeated on a connection that is gone goes to `instead`.
    pub(super) fn redirect(&mut self, gone: Flow, instead: Option<Flow>) {
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| waiting.response.flow == gone) {
            waiting.response.flow = instead.unwrap_or(gone);
        }
    }

    /// Where the response goes that waits for its PRACK.
    pub(super) fn repeats_on(&self) -> Option<Flow> {
        self.waiting.as_ref().map(|waiting| waiting.response.flow)
    }

    /// Whether a PRACK is for the response that waits for it.
    pub(super) fn is_awaited(&self, prack: &Message) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.what.is_in(prack))
    }

    /// What a final response overtakes.
    pub(super) fn overtaken(&self) -> Option<Acknowledgeable> {
        self.waiting.as_ref().map(|waiting| waiting.what)
    }

    /// Holds the 2xx back while a description is on its way in a provisional response; gives it back if none is.
    pub(super) fn hold(&mut self, answer: Reply) -> Option<Reply> {
        let sent = self.waiting.as_ref().is_some_and(|waiting| waiting.content == Content::Described);
        if !sent && !self.queue.iter().any(Reply::describes) {
            return Some(answer);
        }
        self.answer = Some(answer);
        None
    }
}

impl Acknowledgeable {
    pub(super) fn is_in(self, prack: &Message) -> bool {
        prack.header("RAck").is_some_and(|rack| {
            let mut words = rack.split_ascii_whitespace();
            let mut number = || words.next().and_then(|word| word.parse().ok());
            (number(), number()) == (Some(self.rseq), Some(self.cseq)) && words.eq(["INVITE"])
        })
    }
}

impl Endpoint {
    /// Sends a provisional response 101 to 199 again and again until its PRACK comes (`Pracked`), if the caller takes that; else as
    /// `ring`. One after another: the next waits for the PRACK to the one before, and the 2xx for that to one with a body. Without
    /// a PRACK within 64*T1 the INVITE is rejected with 504 (`PrackMissing`).
    pub fn ring_reliably(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        let Some(incoming) = self.usages.incoming_mut(dialog) else { return };
        if !reply.status.is_provisional() || reply.status == StatusCode::TRYING {
            return;
        }
        let reliable = &mut incoming.reliable;
        match reliable.demand {
            Reliability::Unsupported => self.ring_once(now, dialog, &reply),
            Reliability::Supported | Reliability::Required if reliable.answer.is_some() => {}
            Reliability::Supported | Reliability::Required if reliable.waiting.is_some() => {
                if reliable.queue.len() < MAX_QUEUE {
                    reliable.queue.push_back(reply);
                }
            }
            Reliability::Supported | Reliability::Required => self.send_reliably(now, dialog, reply),
        }
    }

    fn send_reliably(&mut self, now: Instant, key: DialogKey, mut reply: Reply) {
        let t1 = self.config.t1;
        let Some(incoming) = self.usages.incoming_mut(key) else { return };
        let Some(server) = self.servers.get(incoming.server) else { return };
        let rseq = incoming.reliable.next;
        incoming.reliable.next += 1;
        incoming.stage = Stage::Ringing { again: now + MINUTE };
        let content = if reply.describes() { Content::Described } else { Content::Bare };
        reply.headers.push(Header::new("Require", "100rel"));
        reply.headers.push(Header::new("RSeq", rseq.to_string()));
        let id = incoming.server;
        let (cseq, flow) = (server.request.cseq().number, server.reply_to);
        let Some(bytes) = self.provisional(now, id, &reply) else { return };
        let Some(incoming) = self.usages.incoming_mut(key) else { return };
        incoming.reliable.waiting = Some(Waiting {
            what: Acknowledgeable { rseq, cseq },
            content,
            response: Transmit { flow, bytes },
            repetition: Repetition { at: now + t1, interval: t1 },
            until: now + t1.saturating_mul(64),
        });
        self.index_usage(key);
    }

    /// A PRACK that is awaited.
    pub(super) fn pracked(&mut self, now: Instant, key: DialogKey, flow: Flow, request: Message) {
        let described = description::describes(&request);
        let mut offer = described;
        match self.usages.get_mut(key).map(|usage| &mut usage.state) {
            Some(State::Incoming(incoming)) => {
                let content = incoming.reliable.waiting.take().map(|waiting| waiting.content);
                match (incoming.offer, content) {
                    (Offer::Theirs, Some(Content::Described)) => incoming.offer = Offer::Settled,
                    (Offer::Ours, Some(Content::Described)) if described => {
                        incoming.offer = Offer::Settled;
                        offer = false;
                    }
                    // Nothing can be answered while the first offer is open (RFC 3262 s.5).
                    (Offer::Theirs | Offer::Ours, _) => offer = false,
                    (Offer::Settled, _) => {}
                }
            }
            Some(State::Confirmed(confirmed)) => confirmed.overtaken = None,
            Some(State::Outgoing(_) | State::Ending(_)) | None => return,
        }
        let transaction = if offer && self.has_room(super::Standing::Known) {
            let id = self.open(now, flow, request.clone(), String::new(), Purposed::Other(Some(key)));
            self.hand_over(key, &request, id);
            Some(TransactionKey(id))
        } else {
            self.accept(now, flow, &request, String::new(), Some(key));
            None
        };
        self.raise(Event::Pracked { dialog: key, request, transaction });
        self.go_on_ringing(now, key);
        self.index_usage(key);
    }

    /// What waited for the PRACK.
    fn go_on_ringing(&mut self, now: Instant, key: DialogKey) {
        let Some(incoming) = self.usages.incoming_mut(key) else { return };
        if let Some(next) = incoming.reliable.queue.pop_front() {
            self.send_reliably(now, key, next);
        }
        let Some(incoming) = self.usages.incoming_mut(key) else { return };
        if let Some(answer) = incoming.reliable.answer.take() {
            self.answer(now, key, answer);
        }
    }

    /// Repeats the response that waits for its PRACK, or gives the INVITE up.
    pub(super) fn expire_reliable(&mut self, now: Instant, key: DialogKey) {
        let Some(incoming) = self.usages.incoming_mut(key) else { return };
        let server = incoming.server;
        let Some(waiting) = &mut incoming.reliable.waiting else { return };
        if waiting.until <= now {
            self.finish(now, server, &compose::plain(StatusCode::SERVER_TIMEOUT));
            self.finish_theirs(now, key);
            self.forget(key);
            self.raise(Event::PrackMissing { dialog: key });
        } else if waiting.repetition.is_due(now) {
            // Twice as long each time, without an upper bound (s.3).
            waiting.repetition = waiting.repetition.doubled(now);
            let again = waiting.response.clone();
            self.transmits.push_back(again);
        }
    }
}

/// How many responses wait for a PRACK to the one before.
const MAX_QUEUE: usize = 8;
