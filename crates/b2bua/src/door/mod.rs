//! The door: an INVITE becomes a call, admitted or refused. Whatever is decided here, it leaves a record.
//!
//! Who sends it is known by its source address, its credentials, or both ([`credentials`]). A called number that is ours is a call to an agent ([`inbound`]); any other is one to
//! the telephone network, if a SIP agent or a PBX wants it ([`outbound`]), and else a mistake. A call of our own comes by no INVITE, and
//! passes the same checks ([`placed`]).

mod credentials;
mod facts;
mod inbound;
mod outbound;
mod placed;
#[cfg(test)]
mod tests;

use numbers::{NodeState, Refusal};
use sip::digest::{Gate, Offer};
use sip::endpoint::DialogKey;
use sip::{Flow, Message};

use self::credentials::Sender;
pub(crate) use self::credentials::Who;
use self::facts::facts;
pub(crate) use self::placed::Wish;
use crate::body;
use crate::call::{Admitted, Call, Facts, Plan};
use crate::config::UnknownSource;
use crate::desk::{Desk, Owner};
use crate::fate::{Fate, Side};
use crate::headers::Redirected;
use crate::identify::{Peer, identify, stranger};
use crate::io::{CallKey, Notice, Now, Output};
use crate::leg::EarlyMedia;
use crate::negotiate::Opening;
use crate::parties;
use crate::rate::{Bucket, Buckets};
use crate::usage::Seat;

/// What the door remembers from one INVITE to the next.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) state: NodeState,
    gate: Gate,
    challenges: Bucket,
    options_challenges: Bucket,
    node: Bucket,
    trunks: Buckets,
    strangers: Bucket,
    unfit: Bucket,
    /// INVITEs of which there is no record: of unknown sources beyond [`STRANGERS_PER_SECOND`] and beyond as many challenges as they
    /// get, unfit ones beyond [`UNFIT_PER_SECOND`], and all while the store lags [`MAX_UNWRITTEN`] records behind.
    pub(crate) unrecorded: u64,
}

/// An INVITE at the door.
#[derive(Debug)]
pub(crate) struct Knock {
    pub(crate) dialog: DialogKey,
    pub(crate) request: Message,
    pub(crate) flow: Flow,
}

/// An INVITE that the endpoint has answered itself: what it says is not to be relied on.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) flow: Flow,
    pub(crate) request: Message,
    pub(crate) status: u16,
    pub(crate) words: String,
}

/// What an INVITE says that is to become a call.
struct Opened {
    opening: Opening,
    redirected: Redirected,
}

impl Door {
    /// A door of that realm, with what its challenges offer. `key` is known to nobody.
    pub(crate) fn new(realm: &str, offer: Offer, key: [u8; 32]) -> Self {
        Self {
            state: NodeState::default(),
            gate: Gate::new(realm, key).offering(offer),
            challenges: Bucket::default(),
            options_challenges: Bucket::default(),
            node: Bucket::default(),
            trunks: Buckets::default(),
            strangers: Bucket::default(),
            unfit: Bucket::default(),
            unrecorded: 0,
        }
    }

    /// Lets the INVITE in as a call, or refuses it. `None`: it left nothing behind. `unwritten` calls wait for the store.
    pub(crate) fn open(
        &mut self,
        desk: &mut Desk,
        now: Now,
        knock: &Knock,
        unwritten: usize,
    ) -> Option<(CallKey, Call)> {
        let Knock { dialog, request, flow } = knock;
        if unwritten >= MAX_UNWRITTEN {
            // Whoever has no answer to expect learns nothing of it.
            let is_known = identify(&desk.directory, flow.transport, flow.remote.ip()).is_some();
            let fate = if is_known {
                Fate::Refused(Refusal::NodeFull)
            } else {
                desk.put(Output::Notice(stranger(request, *flow)));
                strange(desk)
            };
            self.unrecorded += 1;
            desk.refuse(now, *dialog, &fate);
            return None;
        }
        match self.sender(desk, now, knock) {
            Sender::Known(peer) => Some(self.known(desk, now, knock, &peer)),
            Sender::Proven(peer) => match desk.object(request) {
                None => Some(self.known(desk, now, knock, &peer)),
                Some((reply, words)) => {
                    let facts = facts(desk, now, request, *flow, Some(&peer));
                    let fate = Fate::Unfit(reply.status.code(), words);
                    desk.reject(now, *dialog, reply);
                    Some((facts.key, Call::turned_away(desk, now, facts, &fate)))
                }
            },
            Sender::Unknown => {
                desk.put(Output::Notice(stranger(request, *flow)));
                let fate = strange(desk);
                self.unknown(desk, now, knock, &fate)
            }
            Sender::Refused(fate) => self.unknown(desk, now, knock, &fate),
            Sender::Challenged => None,
        }
    }

