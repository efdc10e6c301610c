//! The rows of the inventory: an object in each, as JSON, with the revision at which it became so.

use numbers::E164;

use crate::db::{Row, Transaction, Value};
use crate::object::{Etag, Held, Object};
use crate::{Error, Kind};

/// The one of this id.
pub(crate) async fn fetch(
    transaction: &mut Transaction,
    kind: Kind,
    id: &str,
) -> Result<Option<Held>, Error> {
    let Some(key) = key(kind, id) else { return Ok(None) };
    let rows = match kind {
        Kind::Settings => transaction.fetch("SELECT '' AS id, revision, body FROM settings", &[]).await?,
        Kind::Agent => {
            transaction.fetch("SELECT id, revision, body FROM agents WHERE id = $1", &[key]).await?
        }
        Kind::Trunk => {
            transaction.fetch("SELECT id, revision, body FROM trunks WHERE id = $1", &[key]).await?
        }
        Kind::Number => {
            let sql = "SELECT '+' || e164 AS id, revision, body FROM numbers WHERE e164 = $1";
            transaction.fetch(sql, &[key]).await?
        }
    };
    match (rows.first(), kind) {
        (Some(row), _) => held(kind, row).map(Some),
        (None, Kind::Settings) => {
            Ok(Some(Held { object: Object::Settings(numbers::Settings::default()), etag: Etag(0) }))
        }
        (None, Kind::Agent | Kind::Trunk | Kind::Number) => Ok(None),
    }
}

/// So many of a kind at most, in the order of their ids, after this one.
pub(crate) async fn page(
    transaction: &mut Transaction,
    kind: Kind,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Held>, Error> {
    let limit = Value::from(u64::from(limit));
    let rows = match (kind, after) {
        (Kind::Settings, _) => return Ok(fetch(transaction, kind, "").await?.into_iter().collect()),
        (Kind::Agent, after) => {
            let sql = "SELECT id, revision, body FROM agents WHERE id > $1 ORDER BY id LIMIT $2";
            transaction.fetch(sql, &[after.unwrap_or_default().into(), limit]).await?
        }
        (Kind::Trunk, after) => {
            let sql = "SELECT id, revision, body FROM trunks WHERE id > $1 ORDER BY id LIMIT $2";
            transaction.fetch(sql, &[after.unwrap_or_default().into(), limit]).await?
        }
        (Kind::Number, after) => {
            let after = match after {
                None => Value::from(0),
                Some(id) => key(kind, id).ok_or_else(|| Error::Absent { kind, id: id.to_owned() })?,
            };
            let sql = "SELECT '+' || e164 AS id, revision, body FROM numbers WHERE e164 > $1 \
                       ORDER BY e164 LIMIT $2";
            transaction.fetch(sql, &[after, limit]).await?
        }
    };
    rows.iter().map(|row| held(kind, row)).collect()
}

/// Writes objects of one kind, each in the place of the one with its id.
pub(crate) async fn write(
    transaction: &mut Transaction,
    kind: Kind,
    objects: &[&Object],
    revision: u64,
) -> Result<(), Error> {
    for chunk in objects.chunks(ROWS_AT_ONCE) {
        let bodies: Vec<_> = chunk.iter().map(|object| object.json().to_string()).collect();
        let mut values = Vec::with_capacity(chunk.len() * 5);
        for (object, body) in chunk.iter().zip(&bodies) {
            match object {
                Object::Settings(_) => values.push(Value::from(0)),
                Object::Agent(agent) => values.push(Value::from(&agent.id)),
                Object::Trunk(trunk) => values.push(Value::from(&trunk.id)),
                Object::Number(number) => values.extend([
                    Value::from(number.e164.digits()),
                    Value::from(&number.trunk_id),
                    Value::from(&number.agent_id),
                ]),
            }
            values.extend([Value::from(revision), Value::from(body)]);
        }
        let (table, columns, replaced) = match kind {
            Kind::Settings => ("settings", "id, revision, body", ""),
            Kind::Agent => ("agents", "id, revision, body", ""),
            Kind::Trunk => ("trunks", "id, revision, body", ""),
            Kind::Number => (
                "numbers",
                "e164, trunk_id, agent_id, revision, body",
                "trunk_id = excluded.trunk_id, agent_id = excluded.agent_id, ",
            ),
        };
        let key = columns.split(',').next().unwrap_or_default();
        let places = transaction.places(chunk.len(), values.len() / chunk.len());
        let sql = format!(
            "INSERT INTO {table} ({columns}) VALUES {places} ON CONFLICT ({key}) DO UPDATE SET \
             {replaced}revision = excluded.revision, body = excluded.body"
        );
        transaction.execute_once(sql, &values).await?;
    }
    Ok(())
}

/// Removes objects of one kind.
pub(crate) async fn remove(transaction: &mut Transaction, kind: Kind, ids: &[&str]) -> Result<(), Error> {
    let (table, column) = match kind {
        Kind::Settings => return Ok(()),
        Kind::Agent => ("agents", "id"),
        Kind::Trunk => ("trunks", "id"),
        Kind::Number => ("numbers", "e164"),
    };
    for chunk in ids.chunks(ROWS_AT_ONCE) {
        let values: Vec<_> = chunk.iter().filter_map(|id| key(kind, id)).collect();
        let sql = format!("DELETE FROM {table} WHERE {column} IN {}", transaction.places(1, values.len()));
        transaction.execute_once(sql, &values).await?;
    }
    Ok(())
}

/// The key of the row; none for what is no id of this kind.
fn key(kind: Kind, id: &str) -> Option<Value<'_>> {
    match kind {
        Kind::Settings => Some(Value::from(0)),
        Kind::Agent | Kind::Trunk => Some(Value::from(id)),
        Kind::Number => E164::parse(id).ok().map(|e164| Value::from(e164.digits())),
    }
}

fn held(kind: Kind, row: &Row) -> Result<Held, Error> {
    let object = Object::parse(kind, &row.text("body")?).map_err(|cause| Error::Row {
        table: kind.word(),
        id: row.text("id").unwrap_or_default(),
        cause: cause.to_string(),
    })?;
    Ok(Held { object, etag: Etag(row.natural("revision")?) })
}

/// A limit that is none.
pub(crate) const ALL: u32 = u32::MAX;
/// A statement takes at most 32,766 values.
const ROWS_AT_ONCE: usize = 1_000;
