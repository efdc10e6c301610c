//! A PostgreSQL of a test's own, if it is installed. The end-to-end tests have it too.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A cluster of PostgreSQL on a socket in a directory of its own. Dropping it stops it.
pub(crate) struct Server {
    directory: TempDir,
    programs: PathBuf,
}

impl Server {
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
