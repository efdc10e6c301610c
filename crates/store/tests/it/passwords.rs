//! What is stored of passwords.

use std::fs;

use numbers::{Account, Agent, Inventory, Password, Trunk};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use store::{Actor, Error, Expect, Kind, Object, Store};

use crate::databases::{Database, on_each_database};

/// A SIP agent and a PBX that show a password, and what we show to others.
fn inventory(password: &str) -> Inventory {
    let text = format!(
        r#"
agents = [{{ id = "desk", endpoint = {{ kind = "sip", uri = "sip:desk@desk.example", username = "desk", password = "{password}", call_username = "us", call_password = "ours-to-agents" }} }}]
trunks = [
    {{ id = "named", inbound = {{ username = "named", password = {{ env = "NAMED" }} }} }},
    {{ id = "pbx", inbound = {{ username = "pbx", password = "{password}" }}, outbound = {{ username = "us", password = "ours-to-carriers" }} }},
]
"#
    );
    toml::from_str(&text).expect("an inventory")
}

fn realms(inventory: &Inventory) -> Vec<Option<String>> {
    let agents = inventory.agents.iter().map(Agent::account);
    let realm = |account: Option<Account<'_>>| match account?.password {
        Password::Given(_) => None,
        Password::Kept(kept) => Some(kept.realm.clone()),
    };
    agents.chain(inventory.trunks.iter().map(Trunk::account)).map(realm).collect()
}

async fn shown_passwords_are_stored_as_hashes_and_ours_as_they_are(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("hunter2")).await.expect("applied");
    let held = store.inventory().await.expect("read");
    let written = serde_json::to_string(&held).expect("JSON");
    assert!(!written.contains("hunter2"), "{written}");
    assert!(written.contains("ours-to-agents") && written.contains("ours-to-carriers"), "{written}");
    let strowger = || Some("strowger".to_owned());
    assert_eq!(realms(&held), [strowger(), None, strowger()]);
    // As `printf 'pbx:strowger:hunter2' | md5sum` has it.
    let inbound = held.trunks[1].inbound.as_ref().expect("it is there");
    let Some(Password::Kept(kept)) = &inbound.password else { panic!("{inbound:?}") };
    assert_eq!(kept.md5.to_string(), MD5);
    assert_eq!(kept.sha256.to_string(), SHA256);
}

async fn the_same_password_again_is_no_change_and_another_is_one_that_is_not_shown(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("hunter2")).await.expect("applied");
    assert!(store.plan(&inventory("hunter2")).await.expect("a plan").is_empty());
    assert!(store.apply(&inventory("hunter2")).await.expect("applied").is_empty());
    let held = store.inventory().await.expect("read");
    assert!(store.apply(&held).await.expect("applied").is_empty(), "what is stored may be applied");
    let plan = store.apply(&inventory("hunter3")).await.expect("applied");
    let expected = "\
~ agent desk
    endpoint.password: (hidden) -> (hidden)
~ trunk pbx
    inbound.password: (hidden) -> (hidden)
0 to add, 2 to change, 0 to remove";
    assert_eq!(plan.to_string(), expected);
    let trail = store.audit(0, 100).await.expect("read");
    let last = serde_json::to_string(trail.last().expect("an entry")).expect("JSON");
    assert!(last.contains("*** (changed)") && !last.contains("md5"), "{last}");
}

async fn in_another_realm_passwords_are_to_be_given_again(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("hunter2")).await.expect("applied");
    let moved = store.clone().of_realm("sip.example");
    assert_eq!(moved.plan(&inventory("hunter2")).await.expect("a plan").counts(), (0, 2, 0));
    moved.apply(&inventory("hunter2")).await.expect("applied");
    let held = moved.inventory().await.expect("read");
    assert_eq!(realms(&held)[0].as_deref(), Some("sip.example"));
    assert!(moved.plan(&inventory("hunter2")).await.expect("a plan").is_empty());
}

