//! Binding: the call is admitted, its caller hears 100, and the worker is binding the caller's port pair.

use std::time::{Duration, Instant};

use sip::endpoint::DialogKey;

use super::dialling::Approach;
use super::ending::Ending;
use super::event::{CallEvent, DialogEvent, PairEvent, Stop};
use super::search::Search;
use super::{Facts, Plan, State};
use crate::config::MediaAddress;
use crate::desk::{Desk, Owner, after};
use crate::dtmf::Pressed;
use crate::fate::{Fate, Party, Side};
use crate::headers::reason;
use crate::io::{Notice, Now, Output};
use crate::leg::{Caller, EarlyMedia, Pair, Told};
use crate::negotiate::Opening;
use crate::usage::Seat;
use crate::{dtmf, reinvite};

/// What admission hands over.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) dialog: DialogKey,
    /// Where its RTP goes.
    pub(crate) media: MediaAddress,
    pub(crate) opening: Opening,
    pub(crate) early_media: EarlyMedia,
    pub(crate) plan: Plan,
    pub(crate) seat: Seat,
}

#[derive(Debug)]
pub(super) struct Binding {
    admitted: Admitted,
    pair: Pair,
    tries_left: u8,
    ring_by: Instant,
}

impl Binding {
    pub(super) fn begin(facts: &mut Facts, desk: &mut Desk, now: Now, admitted: Admitted) -> State {
        desk.trying(now, admitted.dialog);
        let ring_by = after(now, Duration::from_secs(desk.config.limits.ring_s.into()));
        Self::bind(facts, desk, now, admitted, BIND_RETRIES, ring_by, ALL_IN_USE.to_owned())
    }

    /// `error` is why, if there is no pair to bind.
    fn bind(
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        admitted: Admitted,
        tries_left: u8,
        ring_by: Instant,
        error: String,
    ) -> State {
        match desk.bind(now, Owner { call: facts.key, side: Side::Caller }, admitted.media) {
            Some(pair) => State::Binding(Box::new(Self { admitted, pair, tries_left, ring_by })),
            None => no_ports(facts, desk, now, admitted, error),
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.ring_by
    }

    pub(super) fn handle(
        self: Box<Self>,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        event: CallEvent,
    ) -> State {
        match event {
            CallEvent::Pair(Side::Caller, PairEvent::Bound) => {
                let Admitted { dialog, media: _, opening, early_media, plan, seat } = self.admitted;
                let caller = Caller { dialog, pair: self.pair, opening, told: Told::Nothing, early_media };
                let search = Search::new(plan);
                Approach { caller, search, seat, ring_by: self.ring_by, said: None }.reach(facts, desk, now)
            }
            CallEvent::Pair(Side::Caller, PairEvent::BindFailed(error)) => {
                match self.tries_left.checked_sub(1) {
                    Some(tries_left) => {
                        Self::bind(facts, desk, now, self.admitted, tries_left, self.ring_by, error)
                    }
                    None => no_ports(facts, desk, now, self.admitted, error),
                }
            }
            CallEvent::Cancelled(cancel) => {
                self.end(facts, desk, now, &Fate::Cancelled(reason::of(Some(&cancel))))
            }
            CallEvent::Dialog(_, DialogEvent::Ended(bye)) => {
                self.end(facts, desk, now, &Fate::HungUp(Party::Caller, reason::of(bye.as_ref())))
            }
            CallEvent::Pair(Side::Caller, PairEvent::Lost) => self.end(facts, desk, now, &Fate::MediaFailed),
            CallEvent::Stop(Stop::Hangup) => self.end(facts, desk, now, &Fate::Hangup),
            CallEvent::Stop(Stop::Shutdown) => self.end(facts, desk, now, &Fate::Shutdown),
            CallEvent::Timeout if now.instant >= self.ring_by => self.end(facts, desk, now, &Fate::NoAnswer),
            CallEvent::Dialog(_, DialogEvent::Reinvited(transaction, request)) => {
                desk.respond(now, transaction, reinvite::early(&request));
                State::Binding(self)
            }
            CallEvent::Dialog(_, DialogEvent::Requested(transaction, request)) => {
                desk.respond(now, transaction, dtmf::inside(&request, |_, _| Pressed::Early));
                State::Binding(self)
            }
            CallEvent::Progress(_)
            | CallEvent::EarlyOffer
            | CallEvent::Pracked(..)
            | CallEvent::PrackMissing
            | CallEvent::Answered(_)
            | CallEvent::Rejected(..)
            | CallEvent::Dialog(
                _,
                DialogEvent::Acknowledged(_) | DialogEvent::AckMissing(_) | DialogEvent::Session(_),
            )
            | CallEvent::Stream(_)
            | CallEvent::Pair(..)
            | CallEvent::Verdict(_)
            | CallEvent::Recorded
            | CallEvent::Timeout => State::Binding(self),
        }
    }

    fn end(self, facts: &mut Facts, desk: &mut Desk, now: Now, fate: &Fate) -> State {
        close(desk, now, self.admitted.dialog, fate);
        Ending::begin(facts, desk, now, fate, self.admitted.seat, vec![(Side::Caller, self.pair)])
    }
}

/// Tells an unanswered caller of the end, unless the caller made it.
pub(super) fn close(desk: &mut Desk, now: Now, dialog: DialogKey, fate: &Fate) {
    if matches!(fate, Fate::Cancelled(_) | Fate::HungUp(Party::Caller, _)) {
        desk.forget(dialog);
    } else {
        desk.refuse(now, dialog, fate);
    }
}

fn no_ports(facts: &mut Facts, desk: &mut Desk, now: Now, admitted: Admitted, error: String) -> State {
    desk.put(Output::Notice(Notice::NoPorts { error }));
    let fate = Fate::Refused(numbers::Refusal::NodeFull);
    desk.refuse(now, admitted.dialog, &fate);
    Ending::begin(facts, desk, now, &fate, admitted.seat, Vec::new())
}

/// Another program may hold a port of ours; not all of them.
pub(super) const BIND_RETRIES: u8 = 7;
pub(super) const ALL_IN_USE: &str = "all of them are in use";
