//! Passwords that are shown to us: of them the store has only what digest needs, for the realm that we challenge in.

use numbers::{Inventory, Kept, Octets};
use sip::digest::Ha1;

use crate::object::{Held, Object};
use crate::{Error, Kind, Snapshot, Store, rows};

/// The realm where none is set.
pub const REALM: &str = "strowger";

impl Store {
    /// The same for a daemon that challenges in this realm: what is stored of a password is good there.
    #[must_use]
    pub fn of_realm(self, realm: &str) -> Self {
        Self { realm: realm.into(), ..self }
    }

    /// The realm that passwords are kept for.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Keeps of each password that is stored as it was given, by an earlier version, what is kept of it. Nothing that is told of the
    /// objects changes, nor do their versions. Returns how many there were.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn keep_passwords(&self) -> Result<usize, Error> {
        let mut transaction = self.pool.write().await?;
        let mut count = 0;
        for kind in [Kind::Agent, Kind::Trunk] {
            for Held { mut object, etag } in rows::page(&mut transaction, kind, None, rows::ALL).await? {
                if self.keep_password(&mut object) {
                    rows::write(&mut transaction, kind, &[&object], etag.0).await?;
                    count += 1;
                }
            }
        }
        transaction.commit().await?;
        Ok(count)
    }

    /// The inventory as it is stored, with what is kept of its passwords; those that are stored as they were given are so no longer.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn kept_snapshot(&self) -> Result<Snapshot, Error> {
        let mut snapshot = self.snapshot().await?;
        if self.keep_all(&mut snapshot.inventory) > 0 {
            self.keep_passwords().await?;
        }
        Ok(snapshot)
    }

    /// Whether there was a password that was to be kept.
    pub(crate) fn keep_password(&self, object: &mut Object) -> bool {
        let keep = |username: &str, password: &str| self.kept(username, password);
        match object {
            Object::Agent(agent) => agent.keep_password(keep).is_some(),
            Object::Trunk(trunk) => trunk.keep_password(keep).is_some(),
            Object::Settings(_) | Object::Number(_) => false,
        }
    }

    pub(crate) fn keep_all(&self, inventory: &mut Inventory) -> usize {
        inventory.keep_passwords(|username, password| self.kept(username, password))
    }

    fn kept(&self, username: &str, password: &str) -> Kept {
        let Ha1 { md5, sha256 } = Ha1::of(username, &self.realm, password);
        Kept {
            username: username.to_owned(),
            realm: self.realm.to_string(),
            md5: Octets(md5),
            sha256: Octets(sha256),
        }
    }
}
