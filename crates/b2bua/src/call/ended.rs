//! Ended: the finished record is out, and the call is kept until it is on disk.

use super::{CallEvent, DialogEvent, Facts, State};
use crate::desk::Desk;
use crate::io::Now;
use crate::refusal;

#[derive(Debug)]
pub(crate) struct Ended;

impl Ended {
    pub(super) fn begin(facts: &Facts, desk: &mut Desk) -> State {
        desk.record(facts.key, &facts.record);
        State::Ended(Self)
    }

    pub(super) fn handle(self, desk: &mut Desk, now: Now, event: &CallEvent) -> State {
        match event {
            CallEvent::Recorded => State::Forgotten,
            CallEvent::Dialog(
                _,
                DialogEvent::Reinvited(transaction, _) | DialogEvent::Requested(transaction, _),
            ) => {
                desk.respond(now, *transaction, refusal::plain(481));
                State::Ended(self)
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
            | CallEvent::Pair(..)
            | CallEvent::Verdict(_)
            | CallEvent::Stop(_)
            | CallEvent::Timeout => State::Ended(self),
        }
    }
}
