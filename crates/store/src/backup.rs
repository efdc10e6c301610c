//! A copy of a store that is in use.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::db::{Pool, Value};
use crate::{Error, Store};

impl Store {
    /// Writes a copy of the whole store, as it is at one moment, to a file that does not exist. Whoever uses the store goes on meanwhile.
    ///
    /// # Errors
    ///
    /// If the file exists or can't be written, or the store is one of PostgreSQL, which has better means.
    pub async fn backup(&self, path: &Path) -> Result<(), Error> {
        match &self.pool {
            Pool::Postgres(_) => return Err(Error::BackupElsewhere),
            Pool::Sqlite(_) => {}
        }
        let not_writable =
            |cause: io::Error| Error::NotWritable { path: path.to_owned(), cause: cause.to_string() };
        let name = path.to_str().ok_or_else(|| not_writable(io::Error::other("its name is not UTF-8")))?;
        // It has secrets. SQLite writes to an empty file as to none.
        let opened = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::BackupExists { path: path.to_owned() });
            }
            opened => opened.map_err(not_writable)?,
        };
        if let Err(error) = self.pool.fetch("VACUUM INTO $1", &[Value::from(name)]).await {
            fs::remove_file(path).map_err(not_writable)?;
            return Err(error);
        }
        file.sync_all().map_err(not_writable)?;
        Ok(())
    }
}
