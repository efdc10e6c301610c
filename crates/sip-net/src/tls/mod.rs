//! TLS for SIP: our certificate, whose certificates we take, and in which names (RFC 5922).
//!
//! TLS 1.2 and 1.3; no ALPN, for some carriers refuse a `sip` there. The files are looked at each second, apart from who has a
//! handshake to do: a changed certificate is that of the next connection, and those that are up keep theirs. A change that can't be read is told, and
//! changes nothing.

mod fault;
mod files;
mod name;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

pub use self::fault::{TlsError, TlsFault};
use self::files::Stamp;
use self::verify::ServerNames;

/// The files of `[tls]`, or of another section, in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The section that names them.
    pub section: &'static str,
    /// Our certificate, and after it those that lead to its CA.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
    /// The CAs of the certificates that clients must have; `None` asks them for none.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.section)
    }
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
    loaded: watch::Sender<Loaded>,
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
        let roots = Arc::new(match trust {
            Trust::System => system_roots(),
            Trust::Only(certificates) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates.iter().cloned());
                roots
            }
        });
        let stamp = Stamp::of(&files);
        let (server, client) = read(&files, &roots)?;
        let loaded = watch::Sender::new(Loaded { stamp, server, client });
        Ok(Arc::new(Self { files, roots, loaded }))
    }

    /// For a connection that comes in: with the certificate as it was last read.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.loaded.borrow().server)
    }

    /// For a connection of ours, to a peer that may have another of these names instead of the one that it hears.
    pub(crate) fn client(&self, others: Vec<ServerName<'static>>) -> Arc<ClientConfig> {
        let shared = Arc::clone(&self.loaded.borrow().client);
        if others.is_empty() {
            return shared;
        }
        let mut own = ClientConfig::clone(&shared);
        let verifier = ServerNames::new(Arc::clone(&self.roots), own.crypto_provider()).or(others);
        own.dangerous().set_certificate_verifier(Arc::new(verifier));
        Arc::new(own)
    }

    /// Reads the files anew when they have changed, for ever.
    pub async fn follow(self: Arc<Self>) {
        let mut wake = interval(AGAIN);
        wake.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            wake.tick().await;
            let own = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || own.refresh()).await {
                tracing::error!(%error, section = self.files.section, "the files of TLS could not be looked at");
            }
        }
    }

    fn refresh(&self) {
        let stamp = Stamp::of(&self.files);
        if stamp == self.loaded.borrow().stamp {
            return;
        }
        match read(&self.files, &self.roots) {
            Ok((server, client)) => {
                self.loaded.send_replace(Loaded { stamp, server, client });
                let file = self.files.certificate.display();
                tracing::info!(certificate = %file, "the files of [{}] have changed and are read anew", self.files.section);
            }
            Err(error) => {
                self.loaded.send_if_modified(|loaded| {
                    loaded.stamp = stamp;
                    false
                });
                tracing::error!(%error, "the files of [{}] have changed, and what was read before stays", self.files.section);
            }
        }
    }

    /// Tells of each time that they were read anew.
    #[cfg(test)]
    pub(crate) fn changes(&self) -> impl AsyncFnMut() + use<> {
        let mut changes = self.loaded.subscribe();
        async move || changes.changed().await.unwrap()
    }
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (certificates, _unfit) = roots.add_parsable_certificates(found.certs);
    let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    if let Some(lack) = lack(certificates, &errors) {
        tracing::warn!("{lack}");
    }
    roots
}

/// What is missing of the system's CAs, and what that means.
fn lack(certificates: usize, errors: &[String]) -> Option<String> {
    (certificates == 0 || !errors.is_empty()).then(|| {
        format!(
            "{certificates} CA certificates of the system could be loaded ({}): SIP agents called by TLS with a certificate of any other are refused; \
             install the system's CA certificates, or name a file of them in SSL_CERT_FILE",
            if errors.is_empty() { "there are none".to_owned() } else { errors.join("; ") }
        )
    })
}

/// Between two looks at the files.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether a certificate is for the host that goes by that name (RFC 5922 s.7).
pub(crate) fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let called = ServerName::try_from(name.to_owned());
    called.is_ok_and(|called| name::check(certificate, &called).is_ok())
}

type Configs = (Arc<ServerConfig>, Arc<ClientConfig>);

fn read(files: &TlsFiles, roots: &Arc<RootCertStore>) -> Result<Configs, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = files::certificates(files.key("certificate"), &files.certificate)?;
    let key = files::private_key(files.key("private_key"), &files.private_key)?;
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|error| TlsError::Pair {
        section: files.section,
        path: files.private_key.clone(),
        error: error.to_string(),
    })?;
    let own = Arc::new(SingleCertAndKey::from(certified));
    let unfit = |error: rustls::Error| TlsError::Pair {
        section: files.section,
        path: files.certificate.clone(),
        error: error.to_string(),
    };

    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_client_cert_verifier(clients(files, &provider)?)
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
    files: &TlsFiles,
    provider: &Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(path) = files.client_ca.as_deref() else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let unfit = |error: String| TlsError::Unfit { key: files.key("client_ca"), path: path.to_owned(), error };
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates(files.key("client_ca"), path)? {
        roots.add(certificate).map_err(|error| unfit(error.to_string()))?;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built.map_err(|error| unfit(error.to_string()))
}

#[cfg(test)]
mod tests;
