//! SIPp as one of an agent's servers.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::support::{PATIENCE, free_udp_address, sipp, tests_file};

/// Over what it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
}

/// A running one; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    /// All that it heard and said.
    messages: PathBuf,
}

impl Server {
    /// Plays `tests/sipp/servers/NAME.xml`, or SIPp's own `uas`. `None` where SIPp is not installed.
    pub(crate) fn play(folder: &Path, name: &str, over: Over) -> Option<Self> {
        let address = free_udp_address();
        let messages = folder.join(format!("{name}-{}.log", address.port()));
        let mut command = sipp(folder)?;
        if name == "uas" {
            command.args(["-sn", "uas"]);
        } else {
            command.arg("-sf").arg(tests_file(&format!("sipp/servers/{name}.xml")));
        }
        let (transport, table) = match over {
            Over::Udp => ("u1", "/proc/net/udp"),
            Over::Tcp => ("t1", "/proc/net/tcp"),
        };
        command.args(["-t", transport, "-p", &address.port().to_string(), "-trace_msg", "-message_file"]);
        let child = command.arg(&messages).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { address, child, messages };
        let bound = format!("0100007F:{:04X} ", address.port());
        until("it listens", || fs::read_to_string(table).unwrap().contains(&bound));
        Some(server)
    }

    /// How many calls it was offered.
    pub(crate) fn calls(&self) -> usize {
        let heard = self.heard();
        let invites = heard.split("message received").filter(|message| message.contains("\nINVITE sip:"));
        let id =
            |message: &str| Some(message.lines().find_map(|line| line.strip_prefix("Call-ID:"))?.to_owned());
        invites.filter_map(id).collect::<BTreeSet<String>>().len()
    }

    /// Waits until it has heard that.
    pub(crate) fn hears(&self, words: &str) {
        until(words, || self.heard().contains(words));
    }

    fn heard(&self) -> String {
        fs::read_to_string(&self.messages).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it did not come to be in time: {what}");
        std::thread::yield_now();
    }
}
