//! PostgreSQL that is gone for a time, and several daemons on one.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use b2bua::CallRecord;
use b2bua::io::{CallKey, Input};
use b2bua::record::{CallDirection, CallStatus};
use numbers::{Inventory, Spoken};
use sqlx::{Connection, Executor, PgConnection};
use store::{Entry, Error, Pulse, Recorder, Snapshot, Spool, Store};
use tokio::sync::mpsc;

use crate::databases::Database;
use crate::server::Server;

fn record(index: u64, status: Option<CallStatus>) -> CallRecord {
    CallRecord {
        from_raw: "a\0b".into(),
        transport: "udp".into(),
        status,
        ..CallRecord::begin(format!("{index:032x}"), CallDirection::Inbound, 1_000 + index)
    }
}

struct Recording {
    entries: mpsc::UnboundedSender<Entry>,
    confirmed: mpsc::Receiver<Input>,
    task: tokio::task::JoinHandle<()>,
    pulse: Arc<Pulse>,
}

impl Recording {
    async fn start(store: &Store, spool: &Spool) -> Self {
        let pulse = Arc::<Pulse>::default();
        let mut recorder = Recorder::new(store.clone(), Some(spool.clone()), 1_000_000);
        recorder.begin().await.expect("begun");
        let (entries, waiting) = mpsc::unbounded_channel();
        let (confirm, confirmed) = mpsc::channel(1_000);
        let task = tokio::spawn(recorder.run(waiting, confirm, Arc::clone(&pulse)));
        Self { entries, confirmed, task, pulse }
    }

    /// A call that begins and ends; returns when it is confirmed.
    async fn call(&mut self, index: u64) {
        for _ in 0..2 {
            self.pulse.handed();
        }
        self.entries.send((CallKey(index), Arc::new(record(index, None)))).expect("taken");
        let ended = record(index, Some(CallStatus::Completed));
        self.entries.send((CallKey(index), Arc::new(ended))).expect("taken");
        assert!(matches!(self.confirmed.recv().await, Some(Input::Recorded(CallKey(key))) if key == index));
    }

    /// As `kill -9` would end it.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err());
    }
}

pub(crate) async fn database_of(server: &Server) -> String {
    let mut connection = PgConnection::connect(&server.url("postgres")).await.expect("a connection");
    connection.execute("CREATE DATABASE strowger").await.expect("a database");
    connection.close().await.expect("closed");
    server.url("strowger")
}

#[tokio::test]
async fn no_record_is_lost_while_the_database_is_gone_and_the_daemon_is_killed() {
    let Some(server) = Server::start() else { return };
    let url = database_of(&server).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("spool.jsonl");
    let store = Store::open_patiently(&url).await.expect("a store").of_node("one");
    let mut recording = Recording::start(&store, &Spool::open(&path).expect("a spool")).await;
    recording.call(1).await;
    assert_eq!(std::fs::metadata(&path).expect("a file").len(), 0);
    server.stop();
    for index in 2..6 {
        recording.call(index).await;
    }
    recording.pulse.handed();
    recording.entries.send((CallKey(6), Arc::new(record(6, None)))).expect("taken");
    recording.call(7).await;
    assert!(recording.pulse.trouble().is_some() && recording.pulse.waiting() == 0);
    recording.kill().await;
    // The next process begins while the database is gone, and its predecessor's last line was cut off.
    let mut spooled = std::fs::read(&path).expect("read");
    spooled.extend_from_slice(b"{\"id\": \"half");
    std::fs::write(&path, spooled).expect("written");
    let store = Store::open_patiently(&url).await.expect("a store").of_node("one");
    let mut recording = Recording::start(&store, &Spool::open(&path).expect("a spool")).await;
    recording.call(8).await;
    server.resume();
    let mut last = 9;
    recording.call(last).await;
    while recording.pulse.trouble().is_some() {
        last += 1;
        recording.call(last).await;
    }
    let calls = store.recent_calls(10_000).await.expect("read");
    let ids: Vec<_> = calls.iter().rev().map(|call| call.invite_at - 1_000).collect();
    assert_eq!(ids, (1..=last).collect::<Vec<_>>());
    for call in calls {
        let (status, reason) = match call.invite_at {
            1_006 => (CallStatus::Failed, Some("cut-off")),
            _ => (CallStatus::Completed, None),
        };
        assert_eq!((call.status, call.reason.as_deref()), (Some(status), reason), "{}", call.id);
        assert_eq!(call.from_raw, "a\u{fffd}b");
    }
    assert_eq!(std::fs::metadata(&path).expect("a file").len(), 0);
    drop(recording.entries);
    recording.task.await.expect("finished");
}

