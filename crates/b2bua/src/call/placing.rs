//! Placing: a call of our own. Whoever is called is rung by the gateways of the calling number's trunk, in turn; nobody listens.

use std::time::{Duration, Instant};

use numbers::Refusal;
use sdp::Direction;
use sip::Message;

use super::attempt::{Attempt, Outcome, Rejection};
use super::ending::Ending;
use super::event::{CallEvent, DialogEvent, PairEvent, Stop};
use super::joining::Joining;
use super::ringing::{is_at_it, rings};
use super::search::{Aim, Found, Search};
use super::{Facts, Plan, State};
use crate::desk::{Desk, after};
use crate::dtmf::{self, Pressed};
use crate::fate::{Fate, Side};
use crate::io::Now;
use crate::leg::CalleeLeg;
use crate::refusal;
use crate::usage::Seat;

/// What the door hands over.
#[derive(Debug)]
pub(crate) struct Placed {
    /// Whom the call is to reach.
    pub(crate) network: Plan,
    /// Who joins once they answer.
    pub(crate) join: Plan,
    pub(crate) seat: Seat,
    /// How long it may ring.
    pub(crate) ring_s: u32,
}

#[derive(Debug)]
pub(super) struct Placing {
    summons: Summons,
    attempt: Attempt,
}

/// Who is called, and who is to join them: what every attempt shares.
#[derive(Debug)]
struct Summons {
    search: Search,
    join: Plan,
    seat: Seat,
    ring_by: Instant,
}

impl Placing {
    pub(super) fn begin(facts: &mut Facts, desk: &mut Desk, now: Now, placed: Placed) -> State {
        let Placed { network, join, seat, ring_s } = placed;
        let ring_by = after(now, Duration::from_secs(ring_s.into()));
        let mut summons = Summons { search: Search::new(network), join, seat, ring_by };
        let found = summons.search.begin(summons.aim(), &mut summons.seat, facts, desk, now);
        summons.take(facts, desk, now, found)
    }

    pub(super) fn deadline(&self) -> Instant {
        self.summons.ring_by.min(self.attempt.deadline())
    }