    /// Writes down an INVITE that was refused before it came here. `None`: it left nothing behind.
    pub(crate) fn turn_away(
        &mut self,
        desk: &mut Desk,
        now: Now,
        unfit: Unfit,
        unwritten: usize,
    ) -> Option<(CallKey, Call)> {
        let Unfit { flow, request, status, words } = unfit;
        let fault: String = words.chars().filter(|c| !c.is_control()).take(MAX_FAULT).collect();
        let notice = Notice::Unfit { source: flow.remote, status, fault: fault.clone() };
        desk.put(Output::Notice(notice));
        if unwritten >= MAX_UNWRITTEN || !self.unfit.take(now.instant, UNFIT_PER_SECOND) {
            self.unrecorded += 1;
            return None;
        }
        let peer = identify(&desk.directory, flow.transport, flow.remote.ip());
        let facts = facts(desk, now, &request, flow, peer.as_ref());
        Some((facts.key, Call::turned_away(desk, now, facts, &Fate::Unfit(status, fault))))
    }

    /// Trunks that are no more need no bucket.
    pub(crate) fn forget(&mut self, desk: &Desk) {
        self.trunks.retain(|trunk| desk.directory.trunk(trunk).is_some());
    }

    /// An INVITE of somebody that we know: to a number of ours, or to the outside.
    fn known(&mut self, desk: &mut Desk, now: Now, knock: &Knock, peer: &Peer) -> (CallKey, Call) {
        let mut facts = facts(desk, now, &knock.request, knock.flow, Some(peer));
        let did = parties::called(&knock.request, peer, &desk.directory);
        facts.record.to = did.e164.map(|e164| e164.to_string());
        facts.record.to_raw = parties::bounded(&did.raw);
        let is_ours = did.e164.is_some_and(|e164| desk.directory.number(e164).is_some());
        if is_ours || !peer.may_originate() {
            self.invited(desk, now, knock, peer, &did, facts)
        } else {
            self.asked(desk, now, knock, peer, &did, facts)
        }
    }

    fn unknown(&mut self, desk: &mut Desk, now: Now, knock: &Knock, fate: &Fate) -> Option<(CallKey, Call)> {
        if !self.strangers.take(now.instant, STRANGERS_PER_SECOND) {
            self.unrecorded += 1;
            desk.refuse(now, knock.dialog, fate);
            return None;
        }
        let facts = facts(desk, now, &knock.request, knock.flow, None);
        Some((facts.key, Call::refuse(desk, now, facts, knock.dialog, fate)))
    }

    /// INVITEs a second, of the trunk that they come from and of the node.
    fn rate(&mut self, desk: &Desk, now: Now, peer: &Peer) -> Result<(), Fate> {
        let limited = Fate::Refused(Refusal::RateLimited);
        if let Peer::Trunk(trunk) = peer
            && let Some(most) = trunk.limits.max_cps
            && !self.trunks.take(now.instant, &trunk.id, most)
        {
            return Err(limited);
        }
        self.pace(desk, now)
    }

    /// Calls a second that begin at the node.
    fn pace(&mut self, desk: &Desk, now: Now) -> Result<(), Fate> {
        match desk.config.limits.max_cps {
            Some(most) if !self.node.take(now.instant, most) => Err(Fate::Refused(Refusal::RateLimited)),
            Some(_) | None => Ok(()),
        }
    }
}

/// The call begins: its caller hears 100.
fn begin(
    desk: &mut Desk,
    now: Now,
    knock: &Knock,
    facts: Facts,
    opening: Opening,
    plan: Plan,
    seat: Seat,
) -> Call {
    desk.index.dialogs.insert(knock.dialog, Owner { call: facts.key, side: Side::Caller });
    Call::admit(
        desk,
        now,
        facts,
        Admitted {
            dialog: knock.dialog,
            media: desk.config.media(knock.flow.transport, knock.flow.local),
            opening,
            early_media: EarlyMedia::of(&knock.request),
            plan,
            seat,
        },
    )
}

/// What becomes of an INVITE of an unknown source.
fn strange(desk: &Desk) -> Fate {
    match desk.config.unknown_source {
        UnknownSource::Drop => Fate::Ignored,
        UnknownSource::Reject => Fate::Refused(Refusal::SourceUnknown),
    }
}

/// What the rest of the INVITE says, which must be something that can be dealt with.
fn opened(desk: &Desk, knock: &Knock, peer: &Peer) -> Result<Opened, Fate> {
    let redirected = Redirected::of(&knock.request, peer.country())
        .map_err(|many| Fate::Unfit(LOOP_DETECTED, many.to_string()))?;
    let offer = body::description(&knock.request)?.map(Box::new);
    let opening = Opening { offer, encryption: peer.media_encryption() };
    opening.codec(desk.config.media(knock.flow.transport, knock.flow.local).advertised)?;
    Ok(Opened { opening, redirected })
}

/// A scanner must not fill the disk.
const STRANGERS_PER_SECOND: u32 = 10;
/// Nor must a trunk that sends what nobody can take.
const UNFIT_PER_SECOND: u32 = 10;
/// As much of what was wrong is worth a line of the log.
const MAX_FAULT: usize = 200;
/// So many ended calls wait for the store; a store that takes none must not take the memory.
const MAX_UNWRITTEN: usize = 20_000;
/// RFC 3261 s.21.4.20.
const LOOP_DETECTED: u16 = 482;
