//! What is said of files that are of no use.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use super::*;

struct Written {
    _directory: tempfile::TempDir,
    files: TlsFiles,
}

fn written(certificate: &str, private_key: &str) -> Written {
    let directory = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        section: "tls",
        certificate: directory.path().join("cert.pem"),
        private_key: directory.path().join("key.pem"),
        client_ca: None,
    };
    fs::write(&files.certificate, certificate).unwrap();
    fs::write(&files.private_key, private_key).unwrap();
    Written { _directory: directory, files }
}

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["us.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn fault(files: TlsFiles) -> String {
    Tls::load(files, &Trust::Only(Vec::new())).unwrap_err().to_string()
}

#[test]
fn a_file_that_is_missing_or_empty_is_named_with_its_key() {
    let (certificate, key) = pair();
    let missing = written(&certificate, &key).files;
    let path = missing.certificate.display().to_string();
    assert_eq!(
        fault(missing),
        format!("tls.certificate: {path} can't be read: No such file or directory (os error 2)")
    );
    let swapped = written(&key, &certificate);
    let path = swapped.files.certificate.display().to_string();
    assert_eq!(
        fault(swapped.files.clone()),
        format!("tls.certificate: {path} has no CERTIFICATE in PEM form (-----BEGIN CERTIFICATE-----)")
    );
    let no_key = written(&certificate, &certificate);
    let path = no_key.files.private_key.display().to_string();
    assert_eq!(
        fault(no_key.files.clone()),
        format!("tls.private_key: {path} has no PRIVATE KEY in PEM form (-----BEGIN PRIVATE KEY-----)")
    );
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let strange = written(&pair().0, &pair().1);
    let told = fault(strange.files.clone());
    assert!(told.contains("is no key for the first certificate of tls.certificate"), "{told}");
}

#[test]
fn a_lack_of_the_systems_cas_is_told_with_what_to_do() {
    assert_eq!(lack(140, &[]), None);
    let none = lack(0, &[]).unwrap();
    assert!(none.starts_with("0 CA certificates") && none.contains("SSL_CERT_FILE"), "{none}");
    let some = lack(3, &["/x.pem: no access".to_owned()]).unwrap();
    assert!(some.contains("(/x.pem: no access)"), "{some}");
}

#[test]
fn a_change_that_can_not_be_used_leaves_what_was_read_before() {
    let (certificate, key) = pair();
    let written = written(&certificate, &key);
    let tls = Tls::load(written.files.clone(), &Trust::Only(Vec::new())).unwrap();
    let before = tls.server();
    tls.refresh();
    assert!(Arc::ptr_eq(&before, &tls.server()), "nothing is read twice");
    fs::write(&written.files.certificate, "half a cert").unwrap();
    tls.refresh();
    assert!(Arc::ptr_eq(&before, &tls.server()));
    fs::write(&written.files.certificate, &certificate).unwrap();
    assert!(Arc::ptr_eq(&before, &tls.server()), "a handshake reads nothing");
    tls.refresh();
    assert!(!Arc::ptr_eq(&before, &tls.server()));
}
