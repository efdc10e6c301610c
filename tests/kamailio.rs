//! Kamailio as the registrar and proxy that a trunk leads to: it asks for credentials, stays on the path of the call, and passes it to a
//! telephone that SIPp plays.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::carriers::{OUTSIDE, OUTWARD, assert_completed, inventory, talk};
use crate::credentials::Hash;
use crate::house::{House, PORT, Who};
use crate::support::{get, tests_file};

/// A Kamailio at the gateway's address. Dropping it ends it and its processes.
struct Kamailio(Child);

impl Kamailio {
    /// `None` where it is not installed, which is said aloud.
    fn start(house: &House, hash: Hash) -> Option<Self> {
        if Command::new(PROGRAM).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: kamailio is not installed (package kamailio; tests/run installs it)");
            return None;
        }
        let log = std::fs::File::create(house.daemon.folder().join("kamailio-errors.log")).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("-f").arg(tests_file("kamailio/kamailio.cfg").canonicalize().unwrap());
        command.args(["-DD", "-E", "-m", "16", "-M", "4", "-Y"]).arg(house.daemon.folder());
        command.args(["-l", &format!("udp:{}:{PORT}", house.hosts.of(Who::Gateway))]);
        match hash {
            Hash::Md5 => {}
            Hash::Sha256 => {
                command.args(["-A", "WITH_SHA256"]);
            }
        }
        let mut kamailio = Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        house.await_ears(Who::Gateway, "kamailio", &mut kamailio.0);
        Some(kamailio)
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // It ends its own processes if it is asked to, and leaves them behind if it is killed.
        Command::new("kill").arg(self.0.id().to_string()).status().ok();
        self.0.wait().ok();
    }
}

/// The telephone says where it is.
fn register(house: &House) {
    let gateway = format!("{}:{PORT}", house.hosts.of(Who::Gateway));
    let mut sipp = house.sipp(Who::Telephone, "registers");
    sipp.args(["-s", OUTSIDE, "-au", OUTSIDE, "-ap", "telephone's own", "-m", "1", "-p", "5070"]);
    sipp.args(["-key", "registrar", &house.hosts.of(Who::Gateway).to_string()]);
    house.play(sipp.arg(gateway), "registers").ended();
}

/// A call by Kamailio, in which both hear each other.
fn call(hash: Hash) {
    let Some(house) = House::open(inventory, &[]) else { return };
    let Some(_kamailio) = Kamailio::start(&house, hash) else { return };
    register(&house);
    let telephone = house.callee(Who::Telephone, "answers");
    talk(&house);
    telephone.ended();
    assert_completed(&house);
    assert_challenged(&house, hash);
    let messages = house.messages("answers");
    let request = |method: &str| messages.iter().find(|message| message.came(method)).unwrap();
    let invite = request("INVITE ");
    let proxy = house.hosts.of(Who::Gateway).to_string();
    assert!(invite.headers("Record-Route")[0].contains(&proxy), "{}", invite.text);
    assert!(invite.headers("From")[0].contains(OUTWARD), "{}", invite.text);
    assert!(invite.headers("Proxy-Authorization").is_empty(), "the proxy takes them out: {}", invite.text);
    for method in ["ACK ", "BYE "] {
        let request = request(method);
        assert_eq!(request.headers("Via").len(), 2, "by way of the proxy: {}", request.text);
        assert!(request.headers("Via")[0].contains(&proxy), "{}", request.text);
    }
}

/// It did ask, by that hash, as the daemon's trace has it.
fn assert_challenged(house: &House, hash: Hash) {
    let records = house.daemon.records();
    let path = format!("/v1/calls/{}/trace", records[0]["id"].as_str().unwrap());
    let (status, body) = get(&house.daemon.api(), &path);
    assert_eq!(status, 200, "{body}");
    let trace: Value = serde_json::from_str(&body).unwrap();
    let texts = trace["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap());
    let challenge = texts.filter(|text| text.starts_with("SIP/2.0 407 ")).collect::<Vec<_>>();
    assert_eq!(challenge.len(), 1, "{body}");
    // What a challenge without the word means is MD5 (RFC 7616 s.3.3).
    assert_eq!(challenge[0].contains("algorithm=SHA-256"), hash == Hash::Sha256, "{}", challenge[0]);
}

#[test]
fn a_proxy_that_asks_by_md5_passes_the_call_to_the_telephone_that_it_knows() {
    call(Hash::Md5);
}

#[test]
fn a_proxy_that_asks_by_sha_256_passes_the_call_to_the_telephone_that_it_knows() {
    call(Hash::Sha256);
}

#[test]
fn a_proxy_that_does_not_know_the_telephone_is_heard() {
    let Some(house) = House::open(inventory, &[]) else { return };
    let Some(_kamailio) = Kamailio::start(&house, Hash::Md5) else { return };
    house.play(&mut house.caller(Who::Desk, "refused", OUTWARD, OUTSIDE), "refused").ended();
    let messages = house.messages("refused");
    assert!(messages.iter().any(|message| message.came("SIP/2.0 404 ")), "{}", house.told("refused"));
    let records = house.daemon.records_when(|records| records.len() == 1 && records[0]["status"].is_string());
    assert_eq!((&records[0]["status"], &records[0]["reason"]), (&"failed".into(), &"callee-unknown".into()));
}

/// Where Debian has it; not everybody's path leads there.
const PROGRAM: &str = "/usr/sbin/kamailio";
