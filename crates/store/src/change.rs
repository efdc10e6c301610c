//! Changing one object: checked, versioned, audited, in one transaction.

use std::collections::BTreeSet;

use numbers::{Fault, Inventory, Secret};

use crate::audit::{self, Actor, Entry};
use crate::db::Transaction;
use crate::object::{Etag, Expect, Held, Object};
use crate::{Error, Kind, Store, rows, verify};

/// What a change has made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The version of the object.
    pub etag: Etag,
    /// The revision of the store.
    pub revision: u64,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl Store {
    /// Puts one object, in the place of the one with its id if there is one, and returns it as it is stored: a personal number keeps
    /// its verification. One that is equal to what is there changes nothing, and keeps its version.
    ///
    /// # Errors
    ///
    /// If what is there is not what was expected, the object or what comes of it is faulty (the keys are those of the object
    /// itself, such as `trunk_id`), or the database refuses. Nothing is changed then.
    pub async fn put(
        &self,
        actor: &Actor,
        object: Object,
        expect: Expect,
    ) -> Result<(Object, Stored), Error> {
        self.put_with(actor, object, expect, Verification::Kept).await
    }

    /// The same, and what is put keeps no verification of the personal number that is there.
    ///
    /// # Errors
    ///
    /// As those of [`Store::put`].
    pub async fn put_unverified(
        &self,
        actor: &Actor,
        object: Object,
        expect: Expect,
    ) -> Result<(Object, Stored), Error> {
        self.put_with(actor, object, expect, Verification::Withdrawn).await
    }

    async fn put_with(
        &self,
        actor: &Actor,
        mut object: Object,
        expect: Expect,
        verification: Verification,
    ) -> Result<(Object, Stored), Error> {
        self.keep_password(&mut object);
        let (kind, id) = (object.kind(), object.id());
        let mut transaction = self.pool.write().await?;
        let revision = next_revision(&mut transaction).await?;
        let held = rows::fetch(&mut transaction, kind, &id).await?;
        expect.check(kind, &id, held.as_ref().map(|held| held.etag))?;
        let known = match verification {
            Verification::Kept => held.as_ref(),
            Verification::Withdrawn => None,
        };
        verify::keep(&mut object, known)?;
        if let Some(held) = held.as_ref().filter(|held| held.object == object) {
            transaction.rollback().await?;
            let stored = Stored { etag: held.etag, revision: revision - 1, is_new: false };
            return Ok((object, stored));
        }
        check(&mut transaction, &object).await?;
        rows::write(&mut transaction, kind, &[&object], revision).await?;
        let entry = Entry::of_objects(held.as_ref().map(|held| &held.object), Some(&object));
        audit::write(&mut transaction, actor, revision, &[entry]).await?;
        transaction.notify().await?;
        transaction.commit().await?;
        let stored = Stored { etag: Etag(revision), revision, is_new: held.is_none() };
        Ok((object, stored))
    }

    /// Removes one object, and returns the revision.
    ///
    /// # Errors
    ///
    /// If there is none, it is not what was expected, others name it, or the database refuses. Settings can't be removed.
    pub async fn remove(&self, actor: &Actor, kind: Kind, id: &str, expect: Expect) -> Result<u64, Error> {
        let mut transaction = self.pool.write().await?;
        let revision = next_revision(&mut transaction).await?;
        let held = rows::fetch(&mut transaction, kind, id).await?;
        expect.check(kind, id, held.as_ref().map(|held| held.etag))?;
        let Some(held) = held else { return Err(Error::Absent { kind, id: id.to_owned() }) };
        check_unused(&mut transaction, kind, id).await?;
        rows::remove(&mut transaction, kind, &[id]).await?;
        let entry = Entry::of_objects(Some(&held.object), None);
        audit::write(&mut transaction, actor, revision, &[entry]).await?;
        transaction.notify().await?;
        transaction.commit().await?;
        Ok(revision)
    }

    /// One object. There are always settings.
    ///
    /// # Errors
    ///
    /// If the database refuses, or the row can't be read.
    pub async fn object(&self, kind: Kind, id: &str) -> Result<Option<Held>, Error> {
        let mut transaction = self.pool.read().await?;
        let held = rows::fetch(&mut transaction, kind, id).await?;
        transaction.rollback().await?;
        Ok(held)
    }

    /// So many objects of a kind at most, in the order of their ids (numbers by their value), beginning behind `after`, which
    /// need not be there.
    ///
    /// # Errors
    ///
    /// If `after` is no id of this kind, the database refuses, or a row can't be read.
    pub async fn list(&self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Vec<Held>, Error> {
        let mut transaction = self.pool.read().await?;
        let page = rows::page(&mut transaction, kind, after, limit).await?;
        transaction.rollback().await?;
        Ok(page)
    }
}

/// What becomes of the verification of a personal number that is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verification {
    Kept,
    Withdrawn,
}

