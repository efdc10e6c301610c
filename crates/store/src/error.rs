//! What may go wrong with a store.

use std::path::PathBuf;

use numbers::Fault;

use crate::Kind;

/// What may go wrong with a store: each is one line that names the file.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's words say what its fields are")]
pub enum Error {
    /// The URL is of no kind that we know.
    #[error("store.url `{url}` is no store; write sqlite:PATH, or sqlite::memory:")]
    Url { url: String },
    /// The store is of a kind that this version does not speak to.
    #[error("store.url: this version keeps its data in SQLite only, not in PostgreSQL; write sqlite:PATH")]
    Postgres,
    /// There is no such file, and none was to be made.
    #[error("the store {} does not exist; `strowger apply` or `strowger run` makes it", path.display())]
    Missing { path: PathBuf },
    /// The directory of the file does not exist.
    #[error("the store {} can't be made: its directory does not exist", path.display())]
    NoDirectory { path: PathBuf },
    /// The path is no file.
    #[error("the store {} is a directory; name a file in it", path.display())]
    IsDirectory { path: PathBuf },
    /// The file or its directory is not ours to read and write.
    #[error("the store {} can't be written: {cause}", path.display())]
    NotWritable { path: PathBuf, cause: String },
    /// Another daemon has it.
    #[error("the store {} is in use by another `strowger run`; stop that one, or name another file", path.display())]
    InUse { path: PathBuf },
    /// The file holds something else.
    #[error("{} is no SQLite database; move it away, or name another file", path.display())]
    NotADatabase { path: PathBuf },
    /// The file is a database of something else.
    #[error("{} is a SQLite database of something else; name another file", path.display())]
    Foreign { path: PathBuf },
    /// A later version has been at work.
    #[error("the store {} was changed by a later version of Strowger (schema {version}); use that version", path.display())]
    Newer { path: PathBuf, version: i64 },
    /// A row is not what we write.
    #[error("the store's {table} `{id}` can't be read: {cause}")]
    Row { table: &'static str, id: String, cause: String },
    /// The inventory to apply is faulty.
    #[error("the inventory has {} fault(s), the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Inventory(Vec<Fault>),
    /// There is one of this id.
    #[error("there is a {kind} with the id `{id}` already")]
    Exists { kind: Kind, id: String },
    /// There is none of this id.
    #[error("there is no {kind} with the id `{id}`")]
    Absent { kind: Kind, id: String },
    /// It is not of the version that was expected.
    #[error("the {kind} `{id}` has been changed by somebody else; look at it again")]
    Changed { kind: Kind, id: String },
    /// Others name it.
    #[error(
        "the {kind} `{id}` can't be removed while it is used by {}; let them use another first",
        some(users)
    )]
    Used { kind: Kind, id: String, users: Vec<String> },
    /// Settings stay.
    #[error("the settings can't be removed; put empty ones")]
    Permanent,
    /// There is no API key of this id.
    #[error("there is no key with the id `{id}`")]
    NoKey { id: String },
    /// The label of an API key is none.
    #[error("the label of a key is 1 to 100 characters on one line")]
    Label,
    /// Too many idempotency keys.
    #[error("10,000 idempotency keys were used within 24 hours; try again when older ones are forgotten")]
    IdempotencyFull,
    /// There is no randomness to make a key of.
    #[error("the system's randomness can't be read: {0}")]
    Randomness(getrandom::Error),
    /// The file can't be opened, for another reason.
    #[error("the store {} can't be opened: {cause}", path.display())]
    Open { path: PathBuf, cause: sqlx::Error },
    /// The database has refused.
    #[error("the store does not answer: {0}")]
    Sql(#[from] sqlx::Error),
}

impl Error {
    /// May the same succeed later? Another process holds the file, the disk is full or fails.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Sql(cause) => is_transient(cause),
            Self::Url { .. }
            | Self::Postgres
            | Self::Missing { .. }
            | Self::NoDirectory { .. }
            | Self::IsDirectory { .. }
            | Self::NotWritable { .. }
            | Self::InUse { .. }
            | Self::NotADatabase { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Row { .. }
            | Self::Inventory(_)
            | Self::Exists { .. }
            | Self::Absent { .. }
            | Self::Changed { .. }
            | Self::Used { .. }
            | Self::Permanent
            | Self::NoKey { .. }
            | Self::Label
            | Self::IdempotencyFull
            | Self::Randomness(_)
            | Self::Open { .. } => false,
        }
    }
}

/// The first of them, and how many more there are.
fn some(users: &[String]) -> String {
    match users {
        [] | [_] | [_, _] | [_, _, _] => users.join(", "),
        [one, two, three, more @ ..] => format!("{one}, {two}, {three} and {} more", more.len()),
    }
}

/// Only a row that breaks the schema stays broken.
fn is_transient(cause: &sqlx::Error) -> bool {
    match cause.as_database_error().and_then(|error| primary_code(error.code().as_deref())) {
        Some(code) => !matches!(code, SQLITE_ERROR | SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH),
        None => true,
    }
}

/// The primary result code, which is the low byte of the extended one.
pub(crate) fn primary_code(code: Option<&str>) -> Option<u32> {
    Some(code?.parse::<u32>().ok()? & 0xff)
}

const SQLITE_ERROR: u32 = 1;
const SQLITE_TOOBIG: u32 = 18;
const SQLITE_CONSTRAINT: u32 = 19;
const SQLITE_MISMATCH: u32 = 20;
