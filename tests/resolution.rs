//! Where SIP agents are (RFC 3263): the built binary, a real name server (dnsmasq), and SIPp for the servers that it names.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

#[path = "resolution/name_server.rs"]
mod name_server;
#[path = "resolution/server.rs"]
mod server;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;

use std::net::SocketAddr;

use serde_json::Value;

use name_server::Zone;
use server::{Over, Server};
use support::{Daemon, Site, free_udp_address, sipp};

const INVENTORY: &str = r#"
[[agents]]
id = "bots"
endpoint = { kind = "sip", uri = "sip:bots.example.test" }

[[trunks]]
id = "sipp"
label = "SIPp"
inbound = { addresses = ["127.0.0.0/8"], did_country = "US" }

[[numbers]]
e164 = "+14155550100"
trunk_id = "sipp"
agent_id = "bots"
"#;

/// A daemon that asks that name server, and leaves a silent server after a second.
fn daemon(folder: tempfile::TempDir, name_server: SocketAddr, media: u16, more: &[(&str, &str)]) -> Daemon {
    let asked = name_server.to_string();
    let own = [("STROWGER__SIP__NAME_SERVERS", asked.as_str()), ("STROWGER__SIP__SERVER_TIMEOUT_S", "1")];
    let environment = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let site = Site {
        folder,
        sip: free_udp_address(),
        media: media..=media + 1_999,
        environment: environment.collect(),
    };
    Daemon::at(site, INVENTORY)
}

/// SIPp's own caller makes that many calls; the records of all calls so far.
fn call(daemon: &Daemon, calls: usize, so_far: usize) -> Vec<Value> {
    let count = calls.to_string();
    let mut caller = sipp(daemon.folder()).unwrap();
    caller.args(["-sn", "uac", "-s", "14155550100", "-m", &count, "-r", "20", "-d", "200", "-timeout", "60"]);
    let finished = caller.arg(daemon.sip.to_string()).output().unwrap();
    let screen = String::from_utf8_lossy(&finished.stdout);
    assert!(finished.status.success(), "SIPp exits 0 only if no call failed:\n{screen}\n{}", daemon.log());
    daemon.records_when(|records| {
        records.len() == so_far + calls && records.iter().all(|record| record["status"].is_string())
    })
}

fn assert_completed(records: &[Value]) {
    for record in records {
        assert_eq!(record["status"], "completed", "{record:#}");
        assert_eq!(record["reason"], "normal", "{record:#}");
        assert_eq!(record["agent_id"], "bots", "{record:#}");
    }
}

/// The servers that were passed by, in the order of the log.
fn passed_by(daemon: &Daemon) -> Vec<String> {
    let log = daemon.log();
    let lines = log.lines().filter(|line| line.contains("agent-server-failed"));
    let server = |line: &str| Some(line.split_once('(')?.1.split_once(".example.test)")?.0.to_owned());
    lines.filter_map(server).collect()
}

#[test]
fn a_call_passes_the_dead_the_slow_and_the_busy_server_and_the_next_goes_straight_to_the_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some(slow) = Server::play(folder.path(), "slow", Over::Udp) else { return };
    let busy = Server::play(folder.path(), "busy", Over::Udp).unwrap();
    let good = Server::play(folder.path(), "uas", Over::Udp).unwrap();
    let dead = free_udp_address();
    let zone = Zone::default()
        // We have no listener for TCP: what the domain prefers is no way for us.
        .naptr("bots", 10, "SIP+D2T", "_sip._tcp.bots")
        .naptr("bots", 20, "SIP+D2U", "_sip._udp.bots")
        .srv("_sip._tcp.bots", 1, 0, good.address.port(), "over-tcp")
        .srv("_sip._udp.bots", 40, 0, good.address.port(), "good")
        .srv("_sip._udp.bots", 10, 0, dead.port(), "dead")
        .srv("_sip._udp.bots", 30, 0, busy.address.port(), "busy")
        .srv("_sip._udp.bots", 20, 0, slow.address.port(), "slow");
    let Some(name_server) = zone.serve(["dead", "slow", "busy", "good", "over-tcp"]) else { return };
    let mut daemon = daemon(folder, name_server.address, 24_000, &[]);

    assert_completed(&call(&daemon, 1, 0));
    assert_eq!(good.calls(), 1);
    assert_eq!(passed_by(&daemon), ["dead", "slow", "busy"], "{}", daemon.log());

    assert_completed(&call(&daemon, 1, 1));
    assert_eq!((good.calls(), busy.calls(), slow.calls()), (2, 1, 1), "{}", daemon.log());
    assert_eq!(passed_by(&daemon).len(), 3, "the second call went straight: {}", daemon.log());
    assert_eq!(name_server.asked("NAPTR"), 1, "its time to live is not over");

    slow.hears("CANCEL sip:");
    assert!(daemon.terminate());
}

