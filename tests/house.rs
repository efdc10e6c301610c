//! A daemon among a carrier, a PBX, SIP agents, a gateway and strangers, each at an address of its own, and SIPp to play them.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

use crate::support::{Daemon, PATIENCE, Site, sipp, tests_file};
use crate::wire::Wire;

/// The port of whoever can be called.
pub(crate) const PORT: u16 = 5060;

/// The addresses of one test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hosts {
    block: [u8; 4],
    order: u16,
}

/// Who is where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Daemon = 1,
    /// A trunk that calls in.
    Carrier,
    /// One that wants media encrypted.
    Sealed,
    /// One that may have one call at once.
    Narrow,
    /// One that may begin one call in a second.
    Slow,
    /// A trunk that may ask for calls.
    Pbx,
    /// A SIP agent.
    Desk,
    /// Where calls to the telephone network go.
    Gateway,
    /// Where they go if that fails.
    SecondGateway,
    /// A telephone of the telephone network.
    Telephone,
    /// None of these.
    Stranger,
}

impl Hosts {
    /// Addresses of 127.0.0.0/8 that no other test has, of this process or, as far as its number tells, of another.
    fn fresh() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let order = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
        // The lower half of the third octets is that of the SIPp suite.
        let [high, low] = (order * 16).to_be_bytes();
        Self { block: [127, process, high | 0x80, low], order }
    }

    pub(crate) fn of(self, who: Who) -> Ipv4Addr {
        let [first, process, high, low] = self.block;
        Ipv4Addr::new(first, process, high, low + who as u8)
    }
}

/// A daemon and its neighbours.
pub(crate) struct House {
    pub(crate) daemon: Daemon,
    pub(crate) hosts: Hosts,
    /// What the gateways speak.
    pub(crate) wire: Wire,
}

impl House {
    /// A daemon with that inventory and those variables of its configuration. `None` without SIPp, which is said aloud.
    pub(crate) fn open(inventory: impl FnOnce(Hosts) -> String, settings: &[(&str, &str)]) -> Option<Self> {
        Self::open_to(Wire::Udp, inventory, settings)
    }

    /// The same, of gateways that are reached so.
    pub(crate) fn open_to(
        wire: Wire,
        inventory: impl FnOnce(Hosts) -> String,
        settings: &[(&str, &str)],
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        sipp(folder.path())?;
        let hosts = Hosts::fresh();
        let mut environment = vec![("STROWGER__LOG__LEVEL".to_owned(), "debug".to_owned())];
        environment.extend(wire.settings(folder.path(), hosts));
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let first = 10_000 + hosts.order % 1_000 * 20;
        let sip = SocketAddr::from((hosts.of(Who::Daemon), PORT));
        let site = Site { folder, sip, media: first..=first + 19, environment };
        Some(Self { daemon: Daemon::at(site, &inventory(hosts)), hosts, wire })
    }

    /// A SIPp in the making that plays `tests/sipp/outside/SCENARIO.xml`, whose traces have that name too.
    pub(crate) fn sipp(&self, who: Who, scenario: &str) -> Command {
        let mut sipp = sipp(self.daemon.folder()).unwrap();
        let host = self.hosts.of(who).to_string();
        sipp.args(["-i", &host, "-mi", &host, "-ci", &host]);
        sipp.arg("-sf").arg(tests_file(&format!("sipp/outside/{scenario}.xml")).canonicalize().unwrap());
        sipp.args(["-timeout", "60", "-key", "daemon", &self.daemon.sip.to_string()]);
        let contact = format!("{host}:{}{}", self.wire.port(), self.wire.parameter());
        sipp.args(["-key", "contact", &contact]);
        sipp.args(["-trace_msg", "-message_file"]).arg(self.trace(scenario, "messages"));
        sipp.args(["-trace_err", "-error_file"]).arg(self.trace(scenario, "errors"));
        sipp
    }

    /// One that calls us.
    pub(crate) fn caller(&self, who: Who, scenario: &str, from: &str, to: &str) -> Command {
        let mut sipp = self.sipp(who, scenario);
        sipp.args([
            "-s",
            to,
            "-key",
            "caller",
            from,
            "-key",
            "mport",
            "40000",
            "-key",
            "formats",
            "RTP/AVP 0",
        ]);
        sipp.args(["-m", "1"]).arg(self.daemon.sip.to_string());
        sipp
    }

