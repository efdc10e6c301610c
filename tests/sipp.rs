//! SIPp (`sip-tester`) calls the built binary.

use std::process::Stdio;

use crate::support::{Daemon, sipp};

const ECHO: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[trunks]]
id = "sipp"
label = "SIPp"
inbound = { addresses = ["127.0.0.0/8"], did_country = "US" }

[[numbers]]
e164 = "+14155550100"
trunk_id = "sipp"
"#;

#[test]
fn a_thousand_stock_calls_at_fifty_a_second_leave_a_thousand_records() {
    let mut daemon = Daemon::start(ECHO);
    let Some(mut caller) = sipp(daemon.folder()) else { return };
    let finished = caller
        .args(["-sn", "uac", "-s", "14155550100", "-m", "1000", "-r", "50", "-d", "500", "-timeout", "120"])
        .arg(daemon.sip.to_string())
        .output()
        .unwrap();
    let screen = String::from_utf8_lossy(&finished.stdout);
    assert!(finished.status.success(), "SIPp exits 0 only if no call failed:\n{screen}");
    let records = daemon.records_when(|records| {
        records.len() == 1_000 && records.iter().all(|record| record["status"].is_string())
    });
    for record in &records {
        assert_eq!(record["number"], "+14155550100", "{record:#}");
        assert_eq!(record["status"], "completed", "{record:#}");
        assert_eq!(record["reason"], "normal", "{record:#}");
        assert_eq!(record["ended_by"], "caller", "{record:#}");
        assert_eq!(record["sip_status"], 200, "{record:#}");
        assert_eq!(record["agent_source"], "default", "{record:#}");
        let at = |name: &str| record[name].as_u64().unwrap_or_else(|| panic!("no {name}: {record:#}"));
        assert!(at("invite_at") <= at("answered_at") && at("answered_at") < at("ended_at"), "{record:#}");
        // SIPp holds each call for 500 ms; a slow machine adds to it and takes nothing away.
        assert!((490..5_000).contains(&(at("ended_at") - at("answered_at"))), "{record:#}");
        assert_eq!(at("duration_ms"), at("ended_at") - at("invite_at"), "{record:#}");
        assert!(at("billable_s") >= 1, "{record:#}");
    }
    let mut ids: Vec<_> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000, "each record is of a call of its own");
    assert!(daemon.terminate(), "SIGTERM ends it with 0");
}

#[test]
fn a_killed_daemon_keeps_every_finished_record_and_marks_the_open_calls_as_cut_off() {
    let mut daemon = Daemon::start(ECHO);
    let Some(mut short) = sipp(daemon.folder()) else { return };
    let finished = short
        .args(["-sn", "uac", "-s", "14155550100", "-m", "25", "-r", "50", "-d", "100", "-timeout", "60"])
        .arg(daemon.sip.to_string())
        .output()
        .unwrap();
    assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stdout));
    daemon.records_when(|records| {
        records.len() == 25 && records.iter().all(|record| record["status"].is_string())
    });

    let mut long = sipp(daemon.folder())
        .unwrap()
        .args(["-sn", "uac", "-s", "14155550100", "-m", "50", "-r", "50", "-d", "600000"])
        .arg(daemon.sip.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    daemon.records_when(|records| records.len() == 75);
    daemon.kill_and_restart();
    daemon.logged("calls were up when the daemon last stopped: their records are marked cut-off calls=50");
    long.kill().unwrap();
    long.wait().unwrap();

    let records = daemon.records();
    assert_eq!(records.len(), 75, "none is lost");
    let (cut, whole): (Vec<_>, Vec<_>) = records.iter().partition(|record| record["reason"] == "cut-off");
    assert_eq!((cut.len(), whole.len()), (50, 25));
    for record in cut {
        assert_eq!(record["status"], "failed", "{record:#}");
        assert_eq!(record["ended_by"], "system", "{record:#}");
        assert!(record["ended_at"].is_u64(), "{record:#}");
    }
    for record in whole {
        assert_eq!(record["status"], "completed", "{record:#}");
    }
}

#[test]
fn a_sip_agent_is_called_and_the_call_ends_on_both_legs() {
    let agent = crate::support::free_udp_address();
    let daemon = Daemon::start(&format!(
        r#"
[[agents]]
id = "desk"
endpoint = {{ kind = "sip", uri = "sip:desk@{agent}" }}

[[trunks]]
id = "sipp"
label = "SIPp"
inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US" }}

[[numbers]]
e164 = "+14155550100"
trunk_id = "sipp"
agent_id = "desk"
"#
    ));
    let Some(mut agents_side) = sipp(daemon.folder()) else { return };
    let agents_side = agents_side
        .args(["-sn", "uas", "-rtp_echo", "-m", "20", "-timeout", "60", "-p", &agent.port().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let caller = sipp(daemon.folder())
        .unwrap()
        .args(["-sn", "uac", "-s", "+14155550100", "-m", "20", "-r", "20", "-d", "300", "-timeout", "60"])
        .arg(daemon.sip.to_string())
        .output()
        .unwrap();
    assert!(caller.status.success(), "{}", String::from_utf8_lossy(&caller.stdout));
    let ended = agents_side.wait_with_output().unwrap();
    assert!(ended.status.success(), "the agent's SIPp: {}", String::from_utf8_lossy(&ended.stdout));
    let records = daemon.records_when(|records| {
        records.len() == 20 && records.iter().all(|record| record["status"] == "completed")
    });
    for record in &records {
        assert_eq!(record["agent_id"], "desk", "{record:#}");
        assert!(record["ringing_at"].is_u64(), "{record:#}");
        assert_ne!(record["sip_call_id_a"], record["sip_call_id_b"], "{record:#}");
    }
}
