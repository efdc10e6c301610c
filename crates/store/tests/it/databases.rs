//! The databases that the tests of a store run on: a file of SQLite, and PostgreSQL if it is installed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sqlx::{Connection, Executor, PgConnection};
use store::Store;
use tempfile::TempDir;

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
        let server = Server::running()?;
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

/// A cluster of PostgreSQL on a socket in a directory of its own. It stops with the last test that uses it.
pub(crate) struct Server {
    directory: TempDir,
    programs: PathBuf,
}

impl Server {
    /// The one that the tests of this process share.
    fn running() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return Some(server);
        }
        let server = Arc::new(Self::start()?);
        *running = Arc::downgrade(&server);
        Some(server)
    }

    /// One that a test may stop and start.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("permitted");
        let server = Self { directory, programs };
        server.run("initdb", &["--auth=trust", "--username=strowger", "--encoding=UTF8", "--no-sync"]);
        server.resume();
        Some(server)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://strowger@{socket}/{database}")
    }

    /// Makes it take connections.
    pub(crate) fn resume(&self) {
        let socket = self.directory.path().display();
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off -c max_connections=200"
        );
        let log = self.directory.path().join("log");
        self.run("pg_ctl", &["start", "--wait", "--log", &log.display().to_string(), "--options", &options]);
    }

    /// Ends its connections, and takes no more.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["stop", "--wait", "--mode=immediate"]);
    }

    /// As somebody else where we are root, whom PostgreSQL does not serve.
    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(self.programs.join(program));
            command
        } else {
            Command::new(self.programs.join(program))
        };
        let data = self.directory.path().join("data");
        command.args(arguments).arg("-D").arg(data).current_dir(self.directory.path());
        // The server would keep a pipe of ours open.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("it runs").success(), "{program} {arguments:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.directory.path().join("data/postmaster.pid").exists() {
            self.stop();
        }
    }
}

/// Where the programs of the latest version are.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    bins.filter(|bin| Path::new(bin).join("initdb").exists()).max()
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
