//! Passwords that are shown to us. Digest needs no more of one than its hash with user name and realm (`H(A1)`, RFC 7616 s.3.4.2), so that
//! is what is kept of it; whoever reads it can't tell the password, and has no use for it in another realm.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Agent, Endpoint, Inventory, Secret, Trunk};

/// A password that somebody has to show us. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a string, { file = \"PATH\" }, { env = \"NAME\" } or { username, realm, md5, sha256 }"
)]
pub enum Password {
    /// As it is written, or named.
    Given(Secret),
    /// What is kept of it.
    Kept(Box<Kept>),
}

/// The hash of user name, realm and password, by each algorithm. It is as good as the password in its realm. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The user name that it is of.
    #[cfg_attr(feature = "schema", schema(pattern = "^[!#-\\[\\]-~]{1,64}$"))]
    pub username: String,
    /// The realm that it is good in.
    pub realm: String,
    /// By MD5, in hex digits.
    #[cfg_attr(feature = "schema", schema(value_type = String, pattern = "^[0-9A-Fa-f]{32}$"))]
    pub md5: Octets<16>,
    /// By SHA-256, in hex digits.
    #[cfg_attr(feature = "schema", schema(value_type = String, pattern = "^[0-9A-Fa-f]{64}$"))]
    pub sha256: Octets<32>,
}

/// So many octets, written in hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Octets<const N: usize>(pub [u8; N]);

impl Inventory {
    /// Keeps of each password that is written in place what `keep` makes of its user name and itself. Returns how many there were.
    pub fn keep_passwords(&mut self, keep: impl Fn(&str, &str) -> Kept) -> usize {
        let agents = self.agents.iter_mut().filter_map(|agent| agent.keep_password(&keep)).count();
        agents + self.trunks.iter_mut().filter_map(|trunk| trunk.keep_password(&keep)).count()
    }
}

impl Agent {
    /// Keeps of the password that it has to show what `keep` makes of it; `None` if there is none that is written in place.
    pub fn keep_password(&mut self, keep: impl Fn(&str, &str) -> Kept) -> Option<()> {
        match &mut self.endpoint {
            Endpoint::Sip { username, password, .. } => {
                password.as_mut()?.be_kept(username.as_deref()?, keep)
            }
            Endpoint::MediaStream { .. } | Endpoint::Echo => None,
        }
    }
}

impl Trunk {
    /// The same of a trunk.
    pub fn keep_password(&mut self, keep: impl Fn(&str, &str) -> Kept) -> Option<()> {
        let inbound = self.inbound.as_mut()?;
        inbound.password.as_mut()?.be_kept(inbound.username.as_deref()?, keep)
    }
}

impl Password {
    /// The secret, where it is not only kept.
    pub(crate) fn given_mut(&mut self) -> Option<&mut Secret> {
        match self {
            Self::Given(secret) => Some(secret),
            Self::Kept(_) => None,
        }
    }

    fn be_kept(&mut self, username: &str, keep: impl Fn(&str, &str) -> Kept) -> Option<()> {
        let Self::Given(Secret::Value(password)) = self else { return None };
        *self = Self::Kept(Box::new(keep(username, password)));
        Some(())
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> fmt::Display for Octets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl<const N: usize> Serialize for Octets<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Octets<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let malformed = || D::Error::custom(format!("expected {} hex digits", 2 * N));
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        let octets: Vec<u8> = digits
            .ok_or_else(malformed)?
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit))
            .collect();
        if text.len() == 2 * N {
            octets.try_into().map(Self).map_err(|_| malformed())
        } else {
            Err(malformed())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(username: &str, password: &str) -> Kept {
        let octet = u8::try_from(username.len() + password.len()).unwrap();
        let (md5, sha256) = (Octets([octet; 16]), Octets([octet; 32]));
        Kept { username: username.into(), realm: "house".into(), md5, sha256 }
    }

    #[test]
    fn what_is_kept_is_read_back_and_is_not_the_password() {
        let text = "agents = [{ id = 'a', endpoint = { kind = 'sip', uri = 'sip:a@b', username = 'bob', password = 'hunter2', call_username = 'us', call_password = 'hunter3' } }]
                    trunks = [{ id = 't', inbound = { username = 'pbx', password = 'hunter2' } }, { id = 'u', inbound = { username = 'c', password = { env = 'C' } } }]";
        let mut inventory: Inventory = toml::from_str(text).unwrap();
        assert_eq!(inventory.keep_passwords(kept), 2);
        assert_eq!(inventory.keep_passwords(kept), 0);
        let written = serde_json::to_string(&inventory).unwrap();
        assert!(!written.contains("hunter2") && written.contains("hunter3"), "{written}");
        assert!(written.contains(&"0a".repeat(16)) && written.contains(r#"{"env":"C"}"#), "{written}");
        assert_eq!(serde_json::from_str::<Inventory>(&written).unwrap(), inventory);
        assert!(inventory.faults().is_empty(), "{:?}", inventory.faults());
        let shown = format!("{inventory:?}") + &serde_json::to_string(&inventory.redacted()).unwrap();
        assert!(!shown.contains("hunter") && !shown.contains("0a0a"), "{shown}");
    }

    #[test]
    fn a_hash_that_is_none_is_refused() {
        for md5 in ["", "0", "zz", &"0".repeat(31), &"0".repeat(33), &"é".repeat(16)] {
            let text =
                serde_json::json!({ "username": "u", "realm": "r", "md5": md5, "sha256": "0".repeat(64) });
            let error = serde_json::from_value::<Password>(text).unwrap_err().to_string();
            assert!(error.contains("{ username, realm, md5, sha256 }"), "{error}");
        }
    }
}
