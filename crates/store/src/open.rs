//! What a store's URL names, and opening it.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::debug;

use crate::db::Pool;
use crate::passwords::REALM;
use crate::sqlite::{self, Absent, BUSY_TIMEOUT};
use crate::{Error, Store, postgres};

/// What a URL names.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    Memory,
    File(PathBuf),
    /// PostgreSQL.
    Server(String),
}

impl Store {
    /// Opens `sqlite:PATH`, which is made if it does not exist, `sqlite::memory:`, which is gone with the last clone, or
    /// `postgres://USER@HOST/DATABASE`, whose tables are made if there are none.
    ///
    /// # Errors
    ///
    /// One line that names the store and what is wrong with it.
    pub async fn open(url: &str) -> Result<Self, Error> {
        match place(url)? {
            Place::Memory => Ok(Self::of(Pool::Sqlite(sqlite::open_memory().await?), None)),
            Place::File(path) => Self::open_file(path, Absent::Made).await,
            Place::Server(url) => {
                let server = postgres::Server::parse(&url)?;
                let pool = server.connect_later();
                server.prepare().await?;
                Ok(Self::of(Pool::Postgres(pool), None))
            }
        }
    }

    /// The same, but a file that does not exist is an error: for commands that only look.
    ///
    /// # Errors
    ///
    /// One line that names the store and what is wrong with it.
    pub async fn open_existing(url: &str) -> Result<Self, Error> {
        match place(url)? {
            Place::File(path) if !path.exists() => Err(Error::Missing { path }),
            Place::File(path) => Self::open_file(path, Absent::Error).await,
            Place::Memory | Place::Server(_) => Self::open(url).await,
        }
    }

    /// The same as [`Store::open`], but a server that can't be reached is waited for by all that uses the store: for the daemon, which
    /// goes on without.
    ///
    /// # Errors
    ///
    /// One line that names the store and what is wrong with it.
    pub async fn open_patiently(url: &str) -> Result<Self, Error> {
        let Place::Server(url) = place(url)? else { return Self::open(url).await };
        let server = postgres::Server::parse(&url)?;
        let pool = server.connect_later();
        let prepared = server.prepare().await;
        let store = Self { unprepared: Some(Arc::new(server)), ..Self::of(Pool::Postgres(pool), None) };
        match prepared {
            Ok(()) => {}
            Err(error) if error.is_transient() => {
                debug!(%error, "the store can't be reached, and is waited for");
            }
            Err(error) => return Err(error),
        }
        Ok(store)
    }

    /// Waits until all connections are closed. The last of them folds the write-ahead log of SQLite into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The same for the daemon of this name: its records are told from those of other daemons on the same database.
    #[must_use]
    pub fn of_node(self, node: &str) -> Self {
        Self { node: node.into(), ..self }
    }

    /// Whether it is elsewhere, and may be gone while we are there: PostgreSQL.
    pub fn is_remote(&self) -> bool {
        match self.pool {
            Pool::Sqlite(_) => false,
            Pool::Postgres(_) => true,
        }
    }

    async fn open_file(path: PathBuf, absent: Absent) -> Result<Self, Error> {
        let pool = sqlite::open_file(&path, absent, BUSY_TIMEOUT).await?;
        Ok(Self::of(Pool::Sqlite(pool), Some(path)))
    }

    pub(crate) fn of(pool: Pool, file: Option<PathBuf>) -> Self {
        Self { pool, file, node: "".into(), realm: REALM.into(), unprepared: None }
    }
}

fn place(url: &str) -> Result<Place, Error> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Server(url.to_owned()));
    }
    let unknown = || Error::Url { url: url.to_owned() };
    let rest = url.strip_prefix("sqlite:").ok_or_else(unknown)?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    match path {
        ":memory:" => Ok(Place::Memory),
        "" => Err(unknown()),
        path if path.contains('?') => Err(unknown()),
        path => Ok(Place::File(PathBuf::from(path))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_memory() {
        let file = |path: &str| Place::File(PathBuf::from(path));
        assert_eq!(place("sqlite:strowger.db").unwrap(), file("strowger.db"));
        assert_eq!(
            place("sqlite:///var/lib/strowger/strowger.db").unwrap(),
            file("/var/lib/strowger/strowger.db")
        );
        assert_eq!(place("sqlite:/var/lib/a b.db").unwrap(), file("/var/lib/a b.db"));
        assert_eq!(place("sqlite::memory:").unwrap(), Place::Memory);
        for url in ["", "strowger.db", "sqlite:", "mysql://x", "sqlite:a.db?mode=ro"] {
            assert!(matches!(place(url), Err(Error::Url { .. })), "{url}");
        }
        for url in ["postgres://u:p@h/db", "postgresql:///db?host=/run/postgresql"] {
            assert_eq!(place(url).unwrap(), Place::Server(url.to_owned()));
        }
    }
}
