//! The daemon, its certificates, and peers that speak to it message by message.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

pub(super) const CONFIG: &str = r#"
[sip]
udp = ["127.0.0.1:0"]
tcp = ["127.0.0.1:0 as 203.0.113.5:5060"]
tls = ["127.0.0.1:0"]
[tls]
certificate = "cert.pem"
private_key = "key.pem"
[log]
format = "json"
[media]
workers = 1
[admin]
listen = ""
"#;

pub(super) const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[agents]]
id = "bot"
endpoint = { kind = "sip", uri = "AGENT" }

[[trunks]]
id = "carrier"
inbound = { addresses = ["127.0.0.1"], transports = ["tcp", "tls"] }

[[numbers]]
e164 = "+14155550100"
trunk_id = "carrier"

[[numbers]]
e164 = "+14155550101"
trunk_id = "carrier"
agent_id = "bot"
"#;

/// Longer than anything that is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Of a certificate.
#[derive(Clone, Copy)]
pub(super) enum Age {
    Current,
    Expired,
}

/// A CA whose certificates lie in a directory.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(directory: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(directory.join("ca.pem"), issuer.as_ref().pem()).unwrap();
        Self(issuer)
    }

    pub(super) fn certify(&self, name: &str, age: Age) -> (CertificateDer<'static>, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if matches!(age, Age::Expired) {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().der().clone(), key)
    }

    /// The daemon's certificate, over the one that is there.
    pub(super) fn write(&self, directory: &Path) {
        let params = CertificateParams::new(vec!["us.example".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    }

    /// A client that trusts this CA, and shows what it is given.
    pub(super) fn client(&self, own: Option<(CertificateDer<'static>, KeyPair)>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.as_ref().der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots);
        Arc::new(match own {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                config.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        })
    }
}

pub(super) struct Daemon {
    pub(super) child: Child,
    log: BufReader<ChildStderr>,
    pub(super) tcp: SocketAddr,
    pub(super) tls: SocketAddr,
}

impl Daemon {
    /// With the CA as the only one that it trusts, and its SIP agent at `bot`.
    pub(super) fn start(directory: &Path, bot: u16) -> Self {
        Self::start_with(directory, CONFIG, &format!("sip:bot@localhost:{bot};transport=tls"))
    }

    /// With that configuration and SIP agent.
    pub(super) fn start_with(directory: &Path, config: &str, agent: &str) -> Self {
        Self::run(directory, config, &INVENTORY.replace("AGENT", agent))
    }

    /// With that inventory, whose SIP agent is nowhere.
    pub(super) fn start_owning(directory: &Path, inventory: &str) -> Self {
        Self::run(directory, CONFIG, &inventory.replace("AGENT", "sip:bot@127.0.0.1:9"))
    }

    fn run(directory: &Path, config: &str, inventory: &str) -> Self {
        std::fs::write(directory.join("conf.toml"), config).unwrap();
        std::fs::write(directory.join("inventory.toml"), inventory).unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
            command.args(arguments).current_dir(directory).args(["--config", "conf.toml"]);
            command.env("SSL_CERT_FILE", directory.join("ca.pem")).env_remove("SSL_CERT_DIR");
            // Nobody waits for the calls of a test that is over.
            command.env("STROWGER__NODE__DRAIN_S", "0");
            command
        };
        let applied = command(&["apply", "inventory.toml"]).output().unwrap();
        assert!(applied.status.success(), "{applied:?}");
        let mut child = command(&["run"]).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut daemon = Self { child, log, tcp: nowhere, tls: nowhere };
        daemon.tcp = daemon.read_until("SIP over TCP")["listen"].as_str().unwrap().parse().unwrap();
        daemon.tls = daemon.read_until("SIP over TLS")["listen"].as_str().unwrap().parse().unwrap();
        daemon.read_until("ready for calls");
        daemon
    }

    /// Has it end its calls and itself.
    pub(super) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Reads the log as far as the line that has `words`.
    pub(super) fn read_until(&mut self, words: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the daemon ended before it said `{words}`");
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            if line["message"].as_str().is_some_and(|said| said.contains(words)) {
                return line;
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One side of a connection, reading message by message.
pub(super) struct Wire<S> {
    pub(super) stream: S,
    read: Vec<u8>,
}

impl<S: Read + Write> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub(super) fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
        self.stream.flush().unwrap();
    }

    pub(super) fn message(&mut self) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some(head) = text.find("\r\n\r\n") {
                let end = head + 4 + header(&text, "Content-Length").parse::<usize>().unwrap();
                if self.read.len() >= end {
                    self.read.drain(..end);
                    return text[..end].to_owned();
                }
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).unwrap();
            assert!(length > 0, "the connection ended after `{text}`");
            self.read.extend_from_slice(&buffer[..length]);
        }
    }

    /// The response that is no provisional one.
    pub(super) fn last(&mut self) -> String {
        loop {
            let response = self.message();
            if !response.starts_with("SIP/2.0 1") {
                return response;
            }
        }
    }
}

/// A call to the echo by that connection, which is gone then, and whose Contact is there; then the daemon is to end all calls.
pub(super) fn lose<S: Read + Write>(daemon: &Daemon, mut wire: Wire<S>, contact: &str) {
    let here = |text: String| text.replace("caller@127.0.0.1:5999;transport=tcp", contact);
    wire.send(&here(request("INVITE", "+14155550100", 1, "", &sdp())));
    let answer = wire.last();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    let tag = header(&answer, "To").split_once(';').map(|(_, tag)| format!(";{tag}")).unwrap();
    wire.send(&here(request("ACK", "+14155550100", 1, &tag, "")));
    // What comes after the ACK on the same connection: it has been taken in.
    wire.send(&here(request("OPTIONS", "+14155550100", 7, "", "")));
    wire.last();
    drop(wire);
    daemon.terminate();
}

pub(super) fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    message.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
}

pub(super) fn tcp(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(super) fn request(method: &str, number: &str, cseq: u32, to_tag: &str, body: &str) -> String {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:{number}@us.example SIP/2.0\r\n\
         Via: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bK{method}{number}{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+12125550199@127.0.0.1>;tag=caller\r\nTo: <sip:{number}@us.example>{to_tag}\r\n\
         Call-ID: call-{number}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@127.0.0.1:5999;transport=tcp>\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn sdp() -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
        .to_owned()
}

/// A call to the echo, from INVITE to the answer to its BYE.
pub(super) fn call<S: Read + Write>(wire: &mut Wire<S>, advertised: &str) {
    wire.send(&request("INVITE", "+14155550100", 1, "", &sdp()));
    let answer = wire.last();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    assert_eq!(header(&answer, "Contact"), advertised);
    let tag = header(&answer, "To").split_once(';').map(|(_, tag)| format!(";{tag}")).unwrap();
    wire.send(&request("ACK", "+14155550100", 1, &tag, ""));
    wire.send(&request("BYE", "+14155550100", 2, &tag, ""));
    let ended = wire.last();
    assert!(ended.starts_with("SIP/2.0 200"), "{ended}");
}

/// A SIP agent that speaks TLS, in the name that it is given.
pub(super) struct Bot {
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl Bot {
    pub(super) fn new(authority: &Authority, name: &str, age: Age) -> Self {
        let (certificate, key) = authority.certify(name, age);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), config: Arc::new(config) }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    pub(super) fn accept(&self) -> StreamOwned<ServerConnection, TcpStream> {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.config)).unwrap(), stream)
    }
}
