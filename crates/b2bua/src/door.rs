//! The door: an INVITE becomes a call, admitted or refused. Whatever is decided here, it leaves a record.

use std::net::IpAddr;
use std::sync::Arc;

use numbers::{
    Agent, AgentSource, Did, Limits, MediaEncryption, NodeState, NumberSource, Refusal, Route, Trunk,
    TrunkSource,
};
use sip::endpoint::DialogKey;
use sip::{Flow, Message};

use crate::body;
use crate::call::{Admitted, Brief, Call, Facts, Plan};
use crate::config::UnknownSource;
use crate::desk::{Desk, Owner};
use crate::fate::{Fate, Side};
use crate::headers::{Carried, Redirected};
use crate::identify::{Source, identify, stranger};
use crate::io::{CallKey, Notice, Now, Output};
use crate::leg::EarlyMedia;
use crate::negotiate::Opening;
use crate::parties::{self, ANONYMOUS, Privacy};
use crate::rate::{Bucket, Buckets};
use crate::record::{self, CallRecord};

/// What the door remembers from one INVITE to the next.
#[derive(Debug, Default)]
pub(crate) struct Door {
    pub(crate) state: NodeState,
    node: Bucket,
    trunks: Buckets,
    strangers: Bucket,
    unfit: Bucket,
    /// INVITEs of which there is no record: of unknown sources beyond [`STRANGERS_PER_SECOND`], unfit ones beyond
    /// [`UNFIT_PER_SECOND`], and all while the store lags [`MAX_UNWRITTEN`] records behind.
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

impl Door {
    /// Lets the INVITE in as a call, or refuses it. `None`: it left nothing behind. `unwritten` calls wait for the store.
    pub(crate) fn open(
        &mut self,
        desk: &mut Desk,
        now: Now,
        knock: &Knock,
        unwritten: usize,
    ) -> Option<(CallKey, Call)> {
        let Knock { dialog, request, flow } = knock;
        let source = identify(&desk.directory, flow.transport, flow.remote.ip());
        if matches!(source, Source::Unknown) {
            desk.put(Output::Notice(stranger(request, *flow)));
        }
        if unwritten >= MAX_UNWRITTEN {
            // Whoever has no answer to expect learns nothing of it.
            let fate = match source {
                Source::Trunk(_) | Source::Agent(_) => Fate::Refused(Refusal::NodeFull),
                Source::Unknown => strange(desk),
            };
            self.unrecorded += 1;
            desk.refuse(now, *dialog, &fate);
            return None;
        }
        match source {
            Source::Trunk(trunk) => Some(self.invited(desk, now, knock, &trunk)),
            Source::Agent(agent) => {
                let facts = agents_facts(desk, now, request, *flow, &agent);
                let fate = Fate::Refused(Refusal::OutboundDisabled);
                Some((facts.key, Call::refuse(desk, now, facts, *dialog, &fate)))
            }
            Source::Unknown => {
                let fate = strange(desk);
                if !self.strangers.take(now.instant, STRANGERS_PER_SECOND) {
                    self.unrecorded += 1;
                    desk.refuse(now, *dialog, &fate);
                    return None;
                }
                let facts = facts(desk, now, request, *flow, None);
                Some((facts.key, Call::refuse(desk, now, facts, *dialog, &fate)))
            }
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
        let source = identify(&desk.directory, flow.transport, flow.remote.ip());
        let facts = match source {
            Source::Trunk(trunk) => facts(desk, now, &request, flow, Some(&trunk)),
            Source::Agent(agent) => agents_facts(desk, now, &request, flow, &agent),
            Source::Unknown => facts(desk, now, &request, flow, None),
        };
        Some((facts.key, Call::turned_away(desk, now, facts, &Fate::Unfit(status, fault))))
    }

    /// Trunks that are no more need no bucket.
    pub(crate) fn forget(&mut self, desk: &Desk) {
        self.trunks.retain(|trunk| desk.directory.trunk(trunk).is_some());
    }

    fn invited(&mut self, desk: &mut Desk, now: Now, knock: &Knock, trunk: &Arc<Trunk>) -> (CallKey, Call) {
        let mut facts = facts(desk, now, &knock.request, knock.flow, Some(trunk));
        let did = parties::called(&knock.request, trunk, &desk.directory);
        facts.record.to = did.e164.map(|e164| e164.to_string());
        facts.record.to_raw = parties::bounded(&did.raw);
        let call = match self.admit(desk, now, knock, trunk, &did) {
            Ok((route, opening, redirected)) => {
                describe(&mut facts.record, &route);
                let brief = brief(desk, knock, trunk, &facts.record, redirected);
                let seat = desk.usage.take(now, &route);
                let plan = Plan::new(Arc::clone(&desk.directory), route.agent, brief);
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
            Err((number, fate)) => {
                facts.record.number = number;
                return (facts.key, Call::refuse(desk, now, facts, knock.dialog, &fate));
            }
        };
        (call.key(), call)
    }

    /// All that an INVITE of a trunk must pass, the cheapest first. A refused one names our number, if it called one.
    fn admit(
        &mut self,
        desk: &Desk,
        now: Now,
        knock: &Knock,
        trunk: &Arc<Trunk>,
        did: &Did,
    ) -> Result<(Route, Opening, Redirected), (Option<String>, Fate)> {
        let ours =
            did.e164.filter(|e164| desk.directory.number(*e164).is_some()).map(|e164| e164.to_string());
        self.rate(desk, now, trunk)
            .and_then(|()| {
                let limits = Limits { max_calls: desk.config.limits.max_calls, state: self.state };
                let route = numbers::admit_inbound(&desk.directory, trunk, did, &desk.usage.at(now), &limits)
                    .map_err(Fate::Refused)?;
                let country = trunk.inbound.as_ref().and_then(|inbound| inbound.did_country);
                let redirected = Redirected::of(&knock.request, country)
                    .map_err(|many| Fate::Unfit(LOOP_DETECTED, many.to_string()))?;
                let media = desk.config.media(knock.flow.transport, knock.flow.local);
                let opening = opening(&knock.request, trunk, media.advertised)?;
                Ok((route, opening, redirected))
            })
            .map_err(|fate| (ours, fate))
    }

    /// Calls a second, of the trunk and of the node.
    fn rate(&mut self, desk: &Desk, now: Now, trunk: &Trunk) -> Result<(), Fate> {
        let limited = Fate::Refused(Refusal::RateLimited);
        if let Some(most) = trunk.limits.max_cps
            && !self.trunks.take(now.instant, &trunk.id, most)
        {
            return Err(limited);
        }
        match desk.config.limits.max_cps {
            Some(most) if !self.node.take(now.instant, most) => Err(limited),
            Some(_) | None => Ok(()),
        }
    }
}

/// What becomes of an INVITE of an unknown source.
fn strange(desk: &Desk) -> Fate {
    match desk.config.unknown_source {
        UnknownSource::Drop => Fate::Ignored,
        UnknownSource::Reject => Fate::Refused(Refusal::SourceUnknown),
    }
}

/// The offer, which must be one that can be answered.
fn opening(request: &Message, trunk: &Trunk, address: IpAddr) -> Result<Opening, Fate> {
    let required = trunk.inbound.as_ref().is_some_and(|i| i.media_encryption == MediaEncryption::Required);
    if required {
        return Err(Fate::Refused(Refusal::MediaEncryptionRequired));
    }
    let opening = match body::description(request)? {
        Some(offer) => Opening::Offer(Box::new(offer)),
        None => Opening::Late,
    };
    opening.codec(address)?;
    Ok(opening)
}

/// What is known of any INVITE.
fn facts(desk: &mut Desk, now: Now, request: &Message, flow: Flow, trunk: Option<&Trunk>) -> Facts {
    let from = parties::caller(request, trunk);
    let mut record = CallRecord::inbound(desk.random.hex(), now.wall_ms);
    record.trunk_id = trunk.map(|trunk| trunk.id.clone());
    record.from = from.e164.map(|e164| e164.to_string());
    record.from_raw = from.raw;
    record.to_raw = parties::called_raw(request);
    record.sip_call_id_a = request.call_id().chars().take(MAX_CALL_ID).collect();
    record.transport = flow.transport.to_string();
    record.source = flow.remote.to_string();
    if let Some(trunk) = trunk {
        rate(trunk.source, None).clone_into(&mut record.rating);
    }
    Facts { key: CallKey(desk.mint()), record }
}

/// What is known of an INVITE that a SIP agent sends: it would be a call to the outside.
fn agents_facts(desk: &mut Desk, now: Now, request: &Message, flow: Flow, agent: &Agent) -> Facts {
    let mut facts = facts(desk, now, request, flow, None);
    facts.record.direction = record::CallDirection::Outbound;
    facts.record.agent_id = Some(agent.id.clone());
    facts
}

/// What the route adds to the record.
fn describe(record: &mut CallRecord, route: &Route) {
    record.number = Some(route.number.e164.to_string());
    record.agent_id = Some(route.agent.id.clone());
    record.agent_source = Some(match route.agent_source {
        AgentSource::Assigned => record::AgentSource::Assigned,
        AgentSource::Default => record::AgentSource::Default,
    });
    rate(route.trunk.source, Some(route.number.source)).clone_into(&mut record.rating);
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

/// What the agent is told. A caller that withholds its number is anonymous to it, and has no name.
fn brief(desk: &Desk, knock: &Knock, trunk: &Trunk, record: &CallRecord, redirected: Redirected) -> Brief {
    let caller = parties::caller(&knock.request, Some(trunk));
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
        to: record.to.clone().unwrap_or_else(|| parties::presentable(&record.to_raw)),
        redirected,
        carried: Carried::of(&knock.request),
        max_forwards: knock.request.max_forwards().unwrap_or(DEFAULT_MAX_FORWARDS).saturating_sub(1),
        account_sid: account(desk),
        call_sid: format!("CA{}", record.id),
    }
}

/// The workspace, or the node, as an account of the Media Streams protocol: `AC` and 32 hex digits of its name (FNV-1a).
fn account(desk: &Desk) -> String {
    let name = desk.directory.settings().workspace_id.as_deref().unwrap_or(&desk.config.node_id);
    let hash = name.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME));
    format!("AC{hash:032x}")
}

/// A scanner must not fill the disk.
const STRANGERS_PER_SECOND: u32 = 10;
/// Nor must a trunk that sends what nobody can take.
const UNFIT_PER_SECOND: u32 = 10;
/// As much of what was wrong is worth a line of the log.
const MAX_FAULT: usize = 200;
/// So many ended calls wait for the store; a store that takes none must not take the memory.
const MAX_UNWRITTEN: usize = 20_000;
const DEFAULT_MAX_FORWARDS: u8 = 70;
/// RFC 3261 s.21.4.20.
const LOOP_DETECTED: u16 = 482;
const MAX_CALL_ID: usize = 256;
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use numbers::Directory;
    use sip::endpoint::Listener;
    use sip::{Event, Transport};

