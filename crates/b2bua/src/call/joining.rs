//! Joining: whoever we have called has answered, and the agent that is to talk with them is being reached; where it can't be, its fallback
//! agents in turn. It is given as long as a caller would be rung.

use std::time::{Duration, Instant};

use numbers::{Refusal, Ringback};

use super::attempt::{Attempt, Outcome, Rejection};
use super::change::Asking;
use super::connected::Connected;
use super::ending::Ending;
use super::errand::Errands;
use super::event::{CallEvent, DialogEvent, PairEvent, SessionEvent, Stop};
use super::ringing::is_at_it;
use super::search::{Aim, Found, Search};
use super::talk::Talk;
use super::{Facts, Plan, State};
use crate::desk::{Desk, after};
use crate::dtmf::{self, Pressed};
use crate::fate::{Fate, Side};
use crate::headers::reason;
use crate::io::Now;
use crate::leg::{CalleeLeg, SipLeg};
use crate::negotiate::Turn;
use crate::reinvite;
use crate::usage::Seat;

#[derive(Debug)]
pub(super) struct Joining {
    answerer: Answerer,
    attempt: Attempt,
}

/// Who has answered, and who is to join them: what every attempt shares.
#[derive(Debug)]
struct Answerer {
    leg: SipLeg,
    search: Search,
    seat: Seat,
    join_by: Instant,
    /// `max_call_s`.
    until: Option<Instant>,
}

impl Joining {
    pub(super) fn begin(
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        leg: SipLeg,
        join: Plan,
        mut seat: Seat,
    ) -> State {
        desk.usage.answered(now, &mut seat);
        facts.record.answered_at = Some(now.wall_ms);
        facts.record.agreed(&leg.sdp, None);
        let limits = &desk.config.limits;
        let join_by = after(now, Duration::from_secs(limits.ring_s.into()));
        let until = limits.max_call_s.map(|s| after(now, Duration::from_secs(s.into())));
        let mut answerer = Answerer { leg, search: Search::new(join), seat, join_by, until };
        let aim = answerer.aim(desk, now);
        let found = answerer.search.begin(aim, &mut answerer.seat, facts, desk, now);
        answerer.take(facts, desk, now, found)
    }

    pub(super) fn deadline(&self) -> Instant {
        self.answerer.join_by.min(self.attempt.deadline())
    }

