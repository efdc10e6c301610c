//! The daemon of the built binary: a call, a changed inventory, stops in the middle of a call, a crash in the middle of one.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use phone::{Config, Ended, Invite, Phone, Step};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[trunks]]
id = "carrier"
inbound = { addresses = ["127.0.0.1"] }

[[numbers]]
e164 = "+14155550100"
trunk_id = "carrier"
"#;

const CONFIG: &str = "[sip]\nudp = [\"127.0.0.1:0\"]\n[log]\nformat = \"json\"\n[media]\nworkers = 1\n[admin]\nlisten = \"127.0.0.1:0\"\n";

/// Longer than anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

fn strowger(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
    command.args(arguments).current_dir(directory).args(["--config", "conf.toml"]);
    command
}

fn apply(directory: &Path, inventory: &str) {
    std::fs::write(directory.join("inventory.toml"), inventory).unwrap();
    std::fs::write(directory.join("conf.toml"), CONFIG).unwrap();
    assert!(strowger(directory, &["apply", "inventory.toml"]).output().unwrap().status.success());
}

fn records(directory: &Path) -> Vec<Value> {
    let output = strowger(directory, &["call", "list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    list["items"].as_array().unwrap().clone()
}

struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
    /// The URL of its HTTP API.
    api: String,
}

impl Daemon {
    fn start(directory: &Path) -> Self {
        Self::draining(directory, "25")
    }

    /// One whose calls may go on for so many seconds at a stop.
    fn draining(directory: &Path, seconds: &str) -> Self {
        let mut command = strowger(directory, &["run"]);
        command.env("STROWGER__NODE__DRAIN_S", seconds);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut daemon =
            Self { child, log, address: SocketAddr::from(([127, 0, 0, 1], 0)), api: String::new() };
        let line = daemon.read_until("SIP over UDP");
        daemon.address = line["listen"].as_str().unwrap().parse().unwrap();
        let line = daemon.read_until("HTTP API");
        daemon.api = format!("http://{}", line["listen"].as_str().unwrap());
        daemon
    }

    /// What it answers over HTTP: the whole response.
    fn get(&self, path: &str) -> String {
        let host = self.api.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Reads the log as far as the line of this message.
    fn read_until(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "the daemon ended before it said `{message}`"
            );
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if line["message"].as_str().is_some_and(|said| said.starts_with(message)) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit status.
    fn end(mut self) -> Option<i32> {
        std::io::copy(&mut self.log, &mut std::io::sink()).unwrap();
        self.child.wait().unwrap().code()
    }
}

/// A phone on a socket of its own.
struct Caller {
    socket: UdpSocket,
    phone: Phone,
}

impl Caller {
    fn new(to: &str, daemon: SocketAddr, then: &[Step]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let sdp = phone::sdp::pcmu(address);
        let invite = Step::Invite(Invite::to(format!("sip:{to}@{daemon}")).offer(sdp.clone()));
        let config = Config {
            name: "caller".into(),
            user: "+12125550199".into(),
            address,
            outbound_proxy: None,
            sdp: Some(sdp),
            seed: u64::from(address.port()),
        };
        Self { socket, phone: Phone::new(config, [&[invite], then].concat()) }
    }

    /// Runs the phone until `done`.
    fn run_until(&mut self, done: impl Fn(&Phone) -> bool) {
        let (start, mut buffer) = (Instant::now(), vec![0; 65_535]);
        self.phone.expire(start);
        loop {
            while let Some((to, bytes)) = self.phone.poll_transmit() {
                self.socket.send_to(&bytes, to).unwrap();
            }
            if done(&self.phone) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.phone.ladder(start, |_| "daemon".into()));
            let now = Instant::now();
            let due = self.phone.deadline().map_or(PATIENCE, |due| due.saturating_duration_since(now));
            self.socket
                .set_read_timeout(Some(due.clamp(Duration::from_millis(1), Duration::from_secs(1))))
                .unwrap();
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.phone.receive(Instant::now(), from, &buffer[..length]),
                Err(_) => self.phone.expire(Instant::now()),
            }
        }
    }

    fn run(&mut self) -> phone::Outcome {
        self.run_until(|phone| phone.outcome().is_some());
        self.phone.outcome().unwrap()
    }
}

fn answered() -> Vec<Step> {
    vec![Step::Expect(200), Step::Ack { sdp: None }]
}

