//! The audit trail: who changed what, when, from what to what. It is written in the transaction of the change, and never
//! shortened.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value as Json;

use crate::db::{Transaction, Value};
use crate::object::Object;
use crate::{Error, Key, Kind, Store};

/// Who changes something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    name: String,
    key_id: Option<String>,
}

/// One change.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AuditEntry {
    /// Counts the entries, not without gaps.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The label of the API key, or `apply`, or `cli`.
    pub actor: String,
    /// The id of the API key.
    pub key_id: Option<String>,
    /// The revision that the inventory has by the change.
    pub revision: u64,
    /// `settings`, `agent`, `trunk`, `number` or `key`.
    pub kind: String,
    /// Its id; of the settings, nothing.
    pub id: String,
    /// What it was; absent if it came. What may be secret is `***`.
    pub before: Option<Json>,
    /// What it is; absent if it went. A secret that is another than before is `*** (changed)`.
    pub after: Option<Json>,
}

impl Actor {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A file that is made the inventory.
    pub fn apply() -> Self {
        Self { name: "apply".to_owned(), key_id: None }
    }

    /// A command that speaks to the store itself.
    pub fn cli() -> Self {
        Self { name: "cli".to_owned(), key_id: None }
    }

    /// The API without a key, on loopback.
    pub fn loopback() -> Self {
        Self { name: "loopback".to_owned(), key_id: None }
    }

    /// The API with this key.
    pub fn key(key: &Key) -> Self {
        Self { name: key.label.clone(), key_id: Some(key.id.clone()) }
    }
}

impl Store {
    /// So many entries at most, in order, beginning behind `after`; 0 for the first.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditEntry>, Error> {
        let sql = "SELECT seq, at_ms, actor, key_id, revision, kind, id, was, became FROM audit \
                   WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows = self.pool.fetch(sql, &[after.into(), u64::from(limit).into()]).await?;
        let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    seq: row.natural("seq")?,
                    at_ms: row.natural("at_ms")?,
                    actor: row.text("actor")?,
                    key_id: row.optional_text("key_id")?,
                    revision: row.natural("revision")?,
                    kind: row.text("kind")?,
                    id: row.text("id")?,
                    before: json(row.optional_text("was")?),
                    after: json(row.optional_text("became")?),
                })
            })
            .collect()
    }
}

/// What is to be written of one change.
pub(crate) struct Entry {
    kind: &'static str,
    id: String,
    before: Option<String>,
    after: Option<String>,
}

impl Entry {
    pub(crate) fn of_objects(before: Option<&Object>, after: Option<&Object>) -> Self {
        let either = after.or(before);
        let shown_before = before.map(Object::shown);
        let mut shown_after = after.map(Object::shown);
        if let (Some(before), Some(after), Some(shown)) = (before, after, &mut shown_after) {
            mark(&before.json(), &after.json(), shown_before.as_ref().unwrap_or(&Json::Null), shown);
        }
        Self {
            kind: either.map_or(Kind::Settings, Object::kind).word(),
            id: either.map(Object::id).unwrap_or_default(),
            before: shown_before.map(|json| json.to_string()),
            after: shown_after.map(|json| json.to_string()),
        }
    }

    pub(crate) fn of_key(before: Option<&Key>, after: Option<&Key>) -> Self {
        let json = |key: &Key| serde_json::to_string(key).unwrap_or_default();
        Self {
            kind: "key",
            id: after.or(before).map(|key| key.id.clone()).unwrap_or_default(),
            before: before.map(json),
            after: after.map(json),
        }
    }
}

pub(crate) async fn write(
    transaction: &mut Transaction,
    actor: &Actor,
    revision: u64,
    entries: &[Entry],
) -> Result<(), Error> {
    let at_ms = now_ms();
    for chunk in entries.chunks(ROWS_AT_ONCE) {
        let mut values = Vec::with_capacity(chunk.len() * COLUMNS);
        for entry in chunk {
            values.extend([
                Value::from(at_ms),
                Value::from(&actor.name),
                Value::from(&actor.key_id),
                Value::from(revision),
                Value::from(entry.kind),
                Value::from(&entry.id),
                Value::from(&entry.before),
                Value::from(&entry.after),
            ]);
        }
        let places = transaction.places(chunk.len(), COLUMNS);
        let sql = format!(
            "INSERT INTO audit (at_ms, actor, key_id, revision, kind, id, was, became) VALUES {places}"
        );
        transaction.execute_once(sql, &values).await?;
    }
    Ok(())
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Says of what looks the same and is not that it has changed.
fn mark(before: &Json, after: &Json, shown_before: &Json, shown_after: &mut Json) {
    match shown_after {
        Json::Object(members) => {
            for (name, shown) in members {
                mark(&before[name], &after[name], &shown_before[name], shown);
            }
        }
        Json::String(shown) if before != after && shown_before.as_str() == Some(shown) => {
            shown.push_str(" (changed)");
        }
        Json::String(_) | Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => {}
    }
}

const COLUMNS: usize = 8;
const ROWS_AT_ONCE: usize = 1_000;
