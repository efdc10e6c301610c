//! Making the inventory equal to another.

use std::collections::HashMap;

use numbers::Inventory;

use crate::audit::{self, Actor, Entry};
use crate::change::next_revision;
use crate::db::Transaction;
use crate::object::Object;
use crate::plan::{Kind, Plan};
use crate::{Error, Store, read, rows, verify};

impl Store {
    /// What [`Store::apply`] would do.
    ///
    /// # Errors
    ///
    /// If the inventory is faulty, the database refuses, or a row can't be read.
    pub async fn plan(&self, inventory: &Inventory) -> Result<Plan, Error> {
        let mut inventory = self.checked(inventory)?;
        let mut held = self.snapshot().await?;
        self.keep_all(&mut held.inventory);
        verify::keep_all(&mut inventory, &held.inventory)?;
        Ok(Plan::between(held.revision, &held.inventory, &inventory))
    }

    /// Makes the inventory equal to this one, in one transaction that other processes see as a whole. The revision
    /// rises by one, unless there was nothing to do.
    ///
    /// # Errors
    ///
    /// If the inventory is faulty, the database refuses, or a row can't be read. Nothing is changed then.
    pub async fn apply(&self, inventory: &Inventory) -> Result<Plan, Error> {
        let mut inventory = self.checked(inventory)?;
        self.keep_passwords().await?;
        let mut transaction = self.pool.write().await?;
        let revision = next_revision(&mut transaction).await?;
        let held = read::snapshot(&mut transaction).await?;
        verify::keep_all(&mut inventory, &held.inventory)?;
        let plan = Plan::between(revision - 1, &held.inventory, &inventory);
        if plan.is_empty() {
            transaction.rollback().await?;
            return Ok(plan);
        }
        write(&mut transaction, &plan, &held.inventory, &inventory).await?;
        transaction.notify().await?;
        transaction.commit().await?;
        Ok(plan)
    }

    /// As it is to be stored.
    fn checked(&self, inventory: &Inventory) -> Result<Inventory, Error> {
        let faults = inventory.faults();
        if !faults.is_empty() {
            return Err(Error::Inventory(faults));
        }
        let mut inventory = inventory.clone();
        self.keep_all(&mut inventory);
        Ok(inventory)
    }
}

/// What is there is written first and what goes is removed last, so that nothing names what is not there.
async fn write(
    transaction: &mut Transaction,
    plan: &Plan,
    old: &Inventory,
    new: &Inventory,
) -> Result<(), Error> {
    let revision = plan.revision + 1;
    let (old, new) = (by_id(old), by_id(new));
    let changes = plan.changes.iter().map(|change| {
        let key = (change.kind, change.id.clone());
        (change.kind, change.id.as_str(), old.get(&key), new.get(&key))
    });
    let changes: Vec<(Kind, &str, Option<&Object>, Option<&Object>)> = changes.collect();
    for kind in [Kind::Settings, Kind::Agent, Kind::Trunk, Kind::Number] {
        let kept = changes.iter().filter(|(of, ..)| *of == kind).filter_map(|(.., after)| *after);
        rows::write(transaction, kind, &kept.collect::<Vec<_>>(), revision).await?;
    }
    for kind in [Kind::Number, Kind::Trunk, Kind::Agent] {
        let gone = changes.iter().filter(|(of, _, _, after)| *of == kind && after.is_none());
        rows::remove(transaction, kind, &gone.map(|(_, id, ..)| *id).collect::<Vec<_>>()).await?;
    }
    let entries = changes.iter().map(|(.., before, after)| Entry::of_objects(*before, *after));
    audit::write(transaction, &Actor::apply(), revision, &entries.collect::<Vec<_>>()).await
}

fn by_id(inventory: &Inventory) -> HashMap<(Kind, String), Object> {
    Object::all_of(inventory).map(|object| ((object.kind(), object.id()), object)).collect()
}