/// Counts the change. Whoever changes the inventory does this first, and has it alone from then on.
pub(crate) async fn next_revision(transaction: &mut Transaction) -> Result<u64, Error> {
    let rows =
        transaction.fetch("UPDATE revision SET revision = revision + 1 RETURNING revision", &[]).await?;
    rows.first().map_or(Ok(0), |row| row.natural("revision"))
}

/// The revision, which nobody else changes until the end of the transaction. Nobody writes to the trail meanwhile either: its entries
/// can be seen in their order only.
pub(crate) async fn held_revision(transaction: &mut Transaction) -> Result<u64, Error> {
    let rows = transaction.fetch("UPDATE revision SET revision = revision RETURNING revision", &[]).await?;
    rows.first().map_or(Ok(0), |row| row.natural("revision"))
}

impl Object {
    /// Whether each secret that is only named, and was not so in the object before, is one that `check` lets pass. Where the object
    /// leads elsewhere than before, what is sent there counts as never named.
    ///
    /// # Errors
    ///
    /// If one is not, with the keys of the object itself, such as `endpoint.password`; the words of `check` are the message.
    pub fn check_secrets(
        &self,
        before: Option<&Self>,
        check: impl Fn(&Secret) -> Result<(), String>,
    ) -> Result<(), Error> {
        let mut known = before.map(Self::named_secrets).unwrap_or_default();
        if before.is_some_and(|before| self.leads_elsewhere(before)) {
            known.retain(|(path, _)| SHOWN_TO_US.contains(&path.as_str()));
        }
        let sent = self.named_secrets().into_iter().filter(|named| !known.contains(named));
        let faults = sent.filter_map(|(path, secret)| {
            let message = check(&secret).err()?;
            Some(Fault { path, message, remedy: "name another, or give the secret itself".to_owned() })
        });
        let faults: Vec<_> = faults.collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Inventory(faults)) }
    }

    /// Each with its key.
    fn named_secrets(&self) -> Vec<(String, Secret)> {
        let mut alone = Inventory::default();
        self.clone().put_into(&mut alone);
        let own = |path: String| match path.split_once("].") {
            Some((_, key)) => key.to_owned(),
            None => path,
        };
        alone.named_secrets().map(|(path, secret)| (own(path), secret.clone())).collect()
    }
}

/// The secrets that are asked for, and never sent.
const SHOWN_TO_US: [&str; 2] = ["endpoint.password", "inbound.password"];

/// The faults that an object has or brings about.
async fn check(transaction: &mut Transaction, object: &Object) -> Result<(), Error> {
    let before = surroundings(transaction, object).await?;
    let mut after = before.clone();
    object.clone().put_into(&mut after);
    let known: BTreeSet<String> =
        before.faults().into_iter().map(|fault| named(fault, &before).path).collect();
    let own = own_path(object);
    let faults = after.faults().into_iter().map(|fault| named(fault, &after));
    let faults: Vec<_> = faults
        .filter_map(|fault| match fault.path.strip_prefix(&own) {
            Some(key) => Some(Fault { path: key.trim_start_matches('.').to_owned(), ..fault }),
            None => (!known.contains(&fault.path)).then_some(fault),
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Inventory(faults)) }
}

