//! A small HTTP client, for the command line: one request, one answer.

mod trust;
mod url;
mod wanted;

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper::header::{ETAG, HeaderName, RETRY_AFTER};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use self::trust::{Trust, TrustError};
use self::url::Scheme;
pub use self::url::{Url, UrlError};
pub use self::wanted::{Method, Wanted};

/// What the daemon said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// By which version of a resource a change is made, if it says so.
    pub etag: Option<String>,
    /// After how many seconds it may be asked again, if it says so.
    pub retry_after_s: Option<u64>,
    /// The body, of whatever kind.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody listens there.
    #[error("no daemon at {url}: {system}; start it with `strowger run`, or say with --url where it listens")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// The system's words.
        system: io::Error,
    },
    /// Something listens that is no daemon, or it ended in the middle.
    #[error("{url} gives no answer of a daemon: {words}; say with --url where it listens")]
    Strange {
        /// Where it was looked for.
        url: String,
        /// What was wrong.
        words: String,
    },
}

impl Url {
    /// Asks for a path.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, path: &str) -> Result<Answer, FetchError> {
        self.send(&Wanted::get(path), &Trust::default()).await
    }

    /// Asks for something. By `https`, the daemon has to show a certificate of one that is trusted.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn send(&self, wanted: &Wanted<'_>, trust: &Trust) -> Result<Answer, FetchError> {
        match timeout(PATIENCE, self.ask(wanted, trust)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.strange(&format!("none within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn ask(&self, wanted: &Wanted<'_>, trust: &Trust) -> Result<Answer, FetchError> {
        let stream = TcpStream::connect(self.authority())
            .await
            .map_err(|system| FetchError::Unreachable { url: self.to_string(), system })?;
        match self.scheme() {
            Scheme::Http => self.converse(stream, wanted).await,
            Scheme::Https => {
                let stream = trust.secure(stream, self.host()).await.map_err(|error| self.strange(&error))?;
                self.converse(stream, wanted).await
            }
        }
    }

    async fn converse(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        wanted: &Wanted<'_>,
    ) -> Result<Answer, FetchError> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.strange(&error))?;
        // It ends with the answer, or with an error that the answer ends with too.
        let carrier = tokio::spawn(async { connection.await.ok() });
        let request = wanted.request(self.authority()).map_err(|error| self.strange(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| self.strange(&error))?;
        let status = answer.status().as_u16();
        let header = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let etag = header(ETAG).map(str::to_owned);
        let retry_after_s = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| self.strange(&error))?.to_bytes().to_vec();
        carrier.abort();
        Ok(Answer { status, etag, retry_after_s, body })
    }

    fn strange(&self, words: &dyn std::fmt::Display) -> FetchError {
        FetchError::Strange { url: self.to_string(), words: words.to_string() }
    }
}

const PATIENCE: Duration = Duration::from_secs(15);
const LARGEST: usize = 256 << 20;
