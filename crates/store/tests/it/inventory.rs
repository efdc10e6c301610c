//! The inventory: applied, read back, seen by others.

use std::time::{Duration, Instant};

use numbers::{Directory, E164, Inventory, Number};
use store::{Action, Error, Kind};

use crate::databases::{Database, on_each_database};

const INVENTORY: &str = r#"
settings = { default_agent_id = "reception" }
agents = [
    { id = "reception", endpoint = { kind = "echo" } },
    { id = "sales", endpoint = { kind = "media-stream", url = "wss://u:hunter2@bots.example.com/sales", headers = { Authorization = "hunter2" }, parameters = { key = "hunter2" } }, fallback_agent_id = "reception" },
]
trunks = [{ id = "acme", inbound = { addresses = ["203.0.113.0/28"] }, outbound = { username = "us", password = { env = "ACME" } } }]
numbers = [
    { e164 = "+14155550100", trunk_id = "acme", agent_id = "sales", outbound = true },
    { e164 = "+14155550101", trunk_id = "acme" },
]
"#;

fn inventory() -> Inventory {
    toml::from_str(INVENTORY).expect("an inventory")
}

async fn what_is_applied_is_what_is_read(database: Database) {
    let store = database.open().await;
    assert_eq!(store.inventory().await.expect("read"), Inventory::default());
    assert_eq!(store.revision().await.expect("read"), 0);
    let plan = store.apply(&inventory()).await.expect("applied");
    assert_eq!((plan.counts(), plan.revision), ((5, 1, 0), 0));
    let snapshot = store.snapshot().await.expect("read");
    assert_eq!((snapshot.revision, &snapshot.inventory), (1, &inventory()));
}

async fn applying_twice_changes_nothing(database: Database) {
    let store = database.open().await;
    store.apply(&inventory()).await.expect("applied");
    let plan = store.apply(&inventory()).await.expect("applied");
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "nothing to change");
    assert_eq!(store.revision().await.expect("read"), 1);
}

async fn a_plan_tells_what_would_change_without_secrets_and_does_nothing(database: Database) {
    let store = database.open().await;
    store.apply(&inventory()).await.expect("applied");
    let mut other = inventory();
    other.settings.default_agent_id = Some("sales".into());
    other.agents.push(toml::from_str("id = 'night'\nendpoint = { kind = 'echo' }").expect("an agent"));
    other.agents[1] = toml::from_str(
        "id = 'sales'\nendpoint = { kind = 'media-stream', url = 'ws://h:1/?t=hunter3', headers = { Authorization = 'hunter3' } }",
    )
    .expect("an agent");
    other.numbers[0].agent_id = None;
    other.numbers.remove(1);
    let plan = store.plan(&other).await.expect("a plan");
    let expected = "\
~ settings
    default_agent_id: \"reception\" -> \"sales\"
+ agent night
~ agent sales
    endpoint.headers.Authorization: (hidden) -> (hidden)
    endpoint.parameters.key: (hidden) -> (none)
    endpoint.url: (hidden) -> (hidden)
    fallback_agent_id: \"reception\" -> (none)
~ number +14155550100
    agent_id: \"sales\" -> (none)
- number +14155550101
1 to add, 3 to change, 1 to remove";
    assert_eq!(plan.to_string(), expected);
    assert_eq!(store.inventory().await.expect("read"), inventory());
    assert_eq!(store.apply(&other).await.expect("applied"), plan);
    let mut read = store.inventory().await.expect("read");
    other.agents.sort_by(|a, b| a.id.cmp(&b.id));
    read.agents.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(read, other);
}

async fn everything_may_go_at_once(database: Database) {
    let store = database.open().await;
    store.apply(&inventory()).await.expect("applied");
    let plan = store.apply(&Inventory::default()).await.expect("applied");
    assert_eq!(plan.counts(), (0, 1, 5));
    assert_eq!(store.inventory().await.expect("read"), Inventory::default());
}

