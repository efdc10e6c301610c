//! The response of RFC 7616 s.3.4.1: that its sender knows the password.

use super::algorithm::Algorithm;

/// What goes into a response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof<'a> {
    pub(super) algorithm: Algorithm,
    /// `H(A1)`, in hex digits.
    pub(super) ha1: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    pub(super) protection: Protection<'a>,
    pub(super) body: &'a [u8],
}

/// What the response protects (`qop`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protection<'a> {
    /// No `qop`: RFC 2069.
    Bare,
    /// `auth`: method and URI.
    Auth(Counted<'a>),
    /// `auth-int`: the body too.
    Body(Counted<'a>),
}

/// What a `qop` comes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Counted<'a> {
    /// The nonce count, as written.
    pub(super) nc: &'a str,
    pub(super) cnonce: &'a str,
}

impl Protection<'_> {
    pub(super) fn qop(self) -> Option<&'static str> {
        match self {
            Self::Bare => None,
            Self::Auth(_) => Some(AUTH),
            Self::Body(_) => Some(AUTH_INT),
        }
    }
}

impl Proof<'_> {
    /// The response, in hex digits.
    pub(super) fn response(&self) -> String {
        let hex = |parts: &[&[u8]]| self.algorithm.hex(parts);
        let (method, uri) = (self.method.as_bytes(), self.uri.as_bytes());
        let request = match self.protection {
            Protection::Bare | Protection::Auth(_) => hex(&[method, uri]),
            Protection::Body(_) => hex(&[method, uri, hex(&[self.body]).as_bytes()]),
        };
        let (ha1, nonce, request) = (self.ha1.as_bytes(), self.nonce.as_bytes(), request.as_bytes());
        match self.protection {
            Protection::Bare => hex(&[ha1, nonce, request]),
            Protection::Auth(Counted { nc, cnonce }) | Protection::Body(Counted { nc, cnonce }) => {
                let qop = self.protection.qop().unwrap_or_default();
                hex(&[ha1, nonce, nc.as_bytes(), cnonce.as_bytes(), qop.as_bytes(), request])
            }
        }
    }
}

pub(super) const AUTH: &str = "auth";
pub(super) const AUTH_INT: &str = "auth-int";
