//! TLS under HTTP: the certificate is asked for anew for each connection, so that one that has changed is shown to the next client.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where the certificate comes from.
#[derive(Clone)]
pub struct Certificates(Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>);

impl Certificates {
    /// `latest` is asked for each connection, and has to answer at once.
    pub fn new(latest: impl Fn() -> Arc<ServerConfig> + Send + Sync + 'static) -> Self {
        Self(Arc::new(latest))
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from((self.0)()).accept(stream).await
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}
