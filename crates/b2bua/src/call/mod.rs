//! A call: two legs and their fate. One file for each state; a transition consumes the state that it leaves.
//!
//! ```text
//! Binding ──► Dialling ──► Answered ──► Connected
//!    │            │            │            │
//!    └────────────┴────────────┴────────────┴──► Ending ──► Ended ──► forgotten
//! ```
//!
//! A call of our own has no caller: whoever is called is reached first, as leg A, and the agent then.
//!
//! ```text
//! Placing ──► Joining ──► Connected
//!    │           │            │
//!    └───────────┴────────────┴──► Ending ──► Ended ──► forgotten
//! ```

mod answered;
mod attempt;
mod binding;
mod change;
mod connected;
mod dialling;
mod early;
mod ended;
mod ending;
mod errand;
mod event;
mod gateway;
mod hops;
mod joining;
mod placing;
mod plan;
mod reach;
mod ringing;
mod search;
mod talk;
mod target;

use std::time::Instant;

use media::command::Counters;
use sip::endpoint::DialogKey;

use self::answered::Answered;
use self::binding::Binding;
use self::connected::Connected;
use self::dialling::Dialling;
use self::ended::Ended;
use self::ending::Ending;
use self::joining::Joining;
use self::placing::Placing;

use crate::ask::{Dialled, Digits};
use crate::desk::Desk;
use crate::fate::{Fate, Parties, Side};
use crate::io::{CallKey, Milestone, Now};
use crate::record::CallRecord;

pub(crate) use self::binding::Admitted;
pub(crate) use self::event::{CallEvent, DialogEvent, PairEvent, Stop, StreamEvent};
pub(crate) use self::gateway::Gateways;
pub(crate) use self::placing::Placed;
pub(crate) use self::plan::{Brief, Plan};

/// A call: who it is, and how far it has come.
#[derive(Debug)]
pub(crate) struct Call {
    facts: Facts,
    state: State,
}

/// What stays the same, or only grows, from the INVITE to the end.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) key: CallKey,
    pub(crate) record: CallRecord,
    pub(crate) parties: Parties,
}

/// How far a call has come.
#[derive(Debug)]
enum State {
    /// The caller's port pair is being bound.
    Binding(Box<Binding>),
    /// Whoever is called is being reached.
    Dialling(Box<Dialling>),
    /// Whoever we call is being reached.
    Placing(Box<Placing>),
    /// They have answered; the agent is being reached.
    Joining(Box<Joining>),
    /// The caller has its 200; its ACK is due.
    Answered(Answered),
    /// Caller and callee talk.
    Connected(Connected),
    /// The dialogs are over; the media is being released.
    Ending(Ending),
    /// The record is being written.
    Ended(Ended),
    /// Nothing is left of it.
    Forgotten,
}

/// How far a call has come, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Its media ports are being bound.
    Binding,
    /// Whoever is called is being reached.
    Dialling,
    /// Whoever we call is being reached.
    Placing,
    /// They have answered; the agent is being reached.
    Joining,
    /// The 200 is sent, the ACK has not come.
    Answered,
    /// Caller and callee talk.
    Connected,
    /// Its media is being released.
    Ending,
    /// Its record is being written.
    Ended,
}

impl Call {
    /// A call that admission let in.
    pub(crate) fn admit(desk: &mut Desk, now: Now, facts: Facts, admitted: Admitted) -> Self {
        desk.record(facts.key, &facts.record);
        let mut facts = facts;
        let state = Binding::begin(&mut facts, desk, now, admitted);
        Self { facts, state }
    }

    /// A call of our own that is let out.
    pub(crate) fn place(desk: &mut Desk, now: Now, facts: Facts, placed: Placed) -> Self {
        desk.record(facts.key, &facts.record);
        let mut facts = facts;
        let state = Placing::begin(&mut facts, desk, now, placed);
        Self { facts, state }
    }

    /// A call that came no further than the door.
    pub(crate) fn refuse(desk: &mut Desk, now: Now, facts: Facts, dialog: DialogKey, fate: &Fate) -> Self {
        desk.refuse(now, dialog, fate);
        Self::turned_away(desk, now, facts, fate)
    }

    /// A call that came not even to the door: it has its answer already.
    pub(crate) fn turned_away(desk: &mut Desk, now: Now, mut facts: Facts, fate: &Fate) -> Self {
        facts.record.finish(now.wall_ms, fate);
        let state = Ended::begin(&facts, desk);
        Self { facts, state }
    }

    /// Takes in what happened.
    pub(crate) fn handle(self, desk: &mut Desk, now: Now, event: CallEvent) -> Self {
        let Self { mut facts, state } = self;
        let state = match state {
            State::Binding(state) => state.handle(&mut facts, desk, now, event),
            State::Dialling(state) => state.handle(&mut facts, desk, now, event),
            State::Placing(state) => state.handle(&mut facts, desk, now, event),
            State::Joining(state) => state.handle(&mut facts, desk, now, event),
            State::Answered(state) => state.handle(&mut facts, desk, now, event),
            State::Connected(state) => state.handle(&mut facts, desk, now, event),
            State::Ending(state) => state.handle(&mut facts, desk, now, &event),
            State::Ended(state) => state.handle(desk, now, &event),
            State::Forgotten => State::Forgotten,
        };
        Self { facts, state }
    }

    /// Notes how a leg does so far.
    pub(crate) fn measured(&mut self, side: Side, counters: &Counters) {
        if self.facts.record.status.is_none() {
            self.facts.record.heard(side, counters);
        }
    }

    /// When `CallEvent::Timeout` has something to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Binding(state) => Some(state.deadline()),
            State::Dialling(state) => Some(state.deadline()),
            State::Placing(state) => Some(state.deadline()),
            State::Joining(state) => Some(state.deadline()),
            State::Answered(state) => state.deadline(),
            State::Connected(state) => state.deadline(),
            State::Ending(state) => Some(state.deadline()),
            State::Ended(_) | State::Forgotten => None,
        }
    }

    /// How far it has come; `None` when it may be forgotten.
    pub(crate) fn progress(&self) -> Option<Progress> {
        Some(match self.state {
            State::Binding(_) => Progress::Binding,
            State::Dialling(_) => Progress::Dialling,
            State::Placing(_) => Progress::Placing,
            State::Joining(_) => Progress::Joining,
            State::Answered(_) => Progress::Answered,
            State::Connected(_) => Progress::Connected,
            State::Ending(_) => Progress::Ending,
            State::Ended(_) => Progress::Ended,
            State::Forgotten => return None,
        })
    }

    /// Sends digits to whoever is no agent.
    pub(crate) fn dial(&self, desk: &mut Desk, digits: &Digits) -> Dialled {
        let talk = match &self.state {
            State::Answered(state) => state.talk(),
            State::Connected(state) => state.talk(),
            State::Binding(_)
            | State::Dialling(_)
            | State::Placing(_)
            | State::Joining(_)
            | State::Ending(_)
            | State::Ended(_)
            | State::Forgotten => return Dialled::NotTalking,
        };
        talk.dial(desk, self.facts.parties.outside(), digits)
    }

    /// Whether it has come so far. That both sides can talk is said only as long as they can.
    pub(crate) fn has_come_to(&self, milestone: Milestone) -> bool {
        match milestone {
            Milestone::Ringing => self.facts.record.ringing_at.is_some(),
            Milestone::Answered => self.facts.record.answered_at.is_some(),
            Milestone::Joined => matches!(self.state, State::Answered(_) | State::Connected(_)),
        }
    }

    pub(crate) fn record(&self) -> &CallRecord {
        &self.facts.record
    }
}
