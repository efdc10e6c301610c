//! Who we are to a peer that asks.

use std::fmt;

use super::algorithm::Algorithm;

/// A user name and a password that answer challenges. `Debug` prints neither the password nor its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// A user name and its password, as the peer has them.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// `H(A1)` in that realm.
    pub(super) fn ha1(&self, algorithm: Algorithm, realm: &str) -> String {
        algorithm.hex(&[self.username.as_bytes(), realm.as_bytes(), self.password.as_bytes()])
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}
