//! Records on their way to the database: many calls, one transaction. While the database is gone they wait in a file.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use b2bua::CallRecord;
use b2bua::io::{CallKey, Input};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use crate::{Error, Pulse, Spool, Store};

/// A call's record, as the core hands it out.
pub type Entry = (CallKey, Arc<CallRecord>);

/// Writes records.
#[derive(Debug)]
pub struct Recorder {
    store: Store,
    spool: Option<Spool>,
    /// When the process began: calls of this node that were up before were cut off.
    began_ms: u64,
    /// No call was up for longer.
    longest: Option<Duration>,
    place: Place,
    day: Day,
}

/// What the store tells of the time before the process, once it has all that the last process knew.
#[derive(Debug, Default)]
pub struct Begun {
    /// Calls that were up when the last process ended, and are marked as cut off.
    pub cut_off: u64,
    /// What the core is to know before its first call: what was spoken in this day.
    pub inputs: Vec<Input>,
}

/// Whether it is known what was spoken in the day of the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Day {
    Unread,
    Read,
}

/// Whether the database has all that it is to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// It has, and gets the next records.
    Database,
    /// The next go to the spool, until the database has taken what is there.
    Spool,
}

impl Recorder {
    /// Of a process that began at this moment, in milliseconds since 1970. Without a spool records wait in memory.
    pub fn new(store: Store, spool: Option<Spool>, began_ms: u64) -> Self {
        Self { store, spool, began_ms, longest: None, place: Place::Database, day: Day::Unread }
    }

    /// Of a process that ends calls so long after their answer, as the one before did: none that was cut off counts as longer.
    #[must_use]
    pub fn with_longest_call(self, longest: Duration) -> Self {
        Self { longest: Some(longest), ..self }
    }

    /// Writes what the last process left in the spool, marks the calls that were up when it ended, and reads what was spoken in this
    /// day: before the first call. If the store does not answer and there is a spool, [`Recorder::run`] does it later.
    ///
    /// # Errors
    ///
    /// If the database refuses, or the spool can't be read. Nothing is lost then.
    pub async fn begin(&mut self) -> Result<Begun, Error> {
        match self.catch_up().await {
            Err(error) if error.is_transient() && self.spool.is_some() => {
                self.place = self.turn_to_spool(&error);
                Ok(Begun::default())
            }
            outcome => outcome,
        }
    }

    async fn catch_up(&mut self) -> Result<Begun, Error> {
        timeout(PROBE, self.store.revision()).await.map_err(|_| Error::Silent)??;
        self.store.prepare().await?;
        self.replay().await?;
        let cut_off = self.store.cut_off(self.began_ms, self.longest).await?;
        let inputs = match self.day {
            Day::Read => Vec::new(),
            Day::Unread => self.store.spoken_today(self.began_ms).await?,
        };
        self.day = Day::Read;
        Ok(Begun { cut_off, inputs })
    }

