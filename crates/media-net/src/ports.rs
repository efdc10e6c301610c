//! Opening the port pair of a leg.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use media::Channel;
use socket2::{Domain, Protocol, Socket, Type};

/// How the packets of a node are marked: the six bits of DSCP, 0 to 63 (RFC 2474).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dscp(u8);

impl Dscp {
    /// Expedited forwarding (RFC 3246), as voice is marked.
    pub const EF: Self = Self(46);

    /// `None` over 63.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits < 64 { Some(Self(bits)) } else { None }
    }

    /// As the byte of the header has it.
    const fn byte(self) -> u32 {
        (self.0 as u32) << 2
    }
}

/// Both sockets of a leg.
#[derive(Debug)]
pub struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Pair {
    /// Binds `port` and the port after it, or neither. The error is for people.
    pub(crate) fn bind(address: IpAddr, port: u16, dscp: Dscp) -> Result<Self, String> {
        let after = port.checked_add(1).ok_or_else(|| format!("there is no RTCP port after {port}"))?;
        let open = |name, port| {
            open(SocketAddr::new(address, port), dscp)
                .map_err(|error| format!("{name} port {port} of {address}: {error}"))
        };
        Ok(Self { rtp: open("RTP", port)?, rtcp: open("RTCP", after)? })
    }

    pub(crate) fn socket(&self, channel: Channel) -> &UdpSocket {
        match channel {
            Channel::Rtp => &self.rtp,
            Channel::Rtcp => &self.rtcp,
        }
    }
}

/// A socket bound to one port, without sharing it. It blocks: those who use it say of each call that it may not.
fn open(local: SocketAddr, dscp: Dscp) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
    // Marked where the system lets us; a network that ignores it loses nothing.
    match local {
        SocketAddr::V4(_) => socket.set_tos_v4(dscp.byte()).ok(),
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_tclass_v6(dscp.byte()).ok()
        }
    };
    socket.bind(&local.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use socket2::SockRef;

    use super::*;

    #[test]
    fn both_ports_are_marked_as_voice() {
        let marks = [(Dscp::EF, 0xb8), (Dscp::new(0).unwrap(), 0), (Dscp::new(63).unwrap(), 0xfc)];
        for (dscp, byte) in marks {
            let v4 = crate::free::pair(Ipv4Addr::LOCALHOST.into(), |port| {
                Pair::bind(Ipv4Addr::LOCALHOST.into(), port, dscp).ok()
            });
            let v6 = crate::free::pair(Ipv6Addr::LOCALHOST.into(), |port| {
                Pair::bind(Ipv6Addr::LOCALHOST.into(), port, dscp).ok()
            });
            for channel in [Channel::Rtp, Channel::Rtcp] {
                assert_eq!(SockRef::from(v4.socket(channel)).tos_v4().unwrap(), byte);
                assert_eq!(SockRef::from(v6.socket(channel)).tclass_v6().unwrap(), byte);
            }
        }
        assert_eq!(Dscp::new(64), None);
    }

    #[test]
    fn the_last_port_has_none_after_it() {
        let error = Pair::bind(Ipv4Addr::LOCALHOST.into(), 65_535, Dscp::EF).unwrap_err();
        assert_eq!(error, "there is no RTCP port after 65535");
    }
}