#[test]
fn a_call_ends_in_one_log_line_with_masked_numbers_and_one_record() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    let script = [answered(), vec![Step::Bye]].concat();
    let outcome = Caller::new("+14155550100", daemon.address, &script).run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByUs)), "{outcome:?}");
    let line = daemon.read_until("call");
    assert_eq!((&line["status"], &line["reason"]), (&"completed".into(), &"normal".into()), "{line}");
    assert_eq!(line["to"], "\"+14*******00\"", "{line}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    let records = records(directory.path());
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["status"], &records[0]["to"]), (&"completed".into(), &"+14155550100".into()));
}

#[test]
fn a_changed_inventory_is_taken_up_while_running_and_a_running_call_stays() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    let script = [answered(), vec![Step::Wait(Duration::from_secs(3)), Step::Bye]].concat();
    let mut first = Caller::new("+14155550100", daemon.address, &script);
    first.run_until(Phone::is_up);
    apply(directory.path(), &INVENTORY.replace("+14155550100", "+14155550111"));
    daemon.read_until("inventory changed");
    // The log tells that the core will hear of it, and the next datagram may be there first.
    let either = [Step::ExpectFinal, Step::Ack { sdp: None }, Step::Bye];
    let began = Instant::now();
    while Caller::new("+14155550100", daemon.address, &either).run().status != Some(404) {
        assert!(began.elapsed() < PATIENCE, "the number that went is still taken");
    }
    let taken = Caller::new("+14155550111", daemon.address, &[answered(), vec![Step::Bye]].concat()).run();
    assert_eq!(taken.status, Some(200), "{taken:?}");
    let outcome = first.run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByUs)), "{outcome:?}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
}

/// The record of the first call.
fn first_record(directory: &Path) -> Value {
    records(directory).pop().unwrap()
}

#[test]
fn at_sigterm_calls_may_end_by_themselves_and_no_others_are_taken() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    let script = [answered(), vec![Step::Wait(Duration::from_millis(500)), Step::Bye]].concat();
    let mut caller = Caller::new("+14155550100", daemon.address, &script);
    caller.run_until(Phone::is_up);
    let began = Instant::now();
    loop {
        let answer = daemon.get("/readyz");
        if answer.ends_with("\r\n\r\nready\n") {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it never becomes ready: {answer}");
    }
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.read_until("draining")["calls"], 1);
    let ready = daemon.get("/readyz");
    assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
    assert!(ready.ends_with("\r\n\r\ndraining: no further calls are taken, 1 is up\n"), "{ready}");
    // The log tells that the core will hear of it, and the next datagram may be there first.
    let either = [Step::ExpectFinal, Step::Ack { sdp: None }, Step::Bye];
    let began = Instant::now();
    while Caller::new("+14155550100", daemon.address, &either).run().status != Some(503) {
        assert!(began.elapsed() < PATIENCE, "calls are still taken");
    }
    let outcome = caller.run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByUs)), "{outcome:?}");
    assert_eq!(daemon.end(), Some(0));
    let record = first_record(directory.path());
    assert_eq!((&record["reason"], &record["ended_by"]), (&"normal".into(), &"caller".into()));
    assert!(records(directory.path()).iter().any(|record| record["reason"] == "draining"));
    assert!(!directory.path().join("strowger.db-wal").exists(), "the store was closed in order");
}

#[test]
fn a_second_sigterm_ends_calls_by_bye_and_writes_their_records() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    let mut caller =
        Caller::new("+14155550100", daemon.address, &[answered(), vec![Step::ExpectBye]].concat());
    caller.run_until(Phone::is_up);
    daemon.signal(Signal::TERM);
    daemon.read_until("draining");
    daemon.signal(Signal::TERM);
    let outcome = caller.run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByThem)), "{outcome:?}");
    assert_eq!(daemon.end(), Some(0));
    let record = first_record(directory.path());
    assert_eq!((&record["reason"], &record["ended_by"]), (&"shutdown".into(), &"system".into()));
}

#[test]
fn calls_that_are_up_when_their_time_is_over_are_ended() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    for seconds in ["0", "1"] {
        let daemon = Daemon::draining(directory.path(), seconds);
        let mut caller =
            Caller::new("+14155550100", daemon.address, &[answered(), vec![Step::ExpectBye]].concat());
        caller.run_until(Phone::is_up);
        daemon.signal(Signal::TERM);
        let outcome = caller.run();
        assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByThem)), "{outcome:?}");
        assert_eq!(daemon.end(), Some(0));
    }
    assert!(records(directory.path()).iter().all(|record| record["reason"] == "shutdown"));
}

