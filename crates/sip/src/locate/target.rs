//! What is to be located: TARGET, port and transport of RFC 3263 s.4, read from a URI or a Via.

use std::fmt;
use std::net::IpAddr;

use crate::flow::Transport;
use crate::host::Host;
use crate::uri::{Scheme, Uri};

/// A host and what the URI says of how to reach it.
///
/// Invariant: the name is one that DNS can be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub(super) place: Place,
    pub(super) port: Option<u16>,
    pub(super) narrowing: Narrowing,
    pub(super) domain: String,
}

/// TARGET: the `maddr`, or else the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Address(IpAddr),
    Name(String),
}

/// How far the URI leaves the transport open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Narrowing {
    /// A `sip` URI without a `transport`.
    Open,
    /// A `sips` URI without a `transport`.
    Secure,
    /// The transport is said.
    Only(Transport),
}

/// A URI that leads nowhere, whatever DNS says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetFault {
    /// `tel` and the like.
    #[error("a URI whose scheme is neither sip nor sips has no server")]
    Scheme,
    /// No host name: a label is empty or too long.
    #[error("{0} is no host name")]
    Host(String),
    /// `.invalid` never resolves (RFC 2606); a WebSocket client's Via and Contact hold such names (RFC 7118 s.5.2.1).
    #[error("{0} can't be reached but over the connection that it came from")]
    Invalid(String),
    /// A transport that is none of ours.
    #[error("transport={0} is not supported")]
    Transport(String),
    /// `sips` over a transport that we have without TLS only.
    #[error("a sips URI can't be reached over transport={0}")]
    Insecure(String),
}

impl Target {
    /// Of a request: the URI is that of the next hop, the topmost Route or the request URI.
    ///
    /// # Errors
    /// [`TargetFault`].
    pub fn of(uri: &Uri<'_>) -> Result<Self, TargetFault> {
        let narrowing = said(uri.scheme(), uri.transport())?;
        let place = Place::parse(uri.maddr().unwrap_or(uri.host()))?;
        Ok(Self { place, port: uri.port(), narrowing, domain: bare(uri.host()) })
    }

    /// Of a request that goes over this transport whatever the URI says of it, by an operator's word (RFC 3263 s.4.1).
    ///
    /// # Errors
    /// [`TargetFault`].
    pub fn over(uri: &Uri<'_>, transport: Transport) -> Result<Self, TargetFault> {
        let narrowing = said(uri.scheme(), Some(transport.via()))?;
        let place = Place::parse(uri.maddr().unwrap_or(uri.host()))?;
        Ok(Self { place, port: uri.port(), narrowing, domain: bare(uri.host()) })
    }

    /// The one transport that it may be reached over, if something says so.
    pub const fn transport(&self) -> Option<Transport> {
        match self.narrowing {
            Narrowing::Open => None,
            Narrowing::Secure => Some(Transport::Tls),
            Narrowing::Only(transport) => Some(transport),
        }
    }

    /// Of a host that no URI names: an outbound proxy, or the sent-by of a Via once the way back is gone
    /// (RFC 3263 s.5). IPv6 comes with or without its brackets. Without a transport it is a `sip` URI's.
    ///
    /// # Errors
    /// [`TargetFault::Host`], [`TargetFault::Invalid`].
    pub fn host(host: &str, port: Option<u16>, transport: Option<Transport>) -> Result<Self, TargetFault> {
        let place = match host.parse() {
            Ok(address) => Place::Address(address),
            Err(_) => Place::parse(host)?,
        };
        let narrowing = transport.map_or(Narrowing::Open, Narrowing::Only);
        Ok(Self { place, port, narrowing, domain: bare(host) })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Place::Address(address) => write!(f, "{address}")?,
            Place::Name(name) => f.write_str(name)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.transport().map_or(Ok(()), |transport| write!(f, " over {transport}"))
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, TargetFault> {
        match Host::parse(text) {
            Some(Host::Address(address)) => Ok(Self::Address(address)),
            Some(Host::Name(name)) if !is_domain(name) => Err(TargetFault::Host(name.to_owned())),
            Some(Host::Name(name)) if is_invalid(name) => Err(TargetFault::Invalid(name.to_owned())),
            Some(Host::Name(name)) => Ok(Self::Name(name.to_ascii_lowercase())),
            None => Err(TargetFault::Host(text.to_owned())),
        }
    }
}

fn said(scheme: Scheme<'_>, transport: Option<&str>) -> Result<Narrowing, TargetFault> {
    let secure = match scheme {
        Scheme::Sip => false,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => return Err(TargetFault::Scheme),
    };
    let Some(written) = transport else {
        return Ok(if secure { Narrowing::Secure } else { Narrowing::Open });
    };
    let transport = match (written.to_ascii_lowercase().as_str(), secure) {
        ("udp", false) => Transport::Udp,
        ("tcp", false) => Transport::Tcp,
        ("ws", false) => Transport::Ws,
        // RFC 3261 s.26.2.2: sips over TCP is TLS; `transport=tls` is old, and all around.
        ("tls", _) | ("tcp", true) => Transport::Tls,
        ("udp" | "ws", true) => return Err(TargetFault::Insecure(written.to_owned())),
        _unknown => return Err(TargetFault::Transport(written.to_owned())),
    };
    Ok(Narrowing::Only(transport))
}

/// RFC 1035 s.2.3.4, and room for `_sips._tcp.` in front.
fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= MAX_NAME && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

fn is_invalid(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|label| label.eq_ignore_ascii_case("invalid"))
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase()
}

