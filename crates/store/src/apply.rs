//! Making the inventory equal to another.

use std::collections::HashSet;

use numbers::{E164, Inventory, Number};
use serde::Serialize;
use sqlx::{QueryBuilder, SqliteConnection};

use crate::plan::{Action, Kind, Plan};
use crate::{Error, Store, read};

impl Store {
    /// What [`Store::apply`] would do.
    ///
    /// # Errors
    ///
    /// If the inventory is faulty, the database refuses, or a row can't be read.
    pub async fn plan(&self, inventory: &Inventory) -> Result<Plan, Error> {
        check(inventory)?;
        let held = self.snapshot().await?;
        Ok(Plan::between(held.revision, &held.inventory, inventory))
    }

    /// Makes the inventory equal to this one, in one transaction that other processes see as a whole. The revision
    /// rises by one, unless there was nothing to do.
    ///
    /// # Errors
    ///
    /// If the inventory is faulty, the database refuses, or a row can't be read. Nothing is changed then.
    pub async fn apply(&self, inventory: &Inventory) -> Result<Plan, Error> {
        check(inventory)?;
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let held = read::snapshot(&mut transaction).await?;
        let plan = Plan::between(held.revision, &held.inventory, inventory);
        if plan.is_empty() {
            transaction.rollback().await?;
            return Ok(plan);
        }
        write(&mut transaction, &plan, inventory).await?;
        sqlx::query("UPDATE revision SET revision = revision + 1").execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(plan)
    }
}

fn check(inventory: &Inventory) -> Result<(), Error> {
    let faults = inventory.faults();
    if faults.is_empty() { Ok(()) } else { Err(Error::Inventory(faults)) }
}

async fn write(connection: &mut SqliteConnection, plan: &Plan, inventory: &Inventory) -> Result<(), Error> {
    let mut kept = HashSet::new();
    let mut gone = Vec::new();
    for change in &plan.changes {
        match change.action {
            Action::Add | Action::Change(_) => {
                kept.insert((change.kind, change.id.as_str()));
            }
            Action::Remove => gone.push((change.kind, change.id.as_str())),
        }
    }
    if kept.contains(&(Kind::Settings, "")) {
        sqlx::query("INSERT INTO settings (id, body) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
            .bind(body(&inventory.settings)?)
            .execute(&mut *connection)
            .await?;
    }
    let agents = inventory.agents.iter().filter(|agent| kept.contains(&(Kind::Agent, agent.id.as_str())));
    write_bodies(connection, "agents", agents.map(|agent| Ok((agent.id.as_str(), body(agent)?)))).await?;
    let trunks = inventory.trunks.iter().filter(|trunk| kept.contains(&(Kind::Trunk, trunk.id.as_str())));
    write_bodies(connection, "trunks", trunks.map(|trunk| Ok((trunk.id.as_str(), body(trunk)?)))).await?;
    let is_kept = |number: &&Number| kept.contains(&(Kind::Number, number.e164.to_string().as_str()));
    let numbers: Vec<_> = inventory.numbers.iter().filter(is_kept).collect();
    write_numbers(connection, &numbers).await?;
    remove(connection, &gone).await
}

fn body<T: Serialize>(object: &T) -> Result<String, Error> {
    serde_json::to_string(object).map_err(|cause| Error::Sql(sqlx::Error::Encode(cause.into())))
}

async fn write_bodies<'a>(
    connection: &mut SqliteConnection,
    table: &'static str,
    rows: impl Iterator<Item = Result<(&'a str, String), Error>>,
) -> Result<(), Error> {
    let rows = rows.collect::<Result<Vec<_>, Error>>()?;
    for chunk in rows.chunks(ROWS_AT_ONCE) {
        let mut query = QueryBuilder::new(format!("INSERT INTO {table} (id, body) "));
        query.push_values(chunk, |mut row, (id, body)| {
            row.push_bind(*id).push_bind(body.as_str());
        });
        query.push(" ON CONFLICT (id) DO UPDATE SET body = excluded.body");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_numbers(connection: &mut SqliteConnection, numbers: &[&Number]) -> Result<(), Error> {
    for chunk in numbers.chunks(ROWS_AT_ONCE) {
        let rows =
            chunk.iter().map(|number| Ok((*number, body(number)?))).collect::<Result<Vec<_>, Error>>()?;
        let mut query = QueryBuilder::new("INSERT INTO numbers (e164, trunk_id, agent_id, body) ");
        query.push_values(rows, |mut row, (number, body)| {
            row.push_bind(number.e164.digits().cast_signed())
                .push_bind(number.trunk_id.as_str())
                .push_bind(number.agent_id.as_deref())
                .push_bind(body);
        });
        query.push(
            " ON CONFLICT (e164) DO UPDATE SET \
             trunk_id = excluded.trunk_id, agent_id = excluded.agent_id, body = excluded.body",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn remove(connection: &mut SqliteConnection, gone: &[(Kind, &str)]) -> Result<(), Error> {
    for chunk in gone.chunk_by(|(a, _), (b, _)| a == b).flat_map(|of_kind| of_kind.chunks(ROWS_AT_ONCE)) {
        let Some((kind, _)) = chunk.first() else { continue };
        let statement = match kind {
            Kind::Settings => continue,
            Kind::Agent => "DELETE FROM agents WHERE id IN (",
            Kind::Trunk => "DELETE FROM trunks WHERE id IN (",
            Kind::Number => "DELETE FROM numbers WHERE e164 IN (",
        };
        let mut query = QueryBuilder::new(statement);
        let mut ids = query.separated(", ");
        for (_, id) in chunk {
            match E164::parse(id) {
                Ok(e164) => ids.push_bind(e164.digits().cast_signed()),
                Err(_) => ids.push_bind(*id),
            };
        }
        query.push(")");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A statement takes at most 32,766 values.
const ROWS_AT_ONCE: usize = 1_000;
