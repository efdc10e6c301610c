//! `kill -9` at twenty points of an apply, and of the writing of records: no inventory is half-applied, and no call that its
//! caller saw end is without a record.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

#[expect(dead_code, reason = "the end-to-end tests use all of it")]
mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Daemon, sipp, tests_file};

const POINTS: u32 = 20;
const NUMBERS: usize = 3_000;
const CALLS_A_SECOND: u32 = 40;

#[test]
fn an_apply_killed_at_any_point_leaves_the_whole_old_inventory_or_the_whole_new_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("strowger.toml"), "[store]\nurl = \"sqlite:strowger.db\"\n").unwrap();
    let apply = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
        command.args(["apply", name, "--config", "strowger.toml"]).current_dir(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let labels = || {
        let listed = Command::new(env!("CARGO_BIN_EXE_strowger"))
            .args(["number", "list", "--json", "--config", "strowger.toml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let numbers = listed["items"].as_array().unwrap();
        assert_eq!(numbers.len(), NUMBERS);
        numbers.iter().map(|number| number["label"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    for label in ["old", "new"] {
        fs::write(folder.path().join(label), inventory(label)).unwrap();
    }
    assert!(apply("old").status().unwrap().success());
    let began = Instant::now();
    assert!(apply("new").status().unwrap().success());
    let whole = began.elapsed();

    let mut held = "new".to_owned();
    let mut changed = 0;
    for point in 1..=POINTS {
        let wanted = if held == "new" { "old" } else { "new" };
        let mut applying = apply(wanted).spawn().unwrap();
        // A point in its life, not an event to be waited for.
        std::thread::sleep(whole * point / POINTS);
        applying.kill().unwrap();
        applying.wait().unwrap();
        let found = labels();
        assert_eq!(found.len(), 1, "point {point}: half of it was applied: {found:?}");
        let found = found.into_iter().next().unwrap();
        changed += u32::from(found != held);
        held = found;
    }
    println!(
        "{POINTS} applies of {NUMBERS} numbers killed within {whole:.1?}: {changed} had been applied by then"
    );
}

#[test]
fn a_daemon_killed_at_any_point_has_a_record_of_each_call_that_its_caller_saw_end() {
    let mut daemon = Daemon::start(ECHO);
    let mut ended = BTreeSet::new();
    for point in 1..=POINTS {
        let Some(mut caller) = sipp(daemon.folder()) else { return };
        let log = format!("finished-{point}.log");
        let mut caller = caller
            .arg("-sf")
            .arg(tests_file("sipp/finished_caller.xml"))
            .args(["-s", "14155550100", "-m", "400", "-r", &CALLS_A_SECOND.to_string(), "-timeout", "3"])
            .args([
                "-max_invite_retrans",
                "1",
                "-max_non_invite_retrans",
                "1",
                "-trace_logs",
                "-log_file",
                &log,
            ])
            .arg(daemon.sip.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        daemon.records_when(|records| {
            records.iter().filter(|record| record["status"] == "completed").count() > ended.len()
        });
        // A point between two batches of records, which are 50 ms apart.
        std::thread::sleep(Duration::from_millis(137) * point / POINTS);
        daemon.kill_and_restart();
        // The daemon is another: what is up fails, and it ends.
        caller.wait().unwrap();
        let finished = fs::read_to_string(daemon.folder().join(&log)).unwrap();
        ended.extend(finished.lines().map(str::to_owned));
    }
    // A call that its caller gave up, unanswered, may be up for the 32 s that the last daemon waits for its ACK.
    let closed = |records: &[Value]| -> BTreeSet<String> {
        let closed = records.iter().filter(|record| record["status"].is_string());
        closed.map(|record| record["sip_call_id_a"].as_str().unwrap().to_owned()).collect()
    };
    // It fails if one is missing.
    let records = daemon.records_when(|records| ended.is_subset(&closed(records)));
    let of_ended = records.iter().filter(|record| ended.contains(record["sip_call_id_a"].as_str().unwrap()));
    let cut = of_ended.filter(|record| record["reason"] == "cut-off").count();
    println!(
        "{POINTS} daemons killed: {} calls had ended, all recorded, {cut} of them as cut off",
        ended.len()
    );
}

fn inventory(label: &str) -> String {
    let mut inventory = ECHO.to_owned();
    inventory.truncate(inventory.find("[[numbers]]").unwrap());
    for number in 0..NUMBERS {
        let e164 = 14_155_550_000_usize + number;
        write!(
            inventory,
            "[[numbers]]\ne164 = \"+{e164}\"\nlabel = \"{label}\"\ntrunk_id = \"sipp\"\nagent_id = \"echo\"\n"
        )
        .unwrap();
    }
    inventory
}

const ECHO: &str = r#"
[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[trunks]]
id = "sipp"
inbound = { addresses = ["127.0.0.0/8"], did_country = "US" }

[[numbers]]
e164 = "+14155550100"
trunk_id = "sipp"
agent_id = "echo"
"#;