    /// Starts one that is called by UDP, and waits until it hears what comes: before, a datagram would be lost.
    pub(crate) fn callee(&self, who: Who, scenario: &str) -> Playing<'_> {
        self.callee_by(Wire::Udp, who, scenario)
    }

    /// Starts one that is called by what gateways speak; TLS is taken off before it, by a tunnel.
    pub(crate) fn gateway(&self, who: Who, scenario: &str) -> Playing<'_> {
        self.callee_by(if self.wire == Wire::Udp { Wire::Udp } else { Wire::Tcp }, who, scenario)
    }

    fn callee_by(&self, wire: Wire, who: Who, scenario: &str) -> Playing<'_> {
        let mut sipp = self.sipp(who, scenario);
        sipp.args(["-m", "1", "-rtp_echo", "-p", &PORT.to_string()]);
        sipp.args(["-t", if wire == Wire::Udp { "u1" } else { "t1" }]);
        let mut playing = self.play(&mut sipp, scenario);
        self.await_ears(wire, who, scenario, &mut playing.child);
        playing
    }

    /// Waits until a program hears what comes to its port, or has ended.
    pub(crate) fn await_ears(&self, wire: Wire, who: Who, name: &str, program: &mut Child) {
        // As the system lists sockets: address and port in hexadecimal, a listening one of TCP in state 0A.
        let host = u32::from_ne_bytes(self.hosts.of(who).octets());
        let socket = format!(" {host:08X}:{:04X} ", wire.port());
        let (table, state) = match wire {
            Wire::Udp => ("/proc/net/udp", " 07 "),
            Wire::Tcp | Wire::Tls => ("/proc/net/tcp", " 0A "),
        };
        let is_its_own = |line: &str| line.contains(&socket) && line.contains(state);
        self.until(name, || {
            let hears = std::fs::read_to_string(table).unwrap().lines().any(is_its_own);
            hears || program.try_wait().unwrap().is_some()
        });
    }

    /// Starts a SIPp.
    pub(crate) fn play(&self, sipp: &mut Command, scenario: &str) -> Playing<'_> {
        let child = sipp.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Playing { house: self, scenario: scenario.to_owned(), child }
    }

    /// Tells a SIPp, at its port, to go on with its call of that Call-ID: it waits for a NOTIFY.
    pub(crate) fn tell(&self, who: Who, call: &str) {
        let host = self.hosts.of(who);
        let socket = UdpSocket::bind((host, 0)).unwrap();
        let from = socket.local_addr().unwrap();
        let notify = format!(
            "NOTIFY sip:sipp@{host}:{PORT} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKtest\r\n\
             From: <sip:test@{host}>;tag=t\r\nTo: <sip:sipp@{host}>\r\nCall-ID: {call}\r\nCSeq: 1 NOTIFY\r\n\
             Content-Length: 0\r\n\r\n"
        );
        socket.send_to(notify.as_bytes(), (host, PORT)).unwrap();
    }

    /// Waits for what must come of a SIPp.
    pub(crate) fn until(&self, scenario: &str, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "it never came\n{}", self.told(scenario));
            std::thread::yield_now();
        }
    }

    /// The SIP messages of a SIPp, in order.
    pub(crate) fn messages(&self, scenario: &str) -> Vec<Traced> {
        let text = std::fs::read_to_string(self.trace(scenario, "messages")).unwrap_or_default();
        let pieces = text.split("\n-----------------------------------------------").map(|piece| {
            let (head, message) = piece.split_once("\n\n").unwrap_or((piece, ""));
            let is_sent = head.contains("message sent");
            Traced { is_sent, text: message.replace("\r\n", "\n") }
        });
        pieces.filter(|traced| !traced.text.is_empty()).collect()
    }

    /// What a SIPp sent, got and complained of, and what the daemon says.
    pub(crate) fn told(&self, scenario: &str) -> String {
        let read = |what| std::fs::read_to_string(self.trace(scenario, what)).unwrap_or_default();
        let [messages, errors] = ["messages", "errors"].map(read);
        format!("--- {scenario}:\n{messages}\n{errors}\n--- strowger:\n{}", self.daemon.log())
    }

    fn trace(&self, scenario: &str, what: &str) -> PathBuf {
        self.daemon.folder().join(format!("{scenario}-{what}.log"))
    }
}

/// A SIPp at work. Dropping it ends it.
pub(crate) struct Playing<'a> {
    house: &'a House,
    scenario: String,
    child: Child,
}

impl Playing<'_> {
    /// Waits for its end, which must be a good one.
    pub(crate) fn ended(mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "SIPp {status}\n{}", self.house.told(&self.scenario));
    }
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A message that passed a SIPp, with line ends of one octet.
#[derive(Clone, Debug)]
pub(crate) struct Traced {
    pub(crate) is_sent: bool,
    pub(crate) text: String,
}

impl Traced {
    /// Whether it came, and begins so.
    pub(crate) fn came(&self, start: &str) -> bool {
        !self.is_sent && self.text.starts_with(start)
    }

    /// The values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.text.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}
