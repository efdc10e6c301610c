//! What the caller is told before the answer: provisional responses, as its callee's ringback has it, reliable where that is asked for
//! (RFC 3262), and with our description where there is something to hear.

use numbers::Ringback;
use sdp::Codec;
use sip::Message;
use sip::endpoint::{Reliability, Reply, TransactionKey};

use super::Facts;
use super::dialling::Approach;
use super::early::{Gate, Heard, Offered};
use crate::desk::Desk;
use crate::fate::{Fate, Side};
use crate::io::Now;
use crate::leg::{EarlyMedia, Told};
use crate::negotiate::{Turn, preferring};
use crate::refusal::{With, plain, with_description};
use crate::reinvite;

/// What the agent has to say to the caller.
#[derive(Clone, Copy, Debug)]
struct Word {
    status: u16,
    heard: Heard,
    /// Whether the agent's own response was reliable.
    reliability: Reliability,
    /// Of what may be heard.
    codec: Option<Codec>,
    gate: Option<Gate>,
}

/// What the caller was told last: the endpoint says it again each minute, so it is not told twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Said {
    status: u16,
    gate: Option<Gate>,
    knows: Knows,
}

/// What of our media the caller knows by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Knows {
    Nothing,
    Foretold,
    Described,
}

impl Approach {
    /// The caller hears ringing for an agent that does not say that it rings.
    pub(super) fn ring(&mut self, facts: &mut Facts, desk: &mut Desk, now: Now) {
        match self.search.plan.ringback() {
            Ringback::Relay | Ringback::Local => self.tell(facts, desk, now, RINGING, None),
            Ringback::None => {}
        }
    }

    /// A provisional response of the agent.
    pub(super) fn progress(
        &mut self,
        facts: &mut Facts,
        desk: &mut Desk,
        now: Now,
        leg: &mut Offered,
        response: &Message,
    ) {
        let heard = leg.hear(response);
        let Some(status) = response.status() else { return };
        let word = match (self.search.plan.ringback(), heard) {
            (Ringback::Relay, Heard::Progress | Heard::Media) => {
                Word { status: status.code(), heard, codec: leg.codec(), gate: leg.gate(), ..RINGING }
            }
            (Ringback::Local, Heard::Progress | Heard::Media) if rings(status.code()) => RINGING,
            (Ringback::Relay | Ringback::Local | Ringback::None, _) => return,
        };
        let is_reliable = response.headers("Require").any(|tag| tag.eq_ignore_ascii_case("100rel"));
        let reliability = if is_reliable { Reliability::Required } else { Reliability::Unsupported };
        self.tell(facts, desk, now, Word { reliability, ..word }, Some(leg));
    }

    /// What may be heard is relayed.
    pub(super) fn relay(&self, desk: &mut Desk, leg: &mut Offered) {
        match self.search.plan.ringback() {
            Ringback::Relay => {
                let there = self.caller.told.exchange().and_then(|sdp| sdp.remote(None));
                leg.relay(desk, self.caller.pair, there);
            }
            Ringback::Local | Ringback::None => {}
        }
    }

    /// Tells the caller, once what it may hear is on its way.
    fn tell(&mut self, facts: &mut Facts, desk: &mut Desk, now: Now, word: Word, leg: Option<&mut Offered>) {
        let is_late = self.caller.opening.offer.is_none();
        let reliability = match desk.reliability(self.caller.dialog) {
            // An offer of ours can be answered before the 2xx only in a PRACK.
            Reliability::Supported if is_late && word.heard == Heard::Media => Reliability::Required,
            Reliability::Supported => word.reliability,
            insisted @ (Reliability::Required | Reliability::Unsupported) => insisted,
        };
        let description = self.describe(desk, word, reliability);
        if let Some(leg) = leg {
            self.relay(desk, leg);
        }
        let gate = match self.caller.early_media {
            EarlyMedia::Understood => word.gate,
            EarlyMedia::Unknown => None,
        };
        let knows = match &self.caller.told {
            Told::Nothing => Knows::Nothing,
            Told::Foretold { .. } => Knows::Foretold,
            Told::Described(_) => Knows::Described,
        };
        let said = Said { status: word.status, gate, knows };
        if self.said.replace(said) == Some(said) {
            return;
        }
        let mut reply = plain(word.status);
        if let Some(gate) = gate {
            reply = reply.with("P-Early-Media", gate.value().to_owned());
        }
        if let Some(description) = description {
            reply = with_description(reply, &description);
        }
        if rings(word.status) {
            facts.record.ringing_at.get_or_insert(now.wall_ms);
        }
        match reliability {
            Reliability::Required => desk.ring_reliably(now, self.caller.dialog, reply),
            Reliability::Supported | Reliability::Unsupported => desk.ring(now, self.caller.dialog, reply),
        }
    }

