//! A copy of the inventory on this machine, for a start while the database is gone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::{Error, Snapshot};

impl Snapshot {
    /// Writes it to a file that nobody else may read, as a whole or not at all: it has the secrets that are written in place.
    ///
    /// # Errors
    ///
    /// If the file can't be written.
    pub fn keep(&self, path: &Path) -> Result<(), Error> {
        let kept = || -> io::Result<()> {
            let half = path.with_extension("part");
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&half, path)
        };
        kept().map_err(|cause| Error::Copy { path: path.to_owned(), cause })
    }

    /// What was kept last; nothing if nothing was.
    ///
    /// # Errors
    ///
    /// If the file can't be read, or is not of this version.
    pub fn kept(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |cause| Error::Copy { path: path.to_owned(), cause };
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|cause| failed(cause.into())),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed(cause)),
        }
    }
}
