//! What calls take on the daemons of one PostgreSQL: each writes what it has, and reads what the others have, so that limits count
//! all of them.
//!
//! Each node has a row with a count of its writings and the time of the last, and a row for each trunk, number and agent that has, or had, calls. A node
//! that was not heard of for [`SILENCE`] has no calls since it was heard of last; the minutes that it spoke in the day stay. The clock is that of the database. In SQLite there is one
//! daemon, and nothing to share.

mod ears;
mod mouth;
mod rows;

use std::time::Duration;

use b2bua::io::Input;
use numbers::Used;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use self::ears::Ears;
use self::mouth::Mouth;
use crate::Store;
use crate::audit::now_ms;

/// Tells what calls take, and hears what they take elsewhere.
#[derive(Debug)]
pub struct Sharing {
    mouth: Mouth,
    ears: Ears,
}

impl Store {
    /// For a daemon that shares its database with others; nothing in SQLite, where it has it alone.
    pub fn sharing(&self) -> Option<Sharing> {
        self.is_remote().then(|| Sharing { mouth: Mouth::new(self.clone()), ears: Ears::new(self.clone()) })
    }
}

impl Sharing {
    /// What the core is to know before its first call. Nothing if the database does not answer: [`Sharing::run`] tells it later.
    pub async fn begin(&mut self) -> Vec<Input> {
        match timeout(FIRST, self.ears.look()).await {
            Ok(Ok(inputs)) => inputs,
            Ok(Err(error)) => {
                debug!(%error, "what calls take on other nodes can't be read");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Writes what changes here, and hands on what changes elsewhere, until all senders of changes are gone; then the node has no more
    /// calls, and what is left are the minutes that it spoke.
    ///
    /// What waits to be written is what has changed, each subject once: bounded by the inventory.
    pub async fn run(self, changes: mpsc::UnboundedReceiver<Vec<Used>>, inputs: mpsc::Sender<Input>) {
        let Self { mouth, ears } = self;
        tokio::select! {
            () = mouth.tell(changes) => {}
            () = ears.hear(inputs) => {}
        }
    }
}

/// Days since 1970-01-01 (UTC).
fn today() -> u64 {
    now_ms() / DAY_MS
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// On which PostgreSQL tells of what calls take.
const CHANNEL: &str = "strowger_usage";
/// From one writing to the next, and from one reading to the next, at least.
const PACE: Duration = Duration::from_millis(100);
/// A node that has nothing to say says so as often.
const BEAT: Duration = Duration::from_secs(2);
/// What could not be written is tried again so soon.
const AGAIN: Duration = Duration::from_millis(250);
/// One that was not heard of for so long has no calls.
const SILENCE: Duration = Duration::from_secs(10);
/// One that was not heard of for so long, in milliseconds, is forgotten, and with it the minutes of days that are over.
const FORGOTTEN_MS: u64 = 2 * DAY_MS;
/// A database that takes longer is taken for gone.
const ANSWER: Duration = Duration::from_secs(5);
/// A start waits no longer.
const FIRST: Duration = Duration::from_secs(1);
