//! TLS: whom we take, whom we refuse and what is said of it, and certificates that change on disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::streams::OPTIONS;
use super::*;
use crate::{StreamLimits, Tls, TlsFiles, Trust, bind_tls};

/// A CA, and a directory for what it certifies.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: tempfile::TempDir,
}

#[derive(Clone, Copy)]
enum Age {
    Current,
    Expired,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ca.pem"), issuer.as_ref().pem()).unwrap();
        Self { issuer, directory }
    }

    fn root(&self) -> CertificateDer<'static> {
        self.issuer.as_ref().der().clone()
    }

    fn trust(&self) -> Trust {
        Trust::Only(vec![self.root()])
    }

    fn ca(&self) -> std::path::PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Writes a certificate and its key over those that are there.
    fn certify(&self, names: Vec<SanType>, age: Age) -> TlsFiles {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        if matches!(age, Age::Expired) {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |name: &str| self.directory.path().join(name);
        replace(&path("cert.pem"), &certificate.pem());
        replace(&path("key.pem"), &key.serialize_pem());
        TlsFiles {
            section: "tls",
            certificate: path("cert.pem"),
            private_key: path("key.pem"),
            client_ca: None,
        }
    }
}

fn replace(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn listening(files: TlsFiles, trust: &Trust) -> Listener {
    bind_tls("127.0.0.1:0".parse().unwrap(), Tls::load(files, trust).unwrap()).unwrap()
}

const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:c@d>;tag=1\r\n\
    To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// Answers what comes in.
fn answer(input: &Input) -> Said {
    let Input::Datagram { flow, .. } = input else { return Said::NOTHING };
    Said::outputs(vec![transmit(*flow, OK)])
}

/// A client that trusts `authority`, without a certificate.
fn client(authority: &Authority, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

async fn connect(connector: &TlsConnector, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(to).await.unwrap();
    within(connector.connect(ServerName::try_from("us.example").unwrap(), stream)).await
}

async fn exchange(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    assert_eq!(read(stream, OK.len()).await, OK);
}

async fn read(stream: &mut TlsStream<TcpStream>, length: usize) -> String {
    let mut buffer = vec![0; length];
    within(stream.read_exact(&mut buffer)).await.unwrap();
    String::from_utf8(buffer).unwrap()
}

/// Two nodes: one calls the other by a name, as the other's certificate makes of it what it does.
struct Pair {
    server: Node,
    client: Node,
    /// As the client knows it.
    flow: Flow,
}

/// The client resolves `name`, and sends an OPTIONS to what it is given.
async fn call(server: Listener, client: Listener, name: &str) -> Pair {
    let remote = server.local();
    let flow = client.flow(remote);
    let question = Question::Resolve(Target::host(name, Some(remote.port()), Some(Transport::Tls)).unwrap());
    let mut client = Node::start(vec![client], move |input| {
        if matches!(input, Input::Timeout) {
            return Said::outputs(vec![Output::Ask(Ticket(1), question.clone())]);
        }
        let resolved = matches!(input, Input::Verdict(..));
        Said::outputs(resolved.then(|| transmit(flow, OPTIONS)).into_iter().collect())
    });
    let server = Node::start(vec![server], answer);
    client.hand_in(Input::Timeout).await;
    assert!(matches!(client.seen().await, Input::Timeout));
    assert!(matches!(client.seen().await, Input::Verdict(_, Verdict::Resolved(_))));
    Pair { server, client, flow }
}

#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_without_alpn() {
    let authority = Authority::new();
    let files = authority.certify(vec![dns("us.example")], Age::Current);
    let mut node = Node::start(vec![listening(files, &authority.trust())], answer);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut peer = connect(&client(&authority, &[version]), node.locals[0]).await.unwrap();
        exchange(&mut peer).await;
        let (_, session) = peer.get_ref();
        assert_eq!((session.protocol_version(), session.alpn_protocol()), (Some(version.version), None));
        let (flow, _) = node.message().await;
        assert_eq!((flow.transport, flow.remote), (Transport::Tls, peer.get_ref().0.local_addr().unwrap()));
        drop(peer);
        node.failed().await;
    }
}

#[tokio::test]
async fn a_server_is_called_by_the_name_that_was_resolved_and_taken_if_its_certificate_is_for_it() {
    for name in [dns("localhost"), uri("sip:localhost")] {
        let authority = Authority::new();
        let files = authority.certify(vec![name], Age::Current);
        let trust = authority.trust();
        let mut pair = call(listening(files.clone(), &trust), listening(files, &trust), "localhost").await;
        assert_eq!(pair.server.message().await.1, OPTIONS);
        assert_eq!(pair.client.message().await, (pair.flow, OK.into()));
    }
}

