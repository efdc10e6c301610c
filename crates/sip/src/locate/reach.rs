//! What our listeners can send: transports and IP versions, in our order of preference.

use std::net::{IpAddr, SocketAddr};

use smallvec::{SmallVec, smallvec};

use super::question::Kind;
use crate::flow::Transport;

/// What we can reach.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// The preferred first. The server's NAPTR records come before our preference.
    pub transports: Vec<Transport>,
    /// The IP versions.
    pub families: Families,
}

/// IP versions, and which of both a host is tried on first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Families {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Both, IPv4 first.
    V4First,
    /// Both, IPv6 first.
    V6First,
}

impl Reach {
    /// What listeners on these addresses can send: UDP first, then TCP, then TLS, and IPv4 before IPv6. A WebSocket server is
    /// not called back (RFC 7118 s.5).
    pub fn of(listeners: impl IntoIterator<Item = (Transport, SocketAddr)>) -> Self {
        let listeners: Vec<(Transport, SocketAddr)> = listeners.into_iter().collect();
        let has = |wanted| listeners.iter().any(|(transport, _)| *transport == wanted);
        let transports = [Transport::Udp, Transport::Tcp, Transport::Tls].into_iter().filter(|one| has(*one));
        let mut locals = listeners.iter().filter(|(transport, _)| *transport != Transport::Ws);
        let v6 = locals.clone().any(|(_, local)| local.is_ipv6());
        let families = match (locals.any(|(_, local)| local.is_ipv4()), v6) {
            (true, true) => Families::V4First,
            (false, true) => Families::V6,
            (true | false, false) => Families::V4,
        };
        Self { transports: transports.collect(), families }
    }
}

impl Families {
    /// The address records to ask for.
    pub(super) fn kinds(self) -> SmallVec<[Kind; 2]> {
        match self {
            Self::V4 => smallvec![Kind::A],
            Self::V6 => smallvec![Kind::Aaaa],
            Self::V4First => smallvec![Kind::A, Kind::Aaaa],
            Self::V6First => smallvec![Kind::Aaaa, Kind::A],
        }
    }

    pub(super) fn holds(self, address: IpAddr) -> bool {
        self.kinds().contains(&if address.is_ipv4() { Kind::A } else { Kind::Aaaa })
    }

    /// In words, for "no ... address".
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
            Self::V4First | Self::V6First => "IP",
        }
    }
}

/// One of each in turn, so that a broken IP version costs one attempt and not all of them (RFC 8305 s.4).
pub(super) fn interleave(first: Vec<IpAddr>, second: Vec<IpAddr>) -> Vec<IpAddr> {
    let mut woven = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let (one, other) = (first.next(), second.next());
        if one.is_none() && other.is_none() {
            return woven;
        }
        woven.extend(one);
        woven.extend(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_listeners_have_is_what_is_reached() {
        use Transport::{Tcp, Tls, Udp, Ws};
        let of = |listeners: &[(Transport, &str)]| {
            Reach::of(listeners.iter().map(|(transport, local)| (*transport, local.parse().unwrap())))
        };
        let reach = of(&[(Tls, "192.0.2.1:5061"), (Ws, "[::1]:80"), (Udp, "192.0.2.1:5060")]);
        assert_eq!(reach, Reach { transports: vec![Udp, Tls], families: Families::V4 });
        assert_eq!(of(&[(Udp, "[::1]:5060")]).families, Families::V6);
        assert_eq!(of(&[(Udp, "[::1]:5060"), (Tcp, "192.0.2.1:5060")]).families, Families::V4First);
        assert_eq!(of(&[]).transports, []);
    }
}
