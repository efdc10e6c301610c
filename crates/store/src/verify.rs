//! Personal numbers: somebody says that their owner was asked, and the store remembers who and when.

use std::collections::HashMap;

use numbers::{E164, Fault, Inventory, Number, NumberSource, Verified};

use crate::audit::{self, Actor, Entry, now_ms};
use crate::change::next_revision;
use crate::object::{Expect, Held, Object};
use crate::{Error, Etag, Kind, Store, Stored, rows};

impl Store {
    /// Says of a personal number that its owner was asked, by whom. One that is verified stays as it is.
    ///
    /// # Errors
    ///
    /// If there is no such number, it is not personal or not what was expected, or the database refuses.
    pub async fn verify(&self, actor: &Actor, id: &str, expect: Expect) -> Result<(Object, Stored), Error> {
        let kind = Kind::Number;
        let mut transaction = self.pool.write().await?;
        let revision = next_revision(&mut transaction).await?;
        let held = rows::fetch(&mut transaction, kind, id).await?;
        expect.check(kind, id, held.as_ref().map(|held| held.etag))?;
        let Some(Held { object: Object::Number(before), etag }) = held else {
            return Err(Error::Absent { kind, id: id.to_owned() });
        };
        if before.source != NumberSource::Personal {
            return Err(Error::NotPersonal { id: id.to_owned() });
        }
        if before.verified.is_some() {
            transaction.rollback().await?;
            return Ok((Object::Number(before), Stored { etag, revision: revision - 1, is_new: false }));
        }
        let mut number = before.clone();
        number.verify(Verified { at: now_ms(), by: actor.name().to_owned() });
        let (before, object) = (Object::Number(before), Object::Number(number));
        rows::write(&mut transaction, kind, &[&object], revision).await?;
        let entry = Entry::of_objects(Some(&before), Some(&object));
        audit::write(&mut transaction, actor, revision, &[entry]).await?;
        transaction.notify().await?;
        transaction.commit().await?;
        Ok((object, Stored { etag: Etag(revision), revision, is_new: false }))
    }
}

/// Takes from what is held who has verified the personal numbers of another inventory.
pub(crate) fn keep_all(inventory: &mut Inventory, held: &Inventory) -> Result<(), Error> {
    let personal = held.numbers.iter().filter(|number| number.source == NumberSource::Personal);
    let personal: HashMap<E164, &Number> = personal.map(|number| (number.e164, number)).collect();
    let mut faults = Vec::new();
    for (index, number) in inventory.numbers.iter_mut().enumerate() {
        if number.source != NumberSource::Personal {
            continue;
        }
        if let Err(fault) = number.keep_verified(personal.get(&number.e164).copied()) {
            faults.push(Fault { path: format!("numbers[{index}].{}", fault.path), ..fault });
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Inventory(faults)) }
}

/// The same of one object.
pub(crate) fn keep(object: &mut Object, held: Option<&Held>) -> Result<(), Error> {
    let Object::Number(number) = object else { return Ok(()) };
    let held = held.and_then(|held| match &held.object {
        Object::Number(held) => Some(&**held),
        Object::Settings(_) | Object::Agent(_) | Object::Trunk(_) => None,
    });
    number.keep_verified(held).map_err(|fault| Error::Inventory(vec![fault]))
}
