//! A call to the telephone network that a PBX or a SIP agent asks for by its INVITE.

use numbers::{Asked, Denial, Did, Limits, Permit, Refusal, Usage};

use super::facts::{brief, describe_permit};
use super::{Door, Knock, Opened, begin, opened};
use crate::call::{Call, Facts, Gateways, Plan};
use crate::desk::Desk;
use crate::fate::{Fate, Parties};
use crate::identify::Peer;
use crate::io::{CallKey, Now};
use crate::parties;
use crate::record::CallDirection;

impl Door {
    /// Lets the call out, or refuses it.
    pub(super) fn asked(
        &mut self,
        desk: &mut Desk,
        now: Now,
        knock: &Knock,
        peer: &Peer,
        did: &Did,
        mut facts: Facts,
    ) -> (CallKey, Call) {
        facts.record.direction = CallDirection::Outbound;
        facts.parties = Parties::OUTBOUND;
        let key = facts.key;
        let call = match self.let_out(desk, now, knock, peer, did, &mut facts) {
            Ok((gateways, Opened { opening, redirected })) => {
                let brief = brief(desk, knock, peer, &facts.record, redirected);
                let seat = desk.usage.take_out(now, gateways.permit(), peer);
                let plan = Plan::to_network(gateways, brief);
                begin(desk, now, knock, facts, opening, plan, seat)
            }
            Err(fate) => Call::refuse(desk, now, facts, knock.dialog, &fate),
        };
        (key, call)
    }

    /// All that it must pass, the cheapest first.
    fn let_out(
        &mut self,
        desk: &mut Desk,
        now: Now,
        knock: &Knock,
        peer: &Peer,
        did: &Did,
        facts: &mut Facts,
    ) -> Result<(Gateways, Opened), Fate> {
        self.rate(desk, now, peer)?;
        room(desk, now, peer)?;
        let permit = self.permit(desk, now, knock, peer, did, facts)?;
        describe_permit(&mut facts.record, &permit);
        let opened = opened(desk, knock, peer)?;
        let gateways = gateways(desk, permit)?;
        Ok((gateways, opened))
    }

    /// The calling number is what the asker asserts, or else what it has in From.
    fn permit(
        &self,
        desk: &Desk,
        now: Now,
        knock: &Knock,
        peer: &Peer,
        did: &Did,
        facts: &mut Facts,
    ) -> Result<Permit, Fate> {
        let caller = parties::caller(&knock.request, Some(peer));
        let from = caller.e164.map_or(caller.raw, |e164| e164.to_string());
        let to = parties::dialled(&knock.request, peer, did);
        let asked = Asked { from: &from, to: &to, country: peer.country() };
        self.allow(desk, now, &asked, facts)
    }

    /// The permit, on whatever way it is asked for.
    pub(super) fn allow(
        &self,
        desk: &Desk,
        now: Now,
        asked: &Asked<'_>,
        facts: &mut Facts,
    ) -> Result<Permit, Fate> {
        let limits = Limits { max_calls: desk.config.limits.max_calls, state: self.state };
        numbers::permit_outbound(&desk.directory, asked, &desk.usage.at(now), &limits).map_err(|denial| {
            let Denial { refusal, words, retry_after, number, to } = denial;
            facts.record.number = number.map(|number| number.e164.to_string());
            facts.record.to = to.map(|e164| e164.to_string());
            Fate::Denied(refusal, words, retry_after)
        })
    }
}

/// The ways out that the permit leaves.
pub(super) fn gateways(desk: &mut Desk, permit: Permit) -> Result<Gateways, Fate> {
    let id = permit.trunk().id.clone();
    Gateways::new(permit, desk.random.next()).ok_or_else(|| {
        Fate::Denied(Refusal::TrunkFailed, format!("trunk `{id}` has no outbound.gateways"), None)
    })
}

/// A line of the PBX or of the agent that asks is taken too, be it by another trunk's call.
fn room(desk: &Desk, now: Now, peer: &Peer) -> Result<(), Fate> {
    let usage = desk.usage.at(now);
    let (calls, most, refusal) = match peer {
        Peer::Trunk(trunk) => (usage.trunk_calls(&trunk.id), trunk.limits.max_calls, Refusal::TrunkFull),
        Peer::Agent(agent) => (usage.agent_calls(&agent.id), agent.max_calls, Refusal::AgentFull),
    };
    match most {
        Some(most) if calls >= most => Err(Fate::Refused(refusal)),
        Some(_) | None => Ok(()),
    }
}
