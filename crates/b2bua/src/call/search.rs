//! Looking for whoever is to answer: one attempt after another, by the agents or gateways of a plan, until one leads somewhere.

use std::time::Instant;

use numbers::Refusal;
use sdp::{Codec, Direction};
use sip::{Message, StatusCode};

use super::Facts;
use super::attempt::{Attempt, Outcome, Quest};
use super::plan::{Callee, Plan};
use crate::desk::Desk;
use crate::fate::{Fate, Phase, Side};
use crate::headers::reason;
use crate::io::{Now, Output};
use crate::leg::{CalleeLeg, Pair};
use crate::usage::Seat;

/// Whom a call is to reach, and what was said by those that were asked.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) plan: Plan,
    /// The status of the last refusal, if there was one.
    refused: Option<u16>,
    /// The values of Reason in it.
    pub(super) given: Vec<String>,
    /// Of the current agent: why what it said can't be used.
    unusable: Option<Fate>,
}

/// What the attempts of a search have to know of the call's other leg.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    /// The leg that is looked for.
    pub(super) side: Side,
    pub(super) other: Option<Pair>,
    pub(super) codec: Option<Codec>,
    pub(super) direction: Direction,
    pub(super) ring_by: Instant,
}

/// Where a search has come to.
#[derive(Debug)]
pub(super) enum Found {
    /// Somebody is being asked.
    Nobody(Attempt),
    /// Somebody has answered.
    Somebody(CalleeLeg),
}

impl Search {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, refused: None, given: Vec::new(), unusable: None }
    }

    pub(super) fn quest(&self, aim: Aim) -> Quest<'_> {
        let Aim { side, other, codec, direction, ring_by } = aim;
        Quest { plan: &self.plan, side, other, codec, direction, ring_by }
    }

    /// Asks the first.
    ///
    /// # Errors
    /// Nobody is left to be asked.
    pub(super) fn begin(
        &mut self,
        aim: Aim,
        seat: &mut Seat,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
    ) -> Result<Found, Fate> {
        let outcome = Attempt::begin(self.quest(aim), facts, desk, now);
        self.go_on(aim, seat, facts, desk, now, outcome)
    }

    /// Goes where an attempt leads: on waiting, to the answer, or to the next agent or gateway.
    ///
    /// # Errors
    /// Nobody is left to be asked, or whoever was asked spoke for all.
    pub(super) fn go_on(
        &mut self,
        aim: Aim,
        seat: &mut Seat,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        mut outcome: Outcome,
    ) -> Result<Found, Fate> {
        loop {
            match outcome {
                Outcome::Waiting(attempt) => return Ok(Found::Nobody(attempt)),
                Outcome::Ready(leg) => return Ok(Found::Somebody(leg)),
                Outcome::Final(fate) => return Err(fate),
                Outcome::Failed(error) => {
                    outcome = self.next(aim, seat, facts, desk, now, error)?;
                }
                Outcome::Unsuited(error) => {
                    match self.plan.callee_mut() {
                        Callee::Network(gateways) => gateways.pass_over_alike(),
                        Callee::Agent(_) => {}
                    }
                    outcome = self.next(aim, seat, facts, desk, now, error)?;
                }
                Outcome::Unusable(fate) => {
                    let error = fate.words(Phase::Answered).text;
                    self.unusable = Some(fate);
                    outcome = self.next(aim, seat, facts, desk, now, error)?;
                }
            }
        }
    }

    /// Asks the next, after an error.
    fn next(
        &mut self,
        aim: Aim,
        seat: &mut Seat,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        error: String,
    ) -> Result<Outcome, Fate> {
        desk.put(Output::Notice(self.plan.unreachable(error)));
        self.turn(seat, facts, desk, now)?;
        Ok(Attempt::begin(self.quest(aim), facts, desk, now))
    }

    /// Of several gateways the last that said something counts.
    pub(super) fn refused_by(&mut self, status: StatusCode, response: Option<&Message>) {
        match self.plan.callee() {
            Callee::Network(_) if response.is_none() => {}
            Callee::Agent(_) | Callee::Network(_) => {
                self.refused = response.map(|_| status.code());
                self.given = reason::of(response);
            }
        }
    }

    /// Turns to the next agent or gateway.
    fn turn(&mut self, seat: &mut Seat, facts: &mut Facts, desk: &mut Desk, now: Now) -> Result<(), Fate> {
        match self.plan.callee_mut() {
            Callee::Agent(agents) => {
                let Some(next) = agents.fall_back(&desk.usage.at(now)) else {
                    return Err(match (self.unusable.take(), self.refused) {
                        (Some(fate), _) => fate,
                        (None, Some(status)) => Fate::AgentRefused(status, std::mem::take(&mut self.given)),
                        (None, None) => Fate::Refused(Refusal::AgentUnreachable),
                    });
                };
                desk.usage.move_to(seat, &next.id);
                facts.record.agent_id = Some(next.id.clone());
                self.refused = None;
                self.given.clear();
                self.unusable = None;
            }
            Callee::Network(gateways) => {
                if !gateways.go_on() {
                    return Err(match self.refused {
                        Some(status) => Fate::CalleeRefused(status, std::mem::take(&mut self.given)),
                        None => Fate::Refused(Refusal::TrunkFailed),
                    });
                }
            }
        }
        desk.index.set_agent(facts.key, &mut facts.record, None);
        Ok(())
    }
}
