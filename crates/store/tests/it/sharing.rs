//! What calls take on several daemons of one PostgreSQL.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use b2bua::io::Input;
use numbers::{Load, Spoken, Subject, Tally, Used};
use sqlx::{Connection, Executor, PgConnection};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::databases::Database;
use crate::outage::{database_of, wall_ms};
use crate::server::Server;

/// One daemon's side of it.
struct Node {
    changes: mpsc::UnboundedSender<Vec<Used>>,
    inputs: mpsc::Receiver<Input>,
    task: JoinHandle<()>,
    /// What it knows of the others.
    others: BTreeMap<Subject, Load>,
}

impl Node {
    async fn start(url: &str, name: &str) -> Self {
        let store = store::Store::open_patiently(url).await.expect("a store").of_node(name);
        let mut sharing = store.sharing().expect("it is PostgreSQL");
        let mut others = BTreeMap::new();
        for input in sharing.begin().await {
            take(&mut others, input);
        }
        let (changes, received) = mpsc::unbounded_channel();
        let (told, inputs) = mpsc::channel(64);
        let task = tokio::spawn(sharing.run(received, told));
        Self { changes, inputs, task, others }
    }

    fn uses(&self, used: &[(Subject, Load)]) {
        let used = used.iter().map(|(subject, load)| Used { subject: subject.clone(), load: *load });
        self.changes.send(used.collect()).expect("it runs");
    }

    /// Waits until the others use that, and says how long it took.
    async fn hears(&mut self, subject: &Subject, load: Load) -> Duration {
        let began = Instant::now();
        while self.others.get(subject).copied().unwrap_or_default() != load {
            let input = tokio::time::timeout(Duration::from_secs(30), self.inputs.recv()).await;
            let input = input.unwrap_or_else(|_| panic!("{subject:?}: {:?}, not {load:?}", self.others));
            take(&mut self.others, input.expect("it runs"));
        }
        began.elapsed()
    }
}

fn take(others: &mut BTreeMap<Subject, Load>, input: Input) {
    let Input::Others(used) = input else { panic!("{input:?}") };
    others.extend(used.into_iter().map(|used| (used.subject, used.load)));
}

fn trunk() -> Subject {
    Subject::Trunk("acme".to_owned())
}

fn number() -> Subject {
    Subject::Number("+14155550100".parse().expect("a number"))
}

/// So many calls, one of them out and up, beside nine seconds of earlier ones. The day is the next, lest it begin meanwhile.
fn load(calls: u32) -> Load {
    let day = Spoken::midnight(wall_ms()) / 86_400_000 + 1;
    Load { calls, spoken: Tally { day, finished_ms: 9_000, running: 1, begun_ms: 5_000 } }
}

/// What is left of it when the calls are over.
fn left(load: Load) -> Load {
    let spoken = Tally { running: 0, begun_ms: 0, ..load.spoken };
    Load { calls: 0, spoken }
}

#[tokio::test]
async fn what_calls_take_on_one_node_is_known_to_the_others_within_a_second() {
    let Some(database) = Database::postgres().await else { return };
    let one = Node::start(database.url(), "one").await;
    let mut two = Node::start(database.url(), "two").await;
    let three = Node::start(database.url(), "three").await;
    let first = load(2);
    one.uses(&[(trunk(), first), (number(), Load { calls: 1, ..Load::default() })]);
    let took = two.hears(&trunk(), first).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    two.hears(&number(), Load { calls: 1, ..Load::default() }).await;
    let more = load(3);
    three.uses(&[(trunk(), more)]);
    let took = two.hears(&trunk(), first.plus(more)).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let late = Node::start(database.url(), "late").await;
    assert_eq!(late.others.get(&trunk()), Some(&first.plus(more)), "before its first call");
    one.uses(&[(number(), Load::default())]);
    two.hears(&number(), Load::default()).await;

    drop(one.changes);
    one.task.await.expect("finished");
    two.hears(&trunk(), left(first).plus(more)).await;
    let again = Node::start(database.url(), "one").await;
    again.uses(&[(trunk(), first)]);
    two.hears(&trunk(), first.plus(more)).await;
}