    pub(super) fn handle(
        self: Box<Self>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: CallEvent,
    ) -> State {
        let Self { mut summons, mut attempt } = *self;
        match event {
            CallEvent::Verdict(verdict) => {
                let outcome =
                    attempt.resolved(summons.search.quest(summons.aim()), facts, desk, now, verdict);
                summons.go_on(facts, desk, now, outcome)
            }
            CallEvent::Pair(_, PairEvent::Lost) => {
                summons.end(facts, desk, now, Some(attempt), &Fate::MediaFailed)
            }
            CallEvent::Pair(Side::Caller, event) => {
                let outcome = attempt.pair(summons.search.quest(summons.aim()), facts, desk, now, event);
                summons.go_on(facts, desk, now, outcome)
            }
            CallEvent::Progress(response) => {
                progress(facts, now, &mut attempt, &response);
                if response.status().is_some_and(|status| is_at_it(status.code())) {
                    attempt = attempt.ringing(summons.ring_by);
                }
                State::Placing(Box::new(Self { summons, attempt }))
            }
            CallEvent::EarlyOffer => {
                let outcome = attempt.offered(summons.search.quest(summons.aim()), desk, now);
                summons.go_on(facts, desk, now, outcome)
            }
            CallEvent::Answered(response) => {
                let outcome = attempt.answered(summons.search.quest(summons.aim()), desk, now, &response);
                summons.go_on(facts, desk, now, outcome)
            }
            CallEvent::Rejected(status, response, failure) => {
                let response = response.as_ref();
                summons.search.refused_by(status, response);
                let search = &summons.search;
                let rejection = Rejection { status, response, failure, given: &search.given };
                let outcome = attempt.rejected(search.quest(summons.aim()), facts, desk, now, rejection);
                summons.go_on(facts, desk, now, outcome)
            }
            // Who wanted the call has taken it back.
            CallEvent::Stop(Stop::Hangup) => {
                summons.end(facts, desk, now, Some(attempt), &Fate::Cancelled(Vec::new()))
            }
            CallEvent::Stop(Stop::Shutdown) => summons.end(facts, desk, now, Some(attempt), &Fate::Shutdown),
            CallEvent::Timeout if now.instant >= summons.ring_by => {
                summons.end(facts, desk, now, Some(attempt), &Fate::NoAnswer)
            }
            CallEvent::Timeout if now.instant >= attempt.deadline() => {
                let outcome = attempt.expire(summons.search.quest(summons.aim()), facts, desk, now);
                summons.go_on(facts, desk, now, outcome)
            }
            CallEvent::Dialog(_, DialogEvent::Reinvited(transaction, request)) => {
                let reply = attempt.leg().map_or_else(|| refusal::plain(481), |leg| leg.update(&request));
                desk.respond(now, transaction, reply);
                State::Placing(Box::new(Self { summons, attempt }))
            }
            CallEvent::Dialog(_, DialogEvent::Requested(transaction, request)) => {
                desk.respond(now, transaction, dtmf::inside(&request, |_, _| Pressed::Early));
                State::Placing(Box::new(Self { summons, attempt }))
            }
            CallEvent::Dialog(
                _,
                DialogEvent::Acknowledged(_)
                | DialogEvent::AckMissing(_)
                | DialogEvent::Session(_)
                | DialogEvent::Ended(_),
            )
            | CallEvent::Pair(
                Side::Callee,
                PairEvent::Bound
                | PairEvent::BindFailed(_)
                | PairEvent::Latched
                | PairEvent::Silent
                | PairEvent::Released(_),
            )
            | CallEvent::Cancelled(_)
            | CallEvent::Pracked(..)
            | CallEvent::PrackMissing
            | CallEvent::Stream(_)
            | CallEvent::Recorded
            | CallEvent::Timeout => State::Placing(Box::new(Self { summons, attempt })),
        }
    }
}

impl Summons {
    fn aim(&self) -> Aim {
        Aim {
            side: Side::Caller,
            other: None,
            codec: None,
            direction: Direction::BOTH,
            ring_by: self.ring_by,
        }
    }

    fn go_on(mut self, facts: &mut Facts, desk: &mut Desk, now: Now, outcome: Outcome) -> State {
        let found = self.search.go_on(self.aim(), &mut self.seat, facts, desk, now, outcome);
        self.take(facts, desk, now, found)
    }

    fn take(self, facts: &mut Facts, desk: &mut Desk, now: Now, found: Result<Found, Fate>) -> State {
        match found {
            Ok(Found::Nobody(attempt)) => State::Placing(Box::new(Placing { summons: self, attempt })),
            Ok(Found::Somebody(CalleeLeg::Sip(leg))) => {
                Joining::begin(facts, desk, now, *leg, self.join, self.seat)
            }
            // A gateway is neither.
            Ok(Found::Somebody(CalleeLeg::Echo | CalleeLeg::Stream(_))) => {
                self.end(facts, desk, now, None, &Fate::Refused(Refusal::TrunkFailed))
            }
            Err(fate) => self.end(facts, desk, now, None, &fate),
        }
    }

    fn end(
        self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        attempt: Option<Attempt>,
        fate: &Fate,
    ) -> State {
        let pair = attempt.and_then(|attempt| attempt.abort(desk, now, fate));
        let pairs = pair.map(|pair| (Side::Caller, pair)).into_iter().collect();
        Ending::begin(facts, desk, now, fate, self.seat, pairs)
    }
}

/// A provisional response of the gateway's.
fn progress(facts: &mut Facts, now: Now, attempt: &mut Attempt, response: &Message) {
    if let Some(leg) = attempt.leg() {
        leg.hear(response);
    }
    if response.status().is_some_and(|status| rings(status.code())) {
        facts.record.ringing_at.get_or_insert(now.wall_ms);
    }
}
