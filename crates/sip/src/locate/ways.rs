//! The transports that a domain may be reached over, and where the SRV records of each are (RFC 3263 s.4.1).

use super::question::Naptr;
use super::reach::Reach;
use super::target::Narrowing;
use crate::flow::Transport;

/// One transport and the owner of its SRV records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Way {
    pub(super) transport: Transport,
    pub(super) service: String,
    /// Of NAPTR. Ways of a higher order are looked at only if all of a lower one lead nowhere (RFC 3403 s.4.1).
    pub(super) order: Option<u16>,
}

/// The ways that NAPTR records name, the domain's most preferred first. Records that are not for us are discarded:
/// another flag than `s`, a regular expression, a service of an unknown kind, without TLS for a `sips` URI, or of a
/// transport that we can't reach.
pub(super) fn from_naptr(records: &[Naptr], narrowing: Narrowing, reach: &Reach) -> Vec<Way> {
    let mut usable: Vec<(&Naptr, Transport)> = records
        .iter()
        .filter(|record| record.flags.eq_ignore_ascii_case("s") && record.regexp.is_empty())
        .filter(|record| !matches!(record.replacement.as_str(), "" | "."))
        .filter_map(|record| Some((record, transport_of(&record.services)?)))
        .filter(|(_, transport)| allows(narrowing, *transport) && reach.transports.contains(transport))
        .collect();
    usable.sort_by_key(|(record, _)| (record.order, record.preference));
    let way = |(record, transport): (&Naptr, Transport)| Way {
        transport,
        service: record.replacement.clone(),
        order: Some(record.order),
    };
    usable.into_iter().map(way).collect()
}

/// The ways of a domain that has no NAPTR records for us: all that we can reach, in our order.
pub(super) fn from_name(name: &str, narrowing: Narrowing, reach: &Reach) -> Vec<Way> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let way = |transport| {
        let service = format!("{}.{name}.", prefix(transport)?);
        Some(Way { transport, service, order: None })
    };
    let transports = reach.transports.iter().copied();
    transports.filter(|transport| allows(narrowing, *transport)).filter_map(way).collect()
}

/// The transport where DNS says nothing of it: UDP for `sip`, TCP under TLS for `sips`, or what we have.
pub(super) fn default_transport(narrowing: Narrowing, reach: &Reach) -> Result<Transport, Transport> {
    let wanted = match narrowing {
        Narrowing::Open => Transport::Udp,
        Narrowing::Secure => Transport::Tls,
        Narrowing::Only(transport) => transport,
    };
    if reach.transports.contains(&wanted) {
        return Ok(wanted);
    }
    match (narrowing, reach.transports.first()) {
        (Narrowing::Open, Some(first)) => Ok(*first),
        (Narrowing::Open, None) | (Narrowing::Secure | Narrowing::Only(_), _) => Err(wanted),
    }
}

/// RFC 3261 s.19.1.2; RFC 7118 s.5.5 has those of HTTP.
pub(super) const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
        Transport::Ws => 80,
    }
}

fn allows(narrowing: Narrowing, transport: Transport) -> bool {
    match narrowing {
        Narrowing::Open => true,
        Narrowing::Secure => transport == Transport::Tls,
        Narrowing::Only(only) => transport == only,
    }
}

fn transport_of(services: &str) -> Option<Transport> {
    let known = [
        ("SIPS+D2T", Transport::Tls),
        ("SIP+D2T", Transport::Tcp),
        ("SIP+D2U", Transport::Udp),
        ("SIP+D2W", Transport::Ws),
    ];
    known.into_iter().find_map(|(name, transport)| name.eq_ignore_ascii_case(services).then_some(transport))
}

/// WebSocket servers have no service name of their own, only what NAPTR names (RFC 7118 s.5.5).
const fn prefix(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Udp => Some("_sip._udp"),
        Transport::Tcp => Some("_sip._tcp"),
        Transport::Tls => Some("_sips._tcp"),
        Transport::Ws => None,
    }
}
