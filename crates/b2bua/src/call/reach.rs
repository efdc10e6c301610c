//! The steps of an attempt: a stream is opened; a SIP peer is resolved, gets a port pair, and then our INVITE.

use std::collections::BTreeMap;
use std::time::Duration;

use media::agent::Stream;
use numbers::{Agent, Ringback, Secret};
use sip::endpoint::Invite;
use sip::locate::{Candidate, Candidates};

use super::Facts;
use super::attempt::{Attempt, Outcome, Quest};
use super::binding::{ALL_IN_USE, BIND_RETRIES};
use super::early::{self, Offered};
use super::hops::Hops;
use super::plan::Callee;
use super::target::{Target, listener};
use crate::config::MediaAddress;
use crate::desk::{Desk, Owner, after};
use crate::fate::Side;
use crate::headers::for_stream;
use crate::io::{Now, Question};
use crate::leg::Pair;
use crate::negotiate::preferring;

/// A media stream as the inventory has it.
pub(super) struct Bot<'a> {
    pub(super) agent: &'a Agent,
    pub(super) url: &'a str,
    pub(super) headers: &'a BTreeMap<String, Secret>,
    pub(super) parameters: &'a BTreeMap<String, String>,
}

pub(super) fn open(quest: Quest<'_>, facts: &Facts, desk: &mut Desk, now: Now, bot: &Bot<'_>) -> Outcome {
    let Bot { agent, url, headers, parameters } = *bot;
    let Some(caller) = quest.other else {
        return Outcome::Failed("there is nobody that its stream could listen to".to_owned());
    };
    let brief = quest.plan.brief();
    let mut parameters = parameters.clone();
    parameters.extend(quest.plan.parameters().clone());
    let stream = Stream {
        url: url.to_owned(),
        headers: headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect(),
        account_sid: brief.account_sid.clone(),
        call_sid: brief.call_sid.clone(),
        stream_sid: format!("MZ{}", desk.random.hex()),
        parameters: for_stream(brief, agent, &parameters),
    };
    let timeout = desk.config.agent_timeout;
    let agent = desk.open_stream(facts.key, caller, stream, timeout);
    Outcome::Waiting(Attempt::Stream { agent, caller, give_up_at: after(now, timeout + GRACE) })
}

pub(super) fn resolve(facts: &Facts, desk: &mut Desk, now: Now, target: Target) -> Outcome {
    let ticket = desk.ask(facts.key, Question::Resolve(target.place().clone()));
    let give_up_at = after(now, desk.config.agent_timeout);
    Outcome::Waiting(Attempt::Resolving { ticket, target, give_up_at })
}

/// Begins with the first of the places found that can be asked. If one of them must not be, none is: where a name leads is not to be
/// chosen by chance.
pub(super) fn found(
    quest: Quest<'_>,
    facts: &Facts,
    desk: &mut Desk,
    now: Now,
    target: Target,
    mut found: Vec<Candidate>,
) -> Outcome {
    found.retain(|candidate| listener(candidate, &desk.config.sip.listeners).is_some());
    if found.is_empty() {
        return Outcome::Failed("no address of it can be reached from a listener of ours".to_owned());
    }
    if let Some(words) = found.iter().find_map(|candidate| quest.plan.object_to(candidate.address)) {
        return Outcome::Failed(words);
    }
    match Candidates::new(found, &desk.shunned, now.instant) {
        Ok(candidates) => {
            bind(quest, facts, desk, now, Hops::new(target, candidates), BIND_RETRIES, ALL_IN_USE)
        }
        Err(busy) => Outcome::Failed(busy.to_string()),
    }
}

/// `error` is why, if there is no pair to bind.
pub(super) fn bind(
    quest: Quest<'_>,
    facts: &Facts,
    desk: &mut Desk,
    now: Now,
    hops: Hops,
    tries_left: u8,
    error: &str,
) -> Outcome {
    let Some(media) = media(&hops, desk) else { return unreached(&hops) };
    let Some(pair) = desk.bind(now, Owner { call: facts.key, side: quest.side }, media) else {
        return no_port(error);
    };
    let give_up_at = after(now, desk.config.agent_timeout);
    Outcome::Waiting(Attempt::Binding { pair, hops, tries_left, give_up_at })
}

pub(super) fn no_port(error: &str) -> Outcome {
    Outcome::Failed(format!("there is no RTP port for it: {error}"))
}

/// Where the RTP towards the current hop goes: as its SIP does.
fn media(hops: &Hops, desk: &Desk) -> Option<MediaAddress> {
    let listener = listener(hops.current(), &desk.config.sip.listeners)?;
    Some(desk.config.media(listener.transport, listener.local))
}

fn unreached(hops: &Hops) -> Outcome {
    Outcome::Failed(format!("no listener of ours reaches {}", hops.current()))
}

/// Sends the INVITE to the current hop, with an offer in which the other leg's codec comes first. A hop that another address of ours faces
/// than the one before it gets ports there first.
pub(super) fn invite(
    quest: Quest<'_>,
    facts: &mut Facts,
    desk: &mut Desk,
    now: Now,
    pair: Pair,
    hops: Hops,
) -> Outcome {
    let hop = hops.current();
    let Some(listener) = listener(hop, &desk.config.sip.listeners).cloned() else {
        desk.abandon(pair);
        return unreached(&hops);
    };
    if desk.config.media(listener.transport, listener.local) != pair.address {
        desk.abandon(pair);
        return bind(quest, facts, desk, now, hops, BIND_RETRIES, ALL_IN_USE);
    }
    let mut sdp = desk.exchange(pair, preferring(quest.codec), quest.plan.media_encryption());
    sdp.open_to(quest.direction);
    let mut invite: Invite = hops.target.invite(&listener, hop.address, quest.plan, &sdp.offer());
    // Where nobody listens, there is no early media to have.
    early::ask(&mut invite, quest.other.map_or(Ringback::None, |_| quest.plan.ringback()));
    match desk.invite(now, Owner { call: facts.key, side: quest.side }, invite) {
        Ok(dialog) => {
            let call_id = desk.call_id(dialog);
            match quest.side {
                Side::Caller => {
                    facts.record.sip_call_id_a = call_id;
                    facts.record.transport = listener.transport.to_string();
                }
                Side::Callee => desk.index.set_agent(facts.key, &mut facts.record, Some(call_id)),
            }
            let leg = Box::new(Offered::new(dialog, pair, sdp));
            let give_up_at = match quest.plan.callee() {
                Callee::Agent(agents) if agents.has_fallback() => {
                    after(now, desk.config.agent_ring_timeout).min(quest.ring_by)
                }
                Callee::Agent(_) | Callee::Network(_) => quest.ring_by,
            };
            let has_next = hops.has_more() || quest.plan.has_next_gateway();
            let move_on_at = has_next.then(|| after(now, desk.config.server_timeout));
            Outcome::Waiting(Attempt::Inviting { leg, hops, give_up_at, move_on_at })
        }
        Err(full) => {
            desk.abandon(pair);
            Outcome::Failed(full.to_string())
        }
    }
}

/// What the stream side is given beyond its own timeout, before it is thought dead.
const GRACE: Duration = Duration::from_secs(1);
