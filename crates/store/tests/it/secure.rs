//! PostgreSQL by TLS.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use store::Store;

use crate::server::Server;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

async fn opened(url: &str) -> String {
    match Store::open(url).await {
        Ok(store) => format!("revision {}", store.revision().await.expect("read")),
        Err(error) => {
            assert!(!error.is_transient(), "it is not waited for: {error}");
            error.to_string()
        }
    }
}

#[tokio::test]
async fn a_server_is_reached_by_tls_and_a_certificate_of_another_authority_is_refused() {
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    let certificate = params.signed_by(&key, &ours).expect("signed").pem();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let Some(_server) = Server::secure(port, &certificate, &key.serialize_pem()) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let written = |name: &str, authority: &CertifiedIssuer<'static, KeyPair>| {
        let path = directory.path().join(name);
        fs::write(&path, authority.as_ref().pem()).expect("written");
        path.display().to_string()
    };
    let (ours, other) = (written("ours.pem", &ours), written("other.pem", &other));
    let at = |host: &str, query: &str| format!("postgres://strowger@{host}:{port}/postgres?{query}");

    assert_eq!(opened(&at("127.0.0.1", "sslmode=require")).await, "revision 0");
    let known = format!("sslmode=verify-full&sslrootcert={ours}");
    assert_eq!(opened(&at("127.0.0.1", &known)).await, "revision 0");
    let in_the_open = opened(&at("127.0.0.1", "sslmode=disable")).await;
    assert!(in_the_open.contains("no encryption"), "{in_the_open}");
    let unknown = opened(&at("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={other}"))).await;
    let elsewhere = opened(&at("localhost", &known)).await;
    for refused in [unknown, elsewhere] {
        assert!(refused.starts_with("the certificate of the store postgres://strowger@"), "{refused}");
        assert!(refused.contains("sslrootcert=FILE"), "{refused}");
    }
}
