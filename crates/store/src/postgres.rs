//! Opening a database of PostgreSQL, with words for each way that it may fail.

use std::io;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::timeout;

use crate::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// The database that a URL names.
#[derive(Debug)]
pub(crate) struct Server {
    options: PgConnectOptions,
    /// Whether its tables are known to be ours.
    is_prepared: AtomicBool,
}

impl Server {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        // Its words may name a part of the URL, but never a password.
        let options = PgConnectOptions::from_str(url).map_err(|cause| Error::ServerUrl(cause.to_string()))?;
        let options = options.application_name("strowger").disable_statement_logging();
        Ok(Self { options, is_prepared: AtomicBool::new(false) })
    }

    /// Connections that are made as they are needed.
    pub(crate) fn connect_later(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_TIMEOUT)
            .connect_lazy_with(self.options.clone())
    }

    /// Makes the tables, or sees that they are ours and of this version. By a connection of its own, which says why it can't be had.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        if self.is_prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let connected = timeout(CONNECT_TIMEOUT, self.options.connect()).await.map_err(|_| Error::Silent)?;
        let mut connection = connected.map_err(|cause| self.failed(cause))?;
        self.check_content(&mut connection).await?;
        match MIGRATIONS.run_direct(None, &mut connection, false).await {
            Ok(()) => {}
            Err(MigrateError::VersionMissing(version)) => {
                return Err(Error::Newer { path: self.name().into(), version });
            }
            Err(MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) => {
                return Err(self.failed(cause));
            }
            Err(cause) => return Err(self.failed(cause.into())),
        }
        self.is_prepared.store(true, Ordering::Relaxed);
        connection.close().await.map_err(|cause| self.failed(cause))
    }

    /// Where it is, without the password.
    fn name(&self) -> String {
        let (user, port) = (self.options.get_username(), self.options.get_port());
        let database = self.options.get_database().unwrap_or(user);
        match self.options.get_socket() {
            Some(socket) => format!("postgres://{user}@{}:{port}/{database}", socket.display()),
            None => format!("postgres://{user}@{}:{port}/{database}", self.options.get_host()),
        }
    }

    fn failed(&self, cause: sqlx::Error) -> Error {
        let place = self.name();
        // As rustls says it of a certificate, and of nothing else.
        if let sqlx::Error::Io(error) = &cause
            && error.kind() == io::ErrorKind::InvalidData
        {
            return Error::ServerCertificate { place, cause: error.to_string() };
        }
        Error::Server { place, cause }
    }

    /// A schema that has tables, but not ours, is left alone.
    async fn check_content(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()";
        let tables = sqlx::query_scalar(sql).fetch_all(connection).await;
        let tables: Vec<String> = tables.map_err(|cause| self.failed(cause))?;
        if tables.is_empty() || tables.iter().any(|table| table == "_sqlx_migrations") {
            return Ok(());
        }
        Err(Error::Foreign { path: self.name().into() })
    }
}

/// Four of a daemon are taken for good: by those who listen, and by the lock.
const CONNECTIONS: u32 = 12;
/// A server that does not answer for so long is gone.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
