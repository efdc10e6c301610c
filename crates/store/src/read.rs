//! The inventory, read back.

use numbers::{Directory, Inventory};
use serde::de::DeserializeOwned;
use sqlx::{SqliteConnection, SqlitePool};

use crate::{Error, Store};

/// The inventory at one revision.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Counts the changes; 0 before the first.
    pub revision: u64,
    /// Agents and trunks by id, numbers in ascending order.
    pub inventory: Inventory,
}

impl Snapshot {
    /// The directory of this inventory, with its revision.
    ///
    /// # Errors
    ///
    /// What [`Directory::new`] finds.
    pub fn directory(self) -> Result<Directory, Vec<numbers::Fault>> {
        Ok(Directory::new(self.inventory)?.with_revision(self.revision))
    }
}

impl Store {
    /// The inventory, agents and trunks by id, numbers in ascending order.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn inventory(&self) -> Result<Inventory, Error> {
        Ok(self.snapshot().await?.inventory)
    }

    /// The inventory and its revision, both of the same moment.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let mut transaction = self.pool.begin().await?;
        let snapshot = snapshot(&mut transaction).await?;
        transaction.rollback().await?;
        Ok(snapshot)
    }

    /// Counts the changes of the inventory; 0 before the first.
    ///
    /// # Errors
    ///
    /// If the database refuses.
    pub async fn revision(&self) -> Result<u64, Error> {
        revision(&self.pool).await
    }
}

async fn revision(pool: &SqlitePool) -> Result<u64, Error> {
    let revision: i64 = sqlx::query_scalar(REVISION).fetch_one(pool).await?;
    Ok(revision.try_into().unwrap_or_default())
}

pub(crate) async fn snapshot(connection: &mut SqliteConnection) -> Result<Snapshot, Error> {
    let revision: i64 = sqlx::query_scalar(REVISION).fetch_one(&mut *connection).await?;
    let settings: Vec<(String, String)> =
        sqlx::query_as("SELECT '', body FROM settings").fetch_all(&mut *connection).await?;
    let agents =
        sqlx::query_as("SELECT id, body FROM agents ORDER BY id").fetch_all(&mut *connection).await?;
    let trunks =
        sqlx::query_as("SELECT id, body FROM trunks ORDER BY id").fetch_all(&mut *connection).await?;
    let numbers = sqlx::query_as("SELECT '+' || e164, body FROM numbers ORDER BY e164")
        .fetch_all(&mut *connection)
        .await?;
    let inventory = Inventory {
        settings: objects("settings", &settings)?.pop().unwrap_or_default(),
        agents: objects("agent", &agents)?,
        trunks: objects("trunk", &trunks)?,
        numbers: objects("number", &numbers)?,
    };
    Ok(Snapshot { revision: revision.try_into().unwrap_or_default(), inventory })
}

fn objects<T: DeserializeOwned>(table: &'static str, rows: &[(String, String)]) -> Result<Vec<T>, Error> {
    let object = |(id, body): &(String, String)| {
        serde_json::from_str(body).map_err(|cause| Error::Row {
            table,
            id: id.clone(),
            cause: cause.to_string(),
        })
    };
    rows.iter().map(object).collect()
}

const REVISION: &str = "SELECT revision FROM revision";