    /// Our description, where it goes with this word. The first reliable response to an INVITE without an offer has ours
    /// (RFC 3262 s.5); once that or our answer is on its way reliably, it is not said again (RFC 6337 s.2.2).
    fn describe(&mut self, desk: &mut Desk, word: Word, reliability: Reliability) -> Option<String> {
        let is_reliable = reliability == Reliability::Required;
        let caller = &mut self.caller;
        let encryption = caller.opening.encryption;
        match (std::mem::replace(&mut caller.told, Told::Nothing), &caller.opening.offer) {
            (Told::Foretold { sdp, text }, _) if word.heard == Heard::Media => {
                caller.told = if is_reliable {
                    Told::Described(sdp)
                } else {
                    Told::Foretold { sdp, text: text.clone() }
                };
                Some(text)
            }
            (told @ (Told::Foretold { .. } | Told::Described(_)), _) => {
                caller.told = told;
                None
            }
            (Told::Nothing, Some(offer)) if word.heard == Heard::Media => {
                let mut sdp = Box::new(desk.exchange(caller.pair, preferring(word.codec), encryption));
                let text = sdp.answer(offer).ok()?;
                caller.told = if is_reliable {
                    Told::Described(sdp)
                } else {
                    Told::Foretold { sdp, text: text.clone() }
                };
                Some(text)
            }
            (Told::Nothing, None) if is_reliable => {
                let mut sdp = Box::new(desk.exchange(caller.pair, preferring(word.codec), encryption));
                let text = sdp.offer();
                caller.told = Told::Described(sdp);
                Some(text)
            }
            (Told::Nothing, Some(_) | None) => None,
        }
    }

    /// A PRACK of the caller: the answer to our offer, or a new offer.
    ///
    /// # Errors
    /// The answer that it owes can't be used.
    pub(super) fn pracked(
        &mut self,
        desk: &mut Desk,
        now: Now,
        leg: Option<&mut Offered>,
        prack: &Message,
        transaction: Option<TransactionKey>,
    ) -> Result<(), Fate> {
        if let Told::Described(sdp) = &mut self.caller.told
            && sdp.turn() == Turn::Offered
        {
            reinvite::accept(sdp, prack)?;
        }
        if let Some(transaction) = transaction {
            let reply = self.update(Side::Caller, None, prack);
            desk.respond(now, transaction, reply);
        }
        if let Some(leg) = leg {
            self.relay(desk, leg);
        }
        Ok(())
    }

    /// Answers an offer that is made before the answer: the caller's can build on nothing but our description (RFC 3311 s.5.2).
    pub(super) fn update(&mut self, side: Side, leg: Option<&mut Offered>, request: &Message) -> Reply {
        match (side, leg, &mut self.caller.told) {
            (Side::Callee, Some(leg), _) => leg.update(request),
            (Side::Caller, _, Told::Described(sdp)) => reinvite::answer(sdp, request),
            (Side::Callee, None, _) | (Side::Caller, _, Told::Nothing | Told::Foretold { .. }) => {
                reinvite::early(request)
            }
        }
    }
}

/// 181, 182 and the like are no ringing (RFC 3261 s.21.1).
pub(super) fn rings(status: u16) -> bool {
    matches!(status, 180 | 183)
}

/// Whether someone is looking for who answers: all but 100, and 199, which says that a fork has ended (RFC 6228).
pub(super) fn is_at_it(status: u16) -> bool {
    (101..=198).contains(&status)
}

/// That, and no more.
const RINGING: Word = Word {
    status: 180,
    heard: Heard::Progress,
    reliability: Reliability::Unsupported,
    codec: None,
    gate: None,
};
