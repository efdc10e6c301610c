//! Hosts and ports of URIs and Vias (RFC 3261 s.25.1; RFC 5118 for IPv6).

use std::net::{IpAddr, Ipv6Addr};

use crate::params::trim;

/// A host name or a literal address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host<'a> {
    /// A name to be resolved.
    Name(&'a str),
    /// An address; of IPv6 it was written in brackets.
    Address(IpAddr),
}

impl<'a> Host<'a> {
    /// Reads a host as URIs and Vias write it. `[2001:db8:::192.0.2.1]`, with the colon too many that the ABNF of RFC 3261
    /// asks for, is taken as RFC 5118 s.4.10 wants it.
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            return ipv6(inner.strip_suffix(']')?).map(|address| Self::Address(address.into()));
        }
        if !(1..=MAX_NAME).contains(&text.len()) || name_length(text) < text.len() {
            return None;
        }
        Some(match text.parse() {
            Ok(address) => Self::Address(IpAddr::V4(address)),
            Err(_) => Self::Name(text),
        })
    }

    /// The address, if it is one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// An address as `received` carries it: IPv6 with or without brackets (RFC 5118 s.4.5).
pub(crate) fn bare_address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    inner.parse().ok().or_else(|| ipv6(inner).map(IpAddr::V6))
}

/// Splits `host[:port]`; `None` if either is not well-formed. White space around the colon is a Via's right.
pub(crate) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') {
        let end = text.find(']')? + 1;
        Host::parse(text.get(..end)?)?;
        end
    } else {
        name_length(text)
    };
    let (host, rest) = text.split_at_checked(end)?;
    if !(1..=MAX_NAME).contains(&host.len()) {
        return None;
    }
    let port = match trim(rest) {
        "" => None,
        rest => Some(port(trim(rest.strip_prefix(':')?))?),
    };
    Some((host, port))
}

fn port(digits: &str) -> Option<u16> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| text.contains(":::").then(|| text.replacen(":::", "::", 1).parse().ok())?)
}

/// How much of the text can be a name, or IPv4. Underscores are no part of a host name, but of some hosts' names.
fn name_length(text: &str) -> usize {
    text.bytes().position(|byte| !IN_NAME[usize::from(byte)]).unwrap_or(text.len())
}

const IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

/// RFC 1035 s.2.3.4.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_from_addresses() {
        assert_eq!(Host::parse("example.com"), Some(Host::Name("example.com")));
        assert_eq!(Host::parse("192.0.2.1").and_then(Host::address), "192.0.2.1".parse().ok());
        assert_eq!(Host::parse("[2001:db8::1]").and_then(Host::address), "2001:db8::1".parse().ok());
        assert_eq!(
            Host::parse("[2001:db8:::192.0.2.1]").and_then(Host::address),
            "2001:db8::192.0.2.1".parse().ok()
        );
        for refused in ["", "2001:db8::1", "[::1", "a b", "[example.com]", "a,b"] {
            assert_eq!(Host::parse(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_port_is_digits_up_to_65535() {
        assert_eq!(host_port("h:5060"), Some(("h", Some(5060))));
        assert_eq!(host_port("[::1]:1"), Some(("[::1]", Some(1))));
        assert_eq!(host_port("h : 9"), Some(("h", Some(9))));
        for refused in ["h:", "h:65536", "h:+1", "h:x", "2001:db8::10", "[::1]5060"] {
            assert_eq!(host_port(refused), None, "{refused}");
        }
    }
}
