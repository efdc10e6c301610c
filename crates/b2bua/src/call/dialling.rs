//! Dialling: the caller's ports are ours, and the agent is being reached; where it can't be, its fallback agents in turn.

use std::time::Instant;

use numbers::Refusal;

use super::answered::Answered;
use super::attempt::{Attempt, Outcome, Rejection};
use super::binding::close;
use super::ending::Ending;
use super::event::{CallEvent, DialogEvent, PairEvent, Stop};
use super::ringing::{Said, is_at_it};
use super::{Facts, Plan, State};
use crate::desk::Desk;
use crate::dtmf;
use crate::dtmf::Pressed;
use crate::fate::{Fate, Side};
use crate::headers::reason;
use crate::io::{Notice, Now, Output};
use crate::leg::{AgentLeg, Caller};
use crate::usage::Seat;

/// A caller, and the agents that may answer: what every attempt shares.
#[derive(Debug)]
pub(super) struct Approach {
    pub(super) caller: Caller,
    pub(super) plan: Plan,
    pub(super) seat: Seat,
    pub(super) ring_by: Instant,
    /// What the caller was told last.
    pub(super) said: Option<Said>,
    /// The status of the last agent's refusal, if it gave one.
    pub(super) refused: Option<u16>,
    /// The values of Reason in it.
    pub(super) given: Vec<String>,
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
                let outcome = attempt.resolved(facts, desk, now, verdict);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Pair(Side::Agent, event) => {
                let outcome = attempt.pair(&approach, facts, desk, now, event);
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
                let outcome =
                    attempt.refuse(desk, now, "it offers in a provisional response, though we have offered");
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
                let outcome = attempt.answered(desk, now, &response);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Rejected(status, response, failure) => {
                approach.refused = response.as_ref().map(|_| status.code());
                approach.given = reason::of(response.as_ref());
                let rejection = Rejection { status, response: response.as_ref(), failure };
                let outcome = attempt.rejected(&approach, facts, desk, now, rejection);
                approach.go_on(facts, desk, now, outcome)
            }
            CallEvent::Cancelled(cancel) => {
                let fate = Fate::Cancelled(reason::of(Some(&cancel)));
                approach.end(facts, desk, now, Some(attempt), &fate)
            }
            CallEvent::Dialog(Side::Caller, DialogEvent::Ended(bye)) => {
                let fate = Fate::HungUp(Side::Caller, reason::of(bye.as_ref()));
                approach.end(facts, desk, now, Some(attempt), &fate)
            }
            CallEvent::Stop(Stop::Hangup) => approach.end(facts, desk, now, Some(attempt), &Fate::Hangup),
            CallEvent::Stop(Stop::Shutdown) => approach.end(facts, desk, now, Some(attempt), &Fate::Shutdown),
            CallEvent::Timeout if now.instant >= approach.ring_by => {
                approach.end(facts, desk, now, Some(attempt), &Fate::NoAnswer)
            }
            CallEvent::Timeout if now.instant >= attempt.deadline() => {
                let outcome = attempt.expire(&approach, facts, desk, now);
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
            | CallEvent::Dialog(Side::Agent, DialogEvent::Ended(_))
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
    /// Starts to reach the plan's agent.
    pub(super) fn reach(self, facts: &mut Facts, desk: &mut Desk, now: Now) -> State {
        let outcome = Attempt::begin(&self, facts, desk, now);
        self.go_on(facts, desk, now, outcome)
    }

    /// Goes where an attempt leads: on waiting, to the answer, to the next agent, or to the end.
    fn go_on(mut self, facts: &mut Facts, desk: &mut Desk, now: Now, mut outcome: Outcome) -> State {
        loop {
            match outcome {
                Outcome::Waiting(attempt) => {
                    if attempt.rings_at_once() {
                        self.ring(facts, desk, now);
                    }
                    return State::Dialling(Box::new(Dialling { approach: self, attempt }));
                }
                Outcome::Ready(agent) => return self.answer(facts, desk, now, agent),
                Outcome::Final(fate) => return self.end(facts, desk, now, None, &fate),
                Outcome::Failed(error) => {
                    let agent_id = self.plan.agent().id.clone();
                    desk.put(Output::Notice(Notice::AgentUnreachable { agent_id, error }));
                    let Some(next) = self.plan.fall_back(&desk.usage.at(now)) else {
                        let fate = match self.refused {
                            Some(status) => Fate::AgentRefused(status, std::mem::take(&mut self.given)),
                            None => Fate::Refused(Refusal::AgentUnreachable),
                        };
                        return self.end(facts, desk, now, None, &fate);
                    };
                    desk.usage.move_to(&mut self.seat, &next.id);
                    facts.record.agent_id = Some(next.id.clone());
                    desk.index.set_agent(facts.key, &mut facts.record, None);
                    self.refused = None;
                    self.given.clear();
                    outcome = Attempt::begin(&self, facts, desk, now);
                }
            }
        }
    }

    /// For the log: the agent's next server is tried in the place of this one.
    pub(super) fn tell_of_server(&self, desk: &mut Desk, server: String, error: String) {
        let agent_id = self.plan.agent().id.clone();
        desk.put(Output::Notice(Notice::ServerFailed { agent_id, server, error }));
    }

    fn answer(self, facts: &mut Facts, desk: &mut Desk, now: Now, agent: AgentLeg) -> State {
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
        pairs.extend(agent_pair.map(|pair| (Side::Agent, pair)));
        Ending::begin(facts, desk, now, fate, self.seat, pairs)
    }
}