/// As much of the inventory as the checks of this object look at.
async fn surroundings(transaction: &mut Transaction, object: &Object) -> Result<Inventory, Error> {
    let mut held = Vec::new();
    match object {
        Object::Settings(settings) => {
            held.extend(rows::fetch(transaction, Kind::Settings, "").await?);
            if let Some(id) = &settings.default_agent_id {
                held.extend(rows::fetch(transaction, Kind::Agent, id).await?);
            }
        }
        // They share user names.
        Object::Agent(_) | Object::Trunk(_) => {
            for kind in [Kind::Agent, Kind::Trunk] {
                held.extend(rows::page(transaction, kind, None, rows::ALL).await?);
            }
        }
        Object::Number(number) => {
            held.extend(rows::fetch(transaction, Kind::Trunk, &number.trunk_id).await?);
            if let Some(id) = &number.agent_id {
                held.extend(rows::fetch(transaction, Kind::Agent, id).await?);
            }
        }
    }
    let mut inventory = Inventory::default();
    for Held { object, .. } in held.into_iter().rev() {
        match object {
            Object::Settings(settings) => inventory.settings = settings,
            Object::Agent(agent) => inventory.agents.push(*agent),
            Object::Trunk(trunk) => inventory.trunks.push(*trunk),
            Object::Number(number) => inventory.numbers.push(*number),
        }
    }
    Ok(inventory)
}

/// With ids in the place of indices: `agents[sales].endpoint.url`.
fn named(fault: Fault, inventory: &Inventory) -> Fault {
    let id = |list: &str, index: usize| match list {
        "agents" => inventory.agents.get(index).map(|agent| agent.id.clone()),
        "trunks" => inventory.trunks.get(index).map(|trunk| trunk.id.clone()),
        "numbers" => inventory.numbers.get(index).map(|number| number.e164.to_string()),
        _ => None,
    };
    let indexed = fault.path.split_once('[').and_then(|(list, rest)| {
        let (index, rest) = rest.split_once(']')?;
        Some(format!("{list}[{}]{rest}", id(list, index.parse().ok()?)?))
    });
    Fault { path: indexed.unwrap_or(fault.path), ..fault }
}

fn own_path(object: &Object) -> String {
    let id = object.id();
    match object {
        Object::Settings(_) => "settings".to_owned(),
        Object::Agent(_) => format!("agents[{id}]"),
        Object::Trunk(_) => format!("trunks[{id}]"),
        Object::Number(_) => format!("numbers[{id}]"),
    }
}

/// Nothing may name what goes.
async fn check_unused(transaction: &mut Transaction, kind: Kind, id: &str) -> Result<(), Error> {
    let mut users = Vec::new();
    let numbers = match kind {
        Kind::Settings => return Err(Error::Permanent),
        Kind::Number => return Ok(()),
        Kind::Agent => {
            let settings = rows::fetch(transaction, Kind::Settings, "").await?;
            if let Some(Held { object: Object::Settings(settings), .. }) = settings
                && settings.default_agent_id.as_deref() == Some(id)
            {
                users.push("settings (default_agent_id)".to_owned());
            }
            for Held { object, .. } in rows::page(transaction, Kind::Agent, None, rows::ALL).await? {
                if let Object::Agent(agent) = object
                    && agent.fallback_agent_id.as_deref() == Some(id)
                {
                    users.push(format!("agent {} (fallback_agent_id)", agent.id));
                }
            }
            let sql = "SELECT '+' || e164 AS e164 FROM numbers WHERE agent_id = $1 ORDER BY numbers.e164";
            transaction.fetch(sql, &[id.into()]).await?
        }
        Kind::Trunk => {
            let sql = "SELECT '+' || e164 AS e164 FROM numbers WHERE trunk_id = $1 ORDER BY numbers.e164";
            transaction.fetch(sql, &[id.into()]).await?
        }
    };
    for number in numbers {
        users.push(format!("number {}", number.text("e164")?));
    }
    if users.is_empty() { Ok(()) } else { Err(Error::Used { kind, id: id.to_owned(), users }) }
}
