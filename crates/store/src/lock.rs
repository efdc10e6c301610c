//! One daemon for one file, or for one name on a server: a lock that goes with the process that holds it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::Postgres;
use sqlx::pool::PoolConnection;

use crate::db::Pool;
use crate::{Error, Store};

/// The daemon's hold on its store, until dropped or the process ends, however it ends. Whoever only reads, or changes the
/// inventory, needs none.
#[derive(Debug)]
pub struct Lock {
    _held: Held,
}

/// What goes with the process.
#[derive(Debug)]
enum Held {
    /// A store in memory is nobody else's; a server that is gone can't be asked.
    Nothing,
    File(#[expect(dead_code, reason = "it is held")] File),
    /// PostgreSQL frees it with the connection.
    Connection(#[expect(dead_code, reason = "it is held")] PoolConnection<Postgres>),
}

impl Store {
    /// Takes a SQLite store for this daemon, by an advisory lock on a file of its own beside the database: SQLite closes and
    /// reopens the database file as it likes, which would drop a lock on it. In PostgreSQL it takes the name of the node only, by which
    /// daemons on one database tell their calls apart; nobody guards it once the connection is lost.
    ///
    /// # Errors
    ///
    /// If another daemon has it, or the lock file can't be made.
    pub async fn lock(&self) -> Result<Lock, Error> {
        let held = match (&self.pool, &self.file) {
            (Pool::Sqlite(_), None) => Held::Nothing,
            (Pool::Sqlite(_), Some(path)) => Held::File(lock(path)?),
            (Pool::Postgres(pool), _) => match pool.acquire().await {
                Err(_) => Held::Nothing,
                Ok(mut connection) => {
                    let sql = "SELECT pg_try_advisory_lock(hashtextextended('strowger ' || $1, 0))";
                    let query = sqlx::query_scalar(sql).bind(&*self.node);
                    let is_ours: bool = query.fetch_one(&mut *connection).await?;
                    if !is_ours {
                        return Err(Error::NodeTaken { node: self.node.to_string() });
                    }
                    Held::Connection(connection)
                }
            },
        };
        Ok(Lock { _held: held })
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
