//! Where a datagram came from, as the kernel writes it: `sockaddr_in` or `sockaddr_in6` of <netinet/in.h>.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Octets of the longer one.
pub(super) const LENGTH: u32 = 28;

/// `None` for what is neither.
pub(super) fn read(name: &[u8]) -> Option<SocketAddr> {
    let family = i32::from(u16::from_ne_bytes(part(name, 0)?));
    let port = u16::from_be_bytes(part(name, 2)?);
    match family {
        libc::AF_INET => Some(SocketAddrV4::new(Ipv4Addr::from(part::<4>(name, 4)?), port).into()),
        libc::AF_INET6 => {
            let flow = u32::from_be_bytes(part(name, 4)?);
            let scope = u32::from_ne_bytes(part(name, 24)?);
            Some(SocketAddrV6::new(Ipv6Addr::from(part::<16>(name, 8)?), port, flow, scope).into())
        }
        _other => None,
    }
}

fn part<const LENGTH: usize>(name: &[u8], start: usize) -> Option<[u8; LENGTH]> {
    name.get(start..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_are_read_as_the_kernel_writes_them() {
        let mut v4 = libc::AF_INET.to_ne_bytes()[..2].to_vec();
        v4.extend([0x13, 0xc4, 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(read(&v4), Some("192.0.2.7:5060".parse().unwrap()));
        let mut v6 = libc::AF_INET6.to_ne_bytes()[..2].to_vec();
        v6.extend([0x13, 0xc4, 0, 0, 0, 9]);
        v6.extend("2001:db8::7".parse::<Ipv6Addr>().unwrap().octets());
        v6.extend(3_u32.to_ne_bytes());
        let expected = SocketAddrV6::new("2001:db8::7".parse().unwrap(), 5060, 9, 3);
        assert_eq!(read(&v6), Some(expected.into()));
        for short in 0..v6.len() {
            assert_eq!(read(&v6[..short]), None);
        }
        assert_eq!(read(&[1, 0, 0x13, 0xc4, 0, 0, 0, 0]), None);
    }
}