    /// Writes records in the order given, as many as wait in one transaction, and confirms each finished call's when it
    /// is on disk: in the database, or in the spool while the database refuses. Without a spool it tries again, says so, and lets the
    /// records wait. It loses none. Returns when all senders are gone and the last record is on disk. What `begin` could not tell the core it
    /// tells when the database answers.
    ///
    /// A record that comes alone is written at once; those that follow closely wait for `PACE` and share a transaction, since
    /// what a transaction costs (locks, the log's pages, a sync of the disk) hardly grows with its records.
    ///
    /// The pulse tells others how it goes.
    ///
    /// What waits in memory is bounded by the calls: each has three records at most, and none is forgotten before its last is confirmed.
    pub async fn run(
        mut self,
        mut waiting: mpsc::UnboundedReceiver<Entry>,
        confirmed: mpsc::Sender<Input>,
        pulse: Arc<Pulse>,
    ) {
        let mut place = self.place;
        if place == Place::Spool {
            // As `begin` has found.
            pulse.wrote::<(), _>(Err(Error::Silent)).ok();
        }
        let mut entries = Vec::with_capacity(BATCH);
        let (mut due, mut pause) = (Instant::now(), FIRST_PAUSE);
        let mut again = due + pause;
        loop {
            let received = tokio::select! {
                biased;
                () = sleep_until(again), if place == Place::Spool => {
                    match pulse.wrote(self.catch_up().await) {
                        Ok(Begun { cut_off, inputs }) => {
                            info!(cut_off, "the database has all call records that waited");
                            for input in inputs {
                                if confirmed.send(input).await.is_err() {
                                    debug!("nobody waits for what was spoken in this day");
                                }
                            }
                            place = Place::Database;
                            pause = FIRST_PAUSE;
                        }
                        Err(error) => {
                            debug!(%error, "call records still go to the spool");
                            pause = (pause * 2).min(LONGEST_PAUSE);
                            again = Instant::now() + pause;
                        }
                    }
                    continue;
                }
                received = waiting.recv_many(&mut entries, BATCH) => received,
            };
            if received == 0 {
                return;
            }
            sleep_until(due).await;
            entries.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(BATCH - entries.len()));
            due = Instant::now() + PACE;
            let (keys, records): (Vec<_>, Vec<_>) = entries.drain(..).unzip();
            let before = place;
            place = self.keep(&records, before, &pulse).await;
            if before != place {
                again = Instant::now() + pause;
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

    /// Returns when the records are on disk, and says where the next are to go.
    async fn keep(&self, records: &[Arc<CallRecord>], place: Place, pulse: &Pulse) -> Place {
        let Some(spool) = &self.spool else {
            if let Err(error) = self.write(records, pulse).await {
                warn!(%error, "a batch of call records is written one by one");
                self.write_one_by_one(records, pulse).await;
            }
            return Place::Database;
        };
        match place {
            Place::Spool => {
                self.append(spool, records, pulse).await;
                Place::Spool
            }
            Place::Database => self.write_soon(spool, records, pulse).await,
        }
    }

    /// Gives up soon: the spool is there. A database that hesitates may be gone, and the process may end while it is waited for: so the
    /// spool gets the records meanwhile. What was written nevertheless is written once more.
    async fn write_soon(&self, spool: &Spool, records: &[Arc<CallRecord>], pulse: &Pulse) -> Place {
        let mut writing = Box::pin(self.store.write(records));
        if let Ok(outcome) = timeout(MOMENT, &mut writing).await {
            return match pulse.wrote(outcome) {
                Ok(()) => Place::Database,
                Err(error) if error.is_transient() => {
                    let place = self.turn_to_spool(&error);
                    self.append(spool, records, pulse).await;
                    place
                }
                Err(error) => self.write_singly(&error, records, pulse).await,
            };
        }
        if let Err(error) = spool.append(records).await {
            error!(%error, "call records wait in memory, for the database");
            drop(writing);
            self.write_one_by_one(records, pulse).await;
            return Place::Database;
        }
        let place = match pulse.wrote(timeout(SOON, writing).await.unwrap_or(Err(Error::Silent))) {
            Ok(()) => Place::Database,
            Err(error) if error.is_transient() => return self.turn_to_spool(&error),
            Err(error) => self.write_singly(&error, records, pulse).await,
        };
        if let Err(error) = spool.clear().await {
            warn!(%error, "call records that the database has are in the spool too, and are written once more at the next start");
        }
        place
    }

    async fn append(&self, spool: &Spool, records: &[Arc<CallRecord>], pulse: &Pulse) {
        if let Err(error) = spool.append(records).await {
            error!(%error, "call records wait in memory, for the database or the spool");
            self.write_one_by_one(records, pulse).await;
        }
    }

    async fn write_singly(&self, error: &Error, records: &[Arc<CallRecord>], pulse: &Pulse) -> Place {
        warn!(%error, "a batch of call records is written one by one");
        self.write_one_by_one(records, pulse).await;
        Place::Database
    }

    fn turn_to_spool(&self, error: &Error) -> Place {
        if self.spool.is_none() {
            return Place::Database;
        }
        warn!(%error, "call records are kept in the spool until the database takes them");
        Place::Spool
    }

    /// Writes what is in the spool, in its order, and empties it. What is written twice is the same.
    async fn replay(&self) -> Result<(), Error> {
        let Some(spool) = &self.spool else { return Ok(()) };
        let mut offset = 0;
        loop {
            let (records, next) = spool.read(offset).await?;
            if next == offset {
                break;
            }
            match self.store.write(&records).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => self.write_one_by_one(&records, &Pulse::default()).await,
            }
            info!(records = records.len(), "call records from the spool are in the database");
            offset = next;
        }
        spool.clear().await
    }

    /// Tries until the store takes them, or says that it never will.
    async fn write<R: Borrow<CallRecord>>(&self, records: &[R], pulse: &Pulse) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0_u32;
        loop {
            match pulse.wrote(self.store.write(records).await) {
                Ok(()) => break,
                Err(error) if error.is_transient() => {
                    attempts += 1;
                    let (waiting, again_ms) = (records.len(), pause.as_millis());
                    error!(%error, attempts, waiting, again_ms, "call records can't be written: tried again, none is lost");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    pulse.refused();
                    return Err(error);
                }
            }
        }
        if attempts > 0 {
            info!(attempts, records = records.len(), "call records can be written again");
        }
        Ok(())
    }

