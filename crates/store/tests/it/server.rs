//! A PostgreSQL of a test's own, if it is installed. The end-to-end tests have it too.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A cluster of PostgreSQL on a socket in a directory of its own. Dropping it stops it.
pub(crate) struct Server {
    directory: TempDir,
    programs: PathBuf,
    /// What it is started with, beside its socket.
    options: String,
}

impl Server {
    /// One that a test may stop and start.
    pub(crate) fn start() -> Option<Self> {
        let server = Self::made()?;
        server.resume();
        Some(server)
    }

    /// One that listens at that port of 127.0.0.1, by TLS alone, with a certificate and its key in PEM form.
    pub(crate) fn secure(port: u16, certificate: &str, key: &str) -> Option<Self> {
        let mut server = Self::made()?;
        let data = server.directory.path().join("data");
        let owner = fs::metadata(&data).expect("made");
        for (name, content) in [
            ("server.crt", certificate),
            ("server.key", key),
            ("pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 trust\n"),
        ] {
            let path = data.join(name);
            fs::write(&path, content).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permitted");
            chown(&path, Some(owner.uid()), Some(owner.gid())).expect("its own");
        }
        server.options = format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on");
        server.resume();
        Some(server)
    }

    fn made() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("permitted");
        let server = Self { directory, programs, options: "-c listen_addresses=".to_owned() };
        server.run("initdb", &["--auth=trust", "--username=strowger", "--encoding=UTF8", "--no-sync"]);
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
            "{} -c unix_socket_directories={socket} -c fsync=off -c max_connections=200",
            self.options
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
