//! PostgreSQL that is gone for half a minute under load.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::support::{Daemon, PATIENCE, Site, free_udp_address, get, sipp, tests_file};

const CALLS_A_SECOND: usize = 20;
/// While it is there, before and after; and while it is gone: half a minute.
const CALLS: [usize; 3] = [100, 600, 100];

#[test]
fn calls_go_on_while_the_database_is_gone_and_all_their_records_come_to_it() {
    let folder = tempfile::tempdir().unwrap();
    if sipp(folder.path()).is_none() {
        return;
    }
    let Some(server) = Server::start() else { return };
    let environment = vec![("STROWGER__STORE__URL".to_owned(), server.url("postgres"))];
    let site = Site { folder, sip: free_udp_address(), media: 24_000..=27_999, environment };
    let mut daemon = Daemon::at(site, ECHO);
    assert_eq!(get(&daemon.api(), "/readyz"), (200, "ready\n".to_owned()));
    let spool = daemon.folder().join("records-strowger.jsonl");

    let before = call(&daemon, "before", CALLS[0]);
    daemon.records_when(|records| records.iter().any(|record| record["status"] == "completed"));
    server.stop();
    let gone = Instant::now();
    let meanwhile = call(&daemon, "meanwhile", CALLS[1]);
    ended(&daemon, before, "before");
    let (status, told) = ready_when(&daemon, |status| status == 503);
    assert!(told.lines().all(|line| line.starts_with("store: ")), "{status} {told}");
    ended(&daemon, meanwhile, "meanwhile");
    let gone = gone.elapsed();
    assert!(gone >= Duration::from_secs(30), "{gone:?}");
    let waited = fs::read_to_string(&spool).unwrap().lines().count();
    assert!(waited >= 2 * CALLS[1], "each call has two records: {waited}");

    let after = call(&daemon, "after", CALLS[2]);
    server.resume();
    ended(&daemon, after, "after");
    ready_when(&daemon, |status| status == 200);
    let all: usize = CALLS.iter().sum();
    let records = daemon.records_when(|records| {
        records.len() >= all && records.iter().all(|record| record["status"].is_string())
    });
    assert!(records.iter().all(|record| record["status"] == "completed"), "{records:#?}");
    let calls: BTreeSet<String> =
        records.iter().map(|record| record["sip_call_id_a"].as_str().unwrap().to_owned()).collect();
    let finished = ["before", "meanwhile", "after"].iter().flat_map(|name| finished(daemon.folder(), name));
    assert_eq!((records.len(), calls), (all, finished.collect()));
    let deadline = Instant::now() + PATIENCE;
    while fs::metadata(&spool).unwrap().len() > 0 {
        assert!(Instant::now() < deadline, "the spool is never emptied");
        std::thread::yield_now();
    }

    assert!(daemon.terminate());
    let log = daemon.log();
    let complaints: Vec<_> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    let told = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(told("the store does not answer"), 1, "{complaints:#?}");
    assert_eq!(told("the store answers again"), 1, "{complaints:#?}");
    assert_eq!(told("call records are kept in the spool"), 1, "{complaints:#?}");
    assert_eq!(complaints.len(), 2, "the store, and where records are kept: {complaints:#?}");
    println!("{all} calls, {} of them while the database was gone for {gone:.1?}: all recorded", CALLS[1]);
}

fn call(daemon: &Daemon, name: &str, calls: usize) -> Child {
    let mut sipp = sipp(daemon.folder()).unwrap();
    sipp.arg("-sf").arg(tests_file("sipp/finished_caller.xml"));
    sipp.args(["-s", "14155550100", "-m", &calls.to_string(), "-r", &CALLS_A_SECOND.to_string()]);
    sipp.args(["-timeout", "90", "-trace_logs", "-log_file", &format!("{name}.log")]);
    sipp.args(["-trace_err", "-error_file", &format!("{name}-errors.log")]);
    sipp.arg(daemon.sip.to_string()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits for the end of a SIPp, all of whose calls must have succeeded.
fn ended(daemon: &Daemon, mut sipp: Child, name: &str) {
    let status = sipp.wait().unwrap();
    let errors = fs::read_to_string(daemon.folder().join(format!("{name}-errors.log"))).unwrap_or_default();
    assert!(status.success(), "{name}: SIPp {status}\n{errors}\n{}", daemon.log());
}

/// The calls that a SIPp has seen end well.
fn finished(folder: &Path, name: &str) -> Vec<String> {
    let log = fs::read_to_string(folder.join(format!("{name}.log"))).unwrap();
    log.lines().map(str::to_owned).collect()
}

fn ready_when(daemon: &Daemon, is_so: impl Fn(u16) -> bool) -> (u16, String) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = get(&daemon.api(), "/readyz");
        if is_so(answer.0) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
}

const ECHO: &str = r#"
agents = [{ id = "echo", endpoint = { kind = "echo" } }]
trunks = [{ id = "sipp", inbound = { addresses = ["127.0.0.0/8"], did_country = "US" } }]
numbers = [{ e164 = "+14155550100", trunk_id = "sipp", agent_id = "echo" }]
"#;
