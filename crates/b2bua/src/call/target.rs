//! Where a SIP agent is, and the INVITE that it gets.

use std::net::{IpAddr, SocketAddr};

use numbers::{Endpoint, MediaEncryption};
use sip::endpoint::{Invite, Listener, Reliability};
use sip::uri::Scheme;
use sip::{Flow, Transport, Uri};

use super::Plan;
use crate::{headers, refusal};

/// The agent's URI, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Target {
    uri: String,
    host: String,
    address: Option<IpAddr>,
    port: u16,
    transport: Transport,
}

impl Target {
    /// Reads the endpoint of a SIP agent.
    ///
    /// # Errors
    /// In words: why it can't be called.
    pub(super) fn of(endpoint: &Endpoint, listeners: &[Listener]) -> Result<Self, String> {
        let Endpoint::Sip { uri, transport, media_encryption, .. } = endpoint else {
            return Err("it is no SIP agent".to_owned());
        };
        if *media_encryption == MediaEncryption::Required {
            return Err("its media_encryption is required, and encrypted media is not supported".to_owned());
        }
        let parsed = Uri::parse(uri).map_err(|fault| format!("its URI is none: {fault}"))?;
        let transport = match transport {
            Some(transport) => known(*transport),
            None => named(&parsed),
        };
        let transport = transport.ok_or("the transport of its URI is not supported")?;
        if !listeners.iter().any(|listener| listener.transport == transport) {
            return Err(format!(
                "it is called by {transport}, and no listener speaks that; add one to [sip] {transport}"
            ));
        }
        if parsed.host().is_empty() {
            return Err("its URI has no host".to_owned());
        }
        let default_port = if transport == Transport::Tls { 5061 } else { 5060 };
        Ok(Self {
            host: parsed.host().to_owned(),
            address: parsed.address(),
            port: parsed.port().unwrap_or(default_port),
            transport,
            // The headers that a URI may carry are no part of a Request-URI (RFC 3261 s.19.1.1).
            uri: uri.split('?').next().unwrap_or_default().to_owned(),
        })
    }

    /// Its address, if the URI has a literal one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address.map(|address| SocketAddr::new(address, self.port))
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Our socket that reaches it.
    pub(super) fn listener<'a>(&self, hop: SocketAddr, listeners: &'a [Listener]) -> Option<&'a Listener> {
        listeners.iter().find(|listener| {
            listener.transport == self.transport && listener.local.is_ipv4() == hop.is_ipv4()
        })
    }

    /// The INVITE. To and Request-URI are the agent's; who calls whom, and what else it is told, say the headers.
    pub(super) fn invite(&self, listener: &Listener, hop: SocketAddr, plan: &Plan, offer: &str) -> Invite {
        let brief = plan.brief();
        let (from, headers) = headers::for_sip(brief, plan.agent(), &host(listener.advertised.ip()));
        Invite {
            flow: Flow { transport: self.transport, local: listener.local, remote: hop },
            request_uri: self.uri.clone(),
            from,
            to: format!("<{}>", self.uri),
            max_forwards: brief.max_forwards,
            headers,
            body: Some(refusal::session_description(offer)),
            reliability: Reliability::Unsupported,
        }
    }
}

fn known(transport: numbers::Transport) -> Option<Transport> {
    match transport {
        numbers::Transport::Udp => Some(Transport::Udp),
        numbers::Transport::Tcp => Some(Transport::Tcp),
        numbers::Transport::Tls => Some(Transport::Tls),
        numbers::Transport::Ws => Some(Transport::Ws),
        numbers::Transport::Wss => None,
    }
}

/// As the URI asks for it. `sips:` is TLS, whatever it says of what is below (RFC 3261 s.26.2.2).
fn named(uri: &Uri<'_>) -> Option<Transport> {
    if uri.scheme() == Scheme::Sips {
        return Some(Transport::Tls);
    }
    let named = uri.transport();
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws]
        .into_iter()
        .find(|transport| named.unwrap_or("udp").eq_ignore_ascii_case(transport.via()))
}

/// An address as the host of a URI.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
