//! Connected: caller and agent talk.

use std::time::Instant;

use super::event::CallEvent;
use super::talk::{Talk, Turnout};
use super::{Facts, State};
use crate::desk::Desk;
use crate::io::Now;

#[derive(Debug)]
pub(super) struct Connected {
    talk: Box<Talk>,
}

impl Connected {
    pub(super) fn begin(facts: &mut Facts, talk: Box<Talk>) -> State {
        // After a late offer, they are known from the ACK on; and a re-INVITE may change them.
        talk.note(&mut facts.record);
        State::Connected(Self { talk })
    }

    pub(super) fn talk(&self) -> &Talk {
        &self.talk
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.talk.deadline()
    }

    pub(super) fn handle(self, facts: &mut Facts, desk: &mut Desk, now: Now, event: CallEvent) -> State {
        match self.talk.handle(facts, desk, now, event) {
            Turnout::On(talk) => Self::begin(facts, talk),
            Turnout::End(state) => state,
        }
    }
}