#[test]
fn calls_are_shared_by_weight_among_servers_of_one_priority() {
    let folder = tempfile::tempdir().unwrap();
    let Some(large) = Server::play(folder.path(), "uas", Over::Udp) else { return };
    let small = Server::play(folder.path(), "uas", Over::Udp).unwrap();
    let zone = Zone::default().srv("_sip._udp.bots", 10, 30, large.address.port(), "large").srv(
        "_sip._udp.bots",
        10,
        10,
        small.address.port(),
        "small",
    );
    let Some(name_server) = zone.serve(["large", "small"]) else { return };
    let daemon = daemon(folder, name_server.address, 26_000, &[]);
    assert_completed(&call(&daemon, 80, 0));
    let shares = (large.calls(), small.calls());
    assert_eq!(shares.0 + shares.1, 80);
    // Three in four, give or take five standard deviations.
    assert!((41..=79).contains(&shares.0), "{shares:?}");
}

#[test]
fn the_transport_that_the_domain_prefers_is_the_one_that_is_spoken() {
    let folder = tempfile::tempdir().unwrap();
    let Some(over_tcp) = Server::play(folder.path(), "uas", Over::Tcp) else { return };
    let over_udp = Server::play(folder.path(), "uas", Over::Udp).unwrap();
    let zone = Zone::default()
        .naptr("bots", 10, "SIP+D2T", "_sip._tcp.bots")
        .naptr("bots", 20, "SIP+D2U", "_sip._udp.bots")
        .srv("_sip._tcp.bots", 1, 0, over_tcp.address.port(), "tcp")
        .srv("_sip._udp.bots", 1, 0, over_udp.address.port(), "udp");
    let Some(name_server) = zone.serve(["tcp", "udp"]) else { return };
    let daemon = daemon(folder, name_server.address, 28_000, &[("STROWGER__SIP__TCP", "127.0.0.1:0")]);
    assert_completed(&call(&daemon, 2, 0));
    assert_eq!((over_tcp.calls(), over_udp.calls()), (2, 0), "{}", daemon.log());
}

#[test]
fn the_log_says_what_is_wrong_with_a_name_or_with_its_server() {
    let Some(name_server) = Zone::default().serve([]) else { return };
    let cases = [
        (name_server.address, "bots.example.test: there is no such name (NXDOMAIN)"),
        (free_udp_address(), "bots.example.test: DNS did not answer in time"),
    ];
    for (asked, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut caller) = sipp(folder.path()) else { return };
        let daemon = daemon(folder, asked, 30_000, &[]);
        caller.args(["-sn", "uac", "-s", "14155550100", "-m", "1", "-timeout", "30"]);
        let finished = caller.arg(daemon.sip.to_string()).output().unwrap();
        assert!(!finished.status.success(), "the call fails");
        let records = daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
        assert_eq!((&records[0]["status"], &records[0]["sip_status"]), (&"failed".into(), &480.into()));
        assert_eq!(records[0]["reason"], "agent-unreachable");
        let log = daemon.log();
        let told = log.lines().find(|line| line.contains("agent-unreachable")).unwrap_or_default();
        assert!(told.contains(words), "{log}");
    }
}
