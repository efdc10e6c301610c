//! Records on their way to disk: many calls, one transaction.

use std::sync::Arc;
use std::time::Duration;

use b2bua::CallRecord;
use b2bua::io::{CallKey, Input};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::{Error, Pulse, Store};

/// A call's record, as the core hands it out.
pub type Entry = (CallKey, Box<CallRecord>);

/// Writes records in the order given, as many as wait in one transaction, and confirms each finished call's when it
/// is on disk. While the store refuses it tries again, says so, and lets the records wait: it loses none. Returns when
/// all senders are gone and the last record is on disk.
///
/// A record that comes alone is written at once; those that follow closely wait for `PACE` and share a transaction, since
/// what a transaction costs (locks, the log's pages, a sync of the disk) hardly grows with its records.
///
/// The pulse tells others how it goes.
///
/// What waits is bounded by the calls: each has two records, and none is forgotten before its last is confirmed.
pub async fn record(
    store: Store,
    mut waiting: mpsc::UnboundedReceiver<Entry>,
    confirmed: mpsc::Sender<Input>,
    pulse: Arc<Pulse>,
) {
    let mut entries = Vec::with_capacity(BATCH);
    let mut due = Instant::now();
    while waiting.recv_many(&mut entries, BATCH).await > 0 {
        tokio::time::sleep_until(due).await;
        entries.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(BATCH - entries.len()));
        due = Instant::now() + PACE;
        let (keys, records): (Vec<_>, Vec<_>) = entries.drain(..).map(|(key, record)| (key, *record)).unzip();
        if let Err(error) = write(&store, &pulse, &records).await {
            warn!(%error, "a batch of call records is written one by one");
            write_one_by_one(&store, &pulse, &records).await;
        }
        pulse.done(records.len());
        let finished = keys.into_iter().zip(&records).filter(|(_, record)| record.status.is_some());
        for (key, _) in finished {
            if confirmed.send(Input::Recorded(key)).await.is_err() {
                tracing::debug!(?key, "nobody waits for the record");
            }
        }
    }
}

/// Tries until the store takes them, or says that it never will.
async fn write(store: &Store, pulse: &Pulse, records: &[CallRecord]) -> Result<(), Error> {
    let mut pause = FIRST_PAUSE;
    let mut attempts = 0_u32;
    loop {
        match pulse.wrote(store.write(records).await) {
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
async fn write_one_by_one(store: &Store, pulse: &Pulse, records: &[CallRecord]) {
    for record in records {
        if let Err(error) = write(store, pulse, std::slice::from_ref(record)).await {
            let record = serde_json::to_string(record).unwrap_or_default();
            error!(%error, record, "a call record is refused by the store, and only here");
        }
    }
}

/// Records in one transaction, at most.
const BATCH: usize = 512;
/// From the beginning of one transaction to that of the next, at least.
const PACE: Duration = Duration::from_millis(50);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::io;

    use b2bua::record::{CallDirection, CallStatus};
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;
    use crate::open::Absent;

    /// Hands each line of the log on.
    #[derive(Clone)]
    struct Lines(mpsc::UnboundedSender<String>);

    impl io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(line).into_owned()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ended(index: u64) -> Box<CallRecord> {
        Box::new(CallRecord {
            id: index.to_string(),
            direction: CallDirection::Inbound,
            trunk_id: None,
            number: None,
            agent_id: None,
            agent_source: None,
            from: None,
            from_raw: String::new(),
            to: None,
            to_raw: String::new(),
            sip_call_id_a: String::new(),
            sip_call_id_b: None,
            transport: "udp".into(),
            source: String::new(),
            codec: None,
            media_encryption: false,
            invite_at: index,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            duration_ms: 0,
            billable_s: 0,
            agent_active_ms: 0,
            rating: "byoc".into(),
            status: Some(CallStatus::Completed),
            sip_status: None,
            q850: None,
            ended_by: None,
            reason: None,
            detail: None,
            quality_a: None,
            quality_b: None,
        })
    }

    #[tokio::test]
    async fn a_store_that_refuses_is_tried_until_it_takes_every_record() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strowger.db");
        let store = Store::open_file(&path, Absent::Made, Duration::from_millis(1)).await.unwrap();
        let mut blocker = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        blocker.execute("BEGIN EXCLUSIVE").await.unwrap();
        let (told, mut lines) = mpsc::unbounded_channel();
        let log = tracing_subscriber::fmt().with_writer(move || Lines(told.clone())).finish();
        let _log = tracing::subscriber::set_default(log);

        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, mut confirmed) = mpsc::channel(16);
        let pulse = Arc::<Pulse>::default();
        let recorder = tokio::spawn(record(store.clone(), waiting, confirm, Arc::clone(&pulse)));
        entries.send((CallKey(1), ended(1))).unwrap();
        while !lines.recv().await.unwrap().contains("call records can't be written") {}
        for index in 2..10 {
            entries.send((CallKey(index), ended(index))).unwrap();
        }
        assert!(confirmed.try_recv().is_err());
        assert!(pulse.trouble().is_some_and(|trouble| trouble.contains("call records can't be written")));
        blocker.execute("ROLLBACK").await.unwrap();
        for index in 1..10 {
            assert!(matches!(confirmed.recv().await, Some(Input::Recorded(CallKey(key))) if key == index));
        }
        drop(entries);
        recorder.await.unwrap();
        assert_eq!(store.recent_calls(u32::MAX).await.unwrap().len(), 9);
        assert_eq!((pulse.trouble(), pulse.written()), (None, 9));
        assert!(pulse.failures() > 0);
    }

    #[tokio::test]
    async fn records_that_follow_closely_wait_and_share_a_transaction() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strowger.db");
        let store = Store::open_file(&path, Absent::Made, FIRST_PAUSE).await.unwrap();
        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, mut confirmed) = mpsc::channel(16);
        let recorder = tokio::spawn(record(store, waiting, confirm, Arc::default()));
        let start = Instant::now();
        entries.send((CallKey(0), ended(0))).unwrap();
        assert!(confirmed.recv().await.is_some());
        for index in 1..10 {
            entries.send((CallKey(index), ended(index))).unwrap();
        }
        for index in 1..10 {
            assert!(matches!(confirmed.recv().await, Some(Input::Recorded(CallKey(key))) if key == index));
        }
        assert!(start.elapsed() >= PACE, "the second transaction begins no sooner: {:?}", start.elapsed());
        drop(entries);
        recorder.await.unwrap();
    }
}
