//! An object as it is told: without its secrets.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use numbers::{Number, Settings, Trunk};
use serde_json::Value;
use store::{Held, Kind, Object, Store};

use crate::etag::Tag;
use crate::problem::Problem;
use crate::{answer, secrets};

/// What is told of an object, and the tag of that.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) value: Value,
    pub(super) tag: Tag,
}

/// With its secrets.
pub(super) fn whole(object: &Object) -> Result<Value, Problem> {
    let value = match object {
        Object::Settings(settings) => serde_json::to_value(settings),
        Object::Agent(agent) => serde_json::to_value(agent),
        Object::Trunk(trunk) => serde_json::to_value(trunk),
        Object::Number(number) => serde_json::to_value(number),
    };
    value.map_err(|error| answer::unprintable(&error))
}

/// Looks at objects for one answer; what numbers are told of depends on others, which are read once.
#[derive(Debug)]
pub(super) struct Viewer<'a> {
    store: &'a Store,
    settings: Option<Settings>,
    trunks: BTreeMap<String, Option<Trunk>>,
}

impl<'a> Viewer<'a> {
    pub(super) const fn new(store: &'a Store) -> Self {
        Self { store, settings: None, trunks: BTreeMap::new() }
    }

    pub(super) async fn view(&mut self, held: &Held) -> Result<View, Problem> {
        let mut value = whole(&held.object)?;
        secrets::hide(&mut value);
        let Object::Number(number) = &held.object else {
            return Ok(View { value, tag: Tag::new(&held.etag) });
        };
        let warnings = self.warnings(number).await?;
        // They are told too, and change without the number.
        let mut hasher = DefaultHasher::new();
        warnings.hash(&mut hasher);
        let tag = Tag::new(&format_args!("{}-{:x}", held.etag, hasher.finish()));
        value[WARNINGS] = warnings.into();
        Ok(View { value, tag })
    }

    async fn warnings(&mut self, number: &Number) -> Result<Vec<String>, Problem> {
        if self.settings.is_none() {
            self.settings = match self.store.object(Kind::Settings, "").await?.map(|held| held.object) {
                Some(Object::Settings(settings)) => Some(settings),
                Some(Object::Agent(_) | Object::Trunk(_) | Object::Number(_)) | None => None,
            };
        }
        if !self.trunks.contains_key(&number.trunk_id) {
            let trunk = match self.store.object(Kind::Trunk, &number.trunk_id).await?.map(|held| held.object)
            {
                Some(Object::Trunk(trunk)) => Some(*trunk),
                Some(Object::Settings(_) | Object::Agent(_) | Object::Number(_)) | None => None,
            };
            self.trunks.insert(number.trunk_id.clone(), trunk);
        }
        let settings = self.settings.clone().unwrap_or_default();
        let trunk = self.trunks.get(&number.trunk_id).and_then(Option::as_ref);
        Ok(numbers::warnings(number, &settings, trunk))
    }
}

/// Told, and passed over where it is sent back.
pub(super) const WARNINGS: &str = "warnings";
