//! The databases that the tests of a store run on: a file of SQLite, and PostgreSQL if it is installed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sqlx::{Connection, Executor, PgConnection};
use store::Store;
use tempfile::TempDir;

use crate::server::Server;

/// One database of a test's own.
pub(crate) struct Database {
    url: String,
    _directory: TempDir,
    /// For as long as the database is used.
    _server: Option<Arc<Server>>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", directory.path().join("strowger.db").display());
        Self { url, _directory: directory, _server: None }
    }

    /// Nothing, and a line that says so, if PostgreSQL is not installed.
    pub(crate) async fn postgres() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = running()?;
        let name = format!("test{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&server.url("postgres")).await.expect("a connection");
        let sql = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sql).await.expect("a database");
        connection.close().await.expect("closed");
        let directory = tempfile::tempdir().expect("a directory");
        Some(Self { url: server.url(&name), _directory: directory, _server: Some(server) })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.expect("a store")
    }
}

/// The server that the tests of this process share. It stops with the last test that uses it.
fn running() -> Option<Arc<Server>> {
    static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = running.upgrade() {
        return Some(server);
    }
    let server = Arc::new(Server::start()?);
    *running = Arc::downgrade(&server);
    Some(server)
}

/// Each of the tests, on each kind of database.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::databases::Database::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                if let Some(database) = crate::databases::Database::postgres().await {
                    super::$test(database).await;
                }
            })+
        }
    };
}

pub(crate) use on_each_database;
