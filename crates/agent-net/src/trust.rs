//! Whose certificates we take, and what is said of one that we refuse.

use std::io;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::fault::Fault;

/// The certificate authorities that a `wss` bot's certificate may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The system's; those of `SSL_CERT_FILE` and `SSL_CERT_DIR` instead where these are set.
    System,
    /// These and no others.
    Only(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// Reads files with [`Trust::System`].
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        match self {
            Self::System => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
            Self::Only(certificates) => roots.add_parsable_certificates(certificates.iter().cloned()),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// What went wrong in a TLS handshake.
pub(crate) fn fault(host: &str, error: &io::Error) -> Fault {
    let host = host.to_owned();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(refused)) => Fault::Certificate { host, why: words(refused) },
        Some(rustls::Error::InvalidMessage(_)) => {
            Fault::Tls { host, why: "the answer is no TLS; is ws:// meant?".into() }
        }
        Some(other) => Fault::Tls { host, why: other.to_string() },
        None if error.kind() == io::ErrorKind::UnexpectedEof => Fault::Tls {
            host,
            why: "the bot closed the connection during the handshake; is ws:// meant?".into(),
        },
        None => Fault::Tls { host, why: error.to_string() },
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
)]
fn words(refused: &CertificateError) -> String {
    match refused {
        CertificateError::UnknownIssuer => {
            "its issuer is unknown; add the CA to the system's certificates, or name its file in SSL_CERT_FILE".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; is the clock right?".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name".into()
        }
        CertificateError::Revoked => "it is revoked".into(),
        other => other.to_string(),
    }
}
