//! The files of `[tls]`: what is in them, and whether they have changed.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsError, TlsFiles};

/// What a change of the files changes: for each its device, inode, length, and time of the last change of data and of inode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stamp([Option<[i128; 5]>; 3]);

impl Stamp {
    pub(super) fn of(files: &TlsFiles) -> Self {
        let paths = [Some(&files.certificate), Some(&files.private_key), files.client_ca.as_ref()];
        Self(paths.map(|path| {
            path.and_then(|path| std::fs::metadata(path).ok()).map(|file| {
                let moment =
                    |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
                [
                    i128::from(file.dev()),
                    i128::from(file.ino()),
                    i128::from(file.size()),
                    moment(file.mtime(), file.mtime_nsec()),
                    moment(file.ctime(), file.ctime_nsec()),
                ]
            })
        }))
    }
}

/// One certificate at least.
pub(super) fn certificates(key: String, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => {
            Err(TlsError::Empty { key, path: path.to_owned(), wanted: "CERTIFICATE" })
        }
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(key, path, "CERTIFICATE", error)),
    }
}

pub(super) fn private_key(key: String, path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(key, path, "PRIVATE KEY", error))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign, non-exhaustive enum; the rest speak for themselves"
)]
fn unreadable(key: String, path: &Path, wanted: &'static str, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(error) => TlsError::Unreadable { key, path, error: error.to_string() },
        pem::Error::NoItemsFound => TlsError::Empty { key, path, wanted },
        other => TlsError::Unfit { key, path, error: other.to_string() },
    }
}
