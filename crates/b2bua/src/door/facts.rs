//! What is written down of an INVITE, and what the far side is told of it.

use numbers::{AgentSource, NumberSource, Permit, Route, TrunkSource};
use sip::{Flow, Message};

use super::Knock;
use crate::call::{Brief, Facts};
use crate::desk::Desk;
use crate::fate::Parties;
use crate::headers::{Carried, Redirected};
use crate::identify::Peer;
use crate::io::Now;
use crate::parties::{self, ANONYMOUS, Privacy};
use crate::record::{self, CallDirection, CallRecord};

/// What is known of any INVITE.
pub(super) fn facts(desk: &mut Desk, now: Now, request: &Message, flow: Flow, peer: Option<&Peer>) -> Facts {
    let from = parties::caller(request, peer);
    let mut record = CallRecord::inbound(desk.random.hex(), now.wall_ms);
    record.from = from.e164.map(|e164| e164.to_string());
    record.from_raw = from.raw;
    record.to_raw = parties::called_raw(request);
    record.sip_call_id_a = request.call_id().chars().take(MAX_CALL_ID).collect();
    record.transport = flow.transport.to_string();
    record.source = flow.remote.to_string();
    match peer {
        Some(Peer::Trunk(trunk)) => {
            record.trunk_id = Some(trunk.id.clone());
            rate(trunk.source, None).clone_into(&mut record.rating);
        }
        // It would be a call to the outside, unless it is found to be none.
        Some(Peer::Agent(agent)) => {
            record.direction = CallDirection::Outbound;
            record.agent_id = Some(agent.id.clone());
        }
        None => {}
    }
    Facts { key: desk.mint_call(), record, parties: Parties::INBOUND }
}

/// What the route adds to the record.
pub(super) fn describe_route(record: &mut CallRecord, route: &Route) {
    record.trunk_id = Some(route.trunk.id.clone());
    record.number = Some(route.number.e164.to_string());
    record.agent_id = Some(route.agent.id.clone());
    record.agent_source = Some(source(route.agent_source));
    rate(route.trunk.source, Some(route.number.source)).clone_into(&mut record.rating);
}

/// How the agent was found, as the record says it.
pub(super) const fn source(source: AgentSource) -> record::AgentSource {
    match source {
        AgentSource::Assigned => record::AgentSource::Assigned,
        AgentSource::Default => record::AgentSource::Default,
    }
}

/// What the permit adds to the record.
pub(super) fn describe_permit(record: &mut CallRecord, permit: &Permit) {
    record.trunk_id = Some(permit.trunk().id.clone());
    record.number = Some(permit.number().e164.to_string());
    record.from = Some(permit.number().e164.to_string());
    record.to = Some(permit.to().to_string());
    record.detail = Some(permit.rule().to_owned());
    rate(permit.trunk().source, Some(permit.number().source)).clone_into(&mut record.rating);
}

/// How a call is rated: bought through us, from an imported account, or by the customer's own carrier.
fn rate(trunk: TrunkSource, number: Option<NumberSource>) -> &'static str {
    match number {
        Some(NumberSource::Purchased) => "managed",
        Some(NumberSource::Twilio | NumberSource::Telnyx) => "imported",
        Some(NumberSource::Byoc | NumberSource::Personal) => "byoc",
        None => match trunk {
            TrunkSource::Twilio | TrunkSource::Telnyx => "imported",
            TrunkSource::Byoc => "byoc",
        },
    }
}

/// What the far side is told. A caller that withholds its number is anonymous to an agent, and has no name.
pub(super) fn brief(
    desk: &Desk,
    knock: &Knock,
    peer: &Peer,
    record: &CallRecord,
    redirected: Redirected,
) -> Brief {
    let caller = parties::caller(&knock.request, Some(peer));
    let (from, shown) = match caller.privacy {
        Privacy::Open => {
            let from = record.from.clone().unwrap_or_else(|| parties::presentable(&record.from_raw));
            (from, caller.shown)
        }
        Privacy::Withheld => (ANONYMOUS.to_owned(), ANONYMOUS.to_owned()),
    };
    Brief {
        from,
        shown,
        shown_name: caller.shown_name,
        name: caller.name,
        privacy: caller.privacy,
        to: record.to.clone().unwrap_or_else(|| parties::presentable(&record.to_raw)),
        redirected,
        carried: Carried::of(&knock.request),
        max_forwards: knock.request.max_forwards().unwrap_or(DEFAULT_MAX_FORWARDS).saturating_sub(1),
        account_sid: account(desk),
        call_sid: format!("CA{}", record.id),
    }
}

/// The workspace, or the node, as an account of the Media Streams protocol: `AC` and 32 hex digits of its name (FNV-1a).
pub(super) fn account(desk: &Desk) -> String {
    let name = desk.directory.settings().workspace_id.as_deref().unwrap_or(&desk.config.node_id);
    let hash = name.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME));
    format!("AC{hash:032x}")
}

pub(super) const DEFAULT_MAX_FORWARDS: u8 = 70;
const MAX_CALL_ID: usize = 256;
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
