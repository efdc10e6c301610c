//! Answered: the caller has its 200, and its ACK is due. The endpoint repeats the 200, and tells when no ACK came.

use std::time::{Duration, Instant};

use super::binding::close;
use super::connected::Connected;
use super::ending::Ending;
use super::event::{CallEvent, DialogEvent};
use super::talk::{Talk, Turnout, hang_up};
use super::{Facts, State};
use crate::desk::{Desk, after};
use crate::fate::{Fate, Side};
use crate::io::Now;
use crate::leg::{AgentLeg, Caller, SipLeg};
use crate::negotiate::{Exchange, Opening, name, preferring};
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
        agent: AgentLeg,
        seat: Seat,
    ) -> State {
        let Caller { dialog, pair, opening } = caller;
        let spoken = match &agent {
            AgentLeg::Sip(leg) => leg.sdp.codec(),
            AgentLeg::Echo | AgentLeg::Stream(_) => None,
        };
        let mut sdp = desk.exchange(pair, preferring(spoken));
        let description = match describe(&mut sdp, &opening) {
            Ok(description) => description,
            Err(fate) => {
                hang_up(desk, now, &agent, pair, &fate, None);
                close(desk, now, dialog, &fate);
                let pairs = Ending::pairs(pair, &agent);
                return Ending::begin(facts, desk, now, &fate, seat, pairs);
            }
        };
        let until = desk.config.limits.max_call_s.map(|s| after(now, Duration::from_secs(s.into())));
        let caller = SipLeg { dialog, pair, sdp };
        let mut talk = Box::new(Talk { caller, agent, seat, until, probe_at: None });
        talk.bridge(desk, now);
        desk.answer(now, dialog, &description);
        facts.record.answered_at = Some(now.wall_ms);
        facts.record.codec = talk.caller.sdp.codec().map(name);
        State::Answered(Self { talk })
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.talk.deadline()
    }

    pub(super) fn handle(self, facts: &mut Facts, desk: &mut Desk, now: Now, event: CallEvent) -> State {
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
    match opening {
        Opening::Offer(offer) => sdp.answer(offer),
        Opening::Late => Ok(sdp.offer()),
    }
}
