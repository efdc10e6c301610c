//! What would become of an INVITE, step by step and without a call: who owns its source, whom it calls, and who answers, by which rule it
//! leaves, or why neither.
//!
//! Every step is taken by the function that the door takes it by. What is told is as of an idle node: nothing counts against a limit.

use std::net::{IpAddr, SocketAddr};

use numbers::{
    AgentSource, Asked, Denial, Did, DidOrigin, DidSource, Directory, Endpoint, Idle, Inbound, Limits,
    MediaEncryption, Outbound, Refusal,
};
use serde::Serialize;
use sip::{Message, Method, Transport};

use crate::body;
use crate::config::UnknownSource;
use crate::fate::{Fate, Phase};
use crate::identify::{Peer, identify};
use crate::negotiate::Opening;
use crate::parties;

/// What would become of it, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explained {
    /// In the order in which they are taken.
    pub steps: Vec<Step>,
    /// What comes of them.
    pub outcome: Outcome,
    /// What a call has to pass besides, in words: nothing of it was looked at.
    pub not_considered: [&'static str; 4],
}

/// One thing that was found out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// About what: `source`, `called`, `number`, `agent` or `rule` and `trunk`, `audio`.
    pub about: &'static str,
    /// In words.
    pub words: String,
}

/// What becomes of the INVITE.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// An agent answers.
    Answered {
        /// By which trunk it comes.
        trunk_id: String,
        /// Our number.
        number: String,
        /// Who answers.
        agent_id: String,
    },
    /// It leaves to the telephone network.
    LetOut {
        /// By which trunk.
        trunk_id: String,
        /// Our number, that calls.
        number: String,
        /// Whom it reaches.
        to: String,
    },
    /// It gets a final response, and leaves a record.
    Refused {
        /// The machine word.
        reason: String,
        /// Of the response; none if there is none.
        status: Option<u16>,
        /// For people.
        text: String,
    },
}

/// Where an INVITE comes from, and what a node does with strangers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The address.
    pub source: SocketAddr,
    /// By what it comes.
    pub transport: Transport,
    /// What becomes of an INVITE of nobody's address.
    pub unknown_source: UnknownSource,
}

/// Explains an INVITE. Anything else has no outcome: `None`.
pub fn explain(directory: &Directory, invite: &Message, origin: Origin) -> Option<Explained> {
    if *invite.method() != Method::Invite || invite.status().is_some() {
        return None;
    }
    let mut explained = Explaining { directory, invite, steps: Vec::new() };
    let outcome = explained.source(origin).unwrap_or_else(|fate| refused(&fate));
    Some(Explained { steps: explained.steps, outcome, not_considered: NOT_CONSIDERED })
}

struct Explaining<'a> {
    directory: &'a Directory,
    invite: &'a Message,
    steps: Vec<Step>,
}

