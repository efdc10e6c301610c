//! Connections of ours.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::accept::ended;
use super::conversation::{Link, converse};
use super::fault::StreamFault;
use super::hub::{End, Hub};
use super::limits::StreamLimits;
use super::queue::Waiting;
use crate::listener::{Door, Security};
use crate::tls::{Tls, TlsFault};

/// One connection from its opening to its end.
pub(crate) async fn dial(door: Arc<Door>, hub: Hub, link: Link, waiting: Waiting) {
    let end = tokio::select! {
        end = call(&door, &hub, &link, waiting) => end,
        () = hub.told.closed() => End::Closed,
    };
    ended(&hub, link, end).await;
}

async fn call(door: &Door, hub: &Hub, link: &Link, waiting: Waiting) -> End {
    let StreamLimits { connect: by, handshake: after, .. } = *hub.limits;
    let unreachable = |error: String| End::from(StreamFault::Unreachable { flow: link.flow, error });
    let stream = match timeout(by, connect(door.local, link.flow.remote)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return unreachable(words(&error)),
        Err(_) => return unreachable(format!("no answer in {} s", by.as_secs())),
    };
    prepare(&stream, &hub.limits);
    match &door.security {
        Security::Tls(tls) => match timeout(after, secure(tls, &link.called, stream)).await {
            Ok(Ok(stream)) => converse(stream, link, hub, waiting).await,
            Ok(Err(error)) => match TlsFault::of(&error) {
                Some(fault) => End::from(StreamFault::Tls { flow: link.flow, name: link.name(), fault }),
                None => unreachable(format!("the TLS handshake broke off: {}", words(&error))),
            },
            Err(_) => End::from(StreamFault::Handshake { flow: link.flow, after }),
        },
        Security::Plain => converse(stream, link, hub, waiting).await,
        Security::WebSocket => End::Closed,
    }
}

/// From the address that we listen on, if it is one, and from any port.
async fn connect(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !local.ip().is_unspecified() {
        socket.bind(SocketAddr::new(local.ip(), 0))?;
    }
    socket.connect(remote).await
}

async fn secure(
    tls: &Tls,
    called: &[String],
    stream: TcpStream,
) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut names = Vec::new();
    for name in called {
        names.push(
            ServerName::try_from(name.clone())
                .map_err(|_| io::Error::other(format!("{name} is no name that a certificate can be for")))?,
        );
    }
    if names.is_empty() {
        return Err(io::Error::other("nobody is called"));
    }
    let first = names.remove(0);
    TlsConnector::from(tls.client(names)).connect(first, stream).await
}

/// Without delay; and the system tells of a peer that is gone.
pub(super) fn prepare(stream: &TcpStream, limits: &StreamLimits) {
    let socket = SockRef::from(stream);
    let keep_alive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE / 4).with_retries(4);
    // Each is a help and no more; what a system lacks, the connection does without.
    socket.set_tcp_nodelay(true).ok();
    socket.set_tcp_keepalive(&keep_alive).ok();
    socket.set_tcp_user_timeout(Some(limits.write)).ok();
}

fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return "connection refused".to_owned();
    }
    error.to_string()
}

const PROBE: Duration = Duration::from_mins(1);
