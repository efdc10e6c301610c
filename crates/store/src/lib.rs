//! What we own, and the calls that were made of it, in a database: a file of SQLite, or PostgreSQL.
//!
//! Any number of processes may hold one store open: the daemon reads and records, `strowger apply` changes the
//! inventory, and the daemon notices by the revision. A change of the inventory, and a batch of records, is one
//! transaction each: it is there as a whole, or not at all.

mod apply;
mod audit;
mod backup;
mod change;
mod copy;
mod db;
mod error;
mod filter;
mod idempotency;
mod keys;
mod lock;
mod object;
mod open;
mod passwords;
mod plan;
mod postgres;
mod pulse;
mod read;
mod recorder;
mod records;
mod rows;
mod scope;
mod sharing;
mod spoken;
mod spool;
mod sqlite;
mod verify;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use db::Pool;
use postgres::Server;

pub use audit::{Actor, AuditEntry};
pub use change::Stored;
pub use error::Error;
pub use filter::{Cursor, Filter, State};
pub use idempotency::{Answer, Known};
pub use keys::{Key, NewKey, Role, Token};
pub use lock::Lock;
pub use object::{Etag, Expect, Held, Object};
pub use passwords::REALM;
pub use plan::{Action, Change, FieldChange, Kind, Plan};
pub use pulse::Pulse;
pub use read::Snapshot;
pub use recorder::{Begun, Entry, Recorder};
pub use scope::{Permission, Reach, Resource, Scope};
pub use sharing::Sharing;
pub use spool::Spool;

/// An open store. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    /// Of the database file; none in memory, and of a server.
    file: Option<PathBuf>,
    /// The daemon whose records are written.
    node: Arc<str>,
    /// The realm that passwords are kept for.
    realm: Arc<str>,
    /// The server whose tables may have to be made yet.
    unprepared: Option<Arc<Server>>,
}