const MAX_NAME: usize = 253 - "_sips._tcp.".len();

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Target, TargetFault> {
        Target::of(&Uri::parse(uri).unwrap())
    }

    #[test]
    fn maddr_is_the_target_and_the_host_stays_the_domain() {
        let target = of("sip:a@Example.COM:5080;maddr=192.0.2.7").unwrap();
        assert_eq!(target.place, Place::Address("192.0.2.7".parse().unwrap()));
        assert_eq!((target.port, target.domain.as_str()), (Some(5080), "example.com"));
        assert_eq!(of("sip:h;maddr=Other.example").unwrap().place, Place::Name("other.example".into()));
    }

    #[test]
    fn scheme_and_transport_narrow_together() {
        let narrowing = |uri: &str| of(uri).map(|target| target.narrowing);
        assert_eq!(narrowing("sip:h.example"), Ok(Narrowing::Open));
        assert_eq!(narrowing("sips:h.example"), Ok(Narrowing::Secure));
        assert_eq!(narrowing("sips:h.example;transport=TCP"), Ok(Narrowing::Only(Transport::Tls)));
        assert_eq!(narrowing("sip:h.example;transport=tls"), Ok(Narrowing::Only(Transport::Tls)));
        assert_eq!(narrowing("sip:h.example;transport=tcp"), Ok(Narrowing::Only(Transport::Tcp)));
        assert_eq!(narrowing("sip:h.example;transport=ws"), Ok(Narrowing::Only(Transport::Ws)));
        assert_eq!(narrowing("sips:h.example;transport=udp"), Err(TargetFault::Insecure("udp".into())));
        assert_eq!(narrowing("sip:h.example;transport=sctp"), Err(TargetFault::Transport("sctp".into())));
        assert_eq!(narrowing("tel:+14155550100"), Err(TargetFault::Scheme));
    }

    #[test]
    fn an_operators_transport_counts_in_the_place_of_the_uris() {
        let over = |uri: &str, transport| {
            Target::over(&Uri::parse(uri).unwrap(), transport).map(|target| target.narrowing)
        };
        let only = |transport| Ok(Narrowing::Only(transport));
        assert_eq!(over("sip:h.example;transport=udp", Transport::Tcp), only(Transport::Tcp));
        assert_eq!(over("sip:h.example;transport=sctp", Transport::Udp), only(Transport::Udp));
        assert_eq!(over("sips:h.example", Transport::Tcp), only(Transport::Tls));
        assert_eq!(
            over("sips:h.example", Transport::Udp),
            Err(TargetFault::Insecure(Transport::Udp.via().into()))
        );
    }

    #[test]
    fn names_that_dns_is_never_asked_for_are_refused() {
        assert_eq!(
            of("sip:df7jal23ls0d.invalid;transport=ws"),
            Err(TargetFault::Invalid("df7jal23ls0d.invalid".into()))
        );
        for host in ["a..b", ".a", &"a".repeat(64), &format!("{}x", "abcdefg.".repeat(31))] {
            assert_eq!(of(&format!("sip:{host}")), Err(TargetFault::Host(host.to_owned())));
        }
        assert!(of("sip:example.com.").is_ok());
    }

    #[test]
    fn a_via_may_write_ipv6_with_or_without_brackets() {
        let address = Place::Address("2001:db8::1".parse().unwrap());
        for host in ["2001:db8::1", "[2001:db8::1]"] {
            let target = Target::host(host, None, Some(Transport::Tcp)).unwrap();
            assert_eq!((&target.place, target.domain.as_str()), (&address, "2001:db8::1"));
        }
    }
}
