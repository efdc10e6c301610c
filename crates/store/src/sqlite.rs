//! Opening a SQLite file, with words for each way that it may fail.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};

use crate::Error;
use crate::error::primary_code;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// What a file that does not exist is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Absent {
    Made,
    Error,
}

pub(crate) async fn open_memory() -> Result<SqlitePool, Error> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.disable_statement_logging())
        .await?;
    migrate(&pool, Path::new(":memory:")).await?;
    Ok(pool)
}

pub(crate) async fn open_file(path: &Path, absent: Absent, busy: Duration) -> Result<SqlitePool, Error> {
    check_path(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(absent == Absent::Made)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A record that is confirmed outlives a power cut. The sync of each commit is shared by all records that wait.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(busy)
        // A secret that is replaced is not left lying in the file.
        .pragma("secure_delete", "ON")
        .disable_statement_logging();
    let opened = |cause| opened(path, cause);
    // One connection first: the pool would try again and again what can't succeed.
    let mut first = options.connect().await.map_err(opened)?;
    check_content(&mut first, path).await?;
    first.close().await.map_err(opened)?;
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        // A file does not hang up.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(opened)?;
    migrate(&pool, path).await?;
    Ok(pool)
}

fn check_path(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Err(Error::IsDirectory { path: path.to_owned() });
    }
    match path.parent() {
        Some(parent) if parent != Path::new("") && !parent.is_dir() => {
            Err(Error::NoDirectory { path: path.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

/// A database that has tables, but not ours, is left alone.
async fn check_content(connection: &mut SqliteConnection, path: &Path) -> Result<(), Error> {
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await
        .map_err(|cause| opened(path, cause))?;
    let is_ours = |table: &String| table == "_sqlx_migrations";
    if tables.is_empty() || (tables.iter().any(is_ours) && tables.iter().any(|table| table == "call_records"))
    {
        return Ok(());
    }
    // A first migration that was cut off leaves its own table alone.
    if tables.iter().all(is_ours) {
        return Ok(());
    }
    Err(Error::Foreign { path: path.to_owned() })
}

/// Two processes may make one store at the same time: the second finds the first one's tables half-way, and then
/// all of them.
async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match MIGRATIONS.run(pool).await {
            Ok(()) => return Ok(()),
            Err(MigrateError::VersionMissing(version)) => {
                return Err(Error::Newer { path: path.to_owned(), version });
            }
            Err(MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) => {
                if attempt == MIGRATION_ATTEMPTS {
                    return Err(opened(path, cause));
                }
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            Err(cause) => return Err(Error::Open { path: path.to_owned(), cause: cause.into() }),
        }
    }
}

fn opened(path: &Path, cause: sqlx::Error) -> Error {
    let path = path.to_owned();
    let code = cause.as_database_error().and_then(|error| primary_code(error.code().as_deref()));
    match code {
        Some(SQLITE_NOTADB) => Error::NotADatabase { path },
        Some(SQLITE_READONLY | SQLITE_PERM | SQLITE_AUTH | SQLITE_CANTOPEN) => {
            let cause =
                cause.as_database_error().map_or_else(String::new, |error| error.message().to_owned());
            Error::NotWritable { path, cause }
        }
        Some(_) | None => Error::Open { path, cause },
    }
}

/// Readers beside the one writer that there may be.
const CONNECTIONS: u32 = 4;
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const MIGRATION_ATTEMPTS: u32 = 10;
const MIGRATION_PAUSE: Duration = Duration::from_millis(50);

const SQLITE_PERM: u32 = 3;
const SQLITE_READONLY: u32 = 8;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_AUTH: u32 = 23;
const SQLITE_NOTADB: u32 = 26;
