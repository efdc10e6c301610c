//! A small HTTP client, for the command line: one request, one answer.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Where a daemon is reached: `http://HOST:PORT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    authority: String,
}

/// Not the URL of a daemon.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlError {
    /// TLS.
    #[error(
        "https is not in this version; the daemon listens on loopback only, such as http://127.0.0.1:8080"
    )]
    Https,
    /// Anything else.
    #[error("expected http://HOST:PORT, such as http://127.0.0.1:8080")]
    Malformed,
}

/// What the daemon said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, of whatever kind.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody listens there.
    #[error(
        "no daemon at http://{url}: {system}; start it with `strowger run`, or say with --url where it listens"
    )]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// The system's words.
        system: io::Error,
    },
    /// Something listens that is no daemon, or it ended in the middle.
    #[error("http://{url} gives no answer of a daemon: {words}; say with --url where it listens")]
    Strange {
        /// Where it was looked for.
        url: String,
        /// What was wrong.
        words: String,
    },
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.starts_with("https://") {
            return Err(UrlError::Https);
        }
        let authority = text.strip_prefix("http://").ok_or(UrlError::Malformed)?.trim_end_matches('/');
        let port = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        let port = port.and_then(|(_, port)| port.parse::<u16>().ok());
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if port.is_none() || !authority.bytes().all(fit) {
            return Err(UrlError::Malformed);
        }
        Ok(Self { authority: authority.to_owned() })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl From<std::net::SocketAddr> for Url {
    fn from(address: std::net::SocketAddr) -> Self {
        Self { authority: address.to_string() }
    }
}

impl Url {
    /// Asks for a path.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, path: &str) -> Result<Answer, FetchError> {
        let strange = |words: String| FetchError::Strange { url: self.authority.clone(), words };
        match timeout(PATIENCE, self.ask(path)).await {
            Ok(answer) => answer,
            Err(_) => Err(strange(format!("none within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn ask(&self, path: &str) -> Result<Answer, FetchError> {
        let url = || self.authority.clone();
        let stream = TcpStream::connect(&self.authority)
            .await
            .map_err(|system| FetchError::Unreachable { url: url(), system })?;
        let strange =
            |words: &dyn std::fmt::Display| FetchError::Strange { url: url(), words: words.to_string() };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| strange(&error))?;
        // It ends with the answer, or with an error that the answer ends with too.
        let carrier = tokio::spawn(async { connection.await.ok() });
        let request = Request::get(path)
            .header(HOST, &self.authority)
            .body(Empty::<Bytes>::new())
            .map_err(|error| strange(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| strange(&error))?;
        let status: StatusCode = answer.status();
        let body =
            Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|error| strange(&error))?;
        carrier.abort();
        Ok(Answer { status: status.as_u16(), body: body.to_bytes().to_vec() })
    }
}

const PATIENCE: Duration = Duration::from_secs(15);
const LARGEST: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_with_host_and_port() {
        for sound in ["http://127.0.0.1:8080", "http://[::1]:80/", "http://pbx:1"] {
            assert!(sound.parse::<Url>().is_ok(), "{sound}");
        }
        for faulty in [
            "127.0.0.1:8080",
            "http://",
            "http://pbx",
            "http://:80",
            "http://a:80/path",
            "http://a b:80",
            "http://a:99999",
        ] {
            assert_eq!(faulty.parse::<Url>(), Err(UrlError::Malformed), "{faulty}");
        }
        assert_eq!("https://a:1".parse::<Url>(), Err(UrlError::Https));
    }
}