    use super::*;
    use crate::Config;

    const INVENTORY: &str =
        "[[trunks]]\nid = \"acme\"\ninbound = { addresses = [\"192.0.2.0/24\"], did_country = \"US\" }\n";

    /// What goes out when an INVITE comes from there while the store lags.
    fn lagging(from: &str, unknown_source: UnknownSource) -> Vec<Output> {
        let now = Now { instant: origin(), wall_ms: 0 };
        let mut desk = desk(unknown_source);
        let flow = Flow {
            transport: Transport::Udp,
            local: local(),
            remote: SocketAddr::new(from.parse().unwrap(), 5060),
        };
        let invite = format!(
            "INVITE sip:1@203.0.113.5 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
             From: <sip:2@{from}>;tag=f\r\nTo: <sip:1@203.0.113.5>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:2@{from}>\r\nContent-Length: 0\r\n\r\n"
        );
        desk.receive(now, flow, invite.into());
        let Some(Event::Invited { dialog, request, flow }) = desk.event() else { panic!("no INVITE") };
        let mut door = Door::default();
        let call = door.open(&mut desk, now, &Knock { dialog, request, flow }, MAX_UNWRITTEN);
        assert!(call.is_none());
        assert_eq!(door.unrecorded, 1);
        std::iter::from_fn(|| desk.take()).collect()
    }

