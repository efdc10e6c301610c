//! A daemon, a caller and an agent, each at an address of its own, over one transport.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Instant;

use crate::support::{Daemon, PATIENCE, Site, sipp};
use crate::tunnel::{self, Authority, Tunnel};

/// What SIP is spoken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Tls,
}

/// The built-in echo's number: answered at once.
pub(super) const ECHO: &str = "+14155550100";
/// The number of the SIP agent that SIPp plays.
pub(super) const AGENT: &str = "+14155550101";
/// The number of a bot that takes the connection and says nothing: it rings.
pub(super) const MUTE: &str = "+14155550102";
/// The number of a bot that is not there.
pub(super) const ABSENT: &str = "+14155550103";
/// A number that nobody has.
pub(super) const NOBODY: &str = "+14155550199";

/// The port of whoever speaks SIP in the open.
pub(super) const OPEN: u16 = 5060;
/// The port of TLS: the daemon's, and the tunnel's to whom SIPp plays.
pub(super) const SECURE: u16 = 5061;
/// The tunnel's entrance, from SIPp to the daemon.
pub(super) const ENTRANCE: u16 = 5070;

/// Whether the caller's address is the trunk's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Carrier {
    Known,
    Stranger,
}

/// The addresses of one test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosts {
    pub(super) daemon: Ipv4Addr,
    pub(super) caller: Ipv4Addr,
    pub(super) agent: Ipv4Addr,
    /// How many tests came before, in this process.
    order: u16,
}

/// One daemon and what stands between it and SIPp.
pub(super) struct World {
    pub(super) daemon: Daemon,
    pub(super) hosts: Hosts,
    pub(super) transport: Transport,
    tunnel: Option<Tunnel>,
    /// What the mute bot listens with: the system takes connections for it.
    _mute: TcpListener,
}

impl Transport {
    pub(super) const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// As Via names it.
    fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// As URIs and the inventory name it.
    pub(super) fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The port that whoever speaks it is reached at.
    pub(super) fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => OPEN,
            Self::Tls => SECURE,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Hosts {
    /// Addresses of 127.0.0.0/8 that no other test has, of this process or, as far as its number tells, of another.
    fn fresh() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let order = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
        let [test_high, test_low] = (order * 4).to_be_bytes();
        let host = |last| Ipv4Addr::new(127, process, test_high, test_low + last);
        Self { daemon: host(1), caller: host(2), agent: host(3), order }
    }

    fn media(self) -> std::ops::RangeInclusive<u16> {
        let first = 10_000 + self.order % 1_000 * 20;
        first..=first + 19
    }
}

impl World {
    /// A daemon that takes calls over `transport` only. `settings` are variables of its configuration.
    pub(super) fn new(transport: Transport, carrier: Carrier, settings: &[(&str, &str)]) -> Self {
        let hosts = Hosts::fresh();
        let mute = TcpListener::bind((hosts.agent, 0)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut environment = vec![("STROWGER__LOG__LEVEL".to_owned(), "debug".to_owned())];
        let tunnel = match transport {
            Transport::Udp => None,
            Transport::Tcp => {
                environment.push(("STROWGER__SIP__TCP".to_owned(), format!("{}:{OPEN}", hosts.daemon)));
                None
            }
            Transport::Tls => {
                let authority = Authority::new(folder.path());
                authority.certify(folder.path(), "daemon", &[hosts.daemon]);
                authority.certify(folder.path(), "tunnel", &[hosts.caller, hosts.agent]);
                environment.extend(tunnel::environment(folder.path(), &format!("{}:{SECURE}", hosts.daemon)));
                Some(Tunnel::dig(folder.path(), &services(hosts)))
            }
        };
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let sip = SocketAddr::from((hosts.daemon, OPEN));
        let site = Site { folder, sip, media: hosts.media(), environment };
        let daemon = Daemon::at(site, &inventory(transport, carrier, hosts, mute.local_addr().unwrap()));
        Self { daemon, hosts, transport, tunnel, _mute: mute }
    }

    /// SIPp in the making, at `host`, with `scenario`; its messages and errors go to files that `trace` reads.
    pub(super) fn sipp(&self, host: Ipv4Addr, scenario: &Path) -> Command {
        let mut sipp = sipp(self.daemon.folder())
            .expect("SIPp is not installed: apt-get install sip-tester, or run tests/run, which does");
        let host_name = host.to_string();
        let port = self.transport.port();
        let parameter = self.transport.parameter();
        sipp.args(["-i", &host_name, "-mi", &host_name, "-ci", &host_name, "-p", &OPEN.to_string()]);
        sipp.args(["-t", if self.transport == Transport::Udp { "u1" } else { "t1" }]);
        sipp.arg("-sf").arg(scenario).args(["-m", "1", "-l", "1"]);
        for (key, value) in [
            ("tp", self.transport.name().to_owned()),
            ("me", format!("{host}:{port}")),
            ("contact", format!("{host}:{port};transport={parameter}")),
            ("daemon", format!("{}:{port}", self.hosts.daemon)),
        ] {
            sipp.args(["-key", key, &value]);
        }
        let [messages, errors] = traces(&host_name);
        sipp.args(["-trace_msg", "-message_file"]).arg(messages);
        sipp.args(["-trace_err", "-error_file"]).arg(errors);
        sipp
    }

    /// Waits until `sipp`, at `host`, hears what comes: before, a datagram would be lost. If it has ended, its end says why.
    pub(super) fn await_ears(&self, host: Ipv4Addr, sipp: &mut Child) {
        // As the system lists sockets: address and port in hexadecimal, a listening one in state 0A.
        let socket = format!("{:08X}:{OPEN:04X}", u32::from_ne_bytes(host.octets()));
        let (table, state) = match self.transport {
            Transport::Udp => ("/proc/net/udp", "07"),
            Transport::Tcp | Transport::Tls => ("/proc/net/tcp", "0A"),
        };
        let deadline = Instant::now() + PATIENCE;
        let hears = |line: &str| {
            let mut columns = line.split_whitespace().skip(1);
            columns.next() == Some(&socket) && columns.nth(1) == Some(state)
        };
        while !std::fs::read_to_string(table).unwrap().lines().any(hears) {
            if sipp.try_wait().unwrap().is_some() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "SIPp at {host} never opened its socket\n{}",
                self.trace(host)
            );
            std::thread::yield_now();
        }
    }

