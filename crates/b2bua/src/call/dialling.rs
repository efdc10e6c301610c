//! Dialling: the caller's ports are ours, and whoever is called is being reached: an agent, and where it can't be, its fallback agents
//! in turn; or the gateways of a trunk in turn.

use std::time::Instant;

use super::answered::Answered;
use super::attempt::{Attempt, Outcome, Quest, Rejection};
use super::binding::close;
use super::ending::Ending;
use super::event::{CallEvent, DialogEvent, PairEvent, Stop};
use super::ringing::{Said, is_at_it};
use super::search::{Aim, Found, Search};
use super::{Facts, State};
use crate::desk::Desk;
use crate::dtmf;
use crate::dtmf::Pressed;
use crate::fate::{Fate, Party, Side};
use crate::headers::reason;
use crate::io::Now;
use crate::leg::{CalleeLeg, Caller};
use crate::usage::Seat;

/// A caller, and who may answer: what every attempt shares.
#[derive(Debug)]
pub(super) struct Approach {
    pub(super) caller: Caller,
    pub(super) search: Search,
    pub(super) seat: Seat,
    pub(super) ring_by: Instant,
    /// What the caller was told last.
    pub(super) said: Option<Said>,
}

#[derive(Debug)]
pub(super) struct Dialling {
    approach: Approach,
    attempt: Attempt,
}

impl Dialling {
    pub(super) fn deadline(&self) -> Instant {
        self.approach.ring_by.min(self.attempt.deadline())
    }

    pub(super) fn handle(
        self: Box<Self>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: CallEvent,
    ) -> State {
        let Self { mut approach, mut attempt } = *self;
        match event {
            CallEvent::Stream(event) => {
                let outcome = attempt.stream(event);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Verdict(verdict) => {
                let outcome = attempt.resolved(approach.quest(), facts, desk, now, verdict);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Pair(_, PairEvent::Lost) => {
                approach.end(facts, desk, now, Some(attempt), &Fate::MediaFailed)
            }
            CallEvent::Pair(Side::Callee, event) => {
                let outcome = attempt.pair(approach.quest(), facts, desk, now, event);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Progress(response) => {
                if let Some(leg) = attempt.leg() {
                    approach.progress(facts, desk, now, leg, &response);
                }
                if response.status().is_some_and(|status| is_at_it(status.code())) {
                    attempt = attempt.ringing(approach.ring_by);
                }
                State::Dialling(Box::new(Self { approach, attempt }))
            }
            CallEvent::EarlyOffer => {
                let outcome = attempt.offered(approach.quest(), desk, now);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Pracked(prack, transaction) => {
                match approach.pracked(desk, now, attempt.leg(), &prack, transaction) {
                    Ok(()) => State::Dialling(Box::new(Self { approach, attempt })),
                    Err(fate) => approach.end(facts, desk, now, Some(attempt), &fate),
                }
            }
            CallEvent::PrackMissing => approach.end(facts, desk, now, Some(attempt), &Fate::PrackMissing),
            CallEvent::Answered(response) => {
                let outcome = attempt.answered(approach.quest(), desk, now, &response);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Rejected(status, response, failure) => {
                let response = response.as_ref();
                approach.search.refused_by(status, response);
                let rejection = Rejection { status, response, failure, given: &approach.search.given };
                let outcome = attempt.rejected(approach.quest(), facts, desk, now, rejection);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Cancelled(cancel) => {
                let fate = Fate::Cancelled(reason::of(Some(&cancel)));
                approach.end(facts, desk, now, Some(attempt), &fate)
            }
            CallEvent::Dialog(Side::Caller, DialogEvent::Ended(bye)) => {
                let fate = Fate::HungUp(Party::Caller, reason::of(bye.as_ref()));
                approach.end(facts, desk, now, Some(attempt), &fate)
            }
            CallEvent::Stop(Stop::Hangup) => approach.end(facts, desk, now, Some(attempt), &Fate::Hangup),
            CallEvent::Stop(Stop::Shutdown) => approach.end(facts, desk, now, Some(attempt), &Fate::Shutdown),
            CallEvent::Timeout if now.instant >= approach.ring_by => {
                approach.end(facts, desk, now, Some(attempt), &Fate::NoAnswer)
            }
            CallEvent::Timeout if now.instant >= attempt.deadline() => {
                let outcome = attempt.expire(approach.quest(), facts, desk, now);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Dialog(side, DialogEvent::Reinvited(transaction, request)) => {
                let reply = approach.update(side, attempt.leg(), &request);
                desk.respond(now, transaction, reply);
                if let Some(leg) = attempt.leg() {
                    approach.relay(desk, leg);
                }
                State::Dialling(Box::new(Self { approach, attempt }))
            }
            CallEvent::Dialog(_, DialogEvent::Requested(transaction, request)) => {
                desk.respond(now, transaction, dtmf::inside(&request, |_, _| Pressed::Early));
                State::Dialling(Box::new(Self { approach, attempt }))
            }
            CallEvent::Dialog(
                _,
                DialogEvent::Acknowledged(_) | DialogEvent::AckMissing(_) | DialogEvent::Session(_),
            )
            | CallEvent::Dialog(Side::Callee, DialogEvent::Ended(_))
            | CallEvent::Pair(
                Side::Caller,
                PairEvent::Bound
                | PairEvent::BindFailed(_)
                | PairEvent::Latched
                | PairEvent::Silent
                | PairEvent::Released(_),
            )
            | CallEvent::Recorded
            | CallEvent::Timeout => State::Dialling(Box::new(Self { approach, attempt })),
        }
    }
}

impl Approach {
    /// Starts to reach whoever is called.
    pub(super) fn reach(self, facts: &mut Facts, desk: &mut Desk, now: Now) -> State {
        let outcome = Attempt::begin(self.quest(), facts, desk, now);
        self.go_on(facts, desk, now, outcome)
    }

    fn quest(&self) -> Quest<'_> {
        self.search.quest(self.aim())
    }

    fn aim(&self) -> Aim {
        Aim {
            side: Side::Callee,
            other: Some(self.caller.pair),
            codec: self.caller.codec(),
            direction: self.caller.direction(),
            ring_by: self.ring_by,
        }
    }

    /// Goes where an attempt leads: on waiting, to the answer, to the next agent or gateway, or to the end.
    fn go_on(mut self, facts: &mut Facts, desk: &mut Desk, now: Now, outcome: Outcome) -> State {
        match self.search.go_on(self.aim(), &mut self.seat, facts, desk, now, outcome) {
            Ok(Found::Nobody(attempt)) => {
                if attempt.rings_at_once() {
                    self.ring(facts, desk, now);
                }
                State::Dialling(Box::new(Dialling { approach: self, attempt }))
            }
            Ok(Found::Somebody(leg)) => self.answer(facts, desk, now, leg),
            Err(fate) => self.end(facts, desk, now, None, &fate),
        }
    }

    fn answer(self, facts: &mut Facts, desk: &mut Desk, now: Now, agent: CalleeLeg) -> State {
        Answered::begin(facts, desk, now, self.caller, agent, self.seat)
    }

    fn end(
        self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        attempt: Option<Attempt>,
        fate: &Fate,
    ) -> State {
        close(desk, now, self.caller.dialog, fate);
        let mut pairs = vec![(Side::Caller, self.caller.pair)];
        let agent_pair = attempt.and_then(|attempt| attempt.abort(desk, now, fate));
        pairs.extend(agent_pair.map(|pair| (Side::Callee, pair)));
        Ending::begin(facts, desk, now, fate, self.seat, pairs)
    }
}
