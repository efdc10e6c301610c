//! dnsmasq on a loopback port, with the records of one test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use crate::support::{PATIENCE, free_udp_address};

/// What the server says of `example.test`. Names are given without that ending.
#[derive(Default)]
pub(crate) struct Zone {
    arguments: Vec<String>,
}

/// A running one; dropping it ends it.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Zone {
    pub(crate) fn naptr(self, owner: &str, order: u16, service: &str, replacement: &str) -> Self {
        self.with(format!("--naptr-record={},{order},10,s,{service},,{}", whole(owner), whole(replacement)))
    }

    pub(crate) fn srv(self, owner: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.with(format!("--srv-host={},{},{port},{priority},{weight}", whole(owner), whole(target)))
    }

    /// Serves it, with those hosts on 127.0.0.1. `None` where dnsmasq is not installed, which is said aloud.
    pub(crate) fn serve<const HOSTS: usize>(mut self, hosts: [&str; HOSTS]) -> Option<NameServer> {
        for host in hosts {
            self = self.with(format!("--host-record={},127.0.0.1", whole(host)));
        }
        // Its place on Debian is not in everybody's path.
        let program = ["dnsmasq", "/usr/sbin/dnsmasq"].into_iter().find(|program| {
            Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|ended| ended.success())
        });
        let Some(program) = program else {
            eprintln!("skipped: dnsmasq is not installed (package dnsmasq-base; tests/run installs it)");
            return None;
        };
        let address = free_udp_address();
        let mut child = Command::new(program)
            .args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"])
            .args(["--listen-address=127.0.0.1", "--local=/test/", "--local-ttl=300", "--log-queries"])
            .arg(format!("--port={}", address.port()))
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let (told, started) = mpsc::channel();
        let copy = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("started, version") {
                    // Only the first is waited for.
                    told.send(()).ok();
                }
                copy.lock().unwrap().push(line);
            }
        });
        let server = NameServer { address, child, log };
        assert!(
            started.recv_timeout(PATIENCE).is_ok(),
            "dnsmasq did not start: {:?}",
            server.log.lock().unwrap()
        );
        Some(server)
    }

    fn with(mut self, argument: String) -> Self {
        self.arguments.push(argument);
        self
    }
}

impl NameServer {
    /// How often it was asked for that type.
    pub(crate) fn asked(&self, kind: &str) -> usize {
        let question = format!("query[{kind}]");
        self.log.lock().unwrap().iter().filter(|line| line.contains(&question)).count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn whole(name: &str) -> String {
    format!("{name}.example.test")
}