    /// Where the caller's SIPp sends.
    pub(super) fn entrance(&self) -> SocketAddr {
        match self.transport {
            Transport::Udp | Transport::Tcp => SocketAddr::from((self.hosts.daemon, OPEN)),
            Transport::Tls => SocketAddr::from((self.hosts.caller, ENTRANCE)),
        }
    }

    /// What SIPp at `host` sent, got and complained of.
    pub(super) fn trace(&self, host: Ipv4Addr) -> String {
        let read = |file: PathBuf| {
            std::fs::read_to_string(self.daemon.folder().join(file)).unwrap_or_else(|_| "(none)".to_owned())
        };
        let [messages, errors] = traces(&host.to_string()).map(read);
        format!("--- SIPp at {host}, messages:\n{messages}\n--- SIPp at {host}, errors:\n{errors}")
    }

    /// What the daemon and the tunnel say.
    pub(super) fn logs(&self) -> String {
        let tunnel = self.tunnel.as_ref().map(Tunnel::log).unwrap_or_default();
        format!("--- strowger:\n{}\n{tunnel}", self.daemon.log())
    }
}

/// The tunnel from the caller's SIPp to the daemon, and from the daemon to the caller's SIPp and the agent's.
fn services(hosts: Hosts) -> String {
    let Hosts { daemon, caller, agent, .. } = hosts;
    format!(
        "[out]\nclient = yes\nlocal = {caller}\naccept = {caller}:{ENTRANCE}\nconnect = {daemon}:{SECURE}\ncheckIP = {daemon}\n\
         [to-caller]\naccept = {caller}:{SECURE}\nconnect = {caller}:{OPEN}\n\
         [to-agent]\naccept = {agent}:{SECURE}\nconnect = {agent}:{OPEN}\n"
    )
}

/// Messages and errors of SIPp at a host.
fn traces(host: &str) -> [PathBuf; 2] {
    ["messages", "errors"].map(|what| PathBuf::from(format!("sipp-{host}-{what}.log")))
}

fn inventory(transport: Transport, carrier: Carrier, hosts: Hosts, mute: SocketAddr) -> String {
    let sources = match carrier {
        // Where our own client's streams come from is the system's choice.
        Carrier::Known => format!(r#""{}", "127.0.0.1""#, hosts.caller),
        Carrier::Stranger => r#""203.0.113.7""#.to_owned(),
    };
    let parameter = transport.parameter();
    let agent = SocketAddr::new(IpAddr::V4(hosts.agent), transport.port());
    format!(
        r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = {{ kind = "echo" }}

[[agents]]
id = "sipp"
endpoint = {{ kind = "sip", uri = "sip:agent@{agent};transport={parameter}" }}

[[agents]]
id = "mute"
endpoint = {{ kind = "media-stream", url = "ws://{mute}/" }}

[[agents]]
id = "absent"
endpoint = {{ kind = "media-stream", url = "ws://{nobody}/" }}

[[trunks]]
id = "carrier"
inbound = {{ addresses = [{sources}], transports = ["{parameter}"], did_country = "US" }}

[[numbers]]
e164 = "{ECHO}"
trunk_id = "carrier"

[[numbers]]
e164 = "{AGENT}"
trunk_id = "carrier"
agent_id = "sipp"

[[numbers]]
e164 = "{MUTE}"
trunk_id = "carrier"
agent_id = "mute"

[[numbers]]
e164 = "{ABSENT}"
trunk_id = "carrier"
agent_id = "absent"
"#,
        nobody = SocketAddr::from((hosts.agent, 9)),
    ) + &super::two_legs::further_agents(agent, parameter)
}
