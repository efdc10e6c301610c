//! Digest credentials (RFC 7616) as the other side computes them: from the words of the RFC, with nothing of ours.

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::house::Traced;

/// A user and its password.
pub(crate) struct Login {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

/// The hash that a challenge asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn of(self, text: &str) -> String {
        let octets = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        };
        octets.iter().fold(String::new(), |hex, octet| format!("{hex}{octet:02x}"))
    }
}

impl Login {
    /// The response of RFC 7616 s.3.4.1 for `qop=auth`.
    fn response(
        &self,
        hash: Hash,
        realm: &str,
        nonce: &str,
        counted: [&str; 2],
        request: [&str; 2],
    ) -> String {
        let [count, own] = counted;
        let [method, uri] = request;
        let secret = hash.of(&format!("{}:{realm}:{}", self.user, self.password));
        let asked = hash.of(&format!("{method}:{uri}"));
        hash.of(&format!("{secret}:{nonce}:{count}:{own}:auth:{asked}"))
    }

    /// What answers the challenge of that hash, among the `WWW-Authenticate` of a 401.
    pub(crate) fn answer(&self, hash: Hash, refusal: &Traced, method: &str, uri: &str) -> String {
        let challenges = refusal.headers("WWW-Authenticate");
        let challenge = challenges.iter().find(|value| field(value, "algorithm") == hash.name());
        let challenge = challenge.unwrap_or_else(|| panic!("no challenge of {hash:?}: {challenges:?}"));
        let [realm, nonce, opaque] = ["realm", "nonce", "opaque"].map(|name| field(challenge, name));
        let counted = ["00000001", "0a4f113b"];
        let response = self.response(hash, realm, nonce, counted, [method, uri]);
        format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={}, cnonce=\"{}\", opaque=\"{opaque}\", qop=auth, nc={}",
            self.user,
            hash.name(),
            counted[1],
            counted[0]
        )
    }

    /// The count of uses of the nonce, of a request whose credentials in `header` are right.
    pub(crate) fn assert_shown(&self, hash: Hash, header: &str, request: &Traced) -> u32 {
        let values = request.headers(header);
        assert_eq!(values.len(), 1, "one {header}: {}", request.text);
        let value = values[0];
        let (method, uri) = request
            .text
            .split_once(' ')
            .map(|(method, rest)| {
                let (uri, _) = rest.split_once(' ').unwrap();
                (method, uri)
            })
            .unwrap();
        assert_eq!(field(value, "username"), self.user, "{value}");
        assert_eq!(field(value, "algorithm"), hash.name(), "{value}");
        assert_eq!(field(value, "qop"), "auth", "{value}");
        assert_eq!(field(value, "uri"), uri, "{value}");
        let [realm, nonce, count, own] = ["realm", "nonce", "nc", "cnonce"].map(|name| field(value, name));
        assert!(count.len() == 8 && !own.is_empty(), "{value}");
        let right = self.response(hash, realm, nonce, [count, own], [method, uri]);
        assert_eq!(field(value, "response"), right, "{value}");
        u32::from_str_radix(count, 16).unwrap()
    }
}

/// A field of a challenge or of credentials, without its quotes.
pub(crate) fn field<'a>(value: &'a str, name: &str) -> &'a str {
    let fields =
        value.trim_start_matches("Digest ").split(',').filter_map(|field| field.trim().split_once('='));
    fields
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value.trim_matches('"'))
        .next()
        .unwrap_or_default()
}
