//! A change of the session across the legs (RFC 3261 s.14, RFC 3264 s.8, RFC 3311, RFC 6141).
//!
//! What concerns one leg alone is answered at once: where its media goes, a refresh, a codec that the other leg speaks. What the other
//! side has to agree to, its direction or another codec, goes there by a request of ours first, while the transaction of who asked stays
//! open. What the other side says to it is what the asker hears; if it refuses, or says nothing for too long, both sessions
//! stay as they were.

use std::time::{Duration, Instant};

use sdp::{Direction, Session};
use sip::endpoint::{Reply, TransactionKey};
use sip::{Message, Method, StatusCode};

use super::errand::{Errand, Purpose};
use super::talk::Talk;
use crate::body;
use crate::desk::{Desk, after};
use crate::fate::Side;
use crate::io::Now;
use crate::negotiate::{Proposal, Turn};
use crate::refusal::{described, plain, unchanged};
use crate::reinvite::refused;

/// Whose change is under way.
#[derive(Debug)]
pub(super) enum Asking {
    Nobody,
    Someone(Box<Asker>),
}

/// A side that waits for the other one to agree to its change.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) side: Side,
    transaction: TransactionKey,
    pub(super) method: Method,
    offer: Session,
    pub(super) proposal: Proposal,
    until: Instant,
}

/// What becomes of a re-INVITE or UPDATE.
enum Considered {
    Answered(Reply),
    /// The other side has to agree to this offer.
    Passed(Box<Session>, Proposal),
}

impl Asking {
    /// The one that waits for that side's word.
    pub(super) fn of(&self, side: Side) -> Option<&Asker> {
        match self {
            Self::Someone(asker) if asker.side != side => Some(asker),
            Self::Someone(_) | Self::Nobody => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Nobody => None,
            Self::Someone(asker) => Some(asker.until),
        }
    }
}

impl Talk {
    /// Takes in a re-INVITE, or an UPDATE with an offer.
    pub(super) fn reinvited(
        &mut self,
        desk: &mut Desk,
        now: Now,
        side: Side,
        transaction: TransactionKey,
        request: &Message,
    ) {
        let before = self.described(desk);
        match self.consider(side, request) {
            Considered::Answered(reply) => {
                self.describe_changes(desk, now, &before);
                desk.respond(now, transaction, reply);
            }
            Considered::Passed(offer, proposal) => {
                let method = request.method().clone();
                if method == Method::Invite {
                    desk.respond(now, transaction, plain(100));
                }
                let until = after(now, patience(&method));
                let asker = Asker { side, transaction, method, offer: *offer, proposal, until };
                self.asking = Asking::Someone(Box::new(asker));
                self.tell(desk, now, side.other());
            }
        }
    }

    fn consider(&mut self, side: Side, request: &Message) -> Considered {
        let idle = matches!(self.asking, Asking::Nobody);
        let Some(leg) = self.leg(side).filter(|leg| idle && leg.sdp.turn() == Turn::Settled) else {
            // RFC 3311 s.5.2: an offer of ours is open, be it one that the other side has us make.
            return Considered::Answered(plain(491));
        };
        let weighed = match body::description(request) {
            Ok(Some(offer)) => leg.sdp.weigh(&offer).map(|proposal| Some((offer, proposal))),
            Ok(None) => Ok(None),
            Err(fate) => Err(fate),
        };
        match weighed {
            Ok(Some((offer, proposal))) if self.concerns_both(side, proposal) => {
                Considered::Passed(Box::new(offer), proposal)
            }
            Ok(Some((offer, _))) => Considered::Answered(self.answer(side, &offer)),
            Ok(None) if *request.method() == Method::Invite => Considered::Answered(self.offer(side)),
            // An UPDATE without an offer only says that its sender is alive.
            Ok(None) => Considered::Answered(plain(200)),
            Err(fate) => Considered::Answered(refused(&fate)),
        }
    }

