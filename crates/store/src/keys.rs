//! Keys of the API. Of a key only a hash is kept: SHA-256 without salt and without work, which is enough for 256 random bits: what
//! can't be guessed can't be found by hashing guesses either, and each request has to be looked up quickly.

use std::fmt::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::{self, Actor, Entry, now_ms};
use crate::change::held_revision;
use crate::db::{Row, Value};
use crate::{Error, Scope, Store};

/// What a key is let do: each role what the one before it may, and more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Places and ends calls.
    Operator,
    /// Changes what is owned, and keys.
    Admin,
}

/// A key, as it is told: not what it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Key {
    /// Names it.
    pub id: String,
    /// Whose it is, for people.
    pub label: String,
    /// What it is let do.
    pub role: Role,
    /// What of that it is for; all if absent.
    pub scope: Option<Scope>,
    /// Its last four characters.
    pub last4: String,
    /// Milliseconds since 1970.
    pub created_at: u64,
    /// Until when it is taken, milliseconds since 1970; for ever if absent.
    pub expires_at: Option<u64>,
}

/// A key to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is as in a key")]
pub struct NewKey {
    pub label: String,
    pub role: Role,
    pub scope: Option<Scope>,
    pub expires_at: Option<u64>,
}

/// The key itself, told once. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Key {
    /// Is it taken no more?
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_at.is_some_and(|at| at <= now_ms)
    }
}

/// Of which `key` makes one: all but the hash.
macro_rules! columns {
    () => {
        "id, label, role, scope, last4, created_at, expires_at"
    };
}

impl Store {
    /// Makes a key.
    ///
    /// # Errors
    ///
    /// If the label is empty or long, there is no randomness, or the database refuses.
    pub async fn add_key(&self, actor: &Actor, wanted: NewKey) -> Result<(Key, Token), Error> {
        let NewKey { label, role, scope, expires_at } = wanted;
        if label.trim().is_empty()
            || label.chars().count() > MOST_LABEL
            || label.chars().any(char::is_control)
        {
            return Err(Error::Label);
        }
        let token = Token::random()?;
        let id = hex(&random::<8>()?);
        let key = Key { id, label, role, scope, last4: token.last4(), created_at: now_ms(), expires_at };
        let mut transaction = self.pool.write().await?;
        let sql = "INSERT INTO api_keys (id, label, role, hash, last4, created_at, expires_at, scope) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let hash = token.hash();
        let scope = key.scope.as_ref().map(Scope::to_string);
        let values = [
            Value::from(&key.id),
            Value::from(&key.label),
            Value::from(key.role.word()),
            Value::from(&hash),
            Value::from(&key.last4),
            Value::from(key.created_at),
            Value::from(key.expires_at),
            Value::from(&scope),
        ];
        transaction.execute(sql, &values).await?;
        let revision = held_revision(&mut transaction).await?;
        audit::write(&mut transaction, actor, revision, &[Entry::of_key(None, Some(&key))]).await?;
        transaction.commit().await?;
        Ok((key, token))
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    ///
    /// If the database refuses, or a row can't be read.
    pub async fn keys(&self) -> Result<Vec<Key>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM api_keys ORDER BY created_at, id");
        self.pool.fetch(sql, &[]).await?.iter().map(key).collect()
    }

    /// The key of this id, expired or not.
    ///
    /// # Errors
    ///
    /// If the database refuses, or the row can't be read.
    pub async fn key(&self, id: &str) -> Result<Option<Key>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM api_keys WHERE id = $1");
        self.pool.fetch(sql, &[id.into()]).await?.first().map(key).transpose()
    }

    /// Removes a key, and returns it.
    ///
    /// # Errors
    ///
    /// If there is none of this id, or the database refuses.
    pub async fn remove_key(&self, actor: &Actor, id: &str) -> Result<Key, Error> {
        self.take_back(actor, id, None).await
    }

    /// The same for the holder of another key, which removes none that is for more than itself. One that has a scope or expires does
    /// not remove the last key either: where there are none, nobody is bound.
    ///
    /// # Errors
    ///
    /// If there is none of this id, it is not for that key to remove, or the database refuses.
    pub async fn remove_key_by(&self, actor: &Actor, id: &str, by: &Key) -> Result<Key, Error> {
        self.take_back(actor, id, Some(by)).await
    }

    async fn take_back(&self, actor: &Actor, id: &str, by: Option<&Key>) -> Result<Key, Error> {
        let mut transaction = self.pool.write().await?;
        // First, for then nobody else removes another meanwhile.
        let revision = held_revision(&mut transaction).await?;
        let sql = concat!("DELETE FROM api_keys WHERE id = $1 RETURNING ", columns!());
        let gone = transaction.fetch(sql, &[id.into()]).await?;
        let gone = gone.first().map(key).transpose()?.ok_or_else(|| Error::NoKey { id: id.to_owned() })?;
        if let Some(by) = by {
            let is_held = |own: &Scope| gone.scope.as_ref().is_some_and(|scope| own.holds(scope));
            if by.scope.as_ref().is_some_and(|own| !is_held(own)) {
                return Err(Error::KeyForMore { id: id.to_owned() });
            }
            let is_bound = by.scope.is_some() || by.expires_at.is_some();
            if is_bound && transaction.fetch("SELECT id FROM api_keys LIMIT 1", &[]).await?.is_empty() {
                return Err(Error::LastKey);
            }
        }
        audit::write(&mut transaction, actor, revision, &[Entry::of_key(Some(&gone), None)]).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    /// The key that is this, expired or not.
    ///
    /// # Errors
    ///
    /// If the database refuses, or the row can't be read.
    pub async fn find_key(&self, token: &Token) -> Result<Option<Key>, Error> {
        let sql = concat!("SELECT ", columns!(), " FROM api_keys WHERE hash = $1");
        let hash = token.hash();
        self.pool.fetch(sql, &[Value::from(&hash)]).await?.first().map(key).transpose()
    }
}

fn key(row: &Row) -> Result<Key, Error> {
    let id = row.text("id")?;
    let role = row.text("role")?;
    let scope = row.optional_text("scope")?;
    let unread = |cause| Error::Row { table: "key", id: id.clone(), cause };
    Ok(Key {
        label: row.text("label")?,
        role: role.parse().map_err(unread)?,
        scope: scope.map(|words| Scope::parse(&words)).transpose().map_err(unread)?,
        last4: row.text("last4")?,
        created_at: row.natural("created_at")?,
        expires_at: row.optional_natural("expires_at")?,
        id,
    })
}

impl Token {
    fn random() -> Result<Self, Error> {
        Ok(Self(format!("{PREFIX}{}", hex(&random::<32>()?))))
    }

    /// The key as it is sent and kept by its holder.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn last4(&self) -> String {
        self.0.get(self.0.len() - 4..).unwrap_or_default().to_owned()
    }

    /// What is kept of it.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl From<&str> for Token {
    /// What a request shows; it need not be a key.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Role {
    /// All, the one that may least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| format!("`{text}` is no role: viewer, operator or admin"))
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(Error::Randomness)?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // A text takes whatever is written to it.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// By which a key that has leaked is known for one.
const PREFIX: &str = "strowger_";
const MOST_LABEL: usize = 100;