async fn a_faulty_inventory_leaves_the_store_as_it_was(database: Database) {
    let store = database.open().await;
    store.apply(&inventory()).await.expect("applied");
    let mut dangling = inventory();
    dangling.trunks.clear();
    for outcome in [store.plan(&dangling).await, store.apply(&dangling).await] {
        match outcome {
            Err(Error::Inventory(faults)) => assert_eq!(faults[0].path, "numbers[0].trunk_id"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.snapshot().await.expect("read").revision, 1);
    assert_eq!(store.inventory().await.expect("read"), inventory());
}

async fn another_process_sees_the_change_and_the_old_or_the_whole_new_inventory(database: Database) {
    let daemon = database.open().await;
    let waiting = tokio::spawn({
        let daemon = daemon.clone();
        async move { daemon.changed(0).await }
    });
    let tool = database.open().await;
    tool.apply(&inventory()).await.expect("applied");
    let applied = Instant::now();
    assert_eq!(waiting.await.expect("a revision"), 1);
    assert!(applied.elapsed() < Duration::from_secs(1), "{:?}", applied.elapsed());
    let snapshot = daemon.snapshot().await.expect("read");
    assert_eq!((snapshot.revision, snapshot.inventory), (1, inventory()));
    let directory = daemon.snapshot().await.expect("read").directory(&Directory::empty());
    let faults = directory.expect_err("its password is only named");
    assert_eq!(faults[0].path, "trunks[0].outbound.password");
}

async fn two_that_apply_at_once_both_succeed(database: Database) {
    let (one, two) = tokio::join!(database.open(), database.open());
    let small = Inventory { numbers: Vec::new(), ..inventory() };
    for _ in 0..20 {
        let whole = inventory();
        let (a, b) = tokio::join!(one.apply(&small), two.apply(&whole));
        a.expect("applied");
        b.expect("applied");
    }
    let read = two.inventory().await.expect("read");
    assert!(read == small || read == inventory());
}

/// A process that dies in its transaction, at each statement of it.
async fn a_change_that_is_cut_off_leaves_nothing_behind(database: Database) {
    let store = database.open().await;
    store.apply(&inventory()).await.expect("applied");
    let numbers = (0..20_000)
        .map(|index| Number::new(E164::parse(&format!("+1415{index:07}")).expect("a number"), "acme"));
    let large = Inventory { numbers: numbers.collect(), ..inventory() };
    let mut cut_off = 0;
    for ms in [0, 1, 3, 10, 20, 40, 80, 160] {
        let dying = database.open().await;
        if tokio::time::timeout(Duration::from_millis(ms), dying.apply(&large)).await.is_err() {
            cut_off += 1;
            let snapshot = store.snapshot().await.expect("read");
            assert_eq!((snapshot.revision, snapshot.inventory), (1, inventory()), "after {ms} ms");
        } else {
            break;
        }
    }
    assert!(cut_off > 0);
    store.apply(&large).await.expect("the lock is free");
    assert_eq!(store.inventory().await.expect("read").numbers.len(), 20_000);
}

async fn a_hundred_thousand_numbers_take_seconds(database: Database) {
    let store = database.open().await;
    let numbers = (0..100_000)
        .map(|index| Number::new(E164::parse(&format!("+1415{index:07}")).expect("a number"), "acme"));
    let large = Inventory { numbers: numbers.collect(), ..inventory() };
    let began = Instant::now();
    store.apply(&large).await.expect("applied");
    let applied = began.elapsed();
    let start = Instant::now();
    let plan = store.apply(&large).await.expect("applied");
    assert!(plan.is_empty());
    let again = start.elapsed();
    let start = Instant::now();
    let changed =
        large.numbers.iter().cloned().map(|number| Number { max_calls: Some(1), ..number }).collect();
    let plan = store.apply(&Inventory { numbers: changed, ..large }).await.expect("applied");
    assert_eq!(plan.changes.len(), 100_000);
    assert!(
        plan.changes
            .iter()
            .all(|change| change.kind == Kind::Number && matches!(change.action, Action::Change(_)))
    );
    let all_changed = start.elapsed();
    println!("100,000 numbers: applied in {applied:?}, again in {again:?}, all changed in {all_changed:?}");
    assert!(began.elapsed() < Duration::from_mins(5), "{:?}", began.elapsed());
}

on_each_database!(
    what_is_applied_is_what_is_read,
    applying_twice_changes_nothing,
    a_plan_tells_what_would_change_without_secrets_and_does_nothing,
    everything_may_go_at_once,
    a_faulty_inventory_leaves_the_store_as_it_was,
    another_process_sees_the_change_and_the_old_or_the_whole_new_inventory,
    two_that_apply_at_once_both_succeed,
    a_change_that_is_cut_off_leaves_nothing_behind,
    a_hundred_thousand_numbers_take_seconds,
);
