//! What DNS is asked and what it says, without its wire format.

use std::fmt;
use std::net::IpAddr;

use super::MAX_RECORDS;

/// A record type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// RFC 3403
    Naptr,
    /// RFC 2782
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// One question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Question {
    /// What for.
    pub kind: Kind,
    /// In lower case. With a dot at the end it is the whole name; without one it is a host as somebody wrote it, which
    /// may also be in the hosts file or be short for a name in the search list.
    pub name: String,
}

/// What came back, less the time it may be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To a question for [`Kind::Naptr`].
    Naptr(Vec<Naptr>),
    /// To a question for [`Kind::Srv`].
    Srv(Vec<Srv>),
    /// To a question for [`Kind::A`] or [`Kind::Aaaa`].
    Addresses(Vec<IpAddr>),
    /// The name is a CNAME for this one, and the answer holds no records of it.
    Alias(String),
    /// There is none.
    Absent(Absent),
    /// We don't know.
    Failed(Trouble),
}

/// What there is none of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absent {
    /// The name does not exist (NXDOMAIN).
    Name,
    /// The name exists, without records of this type (NODATA).
    Records,
}

/// Why a question has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Trouble {
    /// No name server answered in time.
    #[error("DNS did not answer in time")]
    Timeout,
    /// The name server answered with an error: its code or its fault, in words.
    #[error("the name server failed ({0})")]
    Server(String),
    /// More than [`MAX_ALIASES`](super::MAX_ALIASES) CNAMEs.
    #[error("its CNAMEs lead on and on")]
    Aliases,
    /// We ask too much already.
    #[error("too many DNS questions are under way")]
    Busy,
}

/// A NAPTR record (RFC 3403 s.4.1). What is no text in it matches nothing, so it may be read lossily.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Naptr {
    /// The lowest first, and then no other.
    pub order: u16,
    /// Among those of one order the lowest first.
    pub preference: u16,
    /// `s` for one that leads to SRV.
    pub flags: String,
    /// `SIP+D2U` and the like.
    pub services: String,
    /// Empty, for SIP.
    pub regexp: String,
    /// The owner of the SRV records.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Srv {
    /// The lowest first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; the root, `.`, says that there is no such service.
    pub target: String,
}

impl Question {
    /// For a whole name, as DNS records hold it, with or without the last dot.
    pub(super) fn whole(kind: Kind, name: &str) -> Self {
        let mut name = name.to_ascii_lowercase();
        if !name.ends_with('.') {
            name.push('.');
        }
        Self { kind, name }
    }
}

impl Answer {
    /// Cut down to [`MAX_RECORDS`].
    pub(super) fn bounded(mut self) -> Self {
        match &mut self {
            Self::Naptr(records) => records.truncate(MAX_RECORDS),
            Self::Srv(records) => records.truncate(MAX_RECORDS),
            Self::Addresses(addresses) => addresses.truncate(MAX_RECORDS),
            Self::Alias(_) | Self::Absent(_) | Self::Failed(_) => {}
        }
        self
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Naptr => "NAPTR",
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
