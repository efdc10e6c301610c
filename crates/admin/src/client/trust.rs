//! Whose certificate the daemon may show.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The CAs that are trusted: those of the system, and perhaps more.
#[derive(Clone, Default)]
pub struct Trust {
    more: Vec<CertificateDer<'static>>,
}

/// The file of CAs is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {words}; give a PEM file with the certificate of the daemon's CA", file.display())]
pub struct TrustError {
    file: PathBuf,
    words: String,
}

impl Trust {
    /// Those of the system, and those of a PEM file.
    ///
    /// # Errors
    /// It can't be read, or holds no certificate.
    pub fn with(file: &Path) -> Result<Self, TrustError> {
        let fault = |words: String| TrustError { file: file.to_owned(), words };
        let read = CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
        let more = read.collect::<Result<Vec<_>, _>>().map_err(|error| fault(error.to_string()))?;
        if more.is_empty() {
            return Err(fault("it holds no certificate".to_owned()));
        }
        Ok(Self { more })
    }

    /// The connection, once the daemon has shown that it is `host`. What is wrong is told in words.
    pub(super) async fn secure(&self, stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.more.iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        connected
            .map_err(|error| format!("its TLS is not accepted: {error}; is its CA to be given with --ca?"))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("more", &self.more.len()).finish()
    }
}
