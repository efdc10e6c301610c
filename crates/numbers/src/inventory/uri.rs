//! Enough of URIs to tell a mistyped one before a call does.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Transport;

/// `ws://` or `wss://`, perhaps `user:password@`, a host, perhaps a port, path and query (RFC 6455, section 3).
pub(super) fn check_stream_url(url: &str) -> Result<(), String> {
    let (scheme, rest) = url.split_once("://").ok_or("a WebSocket URL begins with ws:// or wss://")?;
    if !scheme.eq_ignore_ascii_case("ws") && !scheme.eq_ignore_ascii_case("wss") {
        return Err(format!("`{}://` is no WebSocket; use ws:// or wss://", scheme.escape_debug()));
    }
    check_bytes(rest)?;
    if rest.contains('#') {
        return Err("a WebSocket URL has no fragment (#)".to_owned());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host_port)| host_port);
    check_host_port(host_port)
}

/// `sip:`, perhaps a user, a host, perhaps a port and parameters (RFC 3261, section 19.1). The answer is the
/// transport it asks for.
pub(super) fn check_sip_uri(uri: &str) -> Result<Transport, String> {
    let (scheme, rest) = uri.split_once(':').ok_or("a SIP URI begins with sip:")?;
    let is_secure = scheme.eq_ignore_ascii_case("sips");
    if !is_secure && !scheme.eq_ignore_ascii_case("sip") {
        return Err("a SIP URI begins with sip:".to_owned());
    }
    check_bytes(rest)?;
    let (uri, headers) = rest.split_once('?').map_or((rest, None), |(uri, headers)| (uri, Some(headers)));
    if headers.is_some() {
        return Err("the URI of an agent has no headers (?)".to_owned());
    }
    let (user, rest) = uri.rsplit_once('@').map_or((None, uri), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.is_empty() || user.contains(['@', ':'])) {
        return Err("the user of a SIP URI is not empty, and holds no `@` or `:`".to_owned());
    }
    let mut parts = rest.split(';');
    check_host_port(parts.next().unwrap_or_default())?;
    let transport = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.eq_ignore_ascii_case("transport").then(|| value.to_ascii_lowercase())
    });
    match transport.as_deref() {
        None if is_secure => Ok(Transport::Tls),
        None | Some("udp") => Ok(if is_secure { Transport::Tls } else { Transport::Udp }),
        Some("tcp") => Ok(if is_secure { Transport::Tls } else { Transport::Tcp }),
        Some("tls") => Ok(Transport::Tls),
        Some("ws") => Ok(Transport::Ws),
        Some("wss") => Ok(Transport::Wss),
        Some(other) => Err(format!("`{}` is no transport", other.escape_debug())),
    }
}

/// Where a SIP URI leads, as far as it is written there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place<'a> {
    /// With its brackets, if it has them.
    host: &'a str,
    /// In the place of the host, if it is there (RFC 3261, section 19.1.1).
    maddr: Option<&'a str>,
    /// What is written, else that of the transport.
    pub(super) port: u16,
}

impl<'a> Place<'a> {
    /// That of a URI over this transport, or else its own. `None` where there is none to be read.
    pub(super) fn of(uri: &'a str, transport: Option<Transport>) -> Option<Self> {
        let transport = transport.or(check_sip_uri(uri).ok())?;
        let (_, rest) = uri.split_once(':')?;
        let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
        let mut parts = rest.split(';');
        let authority = parts.next()?;
        let host_ends = authority.rfind(']').map_or_else(|| authority.find(':'), |bracket| Some(bracket + 1));
        let (host, port) = authority.split_at(host_ends.unwrap_or(authority.len()));
        let port = port.strip_prefix(':').and_then(|port| port.parse().ok());
        let maddr = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("maddr").then_some(value)
        });
        Some(Self { host, maddr, port: port.unwrap_or_else(|| transport.default_port()) })
    }

    /// What it names, each of which has to be the right one.
    pub(super) fn hosts(self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.host).chain(self.maddr)
    }
}

/// A name, or an address: IPv6 with or without brackets.
pub(super) fn check_host(host: &str) -> Result<(), String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<Ipv6Addr>().is_ok() || host.parse::<Ipv4Addr>().is_ok() {
        return Ok(());
    }
    let is_label_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_label_byte)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_mistyped_address = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if host.len() > 253 || is_mistyped_address || !name.split('.').all(is_label) {
        return Err(format!("`{}` is no host", host.escape_debug()));
    }
    Ok(())
}

fn check_host_port(host_port: &str) -> Result<(), String> {
    let (host, port) = match host_port.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => {
            host.parse::<Ipv6Addr>()
                .map_err(|_| format!("`[{}]` is no IPv6 address", host.escape_debug()))?;
            match rest.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if rest.is_empty() => (None, None),
                None => return Err("after an IPv6 address comes `:` and a port, or nothing".to_owned()),
            }
        }
        None => match host_port.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(host_port), None),
        },
    };
    if host == Some("") {
        return Err("the host is missing".to_owned());
    }
    host.map_or(Ok(()), check_host)?;
    match port.map(str::parse::<u16>) {
        None | Some(Ok(1..)) => Ok(()),
        Some(Ok(0) | Err(_)) => Err("the port is not between 1 and 65535".to_owned()),
    }
}

fn check_bytes(text: &str) -> Result<(), String> {
    match text.chars().find(|char| !char.is_ascii_graphic() || "<>\"".contains(*char)) {
        Some(char) => Err(format!("`{}` can't stand in a URI", char.escape_debug())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_websocket_url() {
        for url in [
            "ws://127.0.0.1:8080/stream",
            "wss://bots.example.com",
            "WSS://user:p%40ss@bots.example.com:443/a?b=c",
            "ws://[::1]:9000/",
            "ws://localhost:9",
        ] {
            assert_eq!(check_stream_url(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "bots.example.com",
            "http://a",
            "https://a/b",
            "ws://",
            "ws:///x",
            "ws://a:0",
            "ws://a:65536",
            "ws://a:b",
            "ws://a b",
            "ws://a/#x",
            "ws://[::1",
            "ws://[::g]",
            "ws://[::1]x",
            "ws://-a",
            "ws://a..b",
            "ws://300.1.1.1",
            "ws://bücher.example",
            "ws://a\r\nX: y",
            "ws://:80",
        ] {
            assert!(check_stream_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn knows_a_sip_uri_and_the_transport_it_asks_for() {
        for (uri, transport) in [
            ("sip:bot@10.0.0.7:5060", Transport::Udp),
            ("sip:10.0.0.7", Transport::Udp),
            ("sip:bot@[2001:db8::1]:5070;lr", Transport::Udp),
            ("sip:+14155550100@pbx.example;transport=UDP", Transport::Udp),
            ("SIP:bot@pbx.example;transport=tcp", Transport::Tcp),
            ("sips:bot@pbx.example", Transport::Tls),
            ("sips:bot@pbx.example;transport=tcp", Transport::Tls),
        ] {
            assert_eq!(check_sip_uri(uri), Ok(transport), "{uri}");
        }
        for uri in [
            "",
            "bot@10.0.0.7",
            "tel:+1415",
            "sip:",
            "sip:bot@",
            "sip:@host",
            "sip:a@b@c",
            "sip:bot@host:0",
            "sip:bot@host:5060:5060",
            "sip:bot@host;transport=sctp6",
            "<sip:bot@host>",
            "sip:bot @host",
            "sip:u:p@host",
            "sip:bot@host?Subject=x",
        ] {
            assert!(check_sip_uri(uri).is_err(), "{uri}");
        }
    }
}