    /// Whether the other side has to agree, for it would have to do something else than it does.
    fn concerns_both(&self, side: Side, proposal: Proposal) -> bool {
        let (Some(leg), Some(other)) = (self.leg(side), self.leg(side.other())) else { return false };
        let turns = leg.sdp.direction() != Some(proposal.direction) && other.sdp.told() != proposal.direction;
        let codecs = [leg.sdp.codec(), other.sdp.codec()];
        turns || !codecs.contains(&Some(proposal.codec))
    }

    fn answer(&mut self, side: Side, offer: &Session) -> Reply {
        let open_to = self.wish_of(side.other());
        let Some(leg) = self.leg_mut(side) else { return plain(481) };
        leg.sdp.open_to(open_to);
        match leg.sdp.answer(offer) {
            Ok(text) => described(&text),
            Err(fate) => refused(&fate),
        }
    }

    /// To a re-INVITE without an offer (RFC 3261 s.14.2). What its ACK says is told to the other side afterwards.
    fn offer(&mut self, side: Side) -> Reply {
        let open_to = self.wish_of(side.other());
        let Some(leg) = self.leg_mut(side) else { return plain(481) };
        leg.sdp.open_to(open_to);
        described(&leg.sdp.offer())
    }

    /// What a side is open to. A stream, or the caller's own echo, holds nobody.
    pub(super) fn wish_of(&self, side: Side) -> Direction {
        self.leg(side).map_or(Direction::BOTH, |leg| leg.sdp.wish())
    }

    /// The side that was asked has agreed.
    pub(super) fn grant(&mut self, desk: &mut Desk, now: Now) {
        let Asking::Someone(asker) = std::mem::replace(&mut self.asking, Asking::Nobody) else { return };
        let before = self.described(desk);
        let reply = self.answer(asker.side, &asker.offer);
        self.describe_changes(desk, now, &before);
        desk.respond(now, asker.transaction, reply);
    }

    /// The side that was asked has refused: both sessions stay as they were.
    pub(super) fn deny(&mut self, desk: &mut Desk, now: Now, status: StatusCode) {
        if let Asking::Someone(asker) = std::mem::replace(&mut self.asking, Asking::Nobody) {
            desk.respond(now, asker.transaction, unchanged(answer_to(status.code()), status.code()));
        }
    }

    /// The side that was asked has said nothing for too long.
    pub(super) fn expire_change(&mut self, desk: &mut Desk, now: Now) {
        if self.asking.deadline().is_some_and(|until| now.instant >= until)
            && let Asking::Someone(asker) = std::mem::replace(&mut self.asking, Asking::Nobody)
        {
            desk.respond(now, asker.transaction, unchanged(504, 408));
            self.drop_due(asker.side.other());
        }
    }

    /// Whoever asked has cancelled its re-INVITE.
    pub(super) fn change_cancelled(&mut self, side: Side) {
        if self.asking.of(side.other()).is_some() {
            self.asking = Asking::Nobody;
            self.drop_due(side.other());
        }
    }

    /// What has not been sent for the asker need not be. What has been is taken back when it is answered.
    fn drop_due(&mut self, side: Side) {
        if let errand @ Errand::Due(Purpose::Tell { .. }) = self.errands.of(side) {
            *errand = Errand::None;
        }
    }
}

/// What the asker hears of a refusal: never what would end its dialog (481, 408) or have us left alone (503), and no 491, for it is
/// not its own turn that was taken.
const fn answer_to(status: u16) -> u16 {
    match status {
        491 | 504 => 504,
        500..=599 => 500,
        600..=699 => 606,
        _other => 488,
    }
}

/// How long who asks may have to wait: an UPDATE is to be answered at once (RFC 3311 s.5.2), and nothing may outlive its transaction.
fn patience(method: &Method) -> Duration {
    Duration::from_secs(if *method == Method::Invite { 20 } else { 8 })
}
