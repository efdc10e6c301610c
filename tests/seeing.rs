//! What can be seen of a call from outside: its ladder, its trace, what Homer gets, the metrics. A SIPp caller and a SIPp agent.

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::support::{Daemon, PATIENCE, Site, free_udp_address, get, sipp};

mod hep;

const CALLED: &str = "14155550100";

static NEXT_MEDIA_PORT: AtomicU16 = AtomicU16::new(12_000);

/// A daemon whose one number leads to `agent`.
fn daemon(agent: SocketAddr, environment: &[(&str, String)]) -> Daemon {
    let inventory = format!(
        r#"
[[agents]]
id = "desk"
endpoint = {{ kind = "sip", uri = "sip:desk@{agent}", headers = {{ X-Key = "hunter2" }} }}

[[trunks]]
id = "sipp"
inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US" }}

[[numbers]]
e164 = "+{CALLED}"
trunk_id = "sipp"
agent_id = "desk"
"#
    );
    let media = NEXT_MEDIA_PORT.fetch_add(100, Ordering::Relaxed);
    let media = media..=media + 99;
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Daemon::at(
        Site { folder: tempfile::tempdir().unwrap(), sip: free_udp_address(), media, environment },
        &inventory,
    )
}

/// An agent that answers so many calls; it ends with the last.
fn answering(folder: &Path, agent: SocketAddr, calls: u32) -> Option<Child> {
    let mut agent_side = sipp(folder)?;
    agent_side.args([
        "-sn",
        "uas",
        "-p",
        &agent.port().to_string(),
        "-m",
        &calls.to_string(),
        "-timeout",
        "60",
    ]);
    Some(agent_side.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// One call of a SIPp caller, from its INVITE to its BYE.
fn call(daemon: &Daemon, number: &str) {
    let mut caller = sipp(daemon.folder()).unwrap();
    let caller = caller.args(["-sn", "uac", "-s", number, "-m", "1", "-d", "100", "-timeout", "60"]);
    let ended = caller.arg(daemon.sip.to_string()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

/// The values of a metric, by their labels.
fn metric(text: &str, name: &str) -> Vec<(String, u64)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let lines = lines.filter(|rest| rest.starts_with(['{', ' ']));
    lines
        .map(|rest| rest.rsplit_once(' ').unwrap())
        .map(|(labels, value)| (labels.to_owned(), value.parse().unwrap()))
        .collect()
}

fn sum(text: &str, name: &str) -> u64 {
    metric(text, name).into_iter().map(|(_, value)| value).sum()
}

/// The one call's id, once it has ended.
fn ended_call(daemon: &Daemon) -> String {
    let records = daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    records[0]["id"].as_str().unwrap().to_owned()
}

/// The trace of the call, once both sides have answered the BYE.
fn whole_trace(url: &str, id: &str) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, body) = get(url, &format!("/v1/calls/{id}/trace"));
        assert_eq!(status, 200, "{body}");
        let trace: Value = serde_json::from_str(&body).unwrap();
        let items = trace["items"].as_array().unwrap().clone();
        let is_end = |item: &&Value| {
            let text = item["text"].as_str().unwrap();
            text.starts_with("SIP/2.0 200") && text.contains("BYE")
        };
        if items.iter().filter(is_end).count() >= 2 {
            return items;
        }
        assert!(Instant::now() < deadline, "{items:#?}");
    }
}

