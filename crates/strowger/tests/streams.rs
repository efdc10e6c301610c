//! The built binary over TCP and TLS: calls in, calls on to a SIP agent, and a certificate that changes on disk.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

const CONFIG: &str = r#"
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
"#;

const INVENTORY: &str = r#"
[settings]
default_agent_id = "echo"

[[agents]]
id = "echo"
endpoint = { kind = "echo" }

[[agents]]
id = "bot"
endpoint = { kind = "sip", uri = "sip:bot@localhost:BOT;transport=tls" }

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
const PATIENCE: Duration = Duration::from_secs(20);

/// A CA whose certificates lie in a directory.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(directory: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(directory.join("ca.pem"), issuer.as_ref().pem()).unwrap();
        Self(issuer)
    }

    fn certify(&self, name: &str) -> (CertificateDer<'static>, KeyPair) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().der().clone(), key)
    }

    /// The daemon's certificate, over the one that is there.
    fn write(&self, directory: &Path) {
        let params = CertificateParams::new(vec!["us.example".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    }

    fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.as_ref().der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
    tcp: SocketAddr,
    tls: SocketAddr,
}

impl Daemon {
    /// With the CA as the only one that it trusts, and its SIP agent at `bot`.
    fn start(directory: &Path, bot: u16) -> Self {
        std::fs::write(directory.join("conf.toml"), CONFIG).unwrap();
        std::fs::write(directory.join("inventory.toml"), INVENTORY.replace("BOT", &bot.to_string())).unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_strowger"));
            command.args(arguments).current_dir(directory).args(["--config", "conf.toml"]);
            command.env("SSL_CERT_FILE", directory.join("ca.pem")).env_remove("SSL_CERT_DIR");
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

    /// Reads the log as far as the line that has `words`.
    fn read_until(&mut self, words: &str) -> Value {
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
struct Wire<S> {
    stream: S,
    read: Vec<u8>,
}

impl<S: Read + Write> Wire<S> {
    fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
        self.stream.flush().unwrap();
    }

    fn message(&mut self) -> String {
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
    fn last(&mut self) -> String {
        loop {
            let response = self.message();
            if !response.starts_with("SIP/2.0 1") {
                return response;
            }
        }
    }
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    message.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
}

fn tcp(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn request(method: &str, number: &str, cseq: u32, to_tag: &str, body: &str) -> String {
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

fn sdp() -> String {
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
        .to_owned()
}

/// A call to the echo, from INVITE to the answer to its BYE.
fn call<S: Read + Write>(wire: &mut Wire<S>, advertised: &str) {
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

#[test]
fn a_call_over_tcp_is_answered_on_its_connection_with_the_listeners_advertised_address() {
    let directory = TempDir::new().unwrap();
    Authority::new(directory.path()).write(directory.path());
    let daemon = Daemon::start(directory.path(), 9);
    let mut wire = Wire::new(tcp(daemon.tcp));
    call(&mut wire, "<sip:strowger@203.0.113.5:5060;transport=tcp>");
}

#[test]
fn a_certificate_replaced_on_disk_is_that_of_the_next_connection_while_a_call_goes_on() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let mut daemon = Daemon::start(directory.path(), 9);
    let connect = || {
        let name = ServerName::try_from("us.example").unwrap();
        let session = ClientConnection::new(authority.client(), name).unwrap();
        Wire::new(StreamOwned::new(session, tcp(daemon.tls)))
    };
    let shown = |wire: &Wire<StreamOwned<ClientConnection, TcpStream>>| {
        wire.stream.conn.peer_certificates().unwrap()[0].clone()
    };
    let mut before = connect();
    before.send(&request("INVITE", "+14155550100", 1, "", &sdp()));
    let answer = before.last();
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    let tag = header(&answer, "To").split_once(';').map(|(_, tag)| format!(";{tag}")).unwrap();
    before.send(&request("ACK", "+14155550100", 1, &tag, ""));

    authority.write(directory.path());
    let mut after = connect();
    after.send(&request("OPTIONS", "+14155550100", 7, "", ""));
    assert!(after.last().starts_with("SIP/2.0 200"));
    assert_ne!(shown(&before), shown(&after));
    before.send(&request("BYE", "+14155550100", 2, &tag, ""));
    assert!(before.last().starts_with("SIP/2.0 200"));
    daemon.read_until("the files of [tls] have changed and are read anew");
}

/// A SIP agent that speaks TLS, in the name that it is given.
struct Bot {
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl Bot {
    fn new(authority: &Authority, name: &str) -> Self {
        let (certificate, key) = authority.certify(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), config: Arc::new(config) }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    fn accept(&self) -> StreamOwned<ServerConnection, TcpStream> {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.config)).unwrap(), stream)
    }
}

#[test]
fn a_sip_agent_is_called_over_tls_by_its_configured_name() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let bot = Bot::new(&authority, "localhost");
    let daemon = Daemon::start(directory.path(), bot.port());
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let mut agent = Wire::new(bot.accept());
    let invite = agent.message();
    assert!(
        invite.starts_with(&format!("INVITE sip:bot@localhost:{};transport=tls SIP/2.0", bot.port())),
        "{invite}"
    );
    assert!(header(&invite, "Via").starts_with("SIP/2.0/TLS "), "{invite}");
    assert_eq!(agent.stream.conn.server_name(), Some("localhost"));
    let response = format!(
        "SIP/2.0 486 Busy Here\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=bot\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
        header(&invite, "Via"),
        header(&invite, "From"),
        header(&invite, "To"),
        header(&invite, "Call-ID"),
        header(&invite, "CSeq"),
    );
    agent.send(&response);
    assert!(agent.message().starts_with("ACK "));
    let refused = caller.last();
    assert!(refused.starts_with("SIP/2.0 486") || refused.starts_with("SIP/2.0 480"), "{refused}");
}

#[test]
fn a_sip_agent_of_another_name_is_not_called_and_the_log_says_why() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::new(directory.path());
    authority.write(directory.path());
    let bot = Bot::new(&authority, "somebody.example");
    let mut daemon = Daemon::start(directory.path(), bot.port());
    let mut caller = Wire::new(tcp(daemon.tcp));
    caller.send(&request("INVITE", "+14155550101", 1, "", &sdp()));
    let mut agent = bot.accept();
    assert!(agent.read(&mut [0; 16]).is_err(), "the handshake is broken off");
    daemon.read_until("wrong name: its certificate is for somebody.example, not for localhost");
    let refused = caller.last();
    assert!(refused.starts_with("SIP/2.0 480"), "{refused}");
}
