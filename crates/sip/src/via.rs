//! One Via: the transport a request took and where its response goes (RFC 3261 s.20.42, RFC 3581).

use std::net::IpAddr;

use crate::host::{Host, bare_address, host_port};
use crate::params::{Params, is_space_octet, split_at, split_near, trim};

/// One element of a Via list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Via<'a> {
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
}

/// The `rport` of a Via (RFC 3581 s.3 and 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rport {
    /// Without value: the response is to go to the port that the request came from.
    Asked,
    /// The port that the server saw.
    Given(u16),
}

impl<'a> Via<'a> {
    /// Reads one element, such as `SIP/2.0/UDP host:5060;branch=z9hG4bK1`. The version is not looked at.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (sent, params) = split_at(text, b';').unwrap_or((text, ""));
        let (protocol, sent) = split_near(sent, |byte| byte == b'/')?;
        let (version, sent) = split_near(sent, |byte| byte == b'/')?;
        let (transport, sent_by) = split_near(trim(sent), is_space_octet)?;
        if !trim(protocol).eq_ignore_ascii_case("SIP") || trim(version).is_empty() || transport.is_empty() {
            return None;
        }
        let (host, port) = host_port(trim(sent_by))?;
        Some(Self { transport, host, port, params: Params::new(params) })
    }

    /// The transport as written.
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// The host of sent-by as written, IPv6 in its brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The host of sent-by as a name or an address.
    pub fn parsed_host(&self) -> Host<'a> {
        Host::parse(self.host).unwrap_or(Host::Name(self.host))
    }

    /// The port of sent-by, if written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The branch; `None` from an RFC 2543 peer.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// The address that a server saw the request come from, with or without brackets (RFC 5118 s.4.5).
    pub fn received(&self) -> Option<IpAddr> {
        self.params.get("received").and_then(bare_address)
    }

    /// The rport. One that is no port counts as asked for.
    pub fn rport(&self) -> Option<Rport> {
        let value = self.params.get("rport")?;
        Some(value.parse().map_or(Rport::Asked, Rport::Given))
    }

    /// The multicast address or proxy to answer through, as written.
    pub fn maddr(&self) -> Option<&'a str> {
        self.params.get("maddr")
    }

    /// All parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_via_with_space_wherever_it_may_be() {
        let via =
            Via::parse("SIP  / 2.0  / TCP     spindle.example.com : 5061  ;\r\n  branch  =   z9hG4bK9ikj8")
                .unwrap();
        assert_eq!((via.transport(), via.host(), via.port()), ("TCP", "spindle.example.com", Some(5061)));
        assert_eq!(via.branch(), Some("z9hG4bK9ikj8"));
        assert_eq!(via.rport(), None);
    }

    #[test]
    fn rport_is_asked_for_or_given() {
        assert_eq!(Via::parse("SIP/2.0/UDP h;rport").unwrap().rport(), Some(Rport::Asked));
        assert_eq!(Via::parse("SIP/2.0/UDP h;rport=9").unwrap().rport(), Some(Rport::Given(9)));
    }

    #[test]
    fn received_comes_with_and_without_brackets() {
        for written in ["2001:db8::9:255", "[2001:db8::9:255]"] {
            let text = format!("SIP/2.0/UDP [2001:db8::9:1];received={written};branch=z9hG4bKas3");
            let via = Via::parse(&text).unwrap();
            assert_eq!(via.received(), "2001:db8::9:255".parse().ok(), "{written}");
            assert_eq!(via.parsed_host().address(), "2001:db8::9:1".parse().ok());
        }
    }

    #[test]
    fn refuses_what_is_no_via() {
        for text in [
            "",
            ";",
            "SIP/2.0/UDP",
            "SIP/2.0 host",
            "HTTP/1.1/TCP host",
            "SIP/2.0/UDP ;branch=1",
            "SIP/2.0/UDP a b",
        ] {
            assert_eq!(Via::parse(text), None, "{text}");
        }
    }
}