#[tokio::test]
async fn a_server_called_by_its_address_is_known_by_an_ip_address_in_its_certificate() {
    let authority = Authority::new();
    let address = SanType::IpAddress("127.0.0.1".parse().unwrap());
    let files = authority.certify(vec![address], Age::Current);
    let trust = authority.trust();
    let mut pair = call(listening(files.clone(), &trust), listening(files, &trust), "127.0.0.1").await;
    assert_eq!(pair.client.message().await, (pair.flow, OK.into()));
}

/// What the client says of a server with such a certificate.
async fn refused(names: Vec<SanType>, age: Age, trust: Option<Trust>) -> String {
    let authority = Authority::new();
    let files = authority.certify(names, age);
    let own = authority.trust();
    let server = listening(files.clone(), &own);
    let remote = server.local();
    let mut pair = call(server, listening(files, &trust.unwrap_or(own)), "localhost").await;
    assert_eq!(pair.client.failed().await, pair.flow);
    let told = pair.client.fault().await.to_string();
    let start = format!("tls {remote} (localhost): ");
    assert!(told.starts_with(&start), "{told}");
    assert!(pair.server.seen.try_recv().is_err(), "nothing was sent to it");
    told[start.len()..].to_owned()
}

#[tokio::test]
async fn a_server_of_another_name_is_refused_with_a_line_that_says_so() {
    assert_eq!(
        refused(vec![dns("a.example"), dns("b.example")], Age::Current, None).await,
        "wrong name: its certificate is for a.example, b.example, not for localhost; call it by that name, or have localhost put into its certificate"
    );
    let domain_and_host = vec![uri("sip:a.example"), dns("localhost")];
    assert!(
        refused(domain_and_host, Age::Current, None)
            .await
            .starts_with("wrong name: its certificate is for a.example,")
    );
}

#[tokio::test]
async fn a_server_whose_certificate_has_expired_is_refused_with_a_line_that_says_so() {
    assert_eq!(
        refused(vec![dns("localhost")], Age::Expired, None).await,
        "its certificate has expired; its operator has to renew it"
    );
}

