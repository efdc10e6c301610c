//! Opening the sockets of `[sip]`, with errors that tell what to do.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt};
use sip::Transport;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::datagrams::Datagrams;
use crate::listener::{Door, Kind, Listener, Security};
use crate::origins::Origins;
use crate::tls::Tls;

/// Why a socket could not be bound: one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another socket has it.
    #[error("port in use: {0} ([sip] {1}) is taken by another process; stop it or choose another port")]
    InUse(SocketAddr, Transport),
    /// The machine has no such address.
    #[error("no such address: {0} ([sip] {1}) is no address of this machine; choose one that is, or 0.0.0.0")]
    NoAddress(SocketAddr, Transport),
    /// A port below 1024, as a rule.
    #[error("not permitted: {0} ([sip] {1}); choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE")]
    NotPermitted(SocketAddr, Transport),
    /// Anything else.
    #[error("{address} ([sip] {transport}): {system}")]
    Other {
        /// The address asked for.
        address: SocketAddr,
        /// What was to be spoken there.
        transport: Transport,
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
    let bound = open_datagrams(address).and_then(|(socket, origins)| {
        let local = socket.local_addr()?;
        Ok(Listener(Kind::Datagrams(Datagrams::new(socket, local, origins))))
    });
    bound.map_err(|system| BindError::new(address, Transport::Udp, system))
}

/// Binds a TCP listener, as [`bind_udp`] does.
///
/// # Errors
/// [`BindError`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn bind_tcp(address: SocketAddr) -> Result<Listener, BindError> {
    bind_streams(address, Security::Plain)
}

/// Binds a TLS listener, as [`bind_udp`] does. Connections that the core wants to a peer from it use `tls` too.
///
/// # Errors
/// [`BindError`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn bind_tls(address: SocketAddr, tls: Arc<Tls>) -> Result<Listener, BindError> {
    bind_streams(address, Security::Tls(tls))
}

/// Binds a WebSocket listener (RFC 7118), as [`bind_udp`] does.
///
/// # Errors
/// [`BindError`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn bind_ws(address: SocketAddr) -> Result<Listener, BindError> {
    bind_streams(address, Security::WebSocket)
}

fn bind_streams(address: SocketAddr, security: Security) -> Result<Listener, BindError> {
    match open_streams(address) {
        Ok((socket, local)) => Ok(Listener(Kind::Streams(Door { socket, local, security }))),
        Err(system) => {
            let transport = match security {
                Security::Plain => Transport::Tcp,
                Security::Tls(_) => Transport::Tls,
                Security::WebSocket => Transport::Ws,
            };
            Err(BindError::new(address, transport, system))
        }
    }
}

impl BindError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
    )]
    fn new(address: SocketAddr, transport: Transport, system: io::Error) -> Self {
        match system.kind() {
            ErrorKind::AddrInUse => Self::InUse(address, transport),
            ErrorKind::AddrNotAvailable => Self::NoAddress(address, transport),
            ErrorKind::PermissionDenied => Self::NotPermitted(address, transport),
            _ => Self::Other { address, transport, system },
        }
    }
}

fn open_datagrams(address: SocketAddr) -> io::Result<(UdpSocket, Option<Origins>)> {
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

fn open_streams(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of the process before this one may linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let socket = TcpListener::from_std(socket.into())?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

const RECEIVE_BUFFER: usize = 4 << 20;

/// Connections that wait to be accepted; the system may grant less.
const BACKLOG: i32 = 1024;

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
        let first = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let told = bind_ws(first.local()).unwrap_err().to_string();
        assert!(told.starts_with(&format!("port in use: {} ([sip] ws) is taken", first.local())), "{told}");
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
