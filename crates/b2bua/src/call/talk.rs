//! The talk: both legs up and bridged. What Answered and Connected have in common.

use std::time::{Duration, Instant};

use media::command::{Digit, Remote};
use sip::Message;
use sip::endpoint::TransactionKey;

use super::change::Asking;
use super::ending::Ending;
use super::errand::Errands;
use super::event::{Closed, DialogEvent, PairEvent, SessionEvent, Stop, StreamEvent};
use super::{CallEvent, Facts, State};
use crate::ask::{Dialled, Digits};
use crate::desk::{Desk, after};
use crate::dtmf::Pressed;
use crate::fate::{Fate, Side};
use crate::headers::reason;
use crate::io::{Notice, Now, Output};
use crate::leg::{CalleeLeg, Pair, SipLeg};
use crate::record::CallRecord;
use crate::usage::Seat;
use crate::{dtmf, reinvite};

/// Two legs and the bridge between them. The bridge exists as long as this.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) caller: SipLeg,
    pub(super) agent: CalleeLeg,
    pub(super) seat: Seat,
    /// `max_call_s`.
    pub(super) until: Option<Instant>,
    /// When the peers of a held call are next asked whether they are there: their media does not tell.
    pub(super) probe_at: Option<Instant>,
    /// Whose change of the session waits for the other side's word.
    pub(super) asking: Asking,
    /// Our own requests within the dialogs.
    pub(super) errands: Errands,
}

/// Where an event leads a talk.
#[derive(Debug)]
pub(super) enum Turnout {
    /// On.
    On(Box<Talk>),
    /// To its end.
    End(State),
}

impl Talk {
    /// Tells the worker what both legs agreed on, and joins them. Does nothing while an answer of the caller is due.
    pub(super) fn bridge(&mut self, desk: &mut Desk, now: Now) {
        if self.caller.sdp.codec().is_none() {
            return;
        }
        for (pair, remote) in self.described(desk) {
            desk.describe(pair, remote);
        }
        match &self.agent {
            CalleeLeg::Echo => desk.echo(self.caller.pair),
            CalleeLeg::Stream(_) => desk.tap(self.caller.pair),
            CalleeLeg::Sip(leg) => desk.relay(self.caller.pair, leg.pair),
        }
        self.watch(desk, now);
    }

    /// Writes down what the legs have agreed on.
    pub(super) fn note(&self, record: &mut CallRecord) {
        record.agreed(&self.caller.sdp, self.leg(Side::Callee).map(|leg| &leg.sdp));
    }

