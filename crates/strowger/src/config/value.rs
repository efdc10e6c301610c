//! Values that check themselves as they are read: a `Config` holds no other.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

/// 1 to 64 letters, digits, `.`, `_`, `-`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct NodeId(pub(crate) String);

/// A path that is not empty.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct DataDir(pub(crate) PathBuf);

/// `LEAST` to 16 different addresses to listen on.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Items")]
pub(crate) struct Listeners<const LEAST: usize>(pub(crate) Vec<Listening>);

/// One of them: `IP:PORT`, or `IP:PORT as ADDRESS` with the address by which peers reach it, and perhaps its port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) advertised: Advertised,
}

/// By what peers reach a listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Advertised {
    /// By what `sip.advertised` says, and its own port.
    AsAll,
    /// By this address, and its own port.
    Ip(IpAddr),
    /// By this address and port.
    Whole(SocketAddr),
}

/// An address to listen on, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Door(pub(crate) Option<SocketAddr>);

/// An address to send to, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Collector(pub(crate) Option<SocketAddr>);

/// The path of a file, if there is one.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct OptionalFile(pub(crate) Option<PathBuf>);

/// An address that a peer can send to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) Option<IpAddr>);

/// Printable ASCII, at most 100 characters: fit for a header.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(pub(crate) String);

/// At least one pair of ports, even first.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct PortRange(pub(crate) RangeInclusive<u16>);

/// `sqlite:` and a file, `sqlite::memory:`, or an address of PostgreSQL.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct StoreUrl(String);

/// A key whose feature is not in this version: `""`, `[]` or `0`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "Items")]
pub(crate) struct Reserved;

/// What becomes of a request from an address that no trunk owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownSource {
    Drop,
    Reject,
}

/// How the packet threads reach their sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Backend {
    /// Whichever is better here.
    Auto,
    Epoll,
    IoUring,
}

/// The least severe line that is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The shape of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Pretty,
    Json,
}

/// A list of words; from the environment, with commas between.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Items {
    List(Vec<String>),
    Joined(String),
    Number(u64),
}

/// Not a value that the key takes. What it takes is said by the key.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
#[error("not of the expected form")]
pub(crate) struct Unfit;

const MAX_LISTENERS: usize = 16;
const MAX_TEXT: usize = 100;
const MAX_NODE_ID: usize = 64;
const SQLITE: &str = "sqlite:";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];
const MEMORY: &str = ":memory:";

impl PortRange {
    /// How many pairs (RTP, RTCP) it holds.
    pub(crate) fn pairs(&self) -> u32 {
        (u32::from(*self.0.end()) + 1 - u32::from(*self.0.start())) / 2
    }
}

impl StoreUrl {
    /// The same address, a relative file put under `directory`.
    pub(crate) fn under(&self, directory: &Path) -> String {
        let Some(file) = self.0.strip_prefix(SQLITE) else { return self.0.clone() };
        if file == MEMORY || directory == Path::new(".") {
            return self.0.clone();
        }
        format!("{SQLITE}{}", directory.join(file.trim_start_matches("//")).display())
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
            fn within<E: Error>(self, number: u64) -> Result<Whole<MIN, MAX>, E> {
                u32::try_from(number)
                    .ok()
                    .filter(|number| (MIN..=MAX).contains(number))
                    .map(Whole)
                    .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
        }
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for Number<MIN, MAX> {
            type Value = Whole<MIN, MAX>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                self.within(number)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                let unsigned = u64::try_from(number);
                self.within(unsigned.map_err(|_| E::invalid_value(Unexpected::Signed(number), &"no sign"))?)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                self.within(text.trim().parse().map_err(E::custom)?)
            }
        }
        deserializer.deserialize_any(Number::<MIN, MAX>)
    }
}

impl TryFrom<String> for NodeId {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        let fit = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        let sound = (1..=MAX_NODE_ID).contains(&text.len()) && text.chars().all(fit);
        if sound { Ok(Self(text)) } else { Err(Unfit) }
    }
}

impl TryFrom<String> for DataDir {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        if text.is_empty() { Err(Unfit) } else { Ok(Self(text.into())) }
    }
}

