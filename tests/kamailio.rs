//! Kamailio as the registrar and proxy that a trunk leads to: it asks for credentials, stays on the path of the call, and passes it to a
//! telephone that SIPp plays.

use std::process::{Child, Command, Stdio};

use crate::carriers::{OUTSIDE, OUTWARD, assert_completed, challenge, inventory, inventory_to, talk};
use crate::credentials::Hash;
use crate::house::{House, PORT, Who};
use crate::support::tests_file;
use crate::wire::Wire;

/// A Kamailio at the gateway's address. Dropping it ends it and its processes.
struct Kamailio(Child);

impl Kamailio {
    /// `None` where it is not installed, which is said aloud.
    fn start(house: &House, hash: Hash) -> Option<Self> {
        if Command::new(PROGRAM).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: kamailio is not installed (package kamailio; tests/run installs it)");
            return None;
        }
        if house.wire == Wire::Tls && !has_tls() {
            eprintln!("skipped: kamailio has no TLS (package kamailio-tls-modules; tests/run installs it)");
            return None;
        }
        let log = std::fs::File::create(house.daemon.folder().join("kamailio-errors.log")).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("-f").arg(tests_file("kamailio/kamailio.cfg").canonicalize().unwrap());
        command.args(["-DD", "-E", "-m", "32", "-M", "4", "-Y"]).arg(house.daemon.folder());
        let (host, wire) = (house.hosts.of(Who::Gateway), house.wire);
        // Its telephones speak UDP.
        command.args(["-l", &format!("udp:{host}:{PORT}")]);
        if wire != Wire::Udp {
            command.args(["-l", &format!("{}:{host}:{}", wire.word(), wire.port()), "-A", "WITH_STREAMS"]);
        }
        if wire == Wire::Tls {
            for (name, file) in [("CERTIFICATE", "tunnel.pem"), ("PRIVATE_KEY", "tunnel.key")] {
                let path = house.daemon.folder().join(file);
                command.args(["-A", &format!("{name}=\"{}\"", path.display())]);
            }
            command.args(["-A", "WITH_TLS"]);
        }
        match hash {
            Hash::Md5 => {}
            Hash::Sha256 => {
                command.args(["-A", "WITH_SHA256"]);
            }
        }
        let mut kamailio = Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        for wire in [Wire::Udp, wire] {
            house.await_ears(wire, Who::Gateway, "kamailio", &mut kamailio.0);
        }
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
fn call(wire: Wire, hash: Hash) {
    let Some(house) = House::open_to(wire, |hosts| inventory_to(wire, hosts), &[]) else { return };
    let Some(_kamailio) = Kamailio::start(&house, hash) else { return };
    register(&house);
    let telephone = house.callee(Who::Telephone, "answers");
    talk(&house);
    telephone.ended();
    assert_completed(&house);
    // What a challenge without the word means is MD5 (RFC 7616 s.3.3).
    let challenge = challenge(&house);
    assert!(challenge.starts_with("SIP/2.0 407 "), "{challenge}");
    assert_eq!(challenge.contains("algorithm=SHA-256"), hash == Hash::Sha256, "{challenge}");
    let messages = house.messages("answers");
    let request = |method: &str| messages.iter().find(|message| message.came(method)).unwrap();
    let invite = request("INVITE ");
    let proxy = house.hosts.of(Who::Gateway).to_string();
    let routes = invite.headers("Record-Route").join(",");
    assert_eq!(
        routes.matches(&proxy).count(),
        if wire == Wire::Udp { 1 } else { 2 },
        "both its sides: {routes}"
    );
    assert!(invite.headers("Record-Route")[0].contains(&proxy), "{}", invite.text);
    assert!(invite.headers("From")[0].contains(OUTWARD), "{}", invite.text);
    assert!(invite.headers("Proxy-Authorization").is_empty(), "the proxy takes them out: {}", invite.text);
    for method in ["ACK ", "BYE "] {
        let request = request(method);
        assert_eq!(request.headers("Via").len(), 2, "by way of the proxy: {}", request.text);
        assert!(request.headers("Via")[0].contains(&proxy), "{}", request.text);
    }
}

#[test]
fn a_proxy_that_asks_by_md5_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Udp, Hash::Md5);
}

#[test]
fn a_proxy_that_asks_by_md5_over_tcp_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Tcp, Hash::Md5);
}

#[test]
fn a_proxy_that_asks_by_md5_over_tls_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Tls, Hash::Md5);
}

#[test]
fn a_proxy_that_asks_by_sha_256_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Udp, Hash::Sha256);
}

#[test]
fn a_proxy_that_asks_by_sha_256_over_tcp_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Tcp, Hash::Sha256);
}

#[test]
fn a_proxy_that_asks_by_sha_256_over_tls_passes_the_call_to_the_telephone_that_it_knows() {
    call(Wire::Tls, Hash::Sha256);
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

/// Each architecture has its modules in a folder of its own.
fn has_tls() -> bool {
    let mut folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.any(|folder| folder.path().join("kamailio/modules/tls.so").exists())
}
