//! What calls take on the other nodes, added up.

use std::collections::{BTreeMap, BTreeSet};

use b2bua::io::Input;
use numbers::{Load, Subject, Used};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::{ANSWER, CHANNEL, PACE, SILENCE, rows, today};
use crate::watch::Ear;
use crate::{Error, Store};

#[derive(Debug)]
pub(super) struct Ears {
    store: Store,
    nodes: BTreeMap<String, Node>,
    /// Of which the core has another sum.
    touched: BTreeSet<Subject>,
    /// The day that the minutes are of.
    day: u64,
}

/// Another node, as far as it was read.
#[derive(Debug)]
struct Node {
    version: u64,
    life: Life,
    /// What has calls, or minutes of the day.
    loads: BTreeMap<Subject, Load>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Heard,
    /// Its calls are over.
    Silent,
}

impl Ears {
    pub(super) fn new(store: Store) -> Self {
        Self { store, nodes: BTreeMap::new(), touched: BTreeSet::new(), day: today() }
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
        let silence_ms = u64::try_from(SILENCE.as_millis()).unwrap_or(u64::MAX);
        let listed = transaction.fetch(NODES, &[(&*self.store.node).into(), silence_ms.into()]).await?;
        let mut names = BTreeSet::new();
        for row in &listed {
            let (name, version) = (row.text("node")?, row.natural("version")?);
            let life = if row.integer("lives")? == 0 { Life::Silent } else { Life::Heard };
            let node = self.nodes.entry(name.clone()).or_insert_with(Node::unknown);
            if version < node.version {
                // The database is another, or an older copy.
                self.touched.extend(node.loads.keys().cloned());
                *node = Node::unknown();
            }
            if version > node.version {
                for row in transaction.fetch(ROWS, &[(&name).into(), node.version.into()]).await? {
                    let Some(Used { subject, load }) = rows::read(&row)? else { continue };
                    self.touched.insert(subject.clone());
                    node.loads.insert(subject, load);
                }
                node.version = version;
            }
            if life != node.life {
                self.touched.extend(node.loads.keys().cloned());
                node.life = life;
            }
            names.insert(name);
        }
        transaction.rollback().await?;
        for (_, gone) in self.nodes.extract_if(.., |name, _| !names.contains(name)) {
            self.touched.extend(gone.loads.into_keys());
        }
        self.turn_to(today());
        Ok(self.news())
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
        for node in self.nodes.values_mut().filter(|node| node.life == Life::Heard) {
            node.life = Life::Silent;
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
            Some(match node.life {
                Life::Heard => load,
                Life::Silent => Load { calls: 0, spoken: load.spoken.without_running() },
            })
        });
        loads.fold(Load::default(), Load::plus)
    }
}

impl Node {
    const fn unknown() -> Self {
        Self { version: 0, life: Life::Silent, loads: BTreeMap::new() }
    }
}

const PIECE: usize = 1_000;

/// Those heard of last, if there are more than can be looked at.
const NODES: &str = "SELECT node, version, CAST(CASE \
    WHEN heard_at > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - $2 THEN 1 ELSE 0 END AS BIGINT) AS lives \
FROM live_nodes WHERE node <> $1 ORDER BY heard_at DESC LIMIT 64";

const ROWS: &str = "SELECT kind, id, calls, day, finished_ms, running, begun_ms FROM live_usage \
WHERE node = $1 AND version > $2";
