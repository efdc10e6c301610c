//! A soak: many short calls through the built binary, to the echo and to a SIP agent. None is lost, each leaves its record, and
//! the memory of the daemon after the last quarter of them is what it was after the first.
//!
//! `STROWGER_SOAK_CALLS` says how many, as in `STROWGER_SOAK_CALLS=200000 cargo test --release --test soak -- --nocapture`;
//! without it, as many as take 3 minutes.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod process;
#[expect(dead_code, reason = "the end-to-end tests use all of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use b2bua::record::CallStatus;
use store::{Cursor, Filter, Store};

use crate::process::{process_of, resident_kib};
use crate::support::{Daemon, PATIENCE, Site, free_udp_address, sipp, tests_file};

const ECHO: &str = "+14155550100";
const AGENT: &str = "+14155550101";

/// What is compared: the first with the last.
const QUARTERS: usize = 4;
/// At 80 calls a second 150 s: the first quarter is longer than a transaction is remembered.
const CALLS: usize = 12_000;
const SECONDS: usize = 150;
/// Calls a second at most. The ports of a call rest for 10 s, and two calls in flight have three pairs.
const FASTEST: usize = 400;
/// What the last quarter may have on top of the first.
const GROWTH_PERCENT: u64 = 5;

#[test]
fn many_short_calls_leave_a_record_each_and_no_memory_behind() {
    let calls = std::env::var("STROWGER_SOAK_CALLS")
        .map_or(CALLS, |calls| calls.parse().expect("STROWGER_SOAK_CALLS is a number of calls"));
    let each = calls.div_ceil(QUARTERS * 2);
    let rate = (calls / SECONDS).clamp(2, FASTEST);
    let agent = free_udp_address();
    let mut daemon = Daemon::at(site(), &inventory(&agent.to_string()));
    let Some(answering) = sipp(daemon.folder()) else { return };
    let answering = answers(answering, agent.port(), each * QUARTERS);
    let process = process_of(daemon.folder());
    let files = open_files(&process);

    let mut resident = Vec::new();
    for quarter in 1..=QUARTERS {
        let began = Instant::now();
        let callers = [ECHO, AGENT].map(|number| call(&daemon, number, each, rate.div_ceil(2)));
        for caller in callers {
            let ended = caller.wait_with_output().unwrap();
            assert!(ended.status.success(), "SIPp exits 0 only if no call failed:\n{}", screen(&ended));
        }
        resident.push(resident_kib(&process));
        println!(
            "{} calls: {} KiB resident, the last {} in {:.1?}",
            quarter * each * 2,
            resident_kib(&process),
            each * 2,
            began.elapsed()
        );
    }

    let ended = answering.wait_with_output().unwrap();
    assert!(ended.status.success(), "the agent's SIPp:\n{}", screen(&ended));
    let deadline = Instant::now() + PATIENCE;
    while holds(&daemon) != [0, 0] {
        assert!(Instant::now() < deadline, "{:?} calls and dialogs are not forgotten", holds(&daemon));
    }
    // A call's sockets are four, and no file but theirs comes and goes with a call.
    while open_files(&process) > files + FILES_OF_THE_STORE {
        assert!(Instant::now() < deadline, "{} files are open, at first {files}", open_files(&process));
    }
    let log = daemon.log();
    let troubles: Vec<_> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR ")).collect();
    assert!(daemon.terminate(), "SIGTERM ends it with 0");

    let records = records(daemon.folder());
    let expected = [(ECHO, each * QUARTERS), (AGENT, each * QUARTERS)];
    assert_eq!(records, BTreeMap::from(expected.map(|(number, calls)| (number.to_owned(), calls))));
    assert!(troubles.is_empty(), "{} lines of trouble, the first: {}", troubles.len(), troubles[0]);
    let (first, last) = (resident[0], resident[QUARTERS - 1]);
    assert!(last * 100 <= first * (100 + GROWTH_PERCENT), "resident KiB after each quarter: {resident:?}");
}

fn site() -> Site {
    let environment = [("STROWGER__LIMITS__MAX_CPS", "1000")];
    Site {
        folder: tempfile::tempdir().unwrap(),
        sip: free_udp_address(),
        media: 10_000..=32_767,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

fn inventory(agent: &str) -> String {
    format!(
        r#"
[[agents]]
id = "echo"
endpoint = {{ kind = "echo" }}

[[agents]]
id = "desk"
endpoint = {{ kind = "sip", uri = "sip:desk@{agent}" }}

[[trunks]]
id = "sipp"
inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US" }}

[[numbers]]
e164 = "{ECHO}"
trunk_id = "sipp"
agent_id = "echo"

[[numbers]]
e164 = "{AGENT}"
trunk_id = "sipp"
agent_id = "desk"
"#
    )
}

/// The agent's side, until it has had all its calls.
fn answers(mut agent: Command, port: u16, calls: usize) -> Child {
    agent.arg("-sf").arg(tests_file("sipp/soak_agent.xml"));
    agent.args(["-p", &port.to_string()]);
    spawn(agent, calls)
}

/// Calls at a rate, fewer where the machine takes fewer: no more than some are up at once.
fn call(daemon: &Daemon, number: &str, calls: usize, rate: usize) -> Child {
    let mut caller = sipp(daemon.folder()).expect("it was there before");
    caller.arg("-sf").arg(tests_file("sipp/soak_caller.xml")).args(["-s", number]);
    caller.args(["-r", &rate.to_string(), "-l", "100"]).arg(daemon.sip.to_string());
    spawn(caller, calls)
}

/// Until so many calls are over. The socket is made large, so that little is lost while SIPp waits for its turn.
fn spawn(mut program: Command, calls: usize) -> Child {
    program.args(["-m", &calls.to_string(), "-timeout", PATIENT_SECONDS, "-buff_size", "2097152"]);
    program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// The calls and the dialogs that the daemon says it holds.
fn holds(daemon: &Daemon) -> [u64; 2] {
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("HTTP API")).expect("the daemon says where it listens");
    let (_, address) = line.split_once("listen=").unwrap();
    let address = address.split_whitespace().next().unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    connection.read_to_string(&mut metrics).unwrap();
    ["strowger_calls ", "strowger_sip_dialogs "].map(|name| {
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)).expect("the metric is there");
        value.parse().unwrap()
    })
}

fn screen(ended: &Output) -> String {
    let screen = String::from_utf8_lossy(&ended.stdout);
    let last = screen.rfind("Scenario Screen").unwrap_or_default();
    screen[last..].to_owned()
}

/// Completed calls by their number.
fn records(folder: &Path) -> BTreeMap<String, usize> {
    let url = format!("sqlite:{}", folder.join("strowger.db").display());
    let mut completed = BTreeMap::new();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open_existing(&url).await.unwrap();
        let mut before = None;
        loop {
            let page = store.records(&Filter::default(), before.as_ref(), 10_000).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(Cursor::from(last));
            for record in page {
                assert_eq!(record.status, Some(CallStatus::Completed), "{record:?}");
                *completed.entry(record.number.unwrap()).or_default() += 1;
            }
        }
        store.close().await;
    });
    completed
}

fn open_files(process: &Path) -> usize {
    fs::read_dir(process.join("fd")).unwrap().count()
}

/// Connections that the pool may have opened since: three files each.
const FILES_OF_THE_STORE: usize = 24;
/// For SIPp to give up after, however slow the machine is.
const PATIENT_SECONDS: &str = "7200";
