//! TLS for SIP: our certificate, whose certificates we take, and in which names (RFC 5922).
//!
//! TLS 1.2 and 1.3; no ALPN, for some carriers refuse a `sip` there. The files are looked at before each handshake: a changed
//! certificate is that of the next connection, and those that are up keep theirs. A change that can't be read is told, and
//! changes nothing.

mod fault;
mod files;
mod name;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub use self::fault::{TlsError, TlsFault};
use self::files::Stamp;
use self::verify::ServerNames;

/// The files of `[tls]`, in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// Our certificate, and after it those that lead to its CA.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
    /// The CAs of the certificates that clients must have; `None` asks them for none.
    pub client_ca: Option<PathBuf>,
}

/// The CAs that the certificates of servers may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The system's; those of `SSL_CERT_FILE` and `SSL_CERT_DIR` instead where these are set.
    System,
    /// These and no others.
    Only(Vec<CertificateDer<'static>>),
}

/// TLS as both sides of connections speak it.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    roots: Arc<RootCertStore>,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    stamp: Stamp,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`]: which file is wrong, and how.
    pub fn load(files: TlsFiles, trust: &Trust) -> Result<Arc<Self>, TlsError> {
        let mut roots = RootCertStore::empty();
        match trust {
            Trust::System => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
            Trust::Only(certificates) => roots.add_parsable_certificates(certificates.iter().cloned()),
        };
        let roots = Arc::new(roots);
        let stamp = Stamp::of(&files);
        let (server, client) = read(&files, &roots)?;
        let loaded = Mutex::new(Loaded { stamp, server, client });
        Ok(Arc::new(Self { files, roots, loaded }))
    }

    /// For a connection that comes in.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.fresh().server)
    }

    /// For a connection of ours.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.fresh().client)
    }

    fn fresh(&self) -> MutexGuard<'_, Loaded> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::of(&self.files);
        if stamp != loaded.stamp {
            loaded.stamp = stamp;
            match read(&self.files, &self.roots) {
                Ok((server, client)) => {
                    loaded.server = server;
                    loaded.client = client;
                    let file = self.files.certificate.display();
                    tracing::info!(certificate = %file, "the files of [tls] have changed and are read anew");
                }
                Err(error) => {
                    tracing::error!(%error, "the files of [tls] have changed, and what was read before stays");
                }
            }
        }
        loaded
    }
}

/// Whether a certificate is for the host that goes by that name (RFC 5922 s.7).
pub(crate) fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let called = ServerName::try_from(name.to_owned());
    called.is_ok_and(|called| name::check(certificate, &called).is_ok())
}

type Configs = (Arc<ServerConfig>, Arc<ClientConfig>);

fn read(files: &TlsFiles, roots: &Arc<RootCertStore>) -> Result<Configs, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = files::certificates("tls.certificate", &files.certificate)?;
    let key = files::private_key("tls.private_key", &files.private_key)?;
    let certified = CertifiedKey::from_der(chain, key, &provider)
        .map_err(|error| TlsError::Pair { path: files.private_key.clone(), error: error.to_string() })?;
    let own = Arc::new(SingleCertAndKey::from(certified));
    let unfit =
        |error: rustls::Error| TlsError::Pair { path: files.certificate.clone(), error: error.to_string() };

    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_client_cert_verifier(clients(files.client_ca.as_deref(), &provider)?)
        .with_cert_resolver(Arc::clone(&own) as _);
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerNames::new(Arc::clone(roots), &provider)))
        .with_client_cert_resolver(own);
    // So that each connection sees the certificate of its server.
    client.resumption = Resumption::disabled();
    Ok((Arc::new(server), Arc::new(client)))
}

/// Who may come in.
fn clients(
    client_ca: Option<&Path>,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(path) = client_ca else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let unfit = |error: String| TlsError::Unfit { key: "tls.client_ca", path: path.to_owned(), error };
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates("tls.client_ca", path)? {
        roots.add(certificate).map_err(|error| unfit(error.to_string()))?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built.map_err(|error| unfit(error.to_string()))
}

#[cfg(test)]
mod tests;
