//! What calls take on the other nodes, added up.

use std::collections::{BTreeMap, BTreeSet};

use b2bua::io::Input;
use numbers::{Load, Subject, Used};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::{ANSWER, CHANNEL, PACE, SILENCE, rows, today};
use crate::db::{Row, Transaction};
use crate::watch::Ear;
use crate::{Error, Store};

#[derive(Debug)]
pub(super) struct Ears {
    store: Store,
    nodes: BTreeMap<String, Node>,
    /// Of which the core has another sum.
    touched: BTreeSet<Subject>,
    /// Whether there are more nodes than are looked at.
    is_crowded: bool,
    /// The day that the minutes are of.
    day: u64,
}

/// Another node, as far as it was read.
#[derive(Debug)]
struct Node {
    told: Told,
    /// What has calls, or minutes of the day.
    loads: BTreeMap<Subject, Load>,
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug)]
struct Told {
    version: u64,
    life: Life,
    /// When it last said something, by the clock of the database, in milliseconds since 1970.
    heard_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Heard,
    /// Its calls are over, since it was heard of last.
    Silent,
}

impl Ears {
    pub(super) fn new(store: Store) -> Self {
        Self { store, nodes: BTreeMap::new(), touched: BTreeSet::new(), is_crowded: false, day: today() }
    }

    /// Hands on what changes, for ever.
    pub(super) async fn hear(mut self, inputs: mpsc::Sender<Input>) {
        let mut ear = Ear::on(CHANNEL);
        let mut heard = Instant::now();
        loop {
            ear.listen(&self.store.pool).await;
            let news = match timeout(ANSWER, self.look()).await.unwrap_or(Err(Error::Silent)) {
                Ok(news) => {
                    heard = Instant::now();
                    news
                }
                Err(error) => {
                    debug!(%error, "what calls take on other nodes can't be read");
                    if heard.elapsed() >= SILENCE { self.hear_nobody() } else { Vec::new() }
                }
            };
            for input in news {
                if inputs.send(input).await.is_err() {
                    debug!("nobody waits for what calls take on other nodes");
                }
            }
            sleep(PACE).await;
            ear.wait(&self.store.pool).await;
        }
    }

    /// What has changed since the last time.
    pub(super) async fn look(&mut self) -> Result<Vec<Input>, Error> {
        self.store.prepare().await?;
        let mut transaction = self.store.pool.read().await?;
        let listed = self.list(&mut transaction).await?;
        for (name, told) in &listed {
            self.follow(&mut transaction, name, *told).await?;
        }
        transaction.rollback().await?;
        self.forget_others(&listed);
        self.turn_to(today());
        Ok(self.news())
    }

    /// The other nodes.
    async fn list(&mut self, transaction: &mut Transaction) -> Result<BTreeMap<String, Told>, Error> {
        let silence_ms = u64::try_from(SILENCE.as_millis()).unwrap_or(u64::MAX);
        let values = [(&*self.store.node).into(), silence_ms.into(), (MOST_NODES + 1).into()];
        let mut listed = transaction.fetch(NODES, &values).await?;
        let is_crowded = listed.len() > usize::try_from(MOST_NODES).unwrap_or(usize::MAX);
        if is_crowded {
            listed.pop();
            if !self.is_crowded {
                warn!(
                    most = MOST_NODES,
                    "more nodes than that were in this database within two days: limits don't count what those take that were heard of first"
                );
            }
        }
        self.is_crowded = is_crowded;
        let told = |row: &Row| {
            let life = if row.integer("lives")? == 0 { Life::Silent } else { Life::Heard };
            let told = Told { version: row.natural("version")?, life, heard_ms: row.natural("heard_at")? };
            Ok((row.text("node")?, told))
        };
        listed.iter().map(told).collect()
    }

    /// Reads what a node has written since the last time.
    async fn follow(&mut self, transaction: &mut Transaction, name: &str, told: Told) -> Result<(), Error> {
        let node = self.nodes.entry(name.to_owned()).or_insert_with(Node::unknown);
        if told.version < node.told.version {
            // The database is another, or an older copy.
            self.touched.extend(node.loads.keys().cloned());
            *node = Node::unknown();
        }
        if told.version > node.told.version {
            for row in transaction.fetch(ROWS, &[name.into(), node.told.version.into()]).await? {
                let Some(Used { subject, load }) = rows::read(&row)? else { continue };
                self.touched.insert(subject.clone());
                node.loads.insert(subject, load);
            }
        }
        if told.life != node.told.life {
            self.touched.extend(node.loads.keys().cloned());
        }
        node.told = told;
        Ok(())
    }

    fn forget_others(&mut self, listed: &BTreeMap<String, Told>) {
        for (_, gone) in self.nodes.extract_if(.., |name, _| !listed.contains_key(name)) {
            self.touched.extend(gone.loads.into_keys());
        }
    }

    /// Drops what is over, at the latest when the day is.
    fn turn_to(&mut self, day: u64) {
        let is_another = day != self.day;
        self.day = day;
        for node in self.nodes.values_mut() {
            if is_another {
                self.touched.extend(node.loads.keys().cloned());
            }
            for subject in &self.touched {
                if node.loads.get(subject).is_some_and(|load| load.is_over(day)) {
                    node.loads.remove(subject);
                }
            }
        }
    }

    /// The database is gone: for all that we know, nobody has a call.
    fn hear_nobody(&mut self) -> Vec<Input> {
        for node in self.nodes.values_mut().filter(|node| node.told.life == Life::Heard) {
            node.told.life = Life::Silent;
            self.touched.extend(node.loads.keys().cloned());
        }
        self.news()
    }

    /// In pieces that do not keep the core from its calls.
    fn news(&mut self) -> Vec<Input> {
        let touched = std::mem::take(&mut self.touched);
        let used: Vec<_> =
            touched.into_iter().map(|subject| Used { load: self.sum(&subject), subject }).collect();
        used.chunks(PIECE).map(|used| Input::Others(used.to_vec())).collect()
    }

    fn sum(&self, subject: &Subject) -> Load {
        let loads = self.nodes.values().filter_map(|node| {
            let load = *node.loads.get(subject)?;
            Some(match node.told.life {
                Life::Heard => load,
                Life::Silent => Load { calls: 0, spoken: load.spoken.ended(node.told.heard_ms) },
            })
        });
        loads.fold(Load::default(), Load::plus)
    }
}

impl Node {
    const fn unknown() -> Self {
        Self { told: Told { version: 0, life: Life::Silent, heard_ms: 0 }, loads: BTreeMap::new() }
    }
}

const PIECE: usize = 1_000;
/// Each is in memory with all that had calls.
const MOST_NODES: u64 = 256;

const NODES: &str = "SELECT node, version, heard_at, CAST(CASE \
    WHEN heard_at > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - $2 THEN 1 ELSE 0 END AS BIGINT) AS lives \
FROM live_nodes WHERE node <> $1 ORDER BY heard_at DESC LIMIT $3";

const ROWS: &str = "SELECT kind, id, calls, day, finished_ms, running, begun_ms FROM live_usage \
WHERE node = $1 AND version > $2";
