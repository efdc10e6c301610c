//! Answered: the caller has its 200, or has it once its PRACK comes, and its ACK is due. The endpoint repeats the 200, and tells when no ACK came.

use std::time::{Duration, Instant};

use sdp::Direction;

use super::binding::close;
use super::change::Asking;
use super::connected::Connected;
use super::ending::Ending;
use super::errand::Errands;
use super::event::{CallEvent, DialogEvent};
use super::talk::{Talk, Turnout, hang_up};
use super::{Facts, State};
use crate::desk::{Desk, after};
use crate::fate::{Fate, Side};
use crate::io::Now;
use crate::leg::{CalleeLeg, Caller, SipLeg, Told};
use crate::negotiate::{Exchange, Opening, preferring};
use crate::refusal::{described, undescribed};
use crate::usage::Seat;

#[derive(Debug)]
pub(super) struct Answered {
    talk: Box<Talk>,
}

impl Answered {
    /// Joins the legs, then answers the caller, in this order.
    pub(super) fn begin(
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        caller: Caller,
        agent: CalleeLeg,
        seat: Seat,
    ) -> State {
        let Caller { dialog, pair, opening, told, early_media: _ } = caller;
        let (sdp, reply) = match told {
            Told::Foretold { sdp, text } => (*sdp, described(&text)),
            Told::Described(sdp) => (*sdp, undescribed()),
            Told::Nothing => {
                let (spoken, open_to) = match &agent {
                    CalleeLeg::Sip(leg) => (leg.sdp.codec(), leg.sdp.wish()),
                    CalleeLeg::Echo | CalleeLeg::Stream(_) => (None, Direction::BOTH),
                };
                let mut sdp = desk.exchange(pair, preferring(spoken), opening.encryption);
                sdp.open_to(open_to);
                match describe(&mut sdp, &opening) {
                    Ok(description) => (sdp, described(&description)),
                    Err(fate) => {
                        hang_up(desk, now, &agent, pair, &fate, None);
                        close(desk, now, dialog, &fate);
                        let pairs = Ending::pairs(pair, &agent);
                        return Ending::begin(facts, desk, now, &fate, seat, pairs);
                    }
                }
            }
        };
        let mut seat = seat;
        desk.usage.answered(now, &mut seat);
        let until = desk.config.limits.max_call_s.map(|s| after(now, Duration::from_secs(s.into())));
        let caller = SipLeg { dialog, pair, sdp };
        let mut talk = Box::new(Talk {
            caller,
            agent,
            seat,
            until,
            probe_at: None,
            asking: Asking::Nobody,
            errands: Errands::default(),
        });
        talk.bridge(desk, now);
        desk.answer(now, dialog, reply);
        talk.note(&mut facts.record);
        let answered = Self { talk };
        answered.note(facts, desk, now);
        State::Answered(answered)
    }

    /// Notes when the 200 went out: a provisional response without PRACK keeps it back (RFC 3262 s.3).
    fn note(&self, facts: &mut Facts, desk: &Desk, now: Now) {
        if facts.record.answered_at.is_none() && desk.is_answered(self.talk.caller.dialog) {
            facts.record.answered_at = Some(now.wall_ms);
        }
    }

    pub(super) fn talk(&self) -> &Talk {
        &self.talk
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.talk.deadline()
    }

    pub(super) fn handle(self, facts: &mut Facts, desk: &mut Desk, now: Now, event: CallEvent) -> State {
        self.note(facts, desk, now);
        let acknowledged = matches!(event, CallEvent::Dialog(Side::Caller, DialogEvent::Acknowledged(_)));
        match self.talk.handle(facts, desk, now, event) {
            Turnout::On(talk) if acknowledged => Connected::begin(facts, talk),
            Turnout::On(talk) => State::Answered(Self { talk }),
            Turnout::End(state) => state,
        }
    }
}

/// Our answer to the caller's offer, or the offer that it left to us.
fn describe(sdp: &mut Exchange, opening: &Opening) -> Result<String, Fate> {
    match &opening.offer {
        Some(offer) => sdp.answer(offer),
        None => Ok(sdp.offer()),
    }
}
