//! A call of our own, that the operator or a program asks for.

use std::sync::Arc;

use numbers::{Agent, Asked, Endpoint, Permit, Refusal, agent_with_room, assigned_agent};

use super::facts::{DEFAULT_MAX_FORWARDS, account, describe_permit, source};
use super::outbound::gateways;
use super::{Door, MAX_UNWRITTEN};
use crate::ask::Place;
use crate::call::{Brief, Call, Facts, Gateways, Placed, Plan};
use crate::desk::Desk;
use crate::fate::{Fate, Parties};
use crate::headers::{Carried, Redirected};
use crate::identify::Peer;
use crate::io::{CallKey, Now};
use crate::parties::{self, Privacy};
use crate::record::{AgentSource, CallDirection, CallRecord};

/// What became of the wish for a call.
#[derive(Debug)]
pub(crate) enum Wish {
    /// A call; it may be over.
    Call(CallKey, Box<Call>),
    /// It left nothing behind but what its record would have been.
    Nothing(Box<CallRecord>),
}

impl Door {
    /// Lets the call out, or refuses it. `unwritten` calls wait for the store.
    pub(crate) fn place(&mut self, desk: &mut Desk, now: Now, place: &Place, unwritten: usize) -> Wish {
        let mut record = CallRecord::begin(desk.random.hex(), CallDirection::Outbound, now.wall_ms);
        record.from_raw = parties::bounded(place.from());
        record.to_raw = parties::bounded(place.to());
        BY_OURSELVES.clone_into(&mut record.source);
        if unwritten >= MAX_UNWRITTEN {
            self.unrecorded += 1;
            record.finish(now.wall_ms, &Fate::Refused(Refusal::NodeFull));
            return Wish::Nothing(Box::new(record));
        }
        let mut facts = Facts { key: desk.mint_call(), record, parties: Parties::PLACED };
        let key = facts.key;
        let call = match self.let_us_out(desk, now, place, &mut facts) {
            Ok((gateways, agent)) => {
                let seat = desk.usage.take_out(now, gateways.permit(), &Peer::Agent(Arc::clone(&agent)));
                let brief = brief(desk, gateways.permit(), &facts.record);
                let join = Plan::to_agent(Arc::clone(&desk.directory), agent, brief.clone());
                let placed = Placed {
                    network: Plan::to_network(gateways, brief),
                    join: join.telling(place.parameters().clone()),
                    seat,
                    ring_s: place.ring_s().unwrap_or(desk.config.limits.ring_s),
                };
                Call::place(desk, now, facts, placed)
            }
            Err(fate) => Call::turned_away(desk, now, facts, &fate),
        };
        Wish::Call(key, Box::new(call))
    }

    /// All that it must pass, the cheapest first.
    fn let_us_out(
        &mut self,
        desk: &mut Desk,
        now: Now,
        place: &Place,
        facts: &mut Facts,
    ) -> Result<(Gateways, Arc<Agent>), Fate> {
        self.pace(desk, now)?;
        let asked = Asked { from: place.from(), to: place.to(), country: None };
        let permit = self.allow(desk, now, &asked, facts)?;
        describe_permit(&mut facts.record, &permit);
        let (agent, found) = joining(desk, now, place, &permit)?;
        facts.record.agent_id = Some(agent.id.clone());
        facts.record.agent_source = Some(found);
        Ok((gateways(desk, permit)?, agent))
    }
}

/// The agent that is to join: the one that is named, else the number's, else the default; with room, or one of its fallback agents.
fn joining(desk: &Desk, now: Now, place: &Place, permit: &Permit) -> Result<(Arc<Agent>, AgentSource), Fate> {
    let directory = &desk.directory;
    let (agent, found) = if let Some(id) = place.agent_id() {
        let unknown = || Fate::Denied(Refusal::NoAgent, format!("there is no agent `{}`", told(id)), None);
        (directory.agent(id).ok_or_else(unknown)?, AgentSource::Named)
    } else {
        let (agent, found) = assigned_agent(directory, permit.number()).map_err(Fate::Refused)?;
        (agent, source(found))
    };
    let agent = agent_with_room(directory, agent, &desk.usage.at(now)).map_err(Fate::Refused)?;
    match agent.endpoint {
        Endpoint::Sip { .. } | Endpoint::Echo if !place.parameters().is_empty() => {
            Err(Fate::Misplaced(format!(
                "parameters are for agents of kind media-stream, and `{}` is none; leave them out, or name another agent",
                agent.id
            )))
        }
        Endpoint::Sip { .. } | Endpoint::Echo | Endpoint::MediaStream { .. } => {
            Ok((Arc::clone(agent), found))
        }
    }
}

/// What both sides are told: our number calls another.
fn brief(desk: &Desk, permit: &Permit, record: &CallRecord) -> Brief {
    Brief {
        from: permit.number().e164.to_string(),
        shown: permit.number().e164.to_string(),
        shown_name: None,
        name: None,
        privacy: Privacy::Open,
        to: permit.to().to_string(),
        redirected: Redirected::default(),
        carried: Carried::default(),
        max_forwards: DEFAULT_MAX_FORWARDS,
        account_sid: account(desk),
        call_sid: format!("CA{}", record.id),
    }
}

/// A name that nobody has checked, as a line shows it.
fn told(id: &str) -> String {
    id.escape_debug().take(MAX_NAME).collect()
}

/// The source of a call that came by no INVITE.
const BY_OURSELVES: &str = "api";
const MAX_NAME: usize = 64;
