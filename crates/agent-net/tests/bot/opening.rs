//! The ways in which a stream opens, and those in which it does not.

use std::sync::Arc;
use std::time::Duration;

use agent_net::Trust;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{AGENT, Bot, Call, PATIENCE, listen, within};

fn nobody() -> Trust {
    Trust::Only(Vec::new())
}

#[tokio::test]
async fn the_upgrade_carries_path_host_user_agent_basic_credentials_and_the_agents_headers() {
    let (listener, address) = listen().await;
    let url = format!("ws://agent:s%3Acret@localhost:{}/sales?x=1", address.port());
    let mut call = Call::open_with(&url, &[("X-Tenant", "t1")], nobody(), PATIENCE);
    let bot = Bot::accept(&listener).await;
    call.opened().await;
    assert_eq!(bot.request.uri(), "/sales?x=1");
    assert_eq!(bot.header("host"), Some(format!("localhost:{}", address.port()).as_str()));
    assert_eq!(bot.header("user-agent"), Some("strowger/test"));
    assert_eq!(
        bot.header("authorization"),
        Some(format!("Basic {}", STANDARD.encode("agent:s:cret")).as_str())
    );
    assert_eq!(bot.header("x-tenant"), Some("t1"));
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    let (listener, address) = listen().await;
    drop(listener);
    let told = Call::to(address).failure().await;
    assert_eq!(told, format!("{address}: connection refused; is the bot running and listening there?"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told() {
    let told = Call::open("ws://bot.invalid/", nobody(), PATIENCE).failure().await;
    assert!(told.starts_with("bot.invalid: name not found ("), "{told}");
}

#[tokio::test]
async fn a_url_that_is_none_of_ours_is_told() {
    let told = Call::open("https://bot.example.com/", nobody(), PATIENCE).failure().await;
    assert_eq!(told, "the agent's URL begins with https://; ws:// or wss:// is needed");
}

/// Answers the first request with `response`, whatever it is.
async fn answer(listener: TcpListener, response: &str) {
    let (mut tcp, _) = within(listener.accept()).await.unwrap();
    let mut request = [0; 4_096];
    assert!(within(tcp.read(&mut request)).await.unwrap() > 0);
    tcp.write_all(response.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_http_answer_is_told_with_what_to_do() {
    for (response, words) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            "HTTP 401 Unauthorized: the bot asks for credentials; put user:password@ into the URL, or an Authorization header",
        ),
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: wss://x.example/\r\n\r\n",
            "HTTP 301 Moved Permanently: redirected to wss://x.example/; put the final URL into the inventory",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://user:secret@x.example/bot?token=secret\r\n\r\n",
            "HTTP 302 Found: redirected to https://x.example/bot; put the final URL into the inventory",
        ),
        ("HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404 Not Found: there is no WebSocket at this path"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP 200 OK: a web page answered, not a WebSocket; check the path",
        ),
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "HTTP 503 Service Unavailable: the bot, or a proxy before it, failed",
        ),
    ] {
        let (listener, address) = listen().await;
        let call = Call::to(address);
        answer(listener, response).await;
        assert_eq!(call.failure().await, format!("127.0.0.1: {words}"));
    }
}

#[tokio::test]
async fn a_server_that_is_no_web_server_is_told() {
    let (listener, address) = listen().await;
    let call = Call::to(address);
    answer(listener, "220 mail.example ESMTP\r\n").await;
    let told = call.failure().await;
    assert!(told.starts_with("127.0.0.1: no WebSocket there: "), "{told}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_at_the_deadline() {
    let (listener, address) = listen().await;
    let call = Call::open(&format!("ws://{address}/"), nobody(), Duration::from_millis(200));
    let (tcp, _) = within(listener.accept()).await.unwrap();
    assert_eq!(call.failure().await, "127.0.0.1: the answer to the WebSocket upgrade took longer than 0.2 s");
    drop(tcp);
    let call = Call::open(&format!("wss://{address}/"), nobody(), Duration::from_millis(200));
    let (tcp, _) = within(listener.accept()).await.unwrap();
    assert_eq!(call.failure().await, "127.0.0.1: the TLS handshake took longer than 0.2 s");
    drop(tcp);
}

#[tokio::test]
async fn a_stream_that_is_closed_while_it_opens_tells_nothing() {
    let (listener, address) = listen().await;
    let call = Call::to(address);
    let (mut tcp, _) = within(listener.accept()).await.unwrap();
    call.streams.close(AGENT);
    call.ended().await;
    let mut rest = Vec::new();
    within(tcp.read_to_end(&mut rest)).await.unwrap();
}

/// A CA of our own, and a bot's certificate by it.
struct Authority {
    root: CertificateDer<'static>,
    root_pem: String,
    acceptor: TlsAcceptor,
}

/// Whether the bot's certificate is in its time.
#[derive(Clone, Copy)]
enum Age {
    Current,
    Expired,
}

impl Authority {
    fn certifying(name: &str, age: Age) -> Self {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if matches!(age, Age::Expired) {
            leaf.not_before = date_time_ymd(2020, 1, 1);
            leaf.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let leaf = leaf.signed_by(&key, &root).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        Self { root: root.der().clone(), root_pem: root.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

#[tokio::test]
async fn wss_opens_with_a_certificate_that_is_trusted() {
    let authority = Authority::certifying("localhost", Age::Current);
    let (listener, address) = listen().await;
    let url = format!("wss://localhost:{}/", address.port());
    let mut call = Call::open(&url, Trust::Only(vec![authority.root.clone()]), PATIENCE);
    let (tcp, _) = within(listener.accept()).await.unwrap();
    let tls = within(authority.acceptor.accept(tcp)).await.unwrap();
    assert_eq!(tls.get_ref().1.server_name(), Some("localhost"));
    let mut bot = Bot::upgrade(Box::new(tls)).await;
    call.opened().await;
    bot.greeted().await;
    call.audio(1).await;
    assert!(bot.hear_text().await.starts_with(r#"{"event":"media","sequenceNumber":"2""#));
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_told_with_what_is_wrong() {
    let unknown =
        "its issuer is unknown; add the CA to the system's certificates, or name its file in SSL_CERT_FILE";
    for (name, age, trusted, why) in [
        ("localhost", Age::Current, false, unknown),
        ("localhost", Age::Expired, true, "it has expired"),
        ("bot.example.com", Age::Current, true, "it is for another name"),
    ] {
        let authority = Authority::certifying(name, age);
        let (listener, address) = listen().await;
        let trust = Trust::Only(if trusted { vec![authority.root.clone()] } else { Vec::new() });
        let call = Call::open(&format!("wss://localhost:{}/", address.port()), trust, PATIENCE);
        let (tcp, _) = within(listener.accept()).await.unwrap();
        assert!(within(authority.acceptor.accept(tcp)).await.is_err());
        assert_eq!(call.failure().await, format!("localhost: certificate refused: {why}"));
    }
}

#[tokio::test]
async fn wss_to_a_server_without_tls_is_told() {
    let (listener, address) = listen().await;
    let call = Call::open(&format!("wss://{address}/"), nobody(), PATIENCE);
    answer(listener, "HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(call.failure().await, "127.0.0.1: TLS: the answer is no TLS; is ws:// meant?");
}

/// The certificates of the environment can't be changed within a process: another run of this program does it.
#[tokio::test]
async fn the_systems_certificates_are_those_of_ssl_cert_file() {
    let file = std::env::temp_dir().join(format!("strowger-ca-{}.pem", std::process::id()));
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "opening::wss_opens_with_the_systems_certificates", "--ignored"])
        .env("SSL_CERT_FILE", &file)
        .env(CA_FILE, &file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "run by the test above, with a file of its own in SSL_CERT_FILE"]
async fn wss_opens_with_the_systems_certificates() {
    let Some(file) = std::env::var_os(CA_FILE) else {
        eprintln!("skipped: {CA_FILE} is not set");
        return;
    };
    let authority = Authority::certifying("localhost", Age::Current);
    std::fs::write(file, authority.root_pem).unwrap();
    let (listener, address) = listen().await;
    let mut call = Call::open(&format!("wss://localhost:{}/", address.port()), Trust::System, PATIENCE);
    let (tcp, _) = within(listener.accept()).await.unwrap();
    let mut bot = Bot::upgrade(Box::new(within(authority.acceptor.accept(tcp)).await.unwrap())).await;
    call.opened().await;
    bot.greeted().await;
}

/// Never `SSL_CERT_FILE` itself: it may be somebody's, and it is written to.
const CA_FILE: &str = "STROWGER_TEST_CA_FILE";
