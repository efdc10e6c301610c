//! What is wrong with our files, and why a handshake failed.

use std::io;
use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError};

/// What is wrong with the files of TLS: one line for the operator.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{key}: {} can't be read: {error}", path.display())]
    Unreadable {
        /// The key that names it.
        key: String,
        /// Its path.
        path: PathBuf,
        /// The system's words.
        error: String,
    },
    /// A file has nothing of what it is for.
    #[error("{key}: {} has no {wanted} in PEM form (-----BEGIN {wanted}-----)", path.display())]
    Empty {
        /// The key that names it.
        key: String,
        /// Its path.
        path: PathBuf,
        /// What it should have.
        wanted: &'static str,
    },
    /// A file's content is of no use.
    #[error("{key}: {}: {error}", path.display())]
    Unfit {
        /// The key that names it.
        key: String,
        /// Its path.
        path: PathBuf,
        /// What is wrong, in words.
        error: String,
    },
    /// The certificate and the key can't be used together.
    #[error("{section}.private_key: {} is no key for the first certificate of {section}.certificate: {error}", path.display())]
    Pair {
        /// The section that names both.
        section: &'static str,
        /// The file at fault.
        path: PathBuf,
        /// What is wrong, in words.
        error: String,
    },
}

/// Why there is no TLS with a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TlsFault {
    /// The certificate is for these names, and not for the one called.
    WrongName(Vec<String>),
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate's issuer is none that we trust.
    UnknownCa,
    /// The peer showed no certificate, and has to.
    NoCertificate,
    /// The certificate is refused for another reason, in words.
    Certificate(String),
    /// The peer refused us, in its words.
    RefusedByPeer(String),
    /// No TLS comes from there, or none that we speak, in words.
    Protocol(String),
}

impl TlsFault {
    /// What a failed handshake says; `None` when the connection just broke.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
    )]
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error {
            rustls::Error::InvalidCertificate(refused) => Self::refused(refused),
            rustls::Error::NoCertificatesPresented => Self::NoCertificate,
            rustls::Error::AlertReceived(AlertDescription::CloseNotify) => return None,
            rustls::Error::AlertReceived(alert) => Self::RefusedByPeer(words(*alert)),
            rustls::Error::InvalidMessage(_) => {
                Self::Protocol("what comes is no TLS; is it SIP over plain TCP?".to_owned())
            }
            other => Self::Protocol(other.to_string()),
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
    )]
    fn refused(refused: &CertificateError) -> Self {
        match refused {
            // A CA of a name that we trust, and of another key, is none that we trust.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownCa,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName => Self::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => Self::WrongName(presented.clone()),
            other => Self::Certificate(other.to_string()),
        }
    }

    /// The line about a server that we called by `name`.
    pub(crate) fn of_server(&self, name: &str) -> String {
        match self {
            Self::WrongName(presented) if presented.is_empty() => {
                format!("wrong name: its certificate names nobody; it needs the subjectAltName {name}")
            }
            Self::WrongName(presented) => format!(
                "wrong name: its certificate is for {}, not for {name}; call it by that name, or have {name} put into its certificate",
                presented.join(", ")
            ),
            Self::Expired => "its certificate has expired; its operator has to renew it".to_owned(),
            Self::NotYetValid => "its certificate is not valid yet; is our clock right?".to_owned(),
            Self::UnknownCa => "unknown CA: its certificate comes from nobody we trust; add the CA to the system's certificates, or name its file in SSL_CERT_FILE".to_owned(),
            Self::NoCertificate => "it showed no certificate".to_owned(),
            Self::Certificate(why) => format!("its certificate is refused: {why}"),
            Self::RefusedByPeer(why) => format!("it refused us: {why}; is our tls.certificate what it expects?"),
            Self::Protocol(why) => format!("no TLS: {why}"),
        }
    }

    /// The line about a client that came to us.
    pub(crate) fn of_client(&self) -> String {
        match self {
            Self::WrongName(presented) => {
                format!("wrong name: its certificate is for {}", presented.join(", "))
            }
            Self::Expired => "refused: its certificate has expired; its operator has to renew it".to_owned(),
            Self::NotYetValid => "refused: its certificate is not valid yet; is our clock right?".to_owned(),
            Self::UnknownCa => {
                "refused, unknown CA: its certificate comes from none of tls.client_ca; add its CA there".to_owned()
            }
            Self::NoCertificate => {
                "refused: it showed no certificate, and tls.client_ca asks for one; give it one, or empty tls.client_ca".to_owned()
            }
            Self::Certificate(why) => format!("refused: its certificate: {why}"),
            Self::RefusedByPeer(why) => format!("it refused us: {why}; is our tls.certificate what it expects?"),
            Self::Protocol(why) => format!("no TLS: {why}"),
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
)]
fn words(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => "unknown CA".to_owned(),
        AlertDescription::CertificateExpired => "certificate expired".to_owned(),
        AlertDescription::CertificateRequired => "certificate required".to_owned(),
        AlertDescription::BadCertificate => "bad certificate".to_owned(),
        other => format!("{other:?}"),
    }
}