fn said(output: &Output) -> (String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// The rungs of a drawn ladder as `caller -> INVITE (SDP)`, less what was sent again.
fn rungs(drawn: &str) -> Vec<String> {
    let lines = drawn.lines().filter(|line| line.contains('─') && !line.contains("again"));
    let rung = |line: &str| {
        let columns: Vec<&str> = line.split('│').collect();
        let (side, lane) =
            if columns[1].trim().is_empty() { ("agent", columns[2]) } else { ("caller", columns[1]) };
        let from_left = lane.ends_with('>');
        let label = lane.trim_matches(['─', '<', '>', ' ']);
        match (side, from_left) {
            ("caller", true) => format!("caller -> us {label}"),
            ("caller", false) => format!("us -> caller {label}"),
            (_, true) => format!("us -> agent {label}"),
            (_, false) => format!("agent -> us {label}"),
        }
    };
    lines.map(rung).collect()
}

#[test]
fn a_call_is_drawn_counted_and_sent_to_homer_message_by_message() {
    let homer = UdpSocket::bind("127.0.0.1:0").unwrap();
    homer.set_read_timeout(Some(PATIENCE)).unwrap();
    let agent = free_udp_address();
    let environment = [
        ("STROWGER__HEP__COLLECTOR", homer.local_addr().unwrap().to_string()),
        ("STROWGER__HEP__CAPTURE_ID", "2001".to_owned()),
        ("STROWGER__HEP__KEY", "let me in".to_owned()),
    ];
    let daemon = daemon(agent, &environment);
    let url = daemon.api();
    let (_, before) = get(&url, "/metrics");
    for name in ["strowger_sip_requests_total", "strowger_sip_responses_total", "strowger_hep_sent_total"] {
        assert!(!metric(&before, name).is_empty() && sum(&before, name) == 0, "{name}: {before}");
    }

    let Some(mut answering) = answering(daemon.folder(), agent, 1) else { return };
    call(&daemon, CALLED);
    assert!(answering.wait().unwrap().success());
    let id = ended_call(&daemon);
    let items = whole_trace(&url, &id);

    let (drawn, fault) = said(&daemon.strowger(&["call", "show", &id[..8], "--ladder", "--url", &url]));
    assert!(fault.is_empty(), "{fault}");
    assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
    let expected = [
        "caller -> us INVITE (SDP)",
        "us -> caller 100 Trying",
        "us -> agent INVITE (SDP)",
        "agent -> us 180 Ringing",
        "us -> caller 180 Ringing",
        "agent -> us 200 OK (SDP)",
        "us -> agent ACK",
        "us -> caller 200 OK (SDP)",
        "caller -> us ACK",
        "caller -> us BYE",
        "us -> caller 200 OK (BYE)",
        "us -> agent BYE",
        "agent -> us 200 OK (BYE)",
    ];
    assert_eq!(rungs(&drawn), expected, "{drawn}");

    let (_, after) = get(&url, "/metrics");
    let requests = metric(&after, "strowger_sip_requests_total");
    for (labels, least) in [
        ("{direction=\"in\",transport=\"udp\",method=\"INVITE\"}", 1),
        ("{direction=\"out\",transport=\"udp\",method=\"BYE\"}", 1),
    ] {
        let counted = requests.iter().find(|(found, _)| found == labels).map(|(_, value)| *value);
        assert!(counted >= Some(least), "{labels}: {counted:?}");
    }
    let messages = sum(&after, "strowger_sip_requests_total") + sum(&after, "strowger_sip_responses_total");
    assert_eq!(messages, items.len() as u64, "each message is counted once: {after}");
    assert_eq!(sum(&after, "strowger_sip_statuses_total"), sum(&after, "strowger_sip_responses_total"));
    assert_eq!(sum(&after, "strowger_trace_dropped_total"), 0);

    let told: Vec<&str> = items.iter().map(|item| item["text"].as_str().unwrap()).collect();
    let header = |value: &str| told.iter().any(|text| text.contains(&format!("\r\nX-Key: {value}\r\n")));
    assert!(header("*******") && told.iter().all(|text| !text.contains("hunter2")), "{told:#?}");

    let caller_call_id = daemon.records()[0]["sip_call_id_a"].as_str().unwrap().to_owned();
    for item in &items {
        let packet = hep::receive(&homer);
        let (source, destination) = match item["direction"].as_str().unwrap() {
            "in" => (&item["remote"], &item["local"]),
            _ => (&item["local"], &item["remote"]),
        };
        assert_eq!(
            (&Value::from(packet.source.to_string()), &Value::from(packet.destination.to_string())),
            (source, destination)
        );
        assert_eq!(packet.at_us, item["at_us"].as_u64().unwrap());
        assert_eq!(packet.payload, item["text"].as_str().unwrap());
        assert_eq!((packet.protocol, packet.kind, packet.capture_id), (17, 1, 2001));
        assert_eq!(
            (packet.key.as_str(), packet.correlation_id.as_str()),
            ("let me in", caller_call_id.as_str())
        );
    }
}

#[test]
fn a_trace_that_is_not_there_says_why_and_a_record_needs_no_daemon() {
    let nobody = free_udp_address();
    let mut daemon = daemon(nobody, &[("STROWGER__TRACE__CALLS", "1".to_owned())]);
    if sipp(daemon.folder()).is_none() {
        return;
    }
    // Two calls to a number that is not ours.
    let mut caller = sipp(daemon.folder()).unwrap();
    let caller = caller.args(["-sn", "uac", "-s", "14155550155", "-m", "2", "-timeout", "60"]);
    caller.arg(daemon.sip.to_string()).output().unwrap();
    let records = daemon.records_when(|records| records.len() == 2);
    let id = |index: usize| records[index]["id"].as_str().unwrap();
    let url = daemon.api();

    let show = |id: &str, more: &[&str]| said(&daemon.strowger(&[&["call", "show", id], more].concat()));
    let (_, fault) = show(id(1), &["--ladder", "--url", &url]);
    assert!(
        fault.starts_with("strowger: the trace of call ") && fault.contains("raise trace.calls"),
        "{fault}"
    );
    let (_, fault) = show("abcdef", &["--url", &url]);
    assert!(fault.starts_with("strowger: no call has the id abcdef"), "{fault}");
    let (page, _) = show(id(0), &["--url", &url]);
    assert!(page.contains("did-unknown") && page.contains(id(0)), "{page}");

    assert!(daemon.terminate());
    let show = |id: &str, more: &[&str]| said(&daemon.strowger(&[&["call", "show", id], more].concat()));
    assert_eq!(show(&id(0)[..12], &[]).0, page, "the store tells the same");
    let (_, fault) = show(id(0), &["--ladder", "--url", &url]);
    assert!(fault.starts_with("strowger: no daemon at http://127.0.0.1:"), "{fault}");
}

#[test]
fn a_second_daemon_on_the_same_port_says_so_and_does_not_start() {
    let daemon = daemon(free_udp_address(), &[]);
    let taken = daemon.api().replace("http://", "");
    let folder = tempfile::tempdir().unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_strowger"))
        .arg("run")
        .current_dir(folder.path())
        .envs([
            ("STROWGER__SIP__UDP", "127.0.0.1:0"),
            ("STROWGER__ADMIN__LISTEN", &taken),
            ("STROWGER__LOG__LEVEL", "error"),
        ])
        .output()
        .unwrap();
    assert!(!second.status.success());
    let (_, fault) = said(&second);
    assert!(fault.starts_with(&format!("strowger: port in use: {taken} ([admin] listen)")), "{fault}");
    assert_eq!(fault.lines().count(), 1, "{fault}");
}

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// sngrep listens as Homer does and writes what it understands; tshark reads that.
#[test]
fn another_hands_decoder_understands_the_packets() {
    for (program, argument) in [("sngrep", "-V"), ("tshark", "-v")] {
        if Command::new(program).arg(argument).output().is_err() {
            eprintln!("skipped: {program} is not installed (packages sngrep and tshark)");
            return;
        }
    }
    let (agent, homer) = (free_udp_address(), free_udp_address());
    let daemon = daemon(agent, &[("STROWGER__HEP__COLLECTOR", homer.to_string())]);
    let capture = daemon.folder().join("homer.pcap");
    let mut sngrep = Command::new("sngrep");
    sngrep.args(["-F", "-N", "-q", "-L", &format!("udp:{homer}"), "-O"]).arg(&capture);
    let mut sngrep = Running(sngrep.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    // It listens once nobody else can.
    let deadline = Instant::now() + PATIENCE;
    while UdpSocket::bind(homer).is_ok() {
        assert!(
            Instant::now() < deadline && sngrep.0.try_wait().unwrap().is_none(),
            "sngrep does not listen"
        );
    }
    let Some(mut answering) = answering(daemon.folder(), agent, 1) else { return };
    call(&daemon, CALLED);
    assert!(answering.wait().unwrap().success());
    let messages = whole_trace(&daemon.api(), &ended_call(&daemon)).len();
    let deadline = Instant::now() + PATIENCE;
    let read = loop {
        let decoded = format!("udp.port=={},sip", daemon.sip.port());
        let read = Command::new("tshark")
            .arg("-r")
            .arg(&capture)
            .args(["-d", &decoded, "-Y", "sip"])
            .output()
            .unwrap();
        let (read, _) = said(&read);
        if read.lines().count() >= messages {
            break read;
        }
        assert!(Instant::now() < deadline, "{messages} messages, of which sngrep has understood\n{read}");
    };
    for words in [
        "INVITE sip:",
        "100 Trying",
        "180 Ringing",
        "200 OK (INVITE)",
        "ACK sip:",
        "BYE sip:",
        "200 OK (BYE)",
    ] {
        assert!(read.contains(words), "{words}: {read}");
    }
}
