//! Which way the requests of a dialog take: where its messages travel, its route set, its target (RFC 3261 s.12.2.1.1, s.18).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::name_addr::NameAddr;
use crate::uri::Uri;
use crate::{Flow, Transport};

/// Where the messages of a dialog travel, unless its route set or target says better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Way {
    flow: Flow,
    end: End,
}

/// What is at the far end of the flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// A port that we called: it can be called again.
    Listens,
    /// A port that the peer came from: with the connection it is gone.
    Calls,
    /// The connection that the peer came by is gone, and this is where it should listen.
    Should,
}

impl Way {
    /// Of a dialog that we began.
    pub(crate) const fn called(flow: Flow) -> Self {
        Self { flow, end: End::Listens }
    }

    /// Of a dialog that the peer began.
    pub(crate) const fn came(flow: Flow) -> Self {
        Self { flow, end: End::Calls }
    }

    /// The peer has accepted, or asked for, a move, by that flow.
    pub(crate) fn move_to(&mut self, flow: Flow) {
        if self.flow != flow {
            *self = Self::came(flow);
        }
    }

    /// A request of the dialog came by that flow, and so there is a connection again.
    pub(crate) fn hear(&mut self, flow: Flow) {
        if self.end == End::Should && flow.transport == self.flow.transport {
            *self = Self::came(flow);
        }
    }

    /// The flow that the peer came by: it matters if that is lost.
    pub(crate) fn came_by(&self) -> Option<Flow> {
        (self.end == End::Calls).then_some(self.flow)
    }

    /// The connection of that flow is gone. A peer that came by it may be called where its route or target says; one that we
    /// called is called again. A WebSocket client can't be called (RFC 7118 s.5).
    pub(crate) fn lose(&mut self, flow: Flow, next: Option<&str>) {
        if self.flow != flow || self.end != End::Calls {
            return;
        }
        if let Some(remote) = self.listening(next) {
            *self = Self { flow: Flow { remote, ..flow }, end: End::Should };
        }
    }

    /// Where requests go; `next` is the URI that says so, of the first route or else the target. Over UDP there, if it is an
    /// address, and else where the peer's messages come from; on a connection along that.
    ///
    /// A private address in a route or Contact that came from a public one is behind a NAT or in the carrier's own network, so it is no
    /// place to send to either; the Route header keeps it for whoever is on the way.
    pub(crate) fn hop(&self, next: Option<&str>) -> Flow {
        match self.flow.transport {
            Transport::Udp => Flow { remote: self.usable(next).unwrap_or(self.flow.remote), ..self.flow },
            Transport::Tcp | Transport::Tls | Transport::Ws => self.flow,
        }
    }

    /// Where a request goes whose connection dies before it is answered, the last one first: a peer that we called is called
    /// again, and then where the route or target says.
    pub(crate) fn detours(&self, next: Option<&str>) -> Vec<Flow> {
        let listening = self.listening(next).map(|remote| Flow { remote, ..self.flow });
        match self.end {
            End::Listens => {
                let again = self.is_callable().then_some(self.flow);
                let elsewhere = listening.filter(|elsewhere| Some(*elsewhere) != again);
                elsewhere.into_iter().chain(again).collect()
            }
            End::Calls => listening.into_iter().collect(),
            End::Should => Vec::new(),
        }
    }

    fn is_callable(&self) -> bool {
        match self.flow.transport {
            Transport::Tcp | Transport::Tls => true,
            Transport::Udp | Transport::Ws => false,
        }
    }

    /// Where the peer listens for connections: at the address in its route or target, else (a name, or an address that is of no
    /// use here) where its own connection came from, at the port that these say.
    fn listening(&self, next: Option<&str>) -> Option<SocketAddr> {
        if !self.is_callable() {
            return None;
        }
        Some(self.usable(next).unwrap_or_else(|| {
            let port = next.and_then(|next| Uri::parse(next).ok()).and_then(|uri| uri.port());
            let port = port.filter(|&port| port != 0).unwrap_or(default_port(self.flow.transport));
            SocketAddr::new(self.flow.remote.ip(), port)
        }))
    }

