//! The socket's error queue (Linux, `IP_RECVERR`): ICMP says which peer a datagram could not reach.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

/// The next entry's peer; `None` for an entry that says nothing about reachability. `WouldBlock` when there is none.
pub(crate) fn next(socket: &impl AsRawFd) -> io::Result<Option<SocketAddr>> {
    let mut payload = [0; 64];
    let mut slices = [IoSliceMut::new(&mut payload)];
    let mut control = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let entry = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
    let unreachable = entry.cmsgs()?.any(|message| tells_unreachable(&message));
    Ok(entry.address.filter(|_| unreachable).and_then(|address| socket_addr(&address)))
}

/// A datagram too long for the path is no lack of reachability: the system cuts the next one up.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign, non-exhaustive enum; other messages are of no concern"
)]
fn tells_unreachable(message: &ControlMessageOwned) -> bool {
    match message {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            error.ee_errno != libc::EMSGSIZE.unsigned_abs()
        }
        _ => false,
    }
}

pub(crate) fn socket_addr(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}
