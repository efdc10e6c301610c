//! What calls take here, written for the others.

use std::collections::{BTreeMap, BTreeSet};

use numbers::{Load, Subject, Used};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, error};

use super::{AGAIN, ANSWER, BEAT, FORGOTTEN_MS, PACE, rows, today};
use crate::db::{Transaction, Value};
use crate::{Error, Store};

#[derive(Debug)]
pub(super) struct Mouth {
    store: Store,
    /// All that is to be in the database: what has calls, or minutes of this day.
    own: BTreeMap<Subject, Load>,
    /// What is not there.
    changed: BTreeSet<Subject>,
    written: Written,
    /// What was said last of why it can't be written.
    told: String,
}

/// What the database has of this node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Written {
    /// Nobody knows: rows of a process before, or of a database that was gone.
    Unknown,
    /// All up to this writing.
    Up(u64),
}

impl Mouth {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            own: BTreeMap::new(),
            changed: BTreeSet::new(),
            written: Written::Unknown,
            told: String::new(),
        }
    }

    /// Writes what changes, until nothing can change any more.
    pub(super) async fn tell(mut self, mut changes: mpsc::UnboundedReceiver<Vec<Used>>) {
        let mut due = Instant::now();
        let mut beat = due;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(beat) => {}
                used = changes.recv() => match used {
                    Some(used) => self.take(used),
                    None => return self.close().await,
                },
            }
            sleep_until(due).await;
            while let Ok(used) = changes.try_recv() {
                self.take(used);
            }
            let outcome = timeout(ANSWER, self.write()).await.unwrap_or(Err(Error::Silent));
            self.say(outcome);
            due = Instant::now() + PACE;
            beat = Instant::now() + if self.changed.is_empty() { BEAT } else { AGAIN };
        }
    }

    fn take(&mut self, used: Vec<Used>) {
        for Used { subject, load } in used {
            self.changed.insert(subject.clone());
            self.own.insert(subject, load);
        }
    }

    async fn write(&mut self) -> Result<(), Error> {
        self.store.prepare().await?;
        if let Written::Up(version) = self.written
            && self.go_on(version).await?
        {
            return Ok(());
        }
        self.written = Written::Unknown;
        self.begin().await
    }

    /// Adds to what is there; false if the database does not have it any more.
    async fn go_on(&mut self, version: u64) -> Result<bool, Error> {
        let node = self.store.node.clone();
        let next = version + u64::from(!self.changed.is_empty());
        let mut transaction = self.store.pool.write().await?;
        let values = [Value::from(&*node), version.into(), next.into()];
        if transaction.execute(GO_ON, &values).await? == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        if next > version {
            let changed: Vec<_> = self.changed.iter().filter_map(|subject| self.used(subject)).collect();
            rows::write(&mut transaction, &node, next, &changed).await?;
            transaction.execute(NOTIFY, &[]).await?;
        }
        transaction.commit().await?;
        self.is_written(next);
        Ok(true)
    }

    /// Makes what is there of this node what it has: calls of a process before ended when it was heard of last, its minutes stay until
    /// there are others.
    async fn begin(&mut self) -> Result<(), Error> {
        let node = self.store.node.clone();
        let mut transaction = self.store.pool.write().await?;
        let left = left(&mut transaction, &node).await?;
        let rows = transaction.fetch(BEGIN, &[Value::from(&*node)]).await?;
        let version = rows.first().map_or(Ok(0), |row| row.natural("version"))?;
        rows::write(&mut transaction, &node, version, &left).await?;
        let all: Vec<_> = self.own.keys().filter_map(|subject| self.used(subject)).collect();
        rows::write(&mut transaction, &node, version, &all).await?;
        transaction.execute(FORGET_NODES, &[FORGOTTEN_MS.into()]).await?;
        transaction.execute(FORGET_ROWS, &[]).await?;
        transaction.execute(NOTIFY, &[]).await?;
        transaction.commit().await?;
        self.is_written(version);
        Ok(())
    }

    fn used(&self, subject: &Subject) -> Option<Used> {
        self.own.get(subject).map(|load| Used { subject: subject.clone(), load: *load })
    }

    fn is_written(&mut self, version: u64) {
        self.written = Written::Up(version);
        self.changed.clear();
        let today = today();
        self.own.retain(|_, load| !load.is_over(today));
    }

    /// The calls are over: the others are told so, and do not wait for the silence.
    async fn close(mut self) {
        let closing = async {
            self.write().await?;
            let mut transaction = self.store.pool.write().await?;
            transaction.execute(CLOSE, &[Value::from(&*self.store.node)]).await?;
            transaction.execute(NOTIFY, &[]).await?;
            transaction.commit().await
        };
        if let Err(error) = timeout(ANSWER, closing).await.unwrap_or(Err(Error::Silent)) {
            debug!(%error, "other nodes were not told of the end");
        }
    }

    /// That a database is gone is told by who asks it whether it is there.
    fn say(&mut self, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => self.told.clear(),
            Err(error) if error.is_transient() => debug!(%error, "other nodes can't be told of calls"),
            Err(error) => {
                let words = error.to_string();
                if words != self.told {
                    error!(
                        error = words,
                        "other nodes can't be told of calls: their limits don't count ours"
                    );
                    self.told = words;
                }
            }
        }
    }
}

const GO_ON: &str = "UPDATE live_nodes SET version = $3, \
    heard_at = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) WHERE node = $1 AND version = $2";

/// What a process before had, as if it had ended its calls when it was heard of last.
async fn left(transaction: &mut Transaction, node: &str) -> Result<Vec<Used>, Error> {
    let mut left = Vec::new();
    for row in transaction.fetch(LEFT, &[Value::from(node)]).await? {
        let heard_ms = row.natural("heard_at")?;
        let ended = |load: Load| Load { calls: 0, spoken: load.spoken.ended(heard_ms) };
        left.extend(rows::read(&row)?.map(|used| Used { load: ended(used.load), ..used }));
    }
    Ok(left)
}

const BEGIN: &str = "INSERT INTO live_nodes (node, version, heard_at) \
    VALUES ($1, 1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)) \
    ON CONFLICT (node) DO UPDATE SET version = live_nodes.version + 1, heard_at = excluded.heard_at \
    RETURNING version";

const LEFT: &str = "SELECT kind, id, calls, day, finished_ms, running, begun_ms, heard_at FROM live_usage JOIN live_nodes USING (node) \
    WHERE node = $1 AND (calls > 0 OR running > 0)";

/// As if the silence had begun a minute ago.
const CLOSE: &str = "UPDATE live_nodes SET \
    heard_at = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - 60000 WHERE node = $1";

const FORGET_NODES: &str = "DELETE FROM live_nodes \
    WHERE heard_at < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - $1";

const FORGET_ROWS: &str = "DELETE FROM live_usage WHERE node NOT IN (SELECT node FROM live_nodes)";

const NOTIFY: &str = "NOTIFY strowger_usage";
