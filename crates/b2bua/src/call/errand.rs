//! Our own re-INVITEs and UPDATEs: they tell a side what the other one wants, or that the session is still alive (RFC 4028 s.7.4).
//! One at a time in each dialog.

use sip::endpoint::DialogKey;
use sip::{Message, Method, StatusCode};

use super::event::SessionEvent;
use super::talk::Talk;
use crate::desk::Desk;
use crate::fate::{Fate, Party, Side};
use crate::io::Now;
use crate::negotiate::Turn;
use crate::reinvite;

/// Our request within a dialog.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Errand {
    #[default]
    None,
    /// It has no final response.
    Out(Purpose),
    /// Something stands in its way: the far side's request, or an ACK that is due.
    Due(Purpose),
}

/// What it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// The description stays as it is.
    Refresh,
    /// The other side wants something else than before.
    Tell { tries_left: u8 },
}

/// One of each leg.
#[derive(Debug, Default)]
pub(super) struct Errands {
    caller: Errand,
    agent: Errand,
}

impl Errands {
    pub(super) fn of(&mut self, side: Side) -> &mut Errand {
        match side {
            Side::Caller => &mut self.caller,
            Side::Callee => &mut self.agent,
        }
    }
}

impl Talk {
    /// Takes in what became of our request, or that one is wanted. An end is an `Err`.
    pub(super) fn session(
        &mut self,
        desk: &mut Desk,
        now: Now,
        side: Side,
        party: Party,
        event: SessionEvent,
    ) -> Result<(), Fate> {
        match event {
            SessionEvent::Accepted(response) => self.accepted(desk, now, side, &response),
            SessionEvent::Refused(status, response) => {
                self.refused(desk, now, side, status, response.as_ref());
            }
            SessionEvent::OfferDue => self.run_due(desk, now, side),
            SessionEvent::RefreshDue => match *self.errands.of(side) {
                // Any change refreshes as well.
                Errand::Out(_) => {}
                Errand::Due(_) => self.run_due(desk, now, side),
                Errand::None => self.refresh(desk, now, side),
            },
            SessionEvent::Cancelled => self.change_cancelled(side),
            SessionEvent::Expired => return Err(Fate::SessionExpired(party)),
        }
        Ok(())
    }

    /// Lets a side know what the other one wants; when its turn comes, if there is something in the way.
    pub(super) fn tell(&mut self, desk: &mut Desk, now: Now, side: Side) {
        match self.errands.of(side) {
            Errand::None => self.send_word(desk, now, side, TRIES),
            // Its end leads back here.
            Errand::Out(_) | Errand::Due(Purpose::Tell { .. }) => {}
            errand @ Errand::Due(Purpose::Refresh) => {
                *errand = Errand::Due(Purpose::Tell { tries_left: TRIES });
            }
        }
    }

    /// Lets each side know what the other one wants, where it does not.
    pub(super) fn level(&mut self, desk: &mut Desk, now: Now) {
        for side in [Side::Caller, Side::Callee] {
            if !self.knows(side) {
                self.tell(desk, now, side);
            }
        }
    }

    /// Whether a side has nothing to hear.
    fn knows(&self, side: Side) -> bool {
        let wish = self.wish_of(side.other());
        let knows = self.leg(side).is_none_or(|leg| leg.sdp.codec().is_none() || leg.sdp.told() == wish);
        knows && self.asking.of(side).is_none()
    }

    /// What waited for its turn is sent.
    pub(super) fn run_due(&mut self, desk: &mut Desk, now: Now, side: Side) {
        let errand = *self.errands.of(side);
        match errand {
            Errand::None | Errand::Out(_) => {}
            Errand::Due(Purpose::Refresh) => self.refresh(desk, now, side),
            Errand::Due(Purpose::Tell { .. }) if self.knows(side) => *self.errands.of(side) = Errand::None,
            Errand::Due(Purpose::Tell { tries_left }) => self.send_word(desk, now, side, tries_left),
        }
    }

