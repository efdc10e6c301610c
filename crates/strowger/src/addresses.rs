//! By which address peers reach us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address that a message from `listener` names: what the user wrote, else the listener's own, else what the
/// routing table gives towards the world, else loopback.
pub(crate) fn advertised(configured: Option<IpAddr>, listener: SocketAddr) -> IpAddr {
    configured.unwrap_or_else(|| {
        if listener.ip().is_unspecified() { towards_the_world(listener) } else { listener.ip() }
    })
}

/// The address to bind media to: the one that we say packets go to, if a listener hears on all and that one is the machine's, so
/// that packets leave from where the far side sends its own. Behind a NAT of one to one it is not, and the route decides.
pub(crate) fn media(listener: IpAddr, advertised: IpAddr) -> IpAddr {
    let ours = listener.is_unspecified()
        && listener.is_ipv4() == advertised.is_ipv4()
        && UdpSocket::bind((advertised, 0)).is_ok();
    if ours { advertised } else { listener }
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

    #[test]
    fn media_leaves_from_the_advertised_address_where_the_machine_has_it() {
        let bind =
            |listener: &str, advertised: &str| media(listener.parse().unwrap(), advertised.parse().unwrap());
        assert_eq!(bind("0.0.0.0", "127.0.0.5").to_string(), "127.0.0.5");
        assert_eq!(bind("0.0.0.0", "192.0.2.1").to_string(), "0.0.0.0", "a NAT's");
        assert_eq!(bind("0.0.0.0", "::1").to_string(), "0.0.0.0");
        assert_eq!(bind("127.0.0.1", "127.0.0.5").to_string(), "127.0.0.1");
    }
}