    /// When `CallEvent::Timeout` has something to do.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.until.into_iter().chain(self.probe_at).chain(self.asking.deadline()).min()
    }

    /// What the workers have to know, the caller's first. While either leg is held, neither can be expected to send: what one does
    /// not say, the other has nothing to answer to.
    pub(super) fn described(&self, desk: &Desk) -> Vec<(Pair, Remote)> {
        let silence = if self.is_held() { None } else { desk.config.silence_timeout };
        self.legs().filter_map(|leg| Some((leg.pair, leg.sdp.remote(silence)?))).collect()
    }

    /// Tells the workers what is not as it was `before`.
    pub(super) fn describe_changes(&mut self, desk: &mut Desk, now: Now, before: &[(Pair, Remote)]) {
        for described in self.described(desk) {
            if !before.contains(&described) {
                desk.describe(described.0, described.1);
            }
        }
        self.watch(desk, now);
    }

    fn is_held(&self) -> bool {
        self.legs().any(|leg| leg.sdp.is_held())
    }

    fn legs(&self) -> impl Iterator<Item = &SipLeg> {
        let agent = match &self.agent {
            CalleeLeg::Sip(leg) => Some(&**leg),
            CalleeLeg::Echo | CalleeLeg::Stream(_) => None,
        };
        std::iter::once(&self.caller).chain(agent)
    }

    /// Where the silence of a peer would end the call, but for its being held, the peers are asked instead.
    fn watch(&mut self, desk: &Desk, now: Now) {
        self.probe_at = if self.is_held() && desk.config.silence_timeout.is_some() {
            self.probe_at.or_else(|| Some(after(now, PROBE)))
        } else {
            None
        };
    }

    /// Asks the peers whether they know the dialogs still: 481, or no answer, ends the call (RFC 3261 s.12.2.1.2).
    fn probe(&mut self, desk: &mut Desk, now: Now) {
        if self.probe_at.is_some_and(|at| now.instant >= at) {
            self.probe_at = Some(after(now, PROBE));
            for leg in self.legs() {
                desk.probe(now, leg.dialog);
            }
        }
    }

    /// Takes in what means the same before and after the caller's ACK.
    pub(super) fn handle(
        mut self: Box<Self>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: CallEvent,
    ) -> Turnout {
        let parties = facts.parties;
        let (fate, gone) = match event {
            CallEvent::Dialog(side, DialogEvent::Acknowledged(ack)) => {
                match self.acknowledged(desk, now, side, &ack) {
                    Ok(()) => return Turnout::On(self),
                    Err(fate) => (fate, None),
                }
            }
            CallEvent::Dialog(side, DialogEvent::Reinvited(transaction, request)) => {
                self.reinvited(desk, now, side, transaction, &request);
                return Turnout::On(self);
            }
            CallEvent::Dialog(side, DialogEvent::Session(event)) => {
                let expired = matches!(event, SessionEvent::Expired).then_some(side);
                match self.session(desk, now, side, parties.on(side), event) {
                    Ok(()) => return Turnout::On(self),
                    Err(fate) => (fate, expired),
                }
            }
            CallEvent::Pracked(prack, transaction) => match self.pracked(desk, now, &prack, transaction) {
                Ok(()) => return Turnout::On(self),
                Err(fate) => (fate, None),
            },
            CallEvent::PrackMissing => (Fate::PrackMissing, Some(Side::Caller)),
            // Our 2xx waits for a PRACK.
            CallEvent::Cancelled(cancel) => (Fate::Cancelled(reason::of(Some(&cancel))), Some(Side::Caller)),
            CallEvent::Dialog(side, DialogEvent::Requested(transaction, request)) => {
                let reply =
                    dtmf::inside(&request, |digit, duration| self.pressed(desk, side, digit, duration));
                desk.respond(now, transaction, reply);
                return Turnout::On(self);
            }
            CallEvent::Dialog(side, DialogEvent::Ended(Some(bye))) => {
                (Fate::HungUp(parties.on(side), reason::of(Some(&bye))), Some(side))
            }
            CallEvent::Dialog(side, DialogEvent::Ended(None)) => {
                (Fate::PeerGone(parties.on(side)), Some(side))
            }
            CallEvent::Dialog(side, DialogEvent::AckMissing(diagnosis)) => {
                (Fate::AckMissing(parties.on(side), diagnosis), Some(side))
            }
            CallEvent::Stream(StreamEvent::Closed(Closed::Orderly)) => {
                (Fate::StreamClosed, Some(Side::Callee))
            }
            CallEvent::Stream(StreamEvent::Closed(Closed::Broken(error)) | StreamEvent::Failed(error)) => {
                let agent_id = facts.record.agent_id.clone().unwrap_or_default();
                desk.put(Output::Notice(Notice::AgentGone { agent_id, error }));
                (Fate::StreamBroken, Some(Side::Callee))
            }
            CallEvent::Pair(side, PairEvent::Silent) => (Fate::MediaSilent(parties.on(side)), None),
            CallEvent::Pair(_, PairEvent::Lost) => (Fate::MediaFailed, None),
            CallEvent::Stop(Stop::Hangup) => (Fate::Hangup, None),
            CallEvent::Stop(Stop::Shutdown) => (Fate::Shutdown, None),
            CallEvent::Timeout if self.until.is_some_and(|until| now.instant >= until) => {
                (Fate::MaxDuration, None)
            }
            CallEvent::Timeout => {
                self.expire_change(desk, now);
                self.probe(desk, now);
                return Turnout::On(self);
            }
            CallEvent::Progress(_)
            | CallEvent::EarlyOffer
            | CallEvent::Answered(_)
            | CallEvent::Rejected(..)
            | CallEvent::Stream(StreamEvent::Opened)
            | CallEvent::Pair(
                _,
                PairEvent::Bound | PairEvent::BindFailed(_) | PairEvent::Latched | PairEvent::Released(_),
            )
            | CallEvent::Verdict(_)
            | CallEvent::Recorded => return Turnout::On(self),
        };
        Turnout::End(self.end(facts, desk, now, &fate, gone))
    }

    /// Ends both legs, but for the one that is gone already.
    fn end(self, facts: &mut Facts, desk: &mut Desk, now: Now, fate: &Fate, gone: Option<Side>) -> State {
        part(desk, now, Side::Caller, &self.caller, fate, gone);
        hang_up(desk, now, &self.agent, self.caller.pair, fate, gone);
        let pairs = Ending::pairs(self.caller.pair, &self.agent);
        Ending::begin(facts, desk, now, fate, self.seat, pairs)
    }

    /// An ACK may carry the answer to the offer in our 200 (RFC 3261 s.13.2.1); without it, the call can't go on.
    fn acknowledged(&mut self, desk: &mut Desk, now: Now, side: Side, ack: &Message) -> Result<(), Fate> {
        let Some(leg) = self.leg_mut(side) else { return Ok(()) };
        if reinvite::acknowledged(&mut leg.sdp, ack)? {
            self.bridge(desk, now);
        }
        self.run_due(desk, now, side);
        self.level(desk, now);
        Ok(())
    }

    /// A PRACK may carry the answer to the offer in a provisional response, or an offer (RFC 3262 s.5).
    fn pracked(
        &mut self,
        desk: &mut Desk,
        now: Now,
        prack: &Message,
        transaction: Option<TransactionKey>,
    ) -> Result<(), Fate> {
        self.acknowledged(desk, now, Side::Caller, prack)?;
        if let Some(transaction) = transaction {
            self.reinvited(desk, now, Side::Caller, transaction, prack);
        }
        Ok(())
    }

    /// A digit goes to the other side.
    fn pressed(&self, desk: &mut Desk, side: Side, digit: Digit, duration: Duration) -> Pressed {
        match (side, &self.agent) {
            (Side::Caller, CalleeLeg::Sip(leg)) => desk.dial(leg.pair, digit, duration),
            (Side::Caller, CalleeLeg::Echo) | (Side::Callee, _) => {
                desk.dial(self.caller.pair, digit, duration);
            }
            (Side::Caller, CalleeLeg::Stream(_)) => desk.hear(self.caller.pair, digit),
        }
        Pressed::Passed
    }

    /// Digits of our own go to that side, if it takes any.
    pub(super) fn dial(&self, desk: &mut Desk, side: Side, digits: &Digits) -> Dialled {
        let Some(leg) = self.leg(side) else { return Dialled::NotTaken };
        let remote = leg.sdp.remote(None);
        if remote.is_none_or(|remote| remote.telephone_event.is_none()) {
            return Dialled::NotTaken;
        }
        for digit in digits.iter() {
            desk.dial(leg.pair, digit, dtmf::USUAL);
        }
        Dialled::Sent
    }

    pub(super) fn leg(&self, side: Side) -> Option<&SipLeg> {
        match (side, &self.agent) {
            (Side::Caller, _) => Some(&self.caller),
            (Side::Callee, CalleeLeg::Sip(leg)) => Some(leg),
            (Side::Callee, CalleeLeg::Echo | CalleeLeg::Stream(_)) => None,
        }
    }

    pub(super) fn leg_mut(&mut self, side: Side) -> Option<&mut SipLeg> {
        match (side, &mut self.agent) {
            (Side::Caller, _) => Some(&mut self.caller),
            (Side::Callee, CalleeLeg::Sip(leg)) => Some(leg),
            (Side::Callee, CalleeLeg::Echo | CalleeLeg::Stream(_)) => None,
        }
    }
}

/// How often the peers of a held call are asked.
const PROBE: Duration = Duration::from_mins(1);

/// Ends the agent's leg, unless it is gone.
pub(super) fn hang_up(
    desk: &mut Desk,
    now: Now,
    agent: &CalleeLeg,
    caller: Pair,
    fate: &Fate,
    gone: Option<Side>,
) {
    match agent {
        CalleeLeg::Echo => {}
        CalleeLeg::Stream(_) if gone == Some(Side::Callee) => {}
        CalleeLeg::Stream(agent) => desk.close_stream(caller, *agent),
        CalleeLeg::Sip(leg) => part(desk, now, Side::Callee, leg, fate, gone),
    }
}

/// Ends a dialog with a BYE, unless the far side has ended it.
fn part(desk: &mut Desk, now: Now, side: Side, leg: &SipLeg, fate: &Fate, gone: Option<Side>) {
    if gone == Some(side) {
        desk.forget(leg.dialog);
    } else {
        desk.bye(now, leg.dialog, fate);
    }
}