    fn send_word(&mut self, desk: &mut Desk, now: Now, side: Side, tries_left: u8) {
        let (open_to, codec, by) = match self.asking.of(side) {
            Some(asker) => (asker.proposal.direction, Some(asker.proposal.codec), asker.method.clone()),
            None => (self.wish_of(side.other()), None, Method::Invite),
        };
        let Some(leg) = self.leg_mut(side) else { return };
        let dialog = leg.dialog;
        if leg.sdp.turn() == Turn::Offered || !desk.is_answered(dialog) {
            // The ACK leads back here.
            *self.errands.of(side) = Errand::Due(Purpose::Tell { tries_left });
            return;
        }
        leg.sdp.open_to(open_to);
        let first = codec.or(leg.sdp.codec());
        let text = leg.sdp.propose(first);
        *self.errands.of(side) = Errand::Out(Purpose::Tell { tries_left });
        if by == Method::Update && desk.takes_update(dialog) {
            desk.update(now, dialog, &text);
        } else {
            desk.reinvite(now, dialog, &text);
        }
    }

    fn refresh(&mut self, desk: &mut Desk, now: Now, side: Side) {
        let Some(leg) = self.leg_mut(side).filter(|leg| leg.sdp.turn() == Turn::Settled) else { return };
        let dialog = leg.dialog;
        let Some(text) = leg.sdp.repeat() else { return };
        *self.errands.of(side) = Errand::Out(Purpose::Refresh);
        desk.reinvite(now, dialog, &text);
    }

    fn accepted(&mut self, desk: &mut Desk, now: Now, side: Side, response: &Message) {
        let Some(dialog) = self.dialog(side) else { return };
        if response.cseq().method == Method::Invite {
            desk.acknowledge(now, dialog, None);
        }
        let Errand::Out(purpose) = std::mem::take(self.errands.of(side)) else { return };
        let before = self.described(desk);
        let Some(leg) = self.leg_mut(side) else { return };
        match (reinvite::accept(&mut leg.sdp, response), purpose) {
            (Ok(()), Purpose::Refresh | Purpose::Tell { .. }) => {}
            // Nothing was to change, and nothing has.
            (Err(_), Purpose::Refresh) => leg.sdp.withdraw(),
            // It has agreed to nothing: as good as a refusal.
            (Err(_), Purpose::Tell { .. }) => {
                leg.sdp.withdraw();
                if self.asking.of(side).is_some() {
                    self.deny(desk, now, StatusCode::NOT_ACCEPTABLE_HERE);
                }
                return;
            }
        }
        let told = leg.sdp.told();
        self.describe_changes(desk, now, &before);
        match self.asking.of(side) {
            Some(asker) if purpose != Purpose::Refresh && told == asker.proposal.direction => {
                self.grant(desk, now);
            }
            Some(_) => self.tell(desk, now, side),
            None => {}
        }
        self.level(desk, now);
    }

    fn refused(
        &mut self,
        desk: &mut Desk,
        now: Now,
        side: Side,
        status: StatusCode,
        response: Option<&Message>,
    ) {
        let errand = self.errands.of(side);
        let Errand::Out(purpose) = *errand else { return };
        let later = is_for_now(status, response);
        *errand = match purpose {
            Purpose::Refresh if later => Errand::Due(purpose),
            Purpose::Tell { tries_left: left @ 1.. } if later => {
                Errand::Due(Purpose::Tell { tries_left: left - 1 })
            }
            // The endpoint asks for a refresh again.
            Purpose::Refresh | Purpose::Tell { .. } => Errand::None,
        };
        let over = *errand == Errand::None;
        if let Some(leg) = self.leg_mut(side) {
            leg.sdp.withdraw();
        }
        if self.asking.of(side).is_none() {
            return;
        }
        match purpose {
            Purpose::Refresh => self.tell(desk, now, side),
            Purpose::Tell { .. } if over => self.deny(desk, now, status),
            Purpose::Tell { .. } => {}
        }
    }

    fn dialog(&self, side: Side) -> Option<DialogKey> {
        self.leg(side).map(|leg| leg.dialog)
    }
}

/// Whether the far side only has no time for it: `OfferDue` follows then.
fn is_for_now(status: StatusCode, response: Option<&Message>) -> bool {
    match status.code() {
        491 => true,
        500 | 503 => response.is_some_and(|response| response.header("Retry-After").is_some()),
        _other => false,
    }
}

/// How often a change is tried again that met one of the far side's.
const TRIES: u8 = 4;
