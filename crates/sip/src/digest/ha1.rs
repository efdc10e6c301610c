//! What a verifier keeps of a password.

use std::fmt;

use md5::Md5;
use sha2::Sha256;

use super::algorithm::{Algorithm, hash, hex};

/// The hash of user name, realm and password (`H(A1)` of RFC 7616 s.3.4.2), by each algorithm. It is as good as the password in its
/// realm, and no good in another. `Debug` prints nothing of it.
#[derive(Clone, Copy)]
pub struct Ha1 {
    /// By MD5.
    pub md5: [u8; 16],
    /// By SHA-256.
    pub sha256: [u8; 32],
}

impl Ha1 {
    /// Of a user name and a password in a realm.
    pub fn of(username: &str, realm: &str, password: &str) -> Self {
        let parts = [username.as_bytes(), realm.as_bytes(), password.as_bytes()];
        Self { md5: hash::<Md5>(&parts).into(), sha256: hash::<Sha256>(&parts).into() }
    }

    pub(super) fn hex(&self, algorithm: Algorithm) -> String {
        match algorithm {
            Algorithm::Md5 => hex(&self.md5),
            Algorithm::Sha256 => hex(&self.sha256),
        }
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1")
    }
}
