//! What a key is for: parts of what its role lets it do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a key is for. It narrows what the key's role allows, and never widens it. Never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope(BTreeSet<Permission>);

/// To look at one kind of thing, or to look at and change it: `calls:read`, `calls:write`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Permission {
    /// What it is about.
    pub resource: Resource,
    /// How far it goes.
    pub reach: Reach,
}

/// The kinds of things that the API is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Resource {
    Agents,
    Trunks,
    Numbers,
    Settings,
    Calls,
    Records,
    Events,
    Keys,
    Audit,
    /// The daemon: its counters, its end.
    Node,
}

/// How far a permission goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reach {
    /// To look.
    Read,
    /// To change too.
    Write,
}

impl Scope {
    /// `None` without any permission: such a key would be for nothing.
    pub fn new(permissions: impl IntoIterator<Item = Permission>) -> Option<Self> {
        let permissions: BTreeSet<_> = permissions.into_iter().collect();
        (!permissions.is_empty()).then_some(Self(permissions))
    }

    /// Whether this is in it; who may change something may look at it.
    pub fn allows(&self, needed: Permission) -> bool {
        let Permission { resource, reach } = needed;
        let at_least = |reach| self.0.contains(&Permission { resource, reach });
        match reach {
            Reach::Read => at_least(Reach::Read) || at_least(Reach::Write),
            Reach::Write => at_least(Reach::Write),
        }
    }

    /// Whether all of another is in it.
    pub fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|permission| self.allows(*permission))
    }

    pub(crate) fn parse(words: &str) -> Result<Self, String> {
        let permissions: Result<BTreeSet<_>, _> =
            words.split_whitespace().map(Permission::from_str).collect();
        Self::new(permissions?).ok_or_else(|| "a scope of nothing".to_owned())
    }
}

impl Permission {
    /// All that there are.
    pub const ALL: [Self; 17] = [
        Self::read(Resource::Agents),
        Self::write(Resource::Agents),
        Self::read(Resource::Trunks),
        Self::write(Resource::Trunks),
        Self::read(Resource::Numbers),
        Self::write(Resource::Numbers),
        Self::read(Resource::Settings),
        Self::write(Resource::Settings),
        Self::read(Resource::Calls),
        Self::write(Resource::Calls),
        Self::read(Resource::Records),
        Self::read(Resource::Events),
        Self::read(Resource::Keys),
        Self::write(Resource::Keys),
        Self::read(Resource::Audit),
        Self::read(Resource::Node),
        Self::write(Resource::Node),
    ];

    /// To look at it.
    pub const fn read(resource: Resource) -> Self {
        Self { resource, reach: Reach::Read }
    }

    /// To change it.
    pub const fn write(resource: Resource) -> Self {
        Self { resource, reach: Reach::Write }
    }
}

impl Resource {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Trunks => "trunks",
            Self::Numbers => "numbers",
            Self::Settings => "settings",
            Self::Calls => "calls",
            Self::Records => "records",
            Self::Events => "events",
            Self::Keys => "keys",
            Self::Audit => "audit",
            Self::Node => "node",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = match self.reach {
            Reach::Read => "read",
            Reach::Write => "write",
        };
        write!(f, "{}:{reach}", self.resource.word())
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|permission| permission.to_string() == text);
        found.ok_or_else(|| {
            let all = Self::ALL.map(|permission| permission.to_string()).join(", ");
            format!("`{}` is no part of a scope; there are {all}", text.escape_debug())
        })
    }
}

/// Its permissions, with a space between each.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(Permission::to_string).collect();
        f.write_str(&words.join(" "))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Permission::to_string))
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        let permissions: Result<BTreeSet<_>, _> = words.iter().map(|word| word.parse()).collect();
        let scope = Self::new(permissions.map_err(D::Error::custom)?);
        scope.ok_or_else(|| {
            D::Error::custom(
                "a key with an empty scope would be for nothing; leave it out for all that the role allows",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_is_read_as_it_is_written_and_allows_what_it_says() {
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(permission));
            let scope = Scope::new([permission]).unwrap();
            for needed in Permission::ALL {
                let within = needed.resource == permission.resource && needed.reach <= permission.reach;
                assert_eq!(scope.allows(needed), within, "{scope} and {needed}");
            }
        }
        for faulty in ["", "calls", "calls:", "calls:execute", "CALLS:read", "records:write", "*"] {
            assert!(faulty.parse::<Permission>().is_err(), "{faulty}");
        }
    }

    #[test]
    fn a_scope_is_a_list_of_words() {
        let scope: Scope = serde_json::from_str(r#"["numbers:read", "calls:write", "calls:write"]"#).unwrap();
        assert_eq!(serde_json::to_string(&scope).unwrap(), r#"["numbers:read","calls:write"]"#);
        assert_eq!(Scope::parse(&scope.to_string()), Ok(scope.clone()));
        assert!(scope.holds(&Scope::parse("calls:read").unwrap()));
        assert!(!scope.holds(&Scope::parse("calls:read numbers:write").unwrap()));
        for faulty in ["[]", r#"["calls"]"#, r#""calls:read""#] {
            assert!(serde_json::from_str::<Scope>(faulty).is_err(), "{faulty}");
        }
    }
}
