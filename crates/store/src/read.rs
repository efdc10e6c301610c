//! The inventory, read back.

use numbers::{Directory, Inventory};
use serde::{Deserialize, Serialize};

use crate::db::Transaction;
use crate::object::{Held, Object};
use crate::{Error, Kind, Store, rows};

/// The inventory at one revision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Counts the changes; 0 before the first.
    pub revision: u64,
    /// Agents and trunks by id, numbers in ascending order.
    pub inventory: Inventory,
}

impl Snapshot {
    /// The directory of this inventory, with its revision; it shares with the one `before` what is the same.
    ///
    /// # Errors
    ///
    /// What [`Directory::new`] finds.
    pub fn directory(self, before: &Directory) -> Result<Directory, Vec<numbers::Fault>> {
        Ok(Directory::after(before, self.inventory)?.with_revision(self.revision))
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
        let mut transaction = self.pool.read().await?;
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
        let rows = self.pool.fetch(REVISION, &[]).await?;
        rows.first().map_or(Ok(0), |row| row.natural("revision"))
    }
}

pub(crate) async fn snapshot(transaction: &mut Transaction) -> Result<Snapshot, Error> {
    let revision = transaction.fetch(REVISION, &[]).await?;
    let revision = revision.first().map_or(Ok(0), |row| row.natural("revision"))?;
    let mut inventory = Inventory::default();
    for kind in [Kind::Settings, Kind::Agent, Kind::Trunk, Kind::Number] {
        for Held { object, .. } in rows::page(transaction, kind, None, rows::ALL).await? {
            match object {
                Object::Settings(settings) => inventory.settings = settings,
                Object::Agent(agent) => inventory.agents.push(*agent),
                Object::Trunk(trunk) => inventory.trunks.push(*trunk),
                Object::Number(number) => inventory.numbers.push(*number),
            }
        }
    }
    Ok(Snapshot { revision, inventory })
}

const REVISION: &str = "SELECT revision FROM revision";