impl Items {
    pub(super) fn words(self) -> Result<Vec<String>, Unfit> {
        match self {
            Self::List(words) => Ok(words),
            Self::Joined(joined) if joined.trim().is_empty() => Ok(Vec::new()),
            Self::Joined(joined) => Ok(joined.split(',').map(|word| word.trim().to_owned()).collect()),
            Self::Number(_) => Err(Unfit),
        }
    }
}

impl<const LEAST: usize> TryFrom<Items> for Listeners<LEAST> {
    type Error = Unfit;
    fn try_from(items: Items) -> Result<Self, Unfit> {
        let mut listeners: Vec<Listening> = Vec::new();
        for word in items.words()? {
            let listening = Listening::parse(&word)?;
            if listeners.iter().any(|other| other.address == listening.address) {
                return Err(Unfit);
            }
            listeners.push(listening);
        }
        if (LEAST..=MAX_LISTENERS).contains(&listeners.len()) { Ok(Self(listeners)) } else { Err(Unfit) }
    }
}

impl Listening {
    fn parse(text: &str) -> Result<Self, Unfit> {
        let (address, advertised) = match text.split_once(" as ") {
            None => (text, Advertised::AsAll),
            Some((address, named)) => (address, Advertised::parse(named.trim())?),
        };
        Ok(Self { address: address.trim().parse().map_err(|_| Unfit)?, advertised })
    }
}

impl Advertised {
    fn parse(text: &str) -> Result<Self, Unfit> {
        let advertised = match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
            (Ok(whole), _) => Self::Whole(whole),
            (Err(_), Ok(ip)) => Self::Ip(ip),
            (Err(_), Err(_)) => return Err(Unfit),
        };
        let (ip, port) = match advertised {
            Self::Whole(whole) => (Some(whole.ip()), Some(whole.port())),
            Self::Ip(ip) => (Some(ip), None),
            Self::AsAll => (None, None),
        };
        let reachable = ip.is_none_or(|ip| !ip.is_unspecified() && !ip.is_multicast()) && port != Some(0);
        if reachable { Ok(advertised) } else { Err(Unfit) }
    }
}

impl TryFrom<String> for Door {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        optional_address(&text).map(Self)
    }
}

impl TryFrom<String> for Collector {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        let address = optional_address(&text)?;
        let reachable = address.is_none_or(|address| !address.ip().is_unspecified() && address.port() != 0);
        if reachable { Ok(Self(address)) } else { Err(Unfit) }
    }
}

fn optional_address(text: &str) -> Result<Option<SocketAddr>, Unfit> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| Unfit) }
}

impl From<String> for OptionalFile {
    fn from(text: String) -> Self {
        Self(if text.is_empty() { None } else { Some(text.into()) })
    }
}

impl TryFrom<String> for Address {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address: IpAddr = text.parse().map_err(|_| Unfit)?;
        if address.is_unspecified() || address.is_multicast() { Err(Unfit) } else { Ok(Self(Some(address))) }
    }
}

impl TryFrom<String> for Text {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        let sound = text.len() <= MAX_TEXT && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if sound { Ok(Self(text)) } else { Err(Unfit) }
    }
}

impl TryFrom<String> for PortRange {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        let (first, last) = text.split_once('-').ok_or(Unfit)?;
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| Unfit);
        let (first, last) = (port(first)?, port(last)?);
        let first = first.checked_next_multiple_of(2).ok_or(Unfit)?;
        if first >= 1024 && first < last { Ok(Self(first..=last)) } else { Err(Unfit) }
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        match text.strip_prefix(SQLITE) {
            Some(file) if !file.trim_start_matches("//").is_empty() => Ok(Self(text)),
            None if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) => Ok(Self(text)),
            Some(_) | None => Err(Unfit),
        }
    }
}

impl TryFrom<Items> for Reserved {
    type Error = Unfit;
    fn try_from(items: Items) -> Result<Self, Unfit> {
        let unset = match items {
            Items::List(words) => words.is_empty(),
            Items::Joined(word) => word.is_empty() || word == "0",
            Items::Number(number) => number == 0,
        };
        if unset { Ok(Self) } else { Err(Unfit) }
    }
}
