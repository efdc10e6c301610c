//! Ending: both dialogs are over or being seen to their end by the endpoint; the port pairs are being released, and their
//! counters are due.

use std::time::{Duration, Instant};

use super::ended::Ended;
use super::{CallEvent, DialogEvent, Facts, PairEvent, State};
use crate::desk::{Desk, after};
use crate::fate::{Fate, Side};
use crate::io::Now;
use crate::leg::{CalleeLeg, Pair};
use crate::refusal;
use crate::usage::Seat;

#[derive(Debug)]
pub(crate) struct Ending {
    /// At most one of each leg.
    open: Vec<(Side, Pair)>,
    /// A worker that does not answer must not keep the record.
    give_up_at: Instant,
}

impl Ending {
    /// Finishes the record, gives back the seat, and releases what media the call has.
    pub(super) fn begin(
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        fate: &Fate,
        seat: Seat,
        open: Vec<(Side, Pair)>,
    ) -> State {
        facts.record.finish(now.wall_ms, fate);
        desk.usage.leave(now, seat);
        for (_, pair) in &open {
            desk.release(*pair);
        }
        Self { open, give_up_at: after(now, WORKER_ANSWERS) }.next(facts, desk)
    }

    /// The pairs of a call that has a caller's leg and this one.
    pub(super) fn pairs(caller: Pair, agent: &CalleeLeg) -> Vec<(Side, Pair)> {
        let mut pairs = vec![(Side::Caller, caller)];
        match agent {
            CalleeLeg::Sip(leg) => pairs.push((Side::Callee, leg.pair)),
            CalleeLeg::Echo | CalleeLeg::Stream(_) => {}
        }
        pairs
    }

    pub(super) fn deadline(&self) -> Instant {
        self.give_up_at
    }

    pub(super) fn handle(mut self, facts: &mut Facts, desk: &mut Desk, now: Now, event: &CallEvent) -> State {
        match event {
            CallEvent::Pair(side, PairEvent::Released(counters)) => {
                facts.record.heard(*side, counters);
                self.open.retain(|(own, _)| own != side);
            }
            // The release overtook the failure of the bind.
            CallEvent::Pair(side, PairEvent::BindFailed(_)) => self.open.retain(|(own, _)| own != side),
            CallEvent::Timeout if now.instant >= self.give_up_at => {
                for (_, pair) in self.open.drain(..) {
                    desk.give_back(now, pair.media);
                }
            }
            CallEvent::Dialog(
                _,
                DialogEvent::Reinvited(transaction, _) | DialogEvent::Requested(transaction, _),
            ) => {
                desk.respond(now, *transaction, refusal::plain(481));
            }
            CallEvent::Cancelled(_)
            | CallEvent::Progress(_)
            | CallEvent::EarlyOffer
            | CallEvent::Pracked(..)
            | CallEvent::PrackMissing
            | CallEvent::Answered(_)
            | CallEvent::Rejected(..)
            | CallEvent::Dialog(
                _,
                DialogEvent::Acknowledged(_)
                | DialogEvent::AckMissing(_)
                | DialogEvent::Session(_)
                | DialogEvent::Ended(_),
            )
            | CallEvent::Stream(_)
            // What is lost is to be released, which it is being.
            | CallEvent::Pair(
                _,
                PairEvent::Bound | PairEvent::Latched | PairEvent::Silent | PairEvent::Lost,
            )
            | CallEvent::Verdict(_)
            | CallEvent::Stop(_)
            | CallEvent::Recorded
            | CallEvent::Timeout => {}
        }
        self.next(facts, desk)
    }

    fn next(self, facts: &Facts, desk: &mut Desk) -> State {
        if self.open.is_empty() { Ended::begin(facts, desk) } else { State::Ending(self) }
    }
}

const WORKER_ANSWERS: Duration = Duration::from_secs(5);
