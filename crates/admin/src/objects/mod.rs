//! Agents, trunks, numbers, settings: read, and changed one at a time.

mod change;
mod read;
mod verify;
mod view;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use numbers::{Agent, E164, Number, Settings, Trunk};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Kind, Object};

pub(crate) use self::change::{create, patch, patch_settings, remove, replace, replace_settings};
pub(crate) use self::read::{list, settings, show};
pub(crate) use self::verify::verify;
use crate::problem::Problem;

/// A kind of object that there are many of.
pub(crate) trait Owned: Written {
    /// Its list.
    const PATH: &'static str;
    /// The member that names one.
    const ID: &'static str;

    /// Whether there may be one of this id.
    fn is_id(text: &str) -> bool {
        let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&text.len()) && text.bytes().all(is_id_byte)
    }
}

/// Whatever may be written in a body.
pub(crate) trait Written: DeserializeOwned + Serialize + Into<Object> + Send + 'static {
    const KIND: Kind;
}

/// The last segment of a path that names one object.
#[derive(Clone, Debug)]
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Problem::absent("no id has octets that are no UTF-8"))
    }
}

impl Written for Agent {
    const KIND: Kind = Kind::Agent;
}

impl Written for Trunk {
    const KIND: Kind = Kind::Trunk;
}

impl Written for Number {
    const KIND: Kind = Kind::Number;
}

impl Written for Settings {
    const KIND: Kind = Kind::Settings;
}

impl Owned for Agent {
    const PATH: &'static str = "/v1/agents";
    const ID: &'static str = "id";
}

impl Owned for Trunk {
    const PATH: &'static str = "/v1/trunks";
    const ID: &'static str = "id";
}

impl Owned for Number {
    const PATH: &'static str = "/v1/numbers";
    const ID: &'static str = "e164";

    fn is_id(text: &str) -> bool {
        E164::parse(text).is_ok()
    }
}