    /// A record that the schema refuses goes to the log as a whole, so that it does not hold up the others.
    async fn write_one_by_one<R: Borrow<CallRecord>>(&self, records: &[R], pulse: &Pulse) {
        for record in records {
            if let Err(error) = self.write(std::slice::from_ref(record), pulse).await {
                let record = serde_json::to_string(record.borrow()).unwrap_or_default();
                error!(%error, record, "a call record is refused by the store, and only here");
            }
        }
    }
}

/// Records in one transaction, at most.
const BATCH: usize = 512;
/// From the beginning of one transaction to that of the next, at least.
const PACE: Duration = Duration::from_millis(50);
/// For a question that costs nothing.
const PROBE: Duration = Duration::from_millis(500);
/// Of a database that is well: records wait so long in memory alone.
const MOMENT: Duration = Duration::from_millis(100);
/// Of one that hesitates.
const SOON: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use b2bua::record::{CallDirection, CallStatus};
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;
    use crate::db::Pool;
    use crate::sqlite::{self, Absent};

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

    async fn hasty(path: &Path, busy: Duration) -> Store {
        let pool = sqlite::open_file(path, Absent::Made, busy).await.unwrap();
        Store::of(Pool::Sqlite(pool), Some(path.to_owned()))
    }

    fn ended(index: u64) -> Arc<CallRecord> {
        let up = CallRecord::begin(index.to_string(), CallDirection::Inbound, index);
        Arc::new(CallRecord { status: Some(CallStatus::Completed), ..up })
    }

    #[tokio::test]
    async fn a_store_that_refuses_is_tried_until_it_takes_every_record() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strowger.db");
        let store = hasty(&path, Duration::from_millis(1)).await;
        let mut blocker = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        blocker.execute("BEGIN EXCLUSIVE").await.unwrap();
        let (told, mut lines) = mpsc::unbounded_channel();
        let log = tracing_subscriber::fmt().with_writer(move || Lines(told.clone())).finish();
        let _log = tracing::subscriber::set_default(log);

        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, mut confirmed) = mpsc::channel(16);
        let pulse = Arc::<Pulse>::default();
        let recorder =
            tokio::spawn(Recorder::new(store.clone(), None, 0).run(waiting, confirm, Arc::clone(&pulse)));
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
        let store = hasty(&path, FIRST_PAUSE).await;
        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, mut confirmed) = mpsc::channel(16);
        let recorder = tokio::spawn(Recorder::new(store, None, 0).run(waiting, confirm, Arc::default()));
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

    #[tokio::test]
    async fn a_record_is_in_the_spool_while_the_database_hesitates() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strowger.db");
        let spooled = directory.path().join("spool.jsonl");
        let store = hasty(&path, Duration::from_secs(30)).await;
        let mut blocker = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        blocker.execute("BEGIN EXCLUSIVE").await.unwrap();
        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, mut confirmed) = mpsc::channel(16);
        let spool = Spool::open(&spooled).unwrap();
        let recorder = Recorder::new(store.clone(), Some(spool), 0);
        tokio::spawn(recorder.run(waiting, confirm, Arc::default()));
        let start = Instant::now();
        entries.send((CallKey(1), ended(1))).unwrap();
        let length = || std::fs::metadata(&spooled).unwrap().len();
        while length() == 0 {
            assert!(start.elapsed() < SOON, "it waits in memory");
            tokio::task::yield_now().await;
        }
        blocker.execute("ROLLBACK").await.unwrap();
        assert!(matches!(confirmed.recv().await, Some(Input::Recorded(CallKey(1)))));
        while length() > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "it is never taken out");
            tokio::task::yield_now().await;
        }
        assert_eq!(store.recent_calls(2).await.unwrap().len(), 1);
    }
}