async fn what_is_kept_of_a_password_is_of_no_use_for_another_username(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("hunter2")).await.expect("applied");
    let mut trunk = store.inventory().await.expect("read").trunks.remove(1);
    trunk.inbound.as_mut().expect("it is there").username = Some("pbx2".into());
    let refused = store.put(&Actor::cli(), Object::from(trunk.clone()), Expect::Any).await;
    let Err(Error::Inventory(faults)) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].path, "inbound.password");
    assert!(faults[0].message.contains("of the username `pbx`"), "{}", faults[0].message);
    trunk.inbound.as_mut().expect("it is there").password = Some(Password::Given("hunter2".into()));
    store.put(&Actor::cli(), Object::from(trunk), Expect::Any).await.expect("put");
}

async fn passwords_that_were_stored_as_given_are_converted_once_and_nothing_else_changes(database: Database) {
    let store = database.open().await;
    store.apply(&inventory("hunter2")).await.expect("applied");
    let kept = store.inventory().await.expect("read");
    store.close().await;
    as_given(&database).await;
    let store = database.open().await;
    let before = store.object(Kind::Trunk, "pbx").await.expect("read").expect("it is there");
    let stored = store.inventory().await.expect("read");
    assert_eq!(realms(&stored), [None, None, None]);
    assert!(store.plan(&inventory("hunter2")).await.expect("a plan").is_empty());
    let snapshot = store.kept_snapshot().await.expect("read");
    assert_eq!((snapshot.revision, &snapshot.inventory), (1, &kept));
    assert_eq!(store.inventory().await.expect("read"), kept);
    let after = store.object(Kind::Trunk, "pbx").await.expect("read").expect("it is there");
    assert_eq!(before.etag, after.etag);
    assert_eq!(store.keep_passwords().await.expect("kept"), 0);
    store.close().await;
    if let Some(path) = database.url().strip_prefix("sqlite:") {
        let bytes = fs::read(path).expect("read");
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"), "it lies in the file");
    }
}

/// As an earlier version stored them.
async fn as_given(database: &Database) {
    let given = inventory("hunter2");
    let agent = serde_json::to_string(&given.agents[0]).expect("JSON");
    let trunk = serde_json::to_string(&given.trunks[1]).expect("JSON");
    let sql = sqlx::AssertSqlSafe(format!(
        "UPDATE agents SET body = '{agent}' WHERE id = 'desk'; UPDATE trunks SET body = '{trunk}' WHERE id = 'pbx'"
    ));
    if database.url().starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(database.url()).await.expect("a connection");
        connection.execute(sql).await.expect("changed");
        connection.close().await.expect("closed");
    } else {
        let mut connection = PgConnection::connect(database.url()).await.expect("a connection");
        connection.execute(sql).await.expect("changed");
        connection.close().await.expect("closed");
    }
}

#[tokio::test]
async fn a_single_object_that_is_put_twice_is_put_once() {
    let store = Store::open("sqlite::memory:").await.expect("a store");
    let agent = inventory("hunter2").agents.remove(0);
    let (_, first) = store.put(&Actor::cli(), agent.clone().into(), Expect::New).await.expect("put");
    let (_, second) = store.put(&Actor::cli(), agent.into(), Expect::Any).await.expect("put");
    assert_eq!((first.etag, first.revision), (second.etag, second.revision));
}

const MD5: &str = "d5740b6d09977b399fbe0816f6de4fbe";
const SHA256: &str = "e031f2b55c9378fd4641d19f5cfbc7880530acd68a581cdbfb96bf8172bcdff3";

on_each_database!(
    shown_passwords_are_stored_as_hashes_and_ours_as_they_are,
    the_same_password_again_is_no_change_and_another_is_one_that_is_not_shown,
    in_another_realm_passwords_are_to_be_given_again,
    what_is_kept_of_a_password_is_of_no_use_for_another_username,
    passwords_that_were_stored_as_given_are_converted_once_and_nothing_else_changes,
);
