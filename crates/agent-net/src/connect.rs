//! From a target to an open WebSocket: name, TCP, TLS, upgrade, all under one deadline.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::http::header::LOCATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::fault::{Fault, Stage};
use crate::target::{Security, Target};
use crate::trust;

/// What a WebSocket runs over: TCP, or TLS over it.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The one deadline, and whom to name when it passes.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    host: String,
    limit: Duration,
    at: Instant,
}

impl Deadline {
    pub(crate) fn after(limit: Duration, host: &str) -> Self {
        Self { host: host.to_owned(), limit, at: Instant::now() + limit }
    }

    pub(crate) async fn during<T>(&self, stage: Stage, work: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, work).await.map_err(|_| Fault::Timeout {
            host: self.host.clone(),
            stage,
            limit: self.limit,
        })
    }
}

pub(crate) async fn connect(
    target: Target,
    tls: Arc<ClientConfig>,
    deadline: &Deadline,
) -> Result<WebSocketStream<Box<dyn Wire>>, Fault> {
    let Target { security, host, port, request } = target;
    let found = deadline.during(Stage::Resolve, lookup_host((host.as_str(), port))).await?;
    let addresses: Vec<SocketAddr> =
        found.map_err(|error| Fault::Name { host: host.clone(), system: error.to_string() })?.collect();
    let tcp = deadline.during(Stage::Connect, first_of(&host, &addresses, deadline.at)).await??;
    let wire: Box<dyn Wire> = match security {
        Security::Plain => Box::new(tcp),
        Security::Tls => {
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Fault::Url("names a host that no certificate can be for".into()))?;
            let handshake = TlsConnector::from(tls).connect(name, tcp);
            let session = deadline.during(Stage::Handshake, handshake).await?;
            Box::new(session.map_err(|error| trust::fault(&host, &error))?)
        }
    };
    let upgrade = client_async_with_config(request, wire, Some(config()));
    match deadline.during(Stage::Upgrade, upgrade).await? {
        Ok((open, _)) => Ok(open),
        Err(error) => Err(not_upgraded(host, &error)),
    }
}

/// The first address that takes us. A silent one costs its share of the time, so that the others get theirs.
async fn first_of(host: &str, addresses: &[SocketAddr], end: Instant) -> Result<TcpStream, Fault> {
    let mut fault = Fault::Name { host: host.to_owned(), system: "no address".into() };
    for (tried, &address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        let share = Instant::now() + end.saturating_duration_since(Instant::now()) / left;
        fault = match timeout_at(share, tcp(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Fault::Refused(address),
            Ok(Err(system)) => Fault::Connect { address, system },
            Err(_) => Fault::Connect { address, system: io::ErrorKind::TimedOut.into() },
        };
    }
    Err(fault)
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_LENGTH))
        .max_frame_size(Some(MESSAGE_LENGTH))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum; the rest speak for themselves")]
fn not_upgraded(host: String, error: &Error) -> Fault {
    match error {
        Error::Http(response) => {
            let status = response.status();
            Fault::Http { host, status: status.to_string(), hint: hint(status, response) }
        }
        Error::Io(error) => Fault::Upgrade { host, why: error.to_string() },
        other => Fault::Upgrade { host, why: other.to_string() },
    }
}

fn hint(status: StatusCode, response: &Response) -> String {
    let said = match status.as_u16() {
        401 => "the bot asks for credentials; put user:password@ into the URL, or an Authorization header",
        403 => "the bot refuses us; check the credentials and headers that it expects",
        404 => "there is no WebSocket at this path",
        200..=299 => "a web page answered, not a WebSocket; check the path",
        300..=399 => {
            let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            let place = place.map_or_else(|| "elsewhere".to_owned(), shown);
            return format!("redirected to {place}; put the final URL into the inventory");
        }
        400..=499 => "the bot, or a proxy before it, did not take the upgrade",
        _ => "the bot, or a proxy before it, failed",
    };
    said.to_owned()
}

/// A URL for the log: without query and credentials, which may be secrets, and no longer than a line bears.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.find("//").map_or(("", url), |at| url.split_at(at + 2));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    [scheme, host, path].concat().chars().take(SHOWN).collect()
}

const SHOWN: usize = 120;

/// What the system may hold for a bot that does not read: a few seconds of audio. The rest is ours to bound.
const SEND_BUFFER: u32 = 64 << 10;

/// Of one message from a bot: five minutes of audio in base64 are 3.2 MB.
pub(crate) const MESSAGE_LENGTH: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_bot_redirects_to_is_shown_without_secrets_and_in_one_line() {
        for (url, expected) in [
            ("wss://x.example/", "wss://x.example/"),
            ("https://user:pass@x.example:81/a@b?token=secret#part", "https://x.example:81/a@b"),
            ("//user@x.example", "//x.example"),
            ("/login?next=/bot", "/login"),
            ("", ""),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
        assert_eq!(shown(&format!("https://x.example/{}", "a".repeat(5_000))).len(), 120);
    }
}
