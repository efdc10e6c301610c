//! Opening the sockets of `[sip]`, with errors that tell what to do.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::listener::Listener;
use crate::origins::Origins;

/// Why a socket could not be bound: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another socket has it.
    #[error("port in use: {0} ([sip] udp) is taken by another process; stop it or choose another port")]
    InUse(SocketAddr),
    /// The machine has no such address.
    #[error("no such address: {0} ([sip] udp) is no address of this machine; choose one that is, or 0.0.0.0")]
    NoAddress(SocketAddr),
    /// A port below 1024, as a rule.
    #[error("not permitted: {0} ([sip] udp); choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE")]
    NotPermitted(SocketAddr),
    /// Anything else.
    #[error("{address} ([sip] udp): {system}")]
    Other {
        /// The address asked for.
        address: SocketAddr,
        /// The system's words.
        system: io::Error,
    },
}

/// Binds a UDP listener. Port 0 takes any free port: [`Listener::local`] tells which.
///
/// # Errors
/// [`BindError`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn bind_udp(address: SocketAddr) -> Result<Listener, BindError> {
    let bound = open(address).and_then(|(socket, origins)| {
        let local = socket.local_addr()?;
        Ok(Listener::new(socket, local, origins))
    });
    bound.map_err(|system| BindError::new(address, system))
}

impl BindError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
    )]
    fn new(address: SocketAddr, system: io::Error) -> Self {
        match system.kind() {
            ErrorKind::AddrInUse => Self::InUse(address),
            ErrorKind::AddrNotAvailable => Self::NoAddress(address),
            ErrorKind::PermissionDenied => Self::NotPermitted(address),
            _ => Self::Other { address, system },
        }
    }
}

fn open(address: SocketAddr) -> io::Result<(UdpSocket, Option<Origins>)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    }
    // As much as the system grants, for bursts.
    socket.set_recv_buffer_size(RECEIVE_BUFFER).ok();
    socket.set_nonblocking(true)?;
    let origins = Origins::of(&socket, address)?;
    socket.bind(&address.into())?;
    Ok((UdpSocket::from_std(socket.into())?, origins))
}

const RECEIVE_BUFFER: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_in_one_line_with_the_remedy() {
        let first = bind_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let told = bind_udp(first.local()).unwrap_err().to_string();
        let address = first.local();
        assert_eq!(
            told,
            format!(
                "port in use: {address} ([sip] udp) is taken by another process; stop it or choose another port"
            )
        );
    }

    #[tokio::test]
    async fn an_address_that_is_not_ours_is_told() {
        let told = bind_udp("192.0.2.1:5060".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            told,
            "no such address: 192.0.2.1:5060 ([sip] udp) is no address of this machine; choose one that is, or 0.0.0.0"
        );
    }
}
