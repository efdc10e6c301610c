//! TLS for programs that do not speak it: `stunnel4` before them, and certificates that both sides trust.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

use crate::support::PATIENCE;

/// The CA that both sides trust, and nobody else.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Its certificate is `ca.pem` of the folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "CA of the tests");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join("ca.pem"), issuer.as_ref().pem()).unwrap();
        Self(issuer)
    }

    /// Writes `NAME.pem` and `NAME.key`, for these addresses.
    pub(crate) fn certify(&self, folder: &Path, name: &str, addresses: &[Ipv4Addr]) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // To OpenSSL, a certificate of the same name as its issuer's is a self-signed one.
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names =
            addresses.iter().map(|address| SanType::IpAddress(IpAddr::V4(*address))).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// What the daemon's configuration says of TLS: `daemon.pem` is its certificate, `ca.pem` all that it trusts.
pub(crate) fn environment(folder: &Path, listen: &str) -> [(String, String); 5] {
    let path = |name: &str| folder.join(name).display().to_string();
    [
        ("STROWGER__SIP__TLS", listen.to_owned()),
        ("STROWGER__TLS__CERTIFICATE", path("daemon.pem")),
        ("STROWGER__TLS__PRIVATE_KEY", path("daemon.key")),
        ("STROWGER__TLS__CLIENT_CA", path("ca.pem")),
        ("SSL_CERT_FILE", path("ca.pem")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

/// A running stunnel. Dropping it ends it.
pub(crate) struct Tunnel {
    child: Child,
    log: PathBuf,
}

impl Tunnel {
    /// Its certificate is `tunnel.pem` of the folder; `services` are the sections of its configuration.
    pub(crate) fn dig(folder: &Path, services: &str) -> Self {
        let config = format!(
            "foreground = yes\npid =\ndebug = 5\nCAfile = ca.pem\ncert = tunnel.pem\nkey = tunnel.key\nverifyChain = yes\n{services}"
        );
        fs::write(folder.join("stunnel.conf"), config).unwrap();
        let mut child = Command::new("stunnel4")
            .arg("stunnel.conf")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("stunnel4 is not installed: apt-get install stunnel4, or run tests/run, which does");
        let said = BufReader::new(child.stderr.take().unwrap());
        let log = folder.join("stunnel.log");
        let mut copy = fs::File::create(&log).unwrap();
        let (ready, is_ready) = mpsc::channel();
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                writeln!(copy, "{line}").unwrap();
                if line.contains("Configuration successful") {
                    // Only the first is waited for.
                    ready.send(()).ok();
                }
            }
        });
        let tunnel = Self { child, log };
        assert!(is_ready.recv_timeout(PATIENCE).is_ok(), "stunnel did not start:\n{}", tunnel.log());
        tunnel
    }

    /// What it has said until now.
    pub(crate) fn log(&self) -> String {
        format!("--- stunnel:\n{}", fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to end.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
