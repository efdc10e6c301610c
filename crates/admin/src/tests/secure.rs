//! TLS.

use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsConnector;

use super::*;

struct Identity {
    server: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
}

fn identity() -> Identity {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    Identity { server: Arc::new(server), certificate }
}

async fn ask(house: &House, trusted: &CertificateDer<'static>) -> Result<Reply, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(house.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(Reply::read(&String::from_utf8(reply).unwrap()))
}

#[tokio::test]
async fn a_changed_certificate_is_that_of_the_next_connection() {
    let (first, second) = (identity(), identity());
    let latest = watch::Sender::new(first.server);
    let shown = latest.subscribe();
    let house = House::with(10_000, Some(Certificates::new(move || shown.borrow().clone()))).await;
    assert_eq!(ask(&house, &first.certificate).await.unwrap().text, "ok\n");
    latest.send_replace(second.server);
    assert!(ask(&house, &first.certificate).await.is_err());
    assert_eq!(ask(&house, &second.certificate).await.unwrap().text, "ok\n");
}

#[tokio::test]
async fn who_speaks_in_the_clear_is_not_answered() {
    let own = identity();
    let server = own.server;
    let house = House::with(10_000, Some(Certificates::new(move || Arc::clone(&server)))).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.ok();
    assert!(!String::from_utf8_lossy(&reply).contains("HTTP/"), "{reply:?}");
    assert_eq!(ask(&house, &own.certificate).await.unwrap().status, 200);
}