    fn statuses(outputs: &[Output]) -> Vec<String> {
        let sent = outputs.iter().filter_map(|output| match output {
            Output::Transmit(transmit) => Some(String::from_utf8_lossy(&transmit.bytes)[8..11].to_owned()),
            Output::Media(..)
            | Output::Agent(..)
            | Output::Ask(..)
            | Output::Record(..)
            | Output::Notice(_)
            | Output::Idle(_) => None,
        });
        sent.collect()
    }

    #[test]
    fn a_stranger_is_not_told_that_the_store_lags() {
        assert_eq!(statuses(&lagging("203.0.113.66", UnknownSource::Drop)), [] as [&str; 0]);
        assert_eq!(statuses(&lagging("203.0.113.66", UnknownSource::Reject)), ["403"]);
    }

    #[test]
    fn a_trunk_is_refused_while_the_store_lags() {
        assert_eq!(statuses(&lagging("192.0.2.1", UnknownSource::Drop)), ["503"]);
    }

    fn desk(unknown_source: UnknownSource) -> Desk {
        let sip = sip::endpoint::Config {
            listeners: vec![Listener { transport: Transport::Udp, local: local(), advertised: local() }],
            user_agent: "strowger".to_owned(),
            t1: std::time::Duration::from_millis(500),
            t2: std::time::Duration::from_secs(4),
            t4: std::time::Duration::from_secs(5),
            max_transactions: 10,
            max_dialogs: 10,
            udp_max_payload: 0,
            session: sip::endpoint::SessionTimer::default(),
        };
        let config = Config { unknown_source, ..Config::new(sip, local().ip(), 10_000..=10_099) };
        let directory = Directory::new(toml::from_str(INVENTORY).unwrap()).unwrap();
        Desk::new(config, Arc::new(directory), [7; 32])
    }

    fn local() -> SocketAddr {
        "203.0.113.5:5060".parse().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn origin() -> Instant {
        Instant::now()
    }
}
