//! One daemon for one store: a lock that goes with the process that holds it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Error, Store};

/// The daemon's hold on its store, until dropped or the process ends, however it ends. Whoever only reads, or changes the
/// inventory, needs none.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

impl Store {
    /// Takes the store for this daemon, by an advisory lock on a file of its own beside the database: SQLite closes and
    /// reopens the database file as it likes, which would drop a lock on it.
    ///
    /// # Errors
    ///
    /// If another daemon has it, or the lock file can't be made.
    pub fn lock(&self) -> Result<Lock, Error> {
        let file = self.file.as_deref().map(lock).transpose()?;
        Ok(Lock { _file: file })
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let not_writable =
        |cause: std::io::Error| Error::NotWritable { path: path.to_owned(), cause: cause.to_string() };
    // By whatever name the store is opened, the lock is the same.
    let real = path.canonicalize().map_err(not_writable)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock_path(real))
        .map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(not_writable(cause)),
    }
}

fn lock_path(store: PathBuf) -> PathBuf {
    let mut path = store.into_os_string();
    path.push(".lock");
    path.into()
}
