//! The inventory: applied, read back, seen by others.

use std::time::{Duration, Instant};

use numbers::{Directory, E164, Inventory, Number};
use store::{Action, Error, Kind, Store};

const INVENTORY: &str = r#"
settings = { default_agent_id = "reception" }
agents = [
    { id = "reception", endpoint = { kind = "echo" } },
    { id = "sales", endpoint = { kind = "media-stream", url = "wss://u:hunter2@bots.example.com/sales", headers = { Authorization = "hunter2" }, parameters = { key = "hunter2" } }, fallback_agent_id = "reception" },
]
trunks = [{ id = "acme", inbound = { addresses = ["203.0.113.0/28"] }, outbound = { password = { env = "ACME" } } }]
numbers = [
    { e164 = "+14155550100", trunk_id = "acme", agent_id = "sales", outbound = true },
    { e164 = "+14155550101", trunk_id = "acme" },
]
"#;

fn inventory() -> Inventory {
    toml::from_str(INVENTORY).expect("an inventory")
}

fn url(directory: &tempfile::TempDir) -> String {
    format!("sqlite:{}", directory.path().join("strowger.db").display())
}

#[tokio::test]
async fn what_is_applied_is_what_is_read() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
    assert_eq!(store.inventory().await.expect("read"), Inventory::default());
    assert_eq!(store.revision().await.expect("read"), 0);
    let plan = store.apply(&inventory()).await.expect("applied");
    assert_eq!((plan.counts(), plan.revision), ((5, 1, 0), 0));
    let snapshot = store.snapshot().await.expect("read");
    assert_eq!((snapshot.revision, &snapshot.inventory), (1, &inventory()));
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
    store.apply(&inventory()).await.expect("applied");
    let plan = store.apply(&inventory()).await.expect("applied");
    assert!(plan.is_empty());
    assert_eq!(plan.to_string(), "nothing to change");
    assert_eq!(store.revision().await.expect("read"), 1);
}

#[tokio::test]
async fn a_plan_tells_what_would_change_without_secrets_and_does_nothing() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
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

#[tokio::test]
async fn everything_may_go_at_once() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
    store.apply(&inventory()).await.expect("applied");
    let plan = store.apply(&Inventory::default()).await.expect("applied");
    assert_eq!(plan.counts(), (0, 1, 5));
    assert_eq!(store.inventory().await.expect("read"), Inventory::default());
}

#[tokio::test]
async fn a_faulty_inventory_leaves_the_store_as_it_was() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
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

#[tokio::test]
async fn another_process_sees_the_change_and_the_old_or_the_whole_new_inventory() {
    let directory = tempfile::tempdir().expect("a directory");
    let daemon = Store::open(&url(&directory)).await.expect("a store");
    let waiting = tokio::spawn({
        let daemon = daemon.clone();
        async move { daemon.changed(0).await }
    });
    let tool = Store::open(&url(&directory)).await.expect("a store");
    tool.apply(&inventory()).await.expect("applied");
    assert_eq!(waiting.await.expect("a revision"), 1);
    let snapshot = daemon.snapshot().await.expect("read");
    assert_eq!((snapshot.revision, snapshot.inventory), (1, inventory()));
    let directory = daemon.snapshot().await.expect("read").directory(&Directory::empty());
    let faults = directory.expect_err("its password is only named");
    assert_eq!(faults[0].path, "trunks[0].outbound.password");
}

#[tokio::test]
async fn two_that_apply_at_once_both_succeed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (url, other_url) = (url(&directory), url(&directory));
    let (one, two) = tokio::join!(Store::open(&url), Store::open(&other_url));
    let (one, two) = (one.expect("a store"), two.expect("a store"));
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
#[tokio::test]
async fn a_change_that_is_cut_off_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&url(&directory)).await.expect("a store");
    store.apply(&inventory()).await.expect("applied");
    let numbers = (0..20_000)
        .map(|index| Number::new(E164::parse(&format!("+1415{index:07}")).expect("a number"), "acme"));
    let large = Inventory { numbers: numbers.collect(), ..inventory() };
    let mut cut_off = 0;
    for ms in [0, 1, 3, 10, 20, 40, 80, 160] {
        let dying = Store::open(&url(&directory)).await.expect("a store");
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

#[tokio::test]
async fn a_hundred_thousand_numbers_take_seconds() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&url(&directory)).await.expect("a store");
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
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}