#[tokio::test]
async fn a_server_of_an_unknown_ca_is_refused_with_a_line_that_says_so() {
    assert_eq!(
        refused(vec![dns("localhost")], Age::Current, Some(Trust::Only(Vec::new()))).await,
        "unknown CA: its certificate comes from nobody we trust; add the CA to the system's certificates, or name its file in SSL_CERT_FILE"
    );
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_asked_for() {
    let authority = Authority::new();
    let files = authority.certify(vec![dns("us.example")], Age::Current);
    let files = TlsFiles { client_ca: Some(authority.ca()), ..files };
    let mut node = Node::start(vec![listening(files, &authority.trust())], answer);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let connected = connect(&client(&authority, &[version]), node.locals[0]).await;
        if let Ok(mut peer) = connected {
            let mut buffer = [0; 1];
            assert!(!matches!(within(peer.read(&mut buffer)).await, Ok(1..)));
        }
        let told = node.fault().await.to_string();
        assert!(
            told.ends_with(
                "refused: it showed no certificate, and tls.client_ca asks for one; give it one, or empty tls.client_ca"
            ),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_client_is_taken_or_refused_by_the_ca_of_its_certificate() {
    let (ours, strange) = (Authority::new(), Authority::new());
    let mutual = |authority: &Authority| {
        let files = authority.certify(vec![dns("localhost")], Age::Current);
        TlsFiles { client_ca: Some(ours.ca()), ..files }
    };
    let own = mutual(&ours);
    let mut pair =
        call(listening(own.clone(), &ours.trust()), listening(own.clone(), &ours.trust()), "localhost").await;
    assert_eq!(pair.client.message().await, (pair.flow, OK.into()));

    let mut pair =
        call(listening(own, &ours.trust()), listening(mutual(&strange), &ours.trust()), "localhost").await;
    assert_eq!(pair.client.failed().await, pair.flow);
    let told = pair.server.fault().await.to_string();
    assert!(told.contains("unknown CA: its certificate comes from none of tls.client_ca"), "{told}");
    let told = pair.client.fault().await.to_string();
    assert!(told.contains("it refused us: "), "{told}");
}

#[tokio::test]
async fn a_changed_certificate_is_that_of_the_next_connection_and_open_ones_go_on() {
    let authority = Authority::new();
    let files = authority.certify(vec![dns("us.example")], Age::Current);
    let tls = Tls::load(files, &authority.trust()).unwrap();
    let mut read_anew = tls.changes();
    tokio::spawn(Arc::clone(&tls).follow());
    let node = Node::start(vec![bind_tls("127.0.0.1:0".parse().unwrap(), tls).unwrap()], answer);
    let connector = client(&authority, rustls::ALL_VERSIONS);
    let shown = |peer: &TlsStream<TcpStream>| peer.get_ref().1.peer_certificates().unwrap()[0].clone();
    let mut before = connect(&connector, node.locals[0]).await.unwrap();
    exchange(&mut before).await;
    authority.certify(vec![dns("us.example")], Age::Current);
    within(read_anew()).await;
    let mut after = connect(&connector, node.locals[0]).await.unwrap();
    exchange(&mut after).await;
    exchange(&mut before).await;
    assert_ne!(shown(&before), shown(&after));
}

#[tokio::test]
async fn what_is_no_tls_and_who_does_not_finish_the_handshake_are_told() {
    let authority = Authority::new();
    let files = authority.certify(vec![dns("us.example")], Age::Current);
    let limits = StreamLimits { handshake: Duration::from_millis(300), ..StreamLimits::default() };
    let listeners = vec![listening(files, &authority.trust())];
    let mut node = Node::start(Sockets { listeners, limits, ..Sockets::default() }, answer);
    let mut plain = TcpStream::connect(node.locals[0]).await.unwrap();
    plain.write_all(OPTIONS.as_bytes()).await.unwrap();
    let told = node.fault().await.to_string();
    assert!(told.ends_with("no TLS: what comes is no TLS; is it SIP over plain TCP?"), "{told}");
    let _half_open = TcpStream::connect(node.locals[0]).await.unwrap();
    assert!(matches!(node.fault().await, StreamFault::Handshake { .. }));
}

/// Sends these to who came in last, one for each `Timeout`.
fn in_turn(messages: &'static [&'static str]) -> impl FnMut(&Input) -> Said + Send {
    let (mut peer, mut messages) = (None, messages.iter());
    move |input| {
        if let Input::Datagram { flow, .. } = input {
            peer = Some(*flow);
        }
        let next = matches!(input, Input::Timeout).then(|| messages.next()).flatten();
        Said::outputs(peer.zip(next).map(|(flow, text)| transmit(flow, *text)).into_iter().collect())
    }
}

const BYE: &str = "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK2\r\nFrom: <sip:c@d>;tag=1\r\n\
    To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn nothing_begins_on_a_connection_whose_peer_has_not_shown_who_it_is_but_what_it_began_goes_on() {
    let authority = Authority::new();
    let files = authority.certify(vec![dns("us.example")], Age::Current);
    let mut node = Node::start(vec![listening(files, &authority.trust())], in_turn(&[OK, BYE, OPTIONS, BYE]));
    let mut peer = connect(&client(&authority, rustls::ALL_VERSIONS), node.locals[0]).await.unwrap();
    peer.write_all(OPTIONS.as_bytes()).await.unwrap();
    let (flow, _) = node.message().await;
    for text in [OK, BYE] {
        node.hand_in(Input::Timeout).await;
        assert_eq!(read(&mut peer, text.len()).await, text);
    }
    node.hand_in(Input::Timeout).await;
    let told = node.fault().await;
    assert!(matches!(told, StreamFault::Unreachable { .. }), "it was to be called anew: {told}");
    assert_eq!(node.failed().await, flow);
    node.hand_in(Input::Timeout).await;
    assert_eq!(read(&mut peer, BYE.len()).await, BYE, "its own connection goes on");
}

#[tokio::test]
async fn a_peer_that_has_shown_to_be_the_host_that_is_called_is_called_on_its_own_connection() {
    let authority = Authority::new();
    let address = SanType::IpAddress("127.0.0.1".parse().unwrap());
    let files = authority.certify(vec![address, dns("us.example")], Age::Current);
    let files = TlsFiles { client_ca: Some(authority.ca()), ..files };
    let own = fs::read(&files.certificate).unwrap();
    let key = fs::read(&files.private_key).unwrap();
    let mut node = Node::start(vec![listening(files, &authority.trust())], in_turn(&[OPTIONS]));
    let mut roots = RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_client_auth_cert(
        vec![CertificateDer::from_pem_slice(&own).unwrap()],
        PrivateKeyDer::from_pem_slice(&key).unwrap(),
    );
    let mut peer = connect(&TlsConnector::from(Arc::new(config.unwrap())), node.locals[0]).await.unwrap();
    peer.write_all(OK.as_bytes()).await.unwrap();
    node.message().await;
    node.hand_in(Input::Timeout).await;
    assert_eq!(read(&mut peer, OPTIONS.len()).await, OPTIONS);
}