impl Explaining<'_> {
    fn tell(&mut self, about: &'static str, words: impl Into<String>) {
        self.steps.push(Step { about, words: words.into() });
    }

    fn source(&mut self, origin: Origin) -> Result<Outcome, Fate> {
        let Origin { source, transport, unknown_source } = origin;
        let address = source.ip();
        let Some(peer) = identify(self.directory, transport, address) else {
            self.tell("source", self.stranger(address, transport));
            return Err(match unknown_source {
                UnknownSource::Drop => Fate::Ignored,
                UnknownSource::Reject => Fate::Refused(Refusal::SourceUnknown),
            });
        };
        self.tell("source", owned(address, transport, &peer));
        let did = parties::called(self.invite, &peer, self.directory);
        self.tell("called", called(&peer, &did));
        match did.e164.and_then(|e164| self.directory.number(e164)) {
            Some(number) => self.inbound(&peer, &did, &number.trunk_id),
            None if peer.may_originate() => self.outbound(&peer, &did),
            None => Err(Fate::Refused(Refusal::DidUnknown)),
        }
    }

    fn stranger(&self, address: IpAddr, transport: Transport) -> String {
        match self.directory.trunk_by_source(address) {
            Some(trunk) => {
                let speaks = trunk.inbound.as_ref().map(transports).unwrap_or_default();
                format!(
                    "trunk `{}` owns {address}, but its inbound.transports are {speaks}, and this comes by {transport}",
                    trunk.id
                )
            }
            None => format!("nobody owns {address}: it is in no trunk's inbound.addresses and no agent's"),
        }
    }

    /// To a number of ours. A SIP agent's own call comes by the number's trunk.
    fn inbound(&mut self, peer: &Peer, did: &Did, trunk_id: &str) -> Result<Outcome, Fate> {
        let trunk = match peer {
            Peer::Trunk(trunk) => trunk,
            Peer::Agent(_) => self.directory.trunk(trunk_id).ok_or(Fate::Refused(Refusal::DidUnknown))?,
        };
        let whose = if trunk.id == trunk_id { String::new() } else { format!(", of trunk `{trunk_id}`") };
        self.tell("number", format!("it is ours{whose}: an inbound call"));
        let route = numbers::admit_inbound(self.directory, trunk, did, &Idle, &Limits::default())
            .map_err(Fate::Refused)?;
        let why = match route.agent_source {
            AgentSource::Assigned => "the number's own agent",
            AgentSource::Default => "the default agent, as the number has none of its own",
        };
        let encrypted = wanted(route.agent.endpoint.media_encryption());
        self.tell("agent", format!("`{}`, {why}{encrypted}", route.agent.id));
        self.tell("audio", audio(self.invite, peer)?);
        Ok(Outcome::Answered {
            trunk_id: trunk.id.clone(),
            number: route.number.e164.to_string(),
            agent_id: route.agent.id.clone(),
        })
    }

    /// To the telephone network, for one who may ask for it.
    fn outbound(&mut self, peer: &Peer, did: &Did) -> Result<Outcome, Fate> {
        let caller = parties::caller(self.invite, Some(peer));
        let from = caller.e164.map_or(caller.raw, |e164| e164.to_string());
        let to = parties::dialled(self.invite, peer, did);
        self.tell(
            "number",
            format!("it is none of ours: an outbound call from \"{}\"", parties::bounded(&from)),
        );
        let asked = Asked { from: &from, to: &to, country: peer.country() };
        let permit = numbers::permit_outbound(self.directory, &asked, &Idle, &Limits::default()).map_err(
            |Denial { refusal, words, retry_after, .. }| Fate::Denied(refusal, words, retry_after),
        )?;
        let (trunk, to) = (permit.trunk(), permit.to());
        self.tell("rule", permit.rule().to_owned());
        let Some(outbound) = trunk.outbound.as_ref().filter(|outbound| !outbound.gateways.is_empty()) else {
            let words = format!("trunk `{}` has no outbound.gateways", trunk.id);
            return Err(Fate::Denied(Refusal::TrunkFailed, words, None));
        };
        let (gateways, dialled) = (gateways(outbound), outbound.dialled(to));
        let encrypted = wanted(outbound.media_encryption);
        self.tell("trunk", format!("`{}`, by {gateways}, dialled as {dialled}{encrypted}", trunk.id));
        self.tell("audio", audio(self.invite, peer)?);
        Ok(Outcome::LetOut {
            trunk_id: trunk.id.clone(),
            number: permit.number().e164.to_string(),
            to: to.to_string(),
        })
    }
}

/// Who the source is, and by which of its addresses.
fn owned(address: IpAddr, transport: Transport, peer: &Peer) -> String {
    let (owner, addresses) = match peer {
        Peer::Trunk(trunk) => {
            let addresses = trunk.inbound.as_ref().map(|inbound| inbound.addresses.as_slice());
            (format!("trunk `{}`", trunk.id), addresses.unwrap_or_default())
        }
        Peer::Agent(agent) => {
            let addresses = match &agent.endpoint {
                Endpoint::Sip { addresses, .. } => addresses.as_slice(),
                Endpoint::MediaStream { .. } | Endpoint::Echo => &[],
            };
            (format!("agent `{}`", agent.id), addresses)
        }
    };
    // The longest prefix that holds it.
    let holding = addresses.iter().filter(|network| network.contains(&address));
    let network = holding.max_by_key(|network| network.prefix_len());
    let by = network.map(|network| format!(", as {network} is among its addresses")).unwrap_or_default();
    format!("{address} by {transport} is {owner}{by}")
}

