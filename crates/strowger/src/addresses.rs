//! By which address peers reach us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address that a message from `listener` names: what the user wrote, else the listener's own, else what the
/// routing table gives towards the world, else loopback.
pub(crate) fn advertised(configured: Option<IpAddr>, listener: SocketAddr) -> IpAddr {
    configured.unwrap_or_else(|| {
        if listener.ip().is_unspecified() { towards_the_world(listener) } else { listener.ip() }
    })
}

/// Connecting a datagram socket sends nothing; it only asks the routing table.
fn towards_the_world(listener: SocketAddr) -> IpAddr {
    let (any, world, loopback): (IpAddr, IpAddr, IpAddr) = if listener.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED.into(), DOCUMENTATION_V4.into(), Ipv4Addr::LOCALHOST.into())
    } else {
        (Ipv6Addr::UNSPECIFIED.into(), DOCUMENTATION_V6.into(), Ipv6Addr::LOCALHOST.into())
    };
    let found = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((world, 9))?;
        socket.local_addr()
    });
    found.map_or(loopback, |address| address.ip())
}

/// RFC 5737: nobody's, so the default route leads there.
const DOCUMENTATION_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// RFC 3849.
const DOCUMENTATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_wins_then_the_listener_then_a_real_address() {
        let ours = "198.51.100.7".parse().unwrap();
        assert_eq!(advertised(Some(ours), "0.0.0.0:5060".parse().unwrap()), ours);
        assert_eq!(advertised(None, "127.0.0.1:5060".parse().unwrap()), Ipv4Addr::LOCALHOST);
        assert!(!advertised(None, "0.0.0.0:5060".parse().unwrap()).is_unspecified());
        assert!(!advertised(None, "[::]:5060".parse().unwrap()).is_unspecified());
    }
}
