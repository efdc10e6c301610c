//! A built `strowger` in a folder of its own, and the programs that call it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

static NEXT_MEDIA_PORT: AtomicU16 = AtomicU16::new(20_000);

/// One daemon, its configuration and its store. Dropping it ends it.
pub(crate) struct Daemon {
    folder: tempfile::TempDir,
    /// Where it listens for SIP.
    pub(crate) sip: SocketAddr,
    environment: Vec<(String, String)>,
    child: Child,
    log: Log,
    /// Ends with the log.
    logging: Option<JoinHandle<()>>,
}

/// What a daemon is started with.
pub(crate) struct Site {
    /// A folder that may hold files for it already.
    pub(crate) folder: tempfile::TempDir,
    /// Where it listens for SIP over UDP.
    pub(crate) sip: SocketAddr,
    /// Its media ports.
    pub(crate) media: RangeInclusive<u16>,
    /// Variables, such as the rest of its configuration.
    pub(crate) environment: Vec<(String, String)>,
}

impl Daemon {
    /// Puts `inventory` in force and starts the daemon; returns when it is ready for calls.
    pub(crate) fn start(inventory: &str) -> Self {
        Self::start_with(inventory, &[])
    }

    /// The same, with these variables.
    pub(crate) fn start_with(inventory: &str, environment: &[(&str, String)]) -> Self {
        let media = NEXT_MEDIA_PORT.fetch_add(2_000, Ordering::Relaxed);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let site = Site {
            folder: tempfile::tempdir().unwrap(),
            sip: free_udp_address(),
            media: media..=media + 1_999,
            environment: environment.collect(),
        };
        Self::at(site, inventory)
    }

    /// As `start`, at a site of its own.
    pub(crate) fn at(site: Site, inventory: &str) -> Self {
        let Site { folder, sip, media, environment } = site;
        fs::write(
            folder.path().join("strowger.toml"),
            format!(
                "[sip]\nudp = [\"{sip}\"]\n[media]\nports = \"{}-{}\"\n[store]\nurl = \"sqlite:{}\"\n\
                 [admin]\nlisten = \"127.0.0.1:0\"\n",
                media.start(),
                media.end(),
                folder.path().join("strowger.db").display()
            ),
        )
        .unwrap();
        fs::write(folder.path().join("inventory.toml"), inventory).unwrap();
        let applied = strowger(folder.path(), &environment, &["apply", "inventory.toml"]).output().unwrap();
        assert!(applied.status.success(), "apply: {}", String::from_utf8_lossy(&applied.stderr));
        let log = Log::default();
        let (child, logging) = spawn_ready(folder.path(), &environment, &log);
        Self { folder, sip, environment, child, log, logging: Some(logging) }
    }

    /// Ends the daemon as `kill -9` does, and starts another one on the same store.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.log = Log::default();
        let (child, logging) = spawn_ready(self.folder.path(), &self.environment, &self.log);
        self.child = child;
        self.logging = Some(logging);
    }

    /// Sends SIGTERM and waits for the end, and for the end of the log; true if it exited with 0.
    pub(crate) fn terminate(&mut self) -> bool {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let ended = self.child.wait().unwrap();
        if let Some(logging) = self.logging.take() {
            logging.join().unwrap();
        }
        ended.success()
    }

    /// The daemon's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs another command of the binary with the daemon's configuration.
    pub(crate) fn strowger(&self, arguments: &[&str]) -> Output {
        strowger(self.folder.path(), &self.environment, arguments).output().unwrap()
    }

    /// What it has logged since its start: all of it only after `terminate`.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has logged `words`.
    pub(crate) fn logged(&self, words: &str) {
        self.log.wait(words);
    }

    /// Where its HTTP API listens.
    pub(crate) fn api(&self) -> String {
        let log = self.log();
        let line =
            log.lines().rfind(|line| line.contains("HTTP API")).expect("the daemon says where it listens");
        let (_, address) = line.split_once("listen=").unwrap();
        format!("http://{}", address.split_whitespace().next().unwrap())
    }

    /// Every call record, the latest first.
    pub(crate) fn records(&self) -> Vec<Value> {
        let listed = self.strowger(&["call", "list", "--json", "--limit", "100000"]);
        assert!(listed.status.success(), "call list: {}", String::from_utf8_lossy(&listed.stderr));
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        listed["items"].as_array().unwrap().clone()
    }

    /// The call records, once `complete` says that they are all there.
    pub(crate) fn records_when(&self, complete: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = self.records();
            if complete(&records) {
                return records;
            }
            assert!(Instant::now() < deadline, "the records never came to be as expected: {records:#?}");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn strowger(folder: &Path, environment: &[(String, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    command.args(arguments).args(["--config", "strowger.toml"]).current_dir(folder);
    // Nobody waits for the calls of a test that is over.
    command.env("STROWGER__NODE__DRAIN_S", "0");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

/// What a program has said.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Said>, Condvar)>);

#[derive(Default)]
struct Said {
    text: String,
    /// Whether it will say no more.
    over: bool,
}

impl Log {
    /// Takes in all that it says, until the end.
    pub(crate) fn follow(&self, lines: impl Iterator<Item = String>) {
        let (said, more) = &*self.0;
        for line in lines {
            let text = &mut said.lock().unwrap().text;
            text.push_str(&line);
            text.push('\n');
            more.notify_all();
        }
        said.lock().unwrap().over = true;
        more.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    pub(crate) fn wait(&self, words: &str) {
        let (said, more) = &*self.0;
        let due = |said: &mut Said| !said.over && !said.text.contains(words);
        let (said, _) = more.wait_timeout_while(said.lock().unwrap(), PATIENCE, due).unwrap();
        assert!(said.text.contains(words), "it never said `{words}`:\n{}", said.text);
    }
}

/// Starts `strowger run` and returns once its log says that it is ready.
fn spawn_ready(folder: &Path, environment: &[(String, String)], log: &Log) -> (Child, JoinHandle<()>) {
    let mut child =
        strowger(folder, environment, &["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    let following = log.clone();
    let logging = std::thread::spawn(move || following.follow(said.lines().map_while(Result::ok)));
    log.wait("ready for calls");
    (child, logging)
}

/// A loopback address that nothing is bound to.
pub(crate) fn free_udp_address() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What an HTTP GET by hand gets: the status and the body.
pub(crate) fn get(url: &str, path: &str) -> (u16, String) {
    let (head, body) = ask(url, &format!("GET {path}"), "\r\n");
    (status(&head), body)
}

/// What a request gets whose last headers, with the body behind them, are `rest`: the head and the body.
pub(crate) fn ask(url: &str, request: &str, rest: &str) -> (String, String) {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{rest}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// That of the head of an answer.
pub(crate) fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A SIPp run in the making. `None` where SIPp is not installed, which is said aloud.
pub(crate) fn sipp(folder: &Path) -> Option<Command> {
    if Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("skipped: sipp is not installed (package sip-tester; tests/run installs it)");
        return None;
    }
    let mut command = Command::new("sipp");
    command.current_dir(folder).args(["-i", "127.0.0.1", "-nostdin", "-timeout_error"]);
    Some(command)
}

/// A file of this repository's `tests` folder.
pub(crate) fn tests_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name)
}