/// In the order of their priority.
fn gateways(outbound: &Outbound) -> String {
    let mut gateways: Vec<_> = outbound.gateways.iter().collect();
    gateways.sort_by_key(|gateway| gateway.priority);
    let words = gateways.iter().map(|gateway| {
        let own = gateway.media_encryption.filter(|own| *own != outbound.media_encryption);
        match own.map(wanted) {
            None => gateway.host.clone(),
            Some("") => format!("{} (plain)", gateway.host),
            Some(own) => format!("{} ({})", gateway.host, own.trim_start_matches(", ")),
        }
    });
    words.collect::<Vec<_>>().join(", ")
}

fn transports(inbound: &Inbound) -> String {
    let words: Vec<String> = inbound.transports.iter().map(|own| format!("{own:?}").to_lowercase()).collect();
    words.join(", ")
}

/// Where the called number stood, and what was read of it.
fn called(peer: &Peer, did: &Did) -> String {
    let place = match &did.origin {
        DidOrigin::RequestUri => "the Request-URI has".to_owned(),
        DidOrigin::To => "To has".to_owned(),
        DidOrigin::PCalledPartyId => "P-Called-Party-ID has".to_owned(),
        DidOrigin::Header(name) => format!("the header {name} has"),
        DidOrigin::OnlyNumber => "nothing looks dialled: the Request-URI has".to_owned(),
    };
    let rule = match peer {
        Peer::Trunk(trunk) => trunk.inbound.as_ref().map(rule).unwrap_or_default(),
        Peer::Agent(_) => String::new(),
    };
    let read = match (did.e164, &did.origin) {
        (Some(e164), DidOrigin::OnlyNumber) => format!("the trunk's only number is {e164}"),
        (Some(e164), _) => format!("that is {e164}"),
        (None, _) => "that is no telephone number".to_owned(),
    };
    format!("{place} \"{}\"{rule}; {read}", parties::bounded(&did.raw))
}

/// By what the trunk says that it is found and read.
fn rule(inbound: &Inbound) -> String {
    let source = match &inbound.did_source {
        DidSource::Auto => "auto".to_owned(),
        DidSource::RequestUri => "request-uri".to_owned(),
        DidSource::To => "to".to_owned(),
        DidSource::PCalledPartyId => "p-called-party-id".to_owned(),
        DidSource::Header(name) => format!("header:{name}"),
    };
    let country = inbound.did_country.map(|country| format!(", did_country = {country}")).unwrap_or_default();
    let prefix = inbound.strip_prefix.as_ref().map(|prefix| format!(", strip_prefix = {prefix}"));
    format!(" (did_source = {source}{country}{})", prefix.unwrap_or_default())
}

/// What the offer comes to.
fn audio(invite: &Message, peer: &Peer) -> Result<String, Fate> {
    let offer = body::description(invite)?.map(Box::new);
    let opening = Opening { offer, encryption: peer.media_encryption() };
    let Some(codec) = opening.codec(ANYWHERE)? else {
        return Ok(format!("the INVITE offers none: the 200 will{}", wanted(opening.encryption)));
    };
    Ok(match (opening.suite(ANYWHERE), opening.encryption) {
        (Some(suite), _) => format!("{}, encrypted by {}", codec.name(), suite.name()),
        (None, MediaEncryption::Off) => codec.name().to_owned(),
        (None, MediaEncryption::Optional | MediaEncryption::Required) => {
            format!("{}, not encrypted: the offer has no keys that can be taken", codec.name())
        }
    })
}

/// What an offer of ours says of encryption.
fn wanted(encryption: MediaEncryption) -> &'static str {
    match encryption {
        MediaEncryption::Off => "",
        MediaEncryption::Optional => ", encrypted where the other side does it too",
        MediaEncryption::Required => ", encrypted or not at all",
    }
}

fn refused(fate: &Fate) -> Outcome {
    let words = fate.words(Phase::Unanswered);
    Outcome::Refused { reason: words.reason.to_owned(), status: words.sip_status, text: words.text }
}

/// Our own address, which decides nothing.
const ANYWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// One INVITE, alone, tells nothing of these.
const NOT_CONSIDERED: [&str; 4] = [
    "passwords (who has a username, and a stranger who may have one, is challenged)",
    "loops (Max-Forwards, Via)",
    "limits and drain",
    "whether who is called can be reached",
];

#[cfg(test)]
mod tests;
