//! A Media Streams bot, written in Python from the protocol page alone, plugs in unmodified: SIPp calls it through the built binary.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::support::{Daemon, sipp, tests_file};
use serde_json::Value;

/// The bot as a program of its own. Dropping it ends it.
struct Bot {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Bot {
    /// `None` where Python's websockets are not installed, which is said aloud.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let has_websockets = Command::new("/usr/bin/python3")
            .args(["-c", "import websockets"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !has_websockets {
            eprintln!("skipped: python3-websockets is not installed (tests/run installs it)");
            return None;
        }
        let mut child = Command::new("/usr/bin/python3")
            .arg(tests_file("bots/media_stream_bot.py"))
            .args(["--port", "0", "--folder"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let port =
            said.trim().strip_prefix("listening on ").and_then(|port| port.parse().ok()).unwrap_or_else(
                || {
                    panic!("the bot said {said:?}");
                },
            );
        Some(Self { child, port, folder })
    }

    fn inventory(&self, behaviour: &str) -> String {
        format!(
            r#"
[[agents]]
id = "bot"
endpoint = {{ kind = "media-stream", url = "ws://127.0.0.1:{}/media", parameters = {{ behaviour = "{behaviour}" }} }}

[[trunks]]
id = "sipp"
label = "SIPp"
inbound = {{ addresses = ["127.0.0.0/8"], did_country = "US" }}

[[numbers]]
e164 = "+14155550100"
trunk_id = "sipp"
agent_id = "bot"
"#,
            self.port
        )
    }

    /// What the bot wrote of its one call: its events and the audio that it heard, once the call is over for it.
    fn call(&self) -> (Vec<Value>, Vec<u8>) {
        let deadline = Instant::now() + crate::support::PATIENCE;
        loop {
            let transcript = fs::read_dir(self.folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension().is_some_and(|extension| extension == "json"));
            if let Some(path) = transcript {
                let events = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                return (events, fs::read(path.with_extension("ulaw")).unwrap());
            }
            assert!(Instant::now() < deadline, "the bot never finished a call");
            std::thread::yield_now();
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn call(daemon: &Daemon, scenario: &str) -> bool {
    let Some(mut caller) = sipp(daemon.folder()) else { return false };
    let calls = caller
        .arg("-sf")
        .arg(tests_file(scenario))
        .args(["-s", "+14155550100", "-m", "1", "-timeout", "60"])
        .arg(daemon.sip.to_string())
        .output()
        .unwrap();
    assert!(calls.status.success(), "{}", String::from_utf8_lossy(&calls.stdout));
    true
}

/// Five seconds whose every 20 ms differ: a sweep from 200 to 3,400 Hz under a slow swell.
fn write_speech(path: &Path) -> Vec<u8> {
    let speech: Vec<u8> = (0..40_000_u32)
        .map(|n| {
            let t = f64::from(n) / 8_000.0;
            let phase = 2.0 * std::f64::consts::PI * (200.0 * t + 320.0 * t * t);
            let swell = 0.6 + 0.3 * (t * 7.0).sin();
            #[expect(clippy::cast_possible_truncation, reason = "within 16 bits by construction")]
            let sample = (phase.sin() * swell * 30_000.0) as i16;
            media::g711::ulaw_from_linear(sample)
        })
        .collect();
    fs::write(path, &speech).unwrap();
    speech
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn what_sipp_plays_is_what_the_bot_records_to_the_sample() {
    let Some(bot) = Bot::start() else { return };
    let daemon = Daemon::start(&bot.inventory("listen"));
    let speech = write_speech(&daemon.folder().join("speech.ulaw"));
    if !call(&daemon, "sipp/speak.xml") {
        return;
    }
    let (_, heard) = bot.call();
    assert_eq!(count(&heard, &speech), 1, "{} bytes sent, {} heard", speech.len(), heard.len());
}

#[test]
fn an_unmodified_bot_gets_start_media_marks_clear_dtmf_and_stop() {
    let Some(bot) = Bot::start() else { return };
    let daemon = Daemon::start(&bot.inventory("marks"));
    if !call(&daemon, "sipp/digits.xml") {
        return;
    }
    let (events, _) = bot.call();
    let violations: Vec<_> = events.iter().filter(|event| event["direction"] == "violation").collect();
    assert!(violations.is_empty(), "{violations:#?}");
    let received: Vec<_> = events.iter().filter(|event| event["direction"] == "received").collect();
    let names: Vec<_> = received.iter().map(|event| event["message"]["event"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["connected", "start"]);
    assert_eq!(names.last(), Some(&"stop"));

    let start = &received[1]["message"];
    assert_eq!(start["start"]["mediaFormat"]["encoding"], "audio/x-mulaw");
    assert_eq!(start["start"]["customParameters"]["behaviour"], "marks");
    assert_eq!(start["start"]["customParameters"]["from_number"], "+14155550199");
    assert_eq!(start["start"]["customParameters"]["to_number"], "+14155550100");
    let sequence: Vec<u64> = received[1..]
        .iter()
        .map(|event| event["message"]["sequenceNumber"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(sequence, (1..=sequence.len() as u64).collect::<Vec<_>>(), "counted without a gap");

    let digits: Vec<_> = received
        .iter()
        .filter(|event| event["message"]["event"] == "dtmf")
        .map(|event| event["message"]["dtmf"]["digit"].as_str().unwrap())
        .collect();
    assert_eq!(digits, ["2", "4"]);

    // Two seconds of audio went before the first mark; ten before the second, which was cleared.
    let at = |direction: &str, event: &str, mark: Option<&str>| {
        let found = events.iter().find(|line| {
            line["direction"] == direction
                && line["message"]["event"] == event
                && mark.is_none_or(|mark| line["message"]["mark"]["name"] == mark)
        });
        found.unwrap_or_else(|| panic!("no {direction} {event} {mark:?} in {events:#?}"))["at"]
            .as_f64()
            .unwrap()
    };
    let first = at("received", "mark", Some("first")) - at("sent", "mark", Some("first"));
    assert!((1.9..3.0).contains(&first), "the first mark came after {first} s");
    let cleared = at("sent", "clear", None);
    let second = at("received", "mark", Some("second"));
    assert!(
        second >= cleared && second - cleared < 1.0,
        "the second mark came {} s after the clear",
        second - cleared
    );
}

/// Every 20 ms of it that is not silence.
fn sound(heard: &[u8]) -> usize {
    heard.chunks(160).filter(|frame| frame.iter().any(|byte| !matches!(byte, 0xff | 0x7f))).count()
}

#[test]
fn a_bot_that_calls_out_hears_what_the_callee_says() {
    let Some(bot) = Bot::start() else { return };
    let gateway = crate::support::free_udp_address();
    let inventory = bot.inventory("listen").replace(
        "[[numbers]]",
        &format!(
            "[[trunks]]\nid = \"out\"\n[trunks.outbound]\nallowed_countries = [\"US\"]\n\
             gateways = [{{ host = \"127.0.0.1\", port = {} }}]\n[[numbers]]\ne164 = \"+14155550120\"\n\
             trunk_id = \"out\"\nagent_id = \"bot\"\noutbound = true\n[[numbers]]",
            gateway.port()
        ),
    );
    let daemon = Daemon::start(&inventory);
    let Some(mut callee) = sipp(daemon.folder()) else { return };
    let callee = callee
        .args(["-sn", "uas", "-rtp_echo", "-m", "1", "-timeout", "60", "-p", &gateway.port().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("HTTP API")).expect("the daemon says where it listens");
    let address = line.split("listen=").nth(1).unwrap().split_whitespace().next().unwrap();
    let url = format!("http://{address}");
    let (from, to) = ("+14155550120", "+12125550177");
    let place =
        ["call", "place", "--url", &url, "--from", from, "--to", to, "--parameter", "behaviour=hangup"];
    let placed = daemon.strowger(&place);
    assert!(placed.status.success(), "{}", String::from_utf8_lossy(&placed.stderr));
    let (events, heard) = bot.call();
    let start = events.iter().find(|event| event["message"]["event"] == "start").unwrap();
    let told = &start["message"]["start"]["customParameters"];
    assert_eq!((told["from_number"].as_str(), told["to_number"].as_str()), (Some(from), Some(to)));
    // It has said a second of tone, and the callee says all that it hears.
    assert!(sound(&heard) >= 40, "{} of {} frames", sound(&heard), heard.len() / 160);
    let ended = callee.wait_with_output().unwrap();
    assert!(ended.status.success(), "the callee's SIPp: {}", String::from_utf8_lossy(&ended.stdout));
    let records = daemon.records_when(|records| records.iter().any(|record| record["status"].is_string()));
    let record = &records[0];
    assert_eq!(
        (&record["status"], &record["direction"]),
        (&"completed".into(), &"outbound".into()),
        "{record:#}"
    );
    assert_eq!((&record["ended_by"], &record["source"]), (&"agent".into(), &"api".into()), "{record:#}");
    assert!(record["quality_a"]["packets"].as_u64() >= Some(40), "{record:#}");
}

#[test]
fn a_bot_that_hangs_up_ends_the_call_after_its_last_word() {
    let Some(bot) = Bot::start() else { return };
    let mut daemon = Daemon::start(&bot.inventory("hangup"));
    if !call(&daemon, "sipp/listen.xml") {
        return;
    }
    let records = daemon.records_when(|records| records.iter().any(|record| record["status"].is_string()));
    assert_eq!(records[0]["ended_by"], "agent", "{:#}", records[0]);
    assert_eq!(records[0]["reason"], "normal", "{:#}", records[0]);
    assert_eq!(records[0]["sip_status"], 200, "{:#}", records[0]);
    assert!(records[0]["agent_active_ms"].as_u64().unwrap() >= 1_000, "{:#}", records[0]);
    assert!(daemon.terminate());
}