    /// The address in `next`, if it can be sent to from here.
    fn usable(&self, next: Option<&str>) -> Option<SocketAddr> {
        let uri = next.and_then(|next| Uri::parse(next).ok())?;
        let ip = uri.maddr().and_then(|maddr| maddr.parse().ok()).or(uri.address())?;
        let port = uri.port().unwrap_or(default_port(self.flow.transport));
        let usable = port != 0
            && (is_inside(self.flow.remote.ip()) || !is_inside(ip))
            && ip.is_ipv4() == self.flow.remote.is_ipv4()
            && !ip.is_unspecified()
            && !ip.is_multicast();
        usable.then_some(SocketAddr::new(ip, port))
    }
}

/// The URI of a Route header.
pub(crate) fn uri_of(route: &str) -> Option<&str> {
    NameAddr::parse(route).ok().map(|route| route.uri().as_str())
}

/// Where a message goes for which no port is written (s.18.2.2, s.19.1.2).
pub(crate) const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
        Transport::Ws => 80,
    }
}

/// Whether an address means something only inside of a network.
fn is_inside(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared(ip),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

/// Of the carriers' own NATs, 100.64.0.0/10 (RFC 6598).
const fn is_shared(ip: Ipv4Addr) -> bool {
    matches!(ip.octets(), [100, 64..=127, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(transport: Transport, remote: &str) -> Flow {
        Flow { transport, local: "192.0.2.1:5060".parse().unwrap(), remote: remote.parse().unwrap() }
    }

    fn after_loss(remote: &str, next: &str) -> String {
        let dead = flow(Transport::Tls, remote);
        let mut way = Way::came(dead);
        way.lose(dead, Some(next));
        way.hop(Some(next)).remote.to_string()
    }

    #[test]
    fn a_peer_whose_connection_is_gone_is_called_where_it_says_that_it_listens() {
        assert_eq!(after_loss("192.0.2.9:40000", "sip:p@192.0.2.8:5091;transport=tls"), "192.0.2.8:5091");
        assert_eq!(after_loss("192.0.2.9:40000", "sip:p@192.0.2.8"), "192.0.2.8:5061");
        assert_eq!(after_loss("[2001:db8::9]:40000", "sip:p@[2001:db8::8]:5062"), "[2001:db8::8]:5062");
    }

    #[test]
    fn a_name_or_a_private_address_stands_for_the_peer_itself_at_that_port() {
        assert_eq!(after_loss("203.0.113.9:40000", "sip:p@sbc.example:5091"), "203.0.113.9:5091");
        assert_eq!(after_loss("203.0.113.9:40000", "sip:p@sbc.example"), "203.0.113.9:5061");
        assert_eq!(after_loss("203.0.113.9:40000", "sip:p@10.0.0.1:5070"), "203.0.113.9:5070");
        assert_eq!(after_loss("10.0.0.9:40000", "sip:p@10.0.0.1:5070"), "10.0.0.1:5070");
    }

    #[test]
    fn a_peer_that_comes_back_is_answered_there() {
        let (dead, fresh) =
            (flow(Transport::Tcp, "192.0.2.9:40000"), flow(Transport::Tcp, "192.0.2.9:40001"));
        let mut way = Way::came(dead);
        way.hear(fresh);
        assert_eq!(way.hop(None), dead, "its connection is up: the dialog does not move");
        way.lose(dead, None);
        way.hear(fresh);
        assert_eq!(way.hop(None), fresh);
    }

    #[test]
    fn a_websocket_client_is_not_called() {
        let dead = flow(Transport::Ws, "192.0.2.9:40000");
        let mut way = Way::came(dead);
        assert_eq!(way.detours(Some("sip:p@192.0.2.9")), []);
        way.lose(dead, Some("sip:p@192.0.2.9"));
        assert_eq!(way.hop(Some("sip:p@192.0.2.9")), dead);
    }

    #[test]
    fn who_was_called_is_called_again_and_then_where_the_target_says() {
        let ours = flow(Transport::Tcp, "192.0.2.9:5060");
        let mut way = Way::called(ours);
        way.lose(ours, Some("sip:p@192.0.2.8"));
        assert_eq!(way.hop(Some("sip:p@192.0.2.8")), ours);
        let mut detours = way.detours(Some("sip:p@192.0.2.8"));
        assert_eq!(detours.pop(), Some(ours));
        assert_eq!(detours.pop(), Some(flow(Transport::Tcp, "192.0.2.8:5060")));
        assert_eq!(way.detours(Some("sip:p@192.0.2.9")), [ours], "once is enough");
    }
}
