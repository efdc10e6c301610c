//! A stateless proxy (RFC 3261 s.16.11) that may record its route: what stands between a caller and us.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use rsip::message::HasHeaders;
use rsip::{Header, Request, Response, SipMessage};

use crate::wire;

/// Forwards requests to the next hop and responses by their Vias.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    address: SocketAddr,
    next: Vec<SocketAddr>,
    route: Recording,
    transmits: VecDeque<(SocketAddr, Bytes)>,
}

/// Whether a proxy stays in the route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recording {
    /// It adds Record-Route with `lr`.
    Stays,
    /// Only the transaction of the first INVITE goes through it.
    Leaves,
}

impl Proxy {
    /// A proxy that sends requests outside of any route to `next`.
    pub fn new(name: impl Into<String>, address: SocketAddr, next: SocketAddr, route: Recording) -> Self {
        Self { name: name.into(), address, next: vec![next], route, transmits: VecDeque::new() }
    }

    /// It sends requests outside of any route to this one as well, each with a branch of its own: it forks, and passes every
    /// response on.
    #[must_use]
    pub fn forking_to(mut self, another: SocketAddr) -> Self {
        self.next.push(another);
        self
    }

    /// Takes in a datagram; what is no message is dropped.
    pub fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        match wire::parse(bytes) {
            Ok(SipMessage::Request(request)) => self.forward(from, &request),
            Ok(SipMessage::Response(response)) => self.give_back(response),
            Err(_) => {}
        }
    }

    /// Drains what is to be sent, and whereto.
    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is reached.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    fn forward(&mut self, from: SocketAddr, request: &Request) {
        let mut routes = wire::list(request, "Route");
        let ours = routes.first().is_some_and(|route| self.is_us(route));
        if ours {
            routes.remove(0);
        }
        let hops = match (routes.first(), ours) {
            (Some(route), _) => {
                wire::uri(route).and_then(|uri| wire::destination(&uri)).into_iter().collect()
            }
            (None, true) => wire::destination(&request.uri).into_iter().collect(),
            (None, false) => self.next.clone(),
        };
        let mut vias = wire::list(request, "Via");
        if let Some(top) = vias.first_mut() {
            *top = format!("{};received={};rport={}", without_rport(top), from.ip(), from.port());
        }
        let Some(branch) = wire::branch(request) else { return };
        let mut headers: Vec<Header> = vias.into_iter().map(|via| Header::Via(via.into())).collect();
        headers.extend(routes.into_iter().map(|route| Header::Route(route.into())));
        if self.route == Recording::Stays && wire::tag(&wire::to(request)).is_none() {
            headers.push(Header::RecordRoute(format!("<sip:{};lr>", self.address).into()));
        }
        let kept = request.headers.iter();
        headers.extend(kept.filter(|header| !matches!(header, Header::Via(_) | Header::Route(_))).cloned());
        for header in &mut headers {
            if let Header::MaxForwards(hops) = header {
                let left = hops.num().unwrap_or(70).saturating_sub(1);
                *header = Header::MaxForwards(left.to_string().into());
            }
        }
        for (fork, hop) in hops.into_iter().enumerate() {
            // The branch of a stateless proxy is a function of the one received.
            let number = if fork == 0 { String::new() } else { fork.to_string() };
            let via = format!("SIP/2.0/UDP {};branch={branch}-{}{number}", self.address, self.name);
            let mut forwarded = request.clone();
            let own = std::iter::once(Header::Via(via.into()));
            forwarded.headers = own.chain(headers.clone()).collect::<Vec<_>>().into();
            self.transmits.push_back((hop, wire::print(forwarded.into())));
        }
    }

    fn give_back(&mut self, mut response: Response) {
        let mut vias = wire::list(&response, "Via");
        if vias.is_empty() || !vias.remove(0).contains(&self.address.to_string()) {
            return;
        }
        let Some(hop) = vias.first().and_then(|via| return_address(via)) else { return };
        let mut headers: Vec<Header> = vias.into_iter().map(|via| Header::Via(via.into())).collect();
        headers.extend(response.headers().iter().filter(|header| !matches!(header, Header::Via(_))).cloned());
        response.headers = headers.into();
        self.transmits.push_back((hop, wire::print(response.into())));
    }

    fn is_us(&self, route: &str) -> bool {
        wire::uri(route).and_then(|uri| wire::destination(&uri)) == Some(self.address)
    }
}

/// RFC 3581 s.4: `received` and `rport`, which the hop before us has filled.
fn return_address(via: &str) -> Option<SocketAddr> {
    let received: IpAddr = wire::parameter(via, "received")?.parse().ok()?;
    Some(SocketAddr::new(received, wire::parameter(via, "rport")?.parse().ok()?))
}

fn without_rport(via: &str) -> String {
    let kept = via.split(';').filter(|part| {
        let name = part.split('=').next().unwrap_or_default().trim();
        !name.eq_ignore_ascii_case("rport") && !name.eq_ignore_ascii_case("received")
    });
    kept.collect::<Vec<_>>().join(";")
}
