//! Records on their way to disk: many calls, one transaction.

use std::time::Duration;

use b2bua::CallRecord;
use b2bua::io::CallKey;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tracing::{error, info, warn};

use crate::{Error, Store};

/// Writes records in the order given, as many as wait in one transaction, and confirms each finished call's when it
/// is on disk. While the store refuses it tries again, says so, and lets the callers wait: it loses none.
#[derive(Debug)]
pub struct Recorder {
    entries: mpsc::Sender<Entry>,
    task: JoinHandle<()>,
}

type Entry = (CallKey, Box<CallRecord>);

/// The queue is full, or the recorder has ended: the record comes back.
#[derive(Debug)]
pub struct Full(pub CallKey, pub Box<CallRecord>);

impl Recorder {
    /// Starts the task. `capacity` records may wait. Each finished call's key goes to `recorded`, which holds no
    /// more than there are calls.
    pub fn start(store: Store, capacity: usize, recorded: mpsc::UnboundedSender<CallKey>) -> Self {
        let (entries, waiting) = mpsc::channel(capacity.max(1));
        Self { entries, task: tokio::spawn(run(store, waiting, recorded)) }
    }

    /// Hands a record over; waits while the queue is full.
    ///
    /// # Errors
    ///
    /// If the task has ended.
    pub async fn record(&self, key: CallKey, record: Box<CallRecord>) -> Result<(), Full> {
        self.entries
            .send((key, record))
            .await
            .map_err(|mpsc::error::SendError((key, record))| Full(key, record))
    }

    /// Hands a record over, if there is room.
    ///
    /// # Errors
    ///
    /// If the queue is full, or the task has ended.
    pub fn try_record(&self, key: CallKey, record: Box<CallRecord>) -> Result<(), Full> {
        self.entries.try_send((key, record)).map_err(|error| {
            let (key, record) = error.into_inner();
            Full(key, record)
        })
    }

    /// Takes no more, and waits until all that was handed over is on disk.
    ///
    /// # Errors
    ///
    /// If the task has panicked.
    pub async fn finish(self) -> Result<(), JoinError> {
        drop(self.entries);
        self.task.await
    }
}

async fn run(store: Store, mut waiting: mpsc::Receiver<Entry>, recorded: mpsc::UnboundedSender<CallKey>) {
    let mut entries = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut entries, BATCH).await > 0 {
        let (keys, records): (Vec<_>, Vec<_>) = entries.drain(..).map(|(key, record)| (key, *record)).unzip();
        if let Err(error) = write(&store, &records).await {
            warn!(%error, "a batch of call records is written one by one");
            write_one_by_one(&store, &records).await;
        }
        let finished = keys.into_iter().zip(&records).filter(|(_, record)| record.status.is_some());
        for (key, _) in finished {
            if recorded.send(key).is_err() {
                tracing::debug!(?key, "nobody waits for the record");
            }
        }
    }
}

/// Tries until the store takes them, or says that it never will.
async fn write(store: &Store, records: &[CallRecord]) -> Result<(), Error> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0_u32;
    loop {
        match store.write(records).await {
            Ok(()) => break,
            Err(error) if error.is_transient() => {
                attempts += 1;
                let (waiting, again_ms) = (records.len(), pause.as_millis());
                error!(%error, attempts, waiting, again_ms, "call records can't be written: tried again, none is lost");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    if attempts > 0 {
        info!(attempts, records = records.len(), "call records can be written again");
    }
    Ok(())
}

/// A record that the schema refuses goes to the log as a whole, so that it does not hold up the others.
async fn write_one_by_one(store: &Store, records: &[CallRecord]) {
    for record in records {
        if let Err(error) = write(store, std::slice::from_ref(record)).await {
            let record = serde_json::to_string(record).unwrap_or_default();
            error!(%error, record, "a call record is refused by the store, and only here");
        }
    }
}

/// Records in one transaction, at most.
const BATCH: usize = 512;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