#[tokio::test]
async fn what_was_spoken_in_the_day_is_told_when_the_database_is_back() {
    let Some(server) = Server::start() else { return };
    let url = database_of(&server).await;
    let store = Store::open_patiently(&url).await.expect("a store").of_node("one");
    // Of this day, and of the next, should that begin meanwhile.
    let midnight = Spoken::midnight(wall_ms());
    let call = CallRecord {
        direction: CallDirection::Outbound,
        trunk_id: Some("acme".into()),
        number: Some("+14155550100".into()),
        answered_at: Some(midnight),
        ended_at: Some(midnight + 86_400_000 + 5_000),
        ..record(1, Some(CallStatus::Completed))
    };
    store.write(&[call]).await.expect("written");
    server.stop();
    let directory = tempfile::tempdir().expect("a directory");
    let spool = Spool::open(&directory.path().join("spool.jsonl")).expect("a spool");
    let mut recording = Recording::start(&store, &spool).await;
    server.resume();
    let Some(Input::Spoken { spoke, .. }) = recording.confirmed.recv().await else { panic!("it is told") };
    assert_eq!((spoke.len(), spoke[0].trunk_id.as_str()), (1, "acme"));
    assert!(spoke[0].spoken_ms >= 5_000, "{spoke:?}");
}

pub(crate) fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("a time")
}

#[tokio::test]
async fn a_daemon_starts_without_its_database_and_hears_of_changes_when_it_is_back() {
    let Some(server) = Server::start() else { return };
    let url = database_of(&server).await;
    server.stop();
    let error = Store::open(&url).await.expect_err("it is gone").to_string();
    assert!(error.contains("/strowger can't be opened: "), "{error}");
    let store = Store::open_patiently(&url).await.expect("a store");
    assert!(store.revision().await.expect_err("it is gone").is_transient());
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.changed(0).await }
    });
    server.resume();
    let tool = Store::open(&url).await.expect("a store");
    let settings = numbers::Settings { workspace_id: Some("main".into()), ..Default::default() };
    tool.apply(&Inventory { settings, ..Default::default() }).await.expect("applied");
    assert_eq!(waiting.await.expect("a revision"), 1);
}

#[tokio::test]
async fn each_daemon_marks_its_own_calls_and_has_its_own_name() {
    let Some(database) = Database::postgres().await else { return };
    let one = database.open().await.of_node("one");
    let two = database.open().await.of_node("two");
    let lock = one.lock().await.expect("it is free");
    let _two = two.lock().await.expect("another name");
    let error = database.open().await.of_node("one").lock().await.expect_err("it is taken");
    assert!(matches!(&error, Error::NodeTaken { node } if node == "one"), "{error}");
    drop(lock);
    one.write(&[record(1, None), record(3, None)]).await.expect("written");
    two.write(&[record(2, None)]).await.expect("written");
    assert_eq!(one.cut_off(1_003, None).await.expect("marked"), 1, "the third came in since");
    let left: Vec<_> = two.recent_calls(10).await.expect("read").iter().map(|call| call.status).collect();
    assert_eq!(left, [None, None, Some(CallStatus::Failed)]);
}

#[tokio::test]
async fn the_name_of_a_daemon_is_its_own_again_when_the_database_was_gone() {
    let Some(server) = Server::start() else { return };
    let url = database_of(&server).await;
    let one = Store::open_patiently(&url).await.expect("a store").of_node("one");
    let _lock = one.lock().await.expect("it is free");
    server.stop();
    let late = Store::open_patiently(&url).await.expect("a store").of_node("late");
    let _late = late.lock().await.expect("nobody can be asked");
    server.resume();
    let deadline = Instant::now() + Duration::from_secs(30);
    for name in ["one", "late"] {
        let other = Store::open(&url).await.expect("a store").of_node(name);
        // Whoever looks takes it for a moment: then it is taken again at the next beat.
        while !matches!(other.lock().await, Err(Error::NodeTaken { .. })) {
            assert!(Instant::now() < deadline, "{name} is nobody's");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let Some(database) = Database::postgres().await else { return };
    let mut other = PgConnection::connect(database.url()).await.expect("a connection");
    other.execute("CREATE TABLE recipes (name TEXT)").await.expect("made");
    other.close().await.expect("closed");
    let error = Store::open(database.url()).await.expect_err("not ours").to_string();
    assert!(error.ends_with("is a database of something else; name another"), "{error}");
}

#[tokio::test]
async fn a_copy_of_the_inventory_is_read_back_and_a_missing_one_is_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("last-inventory.json");
    assert_eq!(Snapshot::kept(&path).expect("none"), None);
    let inventory: Inventory =
        toml::from_str("agents = [{ id = 'a', endpoint = { kind = 'echo' } }]").expect("an inventory");
    let snapshot = Snapshot { revision: 7, inventory };
    snapshot.keep(&path).expect("kept");
    assert_eq!(Snapshot::kept(&path).expect("read"), Some(snapshot));
    std::fs::write(&path, "{").expect("written");
    let error = Snapshot::kept(&path).expect_err("half of it").to_string();
    assert!(error.contains("last-inventory.json can't be used"), "{error}");
}
