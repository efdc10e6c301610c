//! Where a SIP agent or a gateway is, and the INVITE that it gets.

use std::net::{IpAddr, SocketAddr};

use sip::digest::Credentials;
use sip::endpoint::{Invite, Listener, Reliability};
use sip::locate::{self, Candidate, Locate, Need, Reach};
use sip::{Flow, Transport, Uri};

use super::Gateways;
use super::plan::{Callee, Plan};
use crate::headers::{self, Dress};
use crate::refusal;

/// A URI to call, and where it leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    uri: String,
    place: locate::Target,
}

impl Target {
    /// Reads where a SIP agent is.
    ///
    /// # Errors
    /// In words: why it can't be called.
    pub(super) fn of(
        uri: &str,
        transport: Option<numbers::Transport>,
        reach: &Reach,
    ) -> Result<Self, String> {
        let parsed = Uri::parse(uri).map_err(|fault| format!("its URI is none: {fault}"))?;
        let place = match transport {
            Some(transport) => locate::Target::over(&parsed, known(transport)?),
            None => locate::Target::of(&parsed),
        };
        let place = within(place.map_err(|fault| fault.to_string())?, reach)?;
        // The headers that a URI may carry are no part of a Request-URI (RFC 3261 s.19.1.1).
        Ok(Self { uri: uri.split('?').next().unwrap_or_default().to_owned(), place })
    }

    /// Reads where a gateway is.
    ///
    /// # Errors
    /// In words: why it can't be called.
    pub(super) fn of_gateway(gateways: &Gateways, reach: &Reach) -> Result<Self, String> {
        Ok(Self { uri: gateways.uri(), place: within(gateways.place()?, reach)? })
    }

    /// What is to be located.
    pub(super) fn place(&self) -> &locate::Target {
        &self.place
    }

    /// Where it is, as far as its URI tells: the host is an address. `None`: it has to be asked for, also where only the `maddr`
    /// is an address, for who connects has to know the host's name (RFC 5922 s.7.3).
    pub(super) fn literal(&self, reach: &Reach) -> Option<Result<Vec<Candidate>, locate::Failure>> {
        let is_named = |candidate: &Candidate| candidate.domain.parse::<IpAddr>().is_err();
        match Locate::new(&self.place, reach, NO_CHOICE).poll() {
            Need::Done(Ok(found)) if found.iter().any(is_named) => None,
            Need::Done(found) => Some(found),
            Need::Ask(_) | Need::Wait => None,
        }
    }

    /// The URI as To may have it: who is called, not how (RFC 3261 s.19.1.1, table 1).
    fn name(&self) -> String {
        let Ok(uri) = Uri::parse(&self.uri) else { return self.uri.clone() };
        let scheme = self.uri.split(':').next().unwrap_or_default();
        match uri.user() {
            Some(user) => format!("{scheme}:{user}@{}", uri.host()),
            None => format!("{scheme}:{}", uri.host()),
        }
    }

    /// The INVITE. Request-URI and To name whom it is for; who calls, and what else is told, say the headers.
    pub(super) fn invite(&self, listener: &Listener, hop: SocketAddr, plan: &Plan, offer: &str) -> Invite {
        let brief = plan.brief();
        let Dress { from, to, headers } = match plan.callee() {
            Callee::Agent(agents) => {
                let ours = host(listener.advertised.ip());
                let (from, headers) = headers::for_sip(brief, agents.current(), &ours);
                Dress { from, to: format!("<{}>", self.name()), headers }
            }
            Callee::Network(gateways) => gateways.dress(brief),
        };
        Invite {
            flow: Flow { transport: listener.transport, local: listener.local, remote: hop },
            request_uri: self.uri.clone(),
            from,
            to,
            max_forwards: brief.max_forwards,
            headers,
            body: Some(refusal::session_description(offer)),
            reliability: Reliability::Unsupported,
            credentials: plan.login().map(|login| Credentials::new(login.username, login.password.reveal())),
        }
    }
}

/// The place, if a listener of ours speaks its transport.
fn within(place: locate::Target, reach: &Reach) -> Result<locate::Target, String> {
    match place.transport().filter(|transport| !reach.transports.contains(transport)) {
        Some(transport) => Err(format!(
            "it is called by {transport}, and no listener speaks that; add one to [sip] {transport}"
        )),
        None => Ok(place),
    }
}

pub(super) fn known(transport: numbers::Transport) -> Result<Transport, String> {
    match transport {
        numbers::Transport::Udp => Ok(Transport::Udp),
        numbers::Transport::Tcp => Ok(Transport::Tcp),
        numbers::Transport::Tls => Ok(Transport::Tls),
        numbers::Transport::Ws | numbers::Transport::Wss => {
            Err("we call by UDP, TCP and TLS only, not over WebSocket".to_owned())
        }
    }
}

/// Our socket that reaches a place.
pub(super) fn listener<'a>(candidate: &Candidate, listeners: &'a [Listener]) -> Option<&'a Listener> {
    listeners.iter().find(|listener| {
        listener.transport == candidate.transport && listener.local.is_ipv4() == candidate.address.is_ipv4()
    })
}

/// Where there is one place, chance has nothing to choose.
const NO_CHOICE: u64 = 0;

/// An address as the host of a URI.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