#[test]
fn systemd_hears_of_the_start_of_the_signalling_task_and_of_the_end() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let path = directory.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = strowger(directory.path(), &["run"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000").env_remove("WATCHDOG_PID");
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let heard = || {
        let mut buffer = [0; 4096];
        let length = systemd.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert!(heard().starts_with("READY=1\n"));
    for _ in 0..3 {
        let beat = heard();
        assert!(beat.starts_with("WATCHDOG=1\n") && beat.contains("STATUS=taking calls, 0 up"), "{beat}");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let end = loop {
        let end = heard();
        if !end.starts_with("WATCHDOG=1") {
            break end;
        }
    };
    assert!(end.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=51000000\nSTATUS=draining"), "{end}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn strowger_drain_has_the_daemon_stop_when_its_last_call_has_ended() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::draining(directory.path(), "0");
    let script = [answered(), vec![Step::Wait(Duration::from_millis(500)), Step::Bye]].concat();
    let mut caller = Caller::new("+14155550100", daemon.address, &script);
    caller.run_until(Phone::is_up);
    let drain = ["drain", "--url", &daemon.api, "--within", "600"];
    let output = strowger(directory.path(), &drain).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "draining: no further calls are taken, 1 is up\n");
    assert_eq!(daemon.read_until("draining")["within_s"], 600);
    assert!(daemon.get("/metrics").contains("\nstrowger_draining 1\n"));
    let outcome = caller.run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByUs)), "{outcome:?}");
    assert_eq!(daemon.end(), Some(0));
    assert_eq!(first_record(directory.path())["reason"], "normal");
}

/// Too few open files stand for a kernel, or a container, that has no io_uring for us.
#[test]
fn io_uring_that_is_asked_for_and_cant_be_had_is_a_fault_of_the_start() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" run --config conf.toml", env!("CARGO_BIN_EXE_strowger")]);
    command.current_dir(directory.path()).env("STROWGER__MEDIA__BACKEND", "io-uring");
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let fault = told.lines().find(|line| line.starts_with("strowger: ")).unwrap_or_default();
    assert!(fault.starts_with("strowger: media.backend: io-uring can't be had here: "), "{told}");
    assert!(fault.ends_with("write \"auto\" or \"epoll\""), "{told}");
}

#[test]
fn a_second_daemon_on_the_store_is_refused_and_the_call_of_the_first_stays() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    let script = [answered(), vec![Step::Wait(Duration::from_secs(2)), Step::Bye]].concat();
    let mut caller = Caller::new("+14155550100", daemon.address, &script);
    caller.run_until(Phone::is_up);

    let second = strowger(directory.path(), &["run"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("strowger: ")).collect();
    let [line] = lines.as_slice() else { panic!("{said}") };
    assert!(line.contains("in use by another `strowger run`"), "{line}");
    assert!(records(directory.path()).iter().all(|record| record["reason"] != "cut-off"));
    apply(directory.path(), INVENTORY);

    let outcome = caller.run();
    assert_eq!((outcome.status, outcome.ended), (Some(200), Some(Ended::ByUs)), "{outcome:?}");
    daemon.read_until("call");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    let records = records(directory.path());
    assert_eq!((records.len(), &records[0]["reason"]), (1, &"normal".into()));
}

#[test]
fn after_kill_9_finished_calls_are_there_and_open_ones_are_cut_off() {
    let directory = TempDir::new().unwrap();
    apply(directory.path(), INVENTORY);
    let mut daemon = Daemon::start(directory.path());
    Caller::new("+14155550100", daemon.address, &[answered(), vec![Step::Bye]].concat()).run();
    daemon.read_until("call");
    let mut open = Caller::new("+14155550100", daemon.address, &answered());
    open.run_until(Phone::is_up);
    let deadline = Instant::now() + PATIENCE;
    while records(directory.path()).len() < 2 {
        assert!(Instant::now() < deadline, "the open call never got its record");
    }
    daemon.signal(Signal::KILL);
    assert_eq!(daemon.end(), None);

    // One that can't start leaves the records alone.
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let output = strowger(directory.path(), &["run"]).env("STROWGER__SIP__UDP", port).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(records(directory.path())[0]["status"].is_null());

    let mut daemon = Daemon::start(directory.path());
    daemon.signal(Signal::TERM);
    daemon.read_until("stopped");
    assert_eq!(daemon.end(), Some(0));
    let records = records(directory.path());
    let fates: Vec<(&str, &str)> = records
        .iter()
        .map(|record| (record["status"].as_str().unwrap(), record["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(fates, [("failed", "cut-off"), ("completed", "normal")]);
}
