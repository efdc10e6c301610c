//! Who asks, and whether they may.

mod gate;
pub(crate) mod identity;
mod known;
mod rate;

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use store::{Actor, Key, Permission, Resource, Role, Scope, Store};

pub(crate) use self::gate::{Gate, Shape, gate};
use self::identity::now_ms;
pub(crate) use self::known::Known;
pub(crate) use self::rate::{Buckets, Who};
use crate::problem::Problem;

/// What an operation asks of its caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// To come from this machine, or a key of any role, for this.
    Local(Permission),
    /// A key of this role or a higher one, for this.
    Role(Role, Permission),
}

impl Access {
    /// What a key has to be for.
    pub(crate) const fn permission(self) -> Option<Permission> {
        match self {
            Self::Open => None,
            Self::Local(permission) | Self::Role(_, permission) => Some(permission),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody was asked for a name.
    Nameless,
    /// Somebody on this machine, while there are no keys.
    Loopback,
    /// The holder of a key.
    Key(Box<Key>),
}

/// The far end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Caller {
    const fn role(&self) -> Option<Role> {
        match self {
            Self::Nameless => None,
            Self::Loopback => Some(Role::Admin),
            Self::Key(key) => Some(key.role),
        }
    }

    /// What it is for, where that is not all that its role allows.
    pub(crate) const fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Nameless | Self::Loopback => None,
            Self::Key(key) => key.scope.as_ref(),
        }
    }

    /// Would it be let in again, at this moment?
    pub(crate) async fn is_known(&self, store: &Store) -> Result<bool, store::Error> {
        Ok(match self {
            Self::Nameless => true,
            Self::Loopback => store.keys().await?.is_empty(),
            Self::Key(key) => store.key(&key.id).await?.is_some_and(|key| !key.is_expired(now_ms())),
        })
    }

    /// How long its key is taken yet; `None` is for ever.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        match self {
            Self::Nameless | Self::Loopback => None,
            Self::Key(key) => key.expires_at.map(|at| Duration::from_millis(at.saturating_sub(now_ms()))),
        }
    }

    /// Whose key it is, if it has one.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Nameless | Self::Loopback => None,
            Self::Key(key) => Some(key),
        }
    }

    /// Whether it may look at calls that have ended too, not just at those that are up.
    pub(crate) fn sees_records(&self) -> bool {
        self.scope().is_none_or(|scope| scope.allows(Permission::read(Resource::Records)))
    }

    /// For the audit trail.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Nameless | Self::Loopback => Actor::loopback(),
            Self::Key(key) => Actor::key(key),
        }
    }

    /// Whose idempotency keys these are.
    pub(crate) fn owner(&self) -> &str {
        match self {
            Self::Nameless | Self::Loopback => "loopback",
            Self::Key(key) => &key.id,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().cloned().unwrap_or(Self::Nameless))
    }
}
