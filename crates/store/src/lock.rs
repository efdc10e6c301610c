//! One daemon for one file, or for one name on a server: a lock that goes with the process that holds it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, error, info};

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
    /// A store in memory is nobody else's.
    Nothing,
    File(#[expect(dead_code, reason = "it is held")] File),
    /// PostgreSQL frees it with the connection, which the task has.
    Name(#[expect(dead_code, reason = "it is held")] JoinSet<()>),
}

impl Store {
    /// Takes a SQLite store for this daemon, by an advisory lock on a file of its own beside the database: SQLite closes and
    /// reopens the database file as it likes, which would drop a lock on it. In PostgreSQL it takes the name of the node only, by which
    /// daemons on one database tell their calls apart; it is taken again when the database was gone. Whoever has it then is told of in
    /// the log, as calls are not to end for it.
    ///
    /// # Errors
    ///
    /// If another daemon has it, or the lock file can't be made.
    pub async fn lock(&self) -> Result<Lock, Error> {
        let held = match (&self.pool, &self.file) {
            (Pool::Sqlite(_), None) => Held::Nothing,
            (Pool::Sqlite(_), Some(path)) => Held::File(lock(path)?),
            (Pool::Postgres(pool), _) => {
                let first = match take(pool, &self.node).await {
                    Ok(connection) => Some(connection),
                    Err(error) if error.is_transient() => None,
                    Err(error) => return Err(error),
                };
                let mut guard = JoinSet::new();
                guard.spawn(hold(pool.clone(), self.node.to_string(), first));
                Held::Name(guard)
            }
        };
        Ok(Lock { _held: held })
    }
}

/// The name of a node, for as long as the connection.
async fn take(pool: &PgPool, node: &str) -> Result<PgConnection, Error> {
    let mut connection = pool.acquire().await?.detach();
    let sql = "SELECT pg_try_advisory_lock(hashtextextended('strowger ' || $1, 0))";
    let is_ours: bool = sqlx::query_scalar(sql).bind(node).fetch_one(&mut connection).await?;
    if is_ours { Ok(connection) } else { Err(Error::NodeTaken { node: node.to_owned() }) }
}

/// Takes the name again whenever its connection is lost, for ever.
async fn hold(pool: PgPool, node: String, mut held: Option<PgConnection>) {
    let mut told = String::new();
    loop {
        sleep(BEAT).await;
        if let Some(connection) = &mut held {
            match timeout(ANSWER, connection.ping()).await {
                Ok(Ok(())) => continue,
                Ok(Err(_)) | Err(_) => held = None,
            }
        }
        match timeout(ANSWER, take(&pool, &node)).await.unwrap_or(Err(Error::Silent)) {
            Ok(connection) => {
                if !told.is_empty() {
                    info!(node, "the name of this node is its own again");
                }
                told.clear();
                held = Some(connection);
            }
            Err(error) if error.is_transient() => debug!(%error, "the name of this node is not held"),
            Err(error) => {
                let words = error.to_string();
                if words != told {
                    error!("{words}");
                    told = words;
                }
            }
        }
    }
}

/// How often it is looked whether the connection is there.
const BEAT: Duration = Duration::from_secs(2);
/// A database that takes longer is taken for gone.
const ANSWER: Duration = Duration::from_secs(5);

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