    pub(super) fn handle(
        self: Box<Self>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: CallEvent,
    ) -> State {
        let Self { mut answerer, mut attempt } = *self;
        let quest = answerer.search.quest(answerer.aim(desk, now));
        match event {
            CallEvent::Stream(event) => {
                let outcome = attempt.stream(event);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Verdict(verdict) => {
                let outcome = attempt.resolved(quest, facts, desk, now, verdict);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Pair(_, PairEvent::Lost) => {
                answerer.end(facts, desk, now, Some(attempt), &Fate::MediaFailed)
            }
            CallEvent::Pair(Side::Callee, event) => {
                let outcome = attempt.pair(quest, facts, desk, now, event);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Progress(response) => {
                if let Some(leg) = attempt.leg() {
                    leg.hear(&response);
                }
                answerer.relay(desk, &mut attempt);
                if response.status().is_some_and(|status| is_at_it(status.code())) {
                    attempt = attempt.ringing(answerer.join_by);
                }
                State::Joining(Box::new(Self { answerer, attempt }))
            }
            CallEvent::EarlyOffer => {
                let outcome = attempt.offered(quest, desk, now);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Answered(response) => {
                let outcome = attempt.answered(quest, desk, now, &response);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Rejected(status, response, failure) => {
                let response = response.as_ref();
                answerer.search.refused_by(status, response);
                let (search, aim) = (&answerer.search, answerer.aim(desk, now));
                let rejection = Rejection { status, response, failure, given: &search.given };
                let outcome = attempt.rejected(search.quest(aim), facts, desk, now, rejection);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Dialog(Side::Caller, event) => answerer.told(facts, desk, now, attempt, event),
            CallEvent::Stop(Stop::Hangup) => answerer.end(facts, desk, now, Some(attempt), &Fate::Hangup),
            CallEvent::Stop(Stop::Shutdown) => answerer.end(facts, desk, now, Some(attempt), &Fate::Shutdown),
            CallEvent::Timeout if now.instant >= answerer.join_by => {
                let fate = Fate::Refused(Refusal::AgentUnreachable);
                answerer.end(facts, desk, now, Some(attempt), &fate)
            }
            CallEvent::Timeout if now.instant >= attempt.deadline() => {
                let outcome = attempt.expire(quest, facts, desk, now);
                answerer.go_on(facts, desk, now, outcome)
            }
            CallEvent::Dialog(Side::Callee, DialogEvent::Reinvited(transaction, request)) => {
                let reply =
                    attempt.leg().map_or_else(|| reinvite::early(&request), |leg| leg.update(&request));
                desk.respond(now, transaction, reply);
                answerer.relay(desk, &mut attempt);
                State::Joining(Box::new(Self { answerer, attempt }))
            }
            CallEvent::Dialog(Side::Callee, DialogEvent::Requested(transaction, request)) => {
                desk.respond(now, transaction, dtmf::inside(&request, |_, _| Pressed::Early));
                State::Joining(Box::new(Self { answerer, attempt }))
            }
            CallEvent::Dialog(
                Side::Callee,
                DialogEvent::Acknowledged(_)
                | DialogEvent::AckMissing(_)
                | DialogEvent::Session(_)
                | DialogEvent::Ended(_),
            )
            | CallEvent::Pair(
                Side::Caller,
                PairEvent::Bound
                | PairEvent::BindFailed(_)
                | PairEvent::Latched
                | PairEvent::Silent
                | PairEvent::Released(_),
            )
            | CallEvent::Cancelled(_)
            | CallEvent::Pracked(..)
            | CallEvent::PrackMissing
            | CallEvent::Recorded
            | CallEvent::Timeout => State::Joining(Box::new(Self { answerer, attempt })),
        }
    }
}

impl Answerer {
    /// An agent that says nothing is not waited for as long as one that rings: whoever has answered hears nothing meanwhile.
    fn aim(&self, desk: &Desk, now: Now) -> Aim {
        Aim {
            side: Side::Callee,
            other: Some(self.leg.pair),
            codec: self.leg.sdp.codec(),
            direction: self.leg.sdp.wish(),
            ring_by: after(now, desk.config.agent_ring_timeout).min(self.join_by),
        }
    }

    /// Whoever has answered hears what the agent lets be heard before its own answer.
    fn relay(&self, desk: &mut Desk, attempt: &mut Attempt) {
        match (self.search.plan.ringback(), attempt.leg()) {
            (Ringback::Relay, Some(leg)) => leg.relay(desk, self.leg.pair, self.leg.sdp.remote(None)),
            (Ringback::Relay, None) | (Ringback::Local | Ringback::None, _) => {}
        }
    }

    /// What whoever has answered says meanwhile.
    fn told(
        mut self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        mut attempt: Attempt,
        event: DialogEvent,
    ) -> State {
        let party = facts.parties.caller;
        let gone = match event {
            DialogEvent::Reinvited(transaction, request) => {
                let reply = reinvite::answer(&mut self.leg.sdp, &request);
                desk.respond(now, transaction, reply);
                self.relay(desk, &mut attempt);
                return State::Joining(Box::new(Joining { answerer: self, attempt }));
            }
            DialogEvent::Acknowledged(ack) => match reinvite::acknowledged(&mut self.leg.sdp, &ack) {
                Ok(_) => return State::Joining(Box::new(Joining { answerer: self, attempt })),
                Err(fate) => return self.end(facts, desk, now, Some(attempt), &fate),
            },
            DialogEvent::Requested(transaction, request) => {
                desk.respond(now, transaction, dtmf::inside(&request, |_, _| Pressed::Early));
                return State::Joining(Box::new(Joining { answerer: self, attempt }));
            }
            // The endpoint asks for a refresh again.
            DialogEvent::Session(
                SessionEvent::Accepted(_)
                | SessionEvent::Refused(..)
                | SessionEvent::OfferDue
                | SessionEvent::RefreshDue
                | SessionEvent::Cancelled,
            ) => return State::Joining(Box::new(Joining { answerer: self, attempt })),
            DialogEvent::Session(SessionEvent::Expired) => Fate::SessionExpired(party),
            DialogEvent::Ended(Some(bye)) => Fate::HungUp(party, reason::of(Some(&bye))),
            DialogEvent::Ended(None) => Fate::PeerGone(party),
            DialogEvent::AckMissing(diagnosis) => Fate::AckMissing(party, diagnosis),
        };
        self.gone(facts, desk, now, attempt, &gone)
    }

    fn go_on(mut self, facts: &mut Facts, desk: &mut Desk, now: Now, outcome: Outcome) -> State {
        let aim = self.aim(desk, now);
        let found = self.search.go_on(aim, &mut self.seat, facts, desk, now, outcome);
        self.take(facts, desk, now, found)
    }

    fn take(self, facts: &mut Facts, desk: &mut Desk, now: Now, found: Result<Found, Fate>) -> State {
        match found {
            Ok(Found::Nobody(attempt)) => State::Joining(Box::new(Joining { answerer: self, attempt })),
            Ok(Found::Somebody(agent)) => self.join(facts, desk, now, agent),
            Err(fate) => self.end(facts, desk, now, None, &fate),
        }
    }

    /// Bridges the legs. Where a re-INVITE without an offer waits for its ACK, the answer there bridges them.
    fn join(self, facts: &mut Facts, desk: &mut Desk, now: Now, agent: CalleeLeg) -> State {
        let mut talk = Box::new(Talk {
            caller: self.leg,
            agent,
            seat: self.seat,
            until: self.until,
            probe_at: None,
            asking: Asking::Nobody,
            errands: Errands::default(),
        });
        talk.bridge(desk, now);
        if talk.caller.sdp.turn() == Turn::Settled {
            talk.level(desk, now);
        }
        Connected::begin(facts, talk)
    }

    fn end(
        self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        attempt: Option<Attempt>,
        fate: &Fate,
    ) -> State {
        desk.bye(now, self.leg.dialog, fate);
        self.leave(facts, desk, now, attempt, fate)
    }

    /// Whoever had answered is there no more.
    fn gone(self, facts: &mut Facts, desk: &mut Desk, now: Now, attempt: Attempt, fate: &Fate) -> State {
        desk.forget(self.leg.dialog);
        self.leave(facts, desk, now, Some(attempt), fate)
    }

    fn leave(
        self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        attempt: Option<Attempt>,
        fate: &Fate,
    ) -> State {
        let mut pairs = vec![(Side::Caller, self.leg.pair)];
        let agent = attempt.and_then(|attempt| attempt.abort(desk, now, fate));
        pairs.extend(agent.map(|pair| (Side::Callee, pair)));
        Ending::begin(facts, desk, now, fate, self.seat, pairs)
    }
}
