//! What may go wrong with a store.

use std::io;
use std::path::PathBuf;

use numbers::Fault;
use sqlx::postgres::PgDatabaseError;

use crate::Kind;

/// What may go wrong with a store: each is one line that names the file.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's words say what its fields are")]
pub enum Error {
    /// The URL is of no kind that we know.
    #[error(
        "store.url `{url}` is no store; write sqlite:PATH, sqlite::memory: or postgres://USER@HOST/DATABASE"
    )]
    Url { url: String },
    /// The URL is of PostgreSQL, and faulty.
    #[error("store.url is no address of PostgreSQL: {0}; write it like postgres://USER@HOST/DATABASE")]
    ServerUrl(String),
    /// PostgreSQL does not let us in, or can't be reached.
    #[error("the store {place} can't be opened: {cause}")]
    Server { place: String, cause: sqlx::Error },
    /// Its certificate is not one that we trust.
    #[error(
        "the certificate of the store {place} is not taken: {cause}; name its authority in store.url, as sslrootcert=FILE, and its server as the certificate does"
    )]
    ServerCertificate { place: String, cause: String },
    /// It does not answer in time.
    #[error("the store can't be reached, or does not answer in time")]
    Silent,
    /// Another daemon has this name.
    #[error("another `strowger run` with node.id \"{node}\" uses the store; give each its own node.id")]
    NodeTaken { node: String },
    /// The file in which call records wait can't be used.
    #[error("the spool of call records {} can't be used: {cause}", path.display())]
    Spool { path: PathBuf, cause: io::Error },
    /// The file of the inventory that was known last can't be used.
    #[error("the copy of the inventory {} can't be used: {cause}", path.display())]
    Copy { path: PathBuf, cause: io::Error },
    /// PostgreSQL has its own way.
    #[error(
        "the store is PostgreSQL: back it up by pg_dump, such as `pg_dump --format=custom --file=strowger.dump DATABASE`"
    )]
    BackupElsewhere,
    /// The backup is not made over something.
    #[error("{} exists; name a file that does not", path.display())]
    BackupExists { path: PathBuf },
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
    #[error("{} is a database of something else; name another", path.display())]
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
    /// The number is not personal.
    #[error("the number {id} is not personal, and needs no verification")]
    NotPersonal { id: String },
    /// Settings stay.
    #[error("the settings can't be removed; put empty ones")]
    Permanent,
    /// There is no API key of this id.
    #[error("there is no key with the id `{id}`")]
    NoKey { id: String },
    /// An API key is for more than the one that would remove it.
    #[error(
        "the key `{id}` is for more than the key that would remove it; use one whose scope holds its scope"
    )]
    KeyForMore { id: String },
    /// An API key that is bound would leave none.
    #[error(
        "with the last key gone whoever is on the daemon's machine may do everything: a key that has a scope or expires does not \
         remove it; `strowger key remove` does"
    )]
    LastKey,
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
    #[error("the store fails: {0}")]
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(cause: sqlx::Error) -> Self {
        if matches!(cause, sqlx::Error::PoolTimedOut) { Self::Silent } else { Self::Sql(cause) }
    }
}

impl Error {
    /// May the same succeed later? Another process holds the file, the disk is full or fails.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Sql(cause) | Self::Server { cause, .. } => is_transient(cause),
            Self::Silent => true,
            Self::Url { .. }
            | Self::ServerUrl(_)
            | Self::ServerCertificate { .. }
            | Self::NodeTaken { .. }
            | Self::Spool { .. }
            | Self::Copy { .. }
            | Self::BackupElsewhere
            | Self::BackupExists { .. }
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
            | Self::NotPersonal { .. }
            | Self::Permanent
            | Self::NoKey { .. }
            | Self::KeyForMore { .. }
            | Self::LastKey
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

/// Only a row that breaks the schema stays broken, and who is not let in stays out.
fn is_transient(cause: &sqlx::Error) -> bool {
    if let Some(error) =
        cause.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    {
        return !LASTING.iter().any(|class| error.code().starts_with(class));
    }
    if matches!(cause, sqlx::Error::Configuration(_) | sqlx::Error::Tls(_)) {
        return false;
    }
    match cause.as_database_error().and_then(|error| primary_code(error.code().as_deref())) {
        Some(code) => !matches!(code, SQLITE_ERROR | SQLITE_TOOBIG | SQLITE_CONSTRAINT | SQLITE_MISMATCH),
        None => true,
    }
}

/// The primary result code, which is the low byte of the extended one.
pub(crate) fn primary_code(code: Option<&str>) -> Option<u32> {
    Some(code?.parse::<u32>().ok()? & 0xff)
}

/// Classes of PostgreSQL's error codes: faulty data, broken constraints, wrong credentials, no such database, no such table or right.
const LASTING: [&str; 5] = ["22", "23", "28", "3D", "42"];
const SQLITE_ERROR: u32 = 1;
const SQLITE_TOOBIG: u32 = 18;
const SQLITE_CONSTRAINT: u32 = 19;
const SQLITE_MISMATCH: u32 = 20;
