//! From which of our addresses a wildcard socket speaks to whom: from the one that they spoke to (`IP_PKTINFO`).
//!
//! The system would choose by route alone, and a peer that hears from an address it did not call takes it for nobody.

use std::collections::HashMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};

use crate::trouble::socket_addr;

/// What peers reached a socket at. Kept by the peer's address alone: its answers may go to another port.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    reached: Mutex<Reached>,
}

/// The last peers, in two halves: when the young half is full, the old one is forgotten.
#[derive(Debug, Default)]
struct Reached {
    young: HashMap<IpAddr, Origin>,
    old: HashMap<IpAddr, Origin>,
}

/// One of our addresses.
#[derive(Clone, Copy, Debug)]
enum Origin {
    V4(libc::in_addr),
    V6(libc::in6_addr),
}

impl Origins {
    /// Asks the system to tell, if the socket is to hear on every address of the machine.
    pub(crate) fn of(socket: &socket2::Socket, address: SocketAddr) -> io::Result<Option<Self>> {
        if !address.ip().is_unspecified() {
            return Ok(None);
        }
        match address {
            SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
            SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?,
        }
        Ok(Some(Self::default()))
    }

    /// Receives, and notes where the peer reached us.
    pub(crate) fn receive(
        &self,
        socket: &impl AsRawFd,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        let mut slices = [IoSliceMut::new(buffer)];
        let mut control = nix::cmsg_space!(libc::in6_pktinfo);
        let flags = MsgFlags::MSG_DONTWAIT;
        let datagram =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
        let origin = datagram.cmsgs()?.find_map(|message| Origin::told(&message));
        let source = datagram.address.and_then(|address| socket_addr(&address));
        let source = source.ok_or_else(|| io::Error::other("a datagram without a source"))?;
        if let Some(origin) = origin {
            self.reached().note(source.ip(), origin);
        }
        Ok((datagram.bytes, source))
    }

    /// Sends from where the peer last reached us, or from wherever the system chooses if that is not known any more.
    pub(crate) fn send(&self, socket: &impl AsRawFd, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        let origin = self.reached().of(to.ip());
        let (slices, flags, to) = ([IoSlice::new(bytes)], MsgFlags::MSG_DONTWAIT, SockaddrStorage::from(to));
        let send =
            |control: &[ControlMessage<'_>]| sendmsg(socket.as_raw_fd(), &slices, control, flags, Some(&to));
        Ok(match origin {
            None => send(&[]),
            Some(Origin::V4(address)) => {
                let info = libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: address };
                send(&[ControlMessage::Ipv4PacketInfo(&info)])
            }
            Some(Origin::V6(address)) => {
                let info = libc::in6_pktinfo { ipi6_addr: address, ipi6_ifindex: 0 };
                send(&[ControlMessage::Ipv6PacketInfo(&info)])
            }
        }?)
    }

    fn reached(&self) -> std::sync::MutexGuard<'_, Reached> {
        // A thread that panicked left a map, whole as ever.
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum; other messages are of no concern"
    )]
    fn told(message: &ControlMessageOwned) -> Option<Self> {
        match message {
            // Of a broadcast, the address that answers may come from.
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(Self::V4(info.ipi_spec_dst)),
            ControlMessageOwned::Ipv6PacketInfo(info) => Some(Self::V6(info.ipi6_addr)),
            _ => None,
        }
    }
}

impl Reached {
    fn note(&mut self, peer: IpAddr, origin: Origin) {
        if self.young.len() == HALF && !self.young.contains_key(&peer) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(peer, origin);
    }

    fn of(&self, peer: IpAddr) -> Option<Origin> {
        self.young.get(&peer).or_else(|| self.old.get(&peer)).copied()
    }
}

/// More peers than carriers have addresses, and little memory if they are made up.
const HALF: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_peers_do_not_fill_the_memory() {
        let mut reached = Reached::default();
        for number in 0..100_000_u32 {
            reached.note(IpAddr::V4(number.into()), Origin::V4(libc::in_addr { s_addr: number }));
        }
        assert!(reached.young.len() + reached.old.len() <= 2 * HALF);
        assert!(reached.of(IpAddr::V4(99_999.into())).is_some());
        assert!(reached.of(IpAddr::V4(0.into())).is_none());
    }
}
