//! One object of the inventory: what may be put, removed and looked at by itself.

use std::fmt;
use std::str::FromStr;

use numbers::{Agent, Inventory, Number, Settings, Trunk};
use serde_json::Value;

use crate::{Error, Kind};

/// One object of the inventory.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Object {
    Settings(Settings),
    Agent(Box<Agent>),
    Trunk(Box<Trunk>),
    Number(Box<Number>),
}

/// The version of an object: the revision of the store at which it became what it is. Nothing can be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Etag(pub u64);

/// What a change takes for granted of what is there before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expect {
    /// There is no such object. Settings are always there.
    New,
    /// Whatever there is; to be removed, it has to be there.
    Any,
    /// It is there, and of this version.
    Etag(Etag),
}

/// An object as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The object, with its secrets: see [`Object::shown`].
    pub object: Object,
    /// Its version.
    pub etag: Etag,
}

impl Object {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Settings(_) => Kind::Settings,
            Self::Agent(_) => Kind::Agent,
            Self::Trunk(_) => Kind::Trunk,
            Self::Number(_) => Kind::Number,
        }
    }

    /// Its id; of a number, the number; of the settings, nothing.
    pub fn id(&self) -> String {
        match self {
            Self::Settings(_) => String::new(),
            Self::Agent(agent) => agent.id.clone(),
            Self::Trunk(trunk) => trunk.id.clone(),
            Self::Number(number) => number.e164.to_string(),
        }
    }

    /// Whether what is sent to it goes to another place than it did before.
    pub fn leads_elsewhere(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Agent(agent), Self::Agent(before)) => agent.leads_elsewhere(before),
            (Self::Trunk(trunk), Self::Trunk(before)) => trunk.leads_elsewhere(before),
            (Self::Settings(_) | Self::Agent(_) | Self::Trunk(_) | Self::Number(_), _) => false,
        }
    }

    /// As JSON for eyes: secrets, parameters of streams, and credentials in URLs, are `***`.
    pub fn shown(&self) -> Value {
        let mut inventory = Inventory::default();
        self.clone().put_into(&mut inventory);
        let Inventory { settings, agents, trunks, numbers } = inventory.redacted();
        let only = match self {
            Self::Settings(_) => Some(Self::Settings(settings)),
            Self::Agent(_) => agents.into_iter().next().map(Self::from),
            Self::Trunk(_) => trunks.into_iter().next().map(Self::from),
            Self::Number(_) => numbers.into_iter().next().map(Self::from),
        };
        only.map_or(Value::Null, |only| only.json())
    }

    /// With its secrets.
    pub(crate) fn json(&self) -> Value {
        let json = match self {
            Self::Settings(settings) => serde_json::to_value(settings),
            Self::Agent(agent) => serde_json::to_value(agent),
            Self::Trunk(trunk) => serde_json::to_value(trunk),
            Self::Number(number) => serde_json::to_value(number),
        };
        // These types have no key that is not a text.
        json.unwrap_or_default()
    }

    /// From the body of a row.
    pub(crate) fn parse(kind: Kind, body: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Settings => Self::Settings(serde_json::from_str(body)?),
            Kind::Agent => Self::Agent(serde_json::from_str(body)?),
            Kind::Trunk => Self::Trunk(serde_json::from_str(body)?),
            Kind::Number => Self::Number(serde_json::from_str(body)?),
        })
    }

    /// In the place of the one with its id. It goes where its own faults are told of it: those of a circle of agents at the first, those of
    /// trunks with the same address at the last.
    pub(crate) fn put_into(self, inventory: &mut Inventory) {
        match self {
            Self::Settings(settings) => inventory.settings = settings,
            Self::Agent(agent) => {
                inventory.agents.retain(|other| other.id != agent.id);
                inventory.agents.insert(0, *agent);
            }
            Self::Trunk(trunk) => {
                inventory.trunks.retain(|other| other.id != trunk.id);
                inventory.trunks.push(*trunk);
            }
            Self::Number(number) => {
                inventory.numbers.retain(|other| other.e164 != number.e164);
                inventory.numbers.push(*number);
            }
        }
    }

    /// All of an inventory.
    pub(crate) fn all_of(inventory: &Inventory) -> impl Iterator<Item = Self> {
        let settings = std::iter::once(Self::Settings(inventory.settings.clone()));
        let agents = inventory.agents.iter().cloned().map(Self::from);
        let trunks = inventory.trunks.iter().cloned().map(Self::from);
        settings.chain(agents).chain(trunks).chain(inventory.numbers.iter().cloned().map(Self::from))
    }
}

impl Expect {
    /// Whether it holds of what is there.
    pub(crate) fn check(self, kind: Kind, id: &str, held: Option<Etag>) -> Result<(), Error> {
        let id = || id.to_owned();
        match (self, held) {
            (Self::Any, _) | (Self::New, None) => Ok(()),
            (Self::New, Some(_)) => Err(Error::Exists { kind, id: id() }),
            (Self::Etag(_), None) => Err(Error::Absent { kind, id: id() }),
            (Self::Etag(expected), Some(held)) if expected == held => Ok(()),
            (Self::Etag(_), Some(_)) => Err(Error::Changed { kind, id: id() }),
        }
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Etag {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl From<Settings> for Object {
    fn from(settings: Settings) -> Self {
        Self::Settings(settings)
    }
}

impl From<Agent> for Object {
    fn from(agent: Agent) -> Self {
        Self::Agent(Box::new(agent))
    }
}

impl From<Trunk> for Object {
    fn from(trunk: Trunk) -> Self {
        Self::Trunk(Box::new(trunk))
    }
}

impl From<Number> for Object {
    fn from(number: Number) -> Self {
        Self::Number(Box::new(number))
    }
}