#[tokio::test]
async fn the_calls_of_a_killed_node_are_over_after_ten_seconds_and_its_minutes_stay() {
    let Some(database) = Database::postgres().await else { return };
    let one = Node::start(database.url(), "one").await;
    let mut two = Node::start(database.url(), "two").await;
    one.uses(&[(trunk(), load(2))]);
    two.hears(&trunk(), load(2)).await;
    one.task.abort();
    assert!(one.task.await.is_err());
    let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
    let aged = "UPDATE live_nodes SET heard_at = heard_at - 10000 WHERE node = 'one'";
    connection.execute(aged).await.expect("aged");
    two.hears(&trunk(), left(load(2))).await;
    // Its next process has no calls, and knows of those of the others.
    two.uses(&[(trunk(), load(1))]);
    let mut one = Node::start(database.url(), "one").await;
    one.hears(&trunk(), load(1)).await;
    two.hears(&trunk(), left(load(2))).await;
}

#[tokio::test]
async fn what_calls_of_a_killed_node_had_spoken_when_it_was_heard_of_last_stays() {
    let Some(database) = Database::postgres().await else { return };
    // Heard of last half a minute before, in the ninth second of a call that had gone on since midnight, or later.
    let heard_ms = wall_ms() - 30_000;
    let day = heard_ms / 86_400_000;
    if (wall_ms() + 60_000) / 86_400_000 > day {
        println!("skipped: the day of the test is about to end");
        return;
    }
    let begun_ms = (heard_ms % 86_400_000).saturating_sub(9_000);
    let spoken_ms = heard_ms % 86_400_000 - begun_ms;
    let up = Load { calls: 1, spoken: Tally { day, finished_ms: 1_000, running: 1, begun_ms } };
    let over =
        Load { calls: 0, spoken: Tally { day, finished_ms: 1_000 + spoken_ms, running: 0, begun_ms: 0 } };
    let one = Node::start(database.url(), "one").await;
    let mut two = Node::start(database.url(), "two").await;
    one.uses(&[(trunk(), up)]);
    two.hears(&trunk(), up).await;
    one.task.abort();
    assert!(one.task.await.is_err());
    let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
    let aged = format!("UPDATE live_nodes SET heard_at = {heard_ms} WHERE node = 'one'");
    connection.execute(sqlx::AssertSqlSafe(aged)).await.expect("aged");
    two.hears(&trunk(), over).await;
    // Its next process says so itself.
    let one = Node::start(database.url(), "one").await;
    one.uses(&[(number(), load(1))]);
    two.hears(&number(), load(1)).await;
    assert_eq!(two.others.get(&trunk()), Some(&over));
    let late = Node::start(database.url(), "late").await;
    assert_eq!(late.others.get(&trunk()), Some(&over));
}

#[tokio::test]
async fn what_changed_while_the_database_was_gone_is_told_when_it_is_back() {
    let Some(server) = Server::start() else { return };
    let url = database_of(&server).await;
    let one = Node::start(&url, "one").await;
    let mut two = Node::start(&url, "two").await;
    one.uses(&[(trunk(), load(1)), (number(), load(1))]);
    two.hears(&number(), load(1)).await;
    server.stop();
    one.uses(&[(trunk(), load(4))]);
    let mut three = Node::start(&url, "three").await;
    assert!(three.others.is_empty());
    server.resume();
    two.hears(&trunk(), load(4)).await;
    three.hears(&trunk(), load(4)).await;
    // As if an older copy of it had been restored.
    let mut connection = PgConnection::connect(&url).await.expect("a connection");
    connection.execute("TRUNCATE live_nodes, live_usage").await.expect("emptied");
    two.hears(&number(), Load::default()).await;
    two.hears(&number(), load(1)).await;
    assert_eq!(two.others.get(&trunk()), Some(&load(4)));
}

#[tokio::test]
async fn a_file_of_sqlite_has_one_daemon_and_nothing_to_share() {
    let database = Database::sqlite();
    assert!(database.open().await.sharing().is_none());
}
