//! Single objects: put, removed, listed; their versions, their faults, their trail.

use numbers::{Agent, E164, Endpoint, Inventory, Number, Settings, Trunk};
use serde_json::{Value, json};
use store::{Actor, AuditEntry, Error, Etag, Expect, Kind, NewKey, Object, Role, Store};

use crate::databases::{Database, on_each_database};

fn agent(id: &str) -> Agent {
    serde_json::from_value(json!({ "id": id, "endpoint": { "kind": "echo" } })).expect("an agent")
}

fn trunk(id: &str, address: &str) -> Trunk {
    serde_json::from_value(json!({ "id": id, "inbound": { "addresses": [address] } })).expect("a trunk")
}

fn number(index: u64, trunk_id: &str) -> Number {
    Number::new(E164::parse(&format!("+1415555{index:04}")).expect("a number"), trunk_id)
}

/// Two agents, a trunk, a number of one agent.
async fn furnished(store: &Store) {
    let numbers = vec![Number { agent_id: Some("sales".into()), ..number(100, "acme") }];
    let agents = vec![agent("sales"), Agent { fallback_agent_id: Some("sales".into()), ..agent("night") }];
    let settings = Settings { default_agent_id: Some("night".into()), ..Settings::default() };
    let inventory = Inventory { settings, agents, trunks: vec![trunk("acme", "192.0.2.1")], numbers };
    store.apply(&inventory).await.expect("applied");
}

async fn put(store: &Store, object: impl Into<Object>, expect: Expect) -> Result<store::Stored, Error> {
    store.put(&Actor::cli(), object.into(), expect).await.map(|(_, stored)| stored)
}

async fn trail(store: &Store) -> Vec<AuditEntry> {
    store.audit(0, 1_000).await.expect("read")
}

async fn what_is_put_is_there_with_its_version_and_the_revision_rises(database: Database) {
    let store = database.open().await;
    let stored = put(&store, agent("sales"), Expect::New).await.expect("put");
    assert_eq!((stored.etag, stored.revision, stored.is_new), (Etag(1), 1, true));
    let stored = put(&store, trunk("acme", "192.0.2.1"), Expect::Any).await.expect("put");
    assert_eq!((stored.etag, stored.revision, stored.is_new), (Etag(2), 2, true));
    put(&store, number(1, "acme"), Expect::New).await.expect("put");
    let held = store.object(Kind::Number, "+14155550001").await.expect("read").expect("it is there");
    assert_eq!((held.object, held.etag), (number(1, "acme").into(), Etag(3)));
    assert_eq!(store.object(Kind::Agent, "nobody").await.expect("read"), None);
    assert_eq!(store.object(Kind::Number, "no number").await.expect("read"), None);
    let settings = store.object(Kind::Settings, "").await.expect("read").expect("always there");
    assert_eq!((settings.object, settings.etag), (Settings::default().into(), Etag(0)));
    assert_eq!(store.inventory().await.expect("read").numbers, [number(1, "acme")]);
}

async fn an_agent_and_a_trunk_never_have_the_same_username(database: Database) {
    let store = database.open().await;
    let endpoint =
        json!({ "kind": "sip", "uri": "sip:bot@192.0.2.9", "username": "pbx", "password": "hunter2hunter2" });
    let agent: Agent =
        serde_json::from_value(json!({ "id": "bot", "endpoint": endpoint })).expect("an agent");
    let inbound = json!({ "username": "pbx", "password": "hunter2hunter2" });
    let trunk: Trunk = serde_json::from_value(json!({ "id": "pbx", "inbound": inbound })).expect("a trunk");
    for (first, second) in [
        (Object::from(agent.clone()), Object::from(trunk.clone())),
        (Object::from(trunk), Object::from(agent)),
    ] {
        let (kind, id) = (first.kind(), first.id());
        put(&store, first, Expect::New).await.expect("put");
        let refused = put(&store, second, Expect::New).await.expect_err("the name is taken").to_string();
        assert!(refused.contains("`pbx` is the username of agent `bot` too"), "{refused}");
        store.remove(&Actor::cli(), kind, &id, Expect::Any).await.expect("removed");
    }
}

async fn a_change_that_expects_something_else_is_refused_and_changes_nothing(database: Database) {
    let store = database.open().await;
    let first = put(&store, agent("sales"), Expect::New).await.expect("put");
    let renamed = Agent { name: Some("Sales".into()), ..agent("sales") };
    let again = put(&store, renamed.clone(), Expect::New).await;
    assert!(matches!(again, Err(Error::Exists { kind: Kind::Agent, .. })), "{again:?}");
    let second = put(&store, renamed.clone(), Expect::Etag(first.etag)).await.expect("put");
    assert!(!second.is_new && second.etag != first.etag);
    for stale in [
        put(&store, agent("sales"), Expect::Etag(first.etag)).await.map(|_| ()),
        store.remove(&Actor::cli(), Kind::Agent, "sales", Expect::Etag(first.etag)).await.map(|_| ()),
    ] {
        let error = stale.expect_err("it is stale").to_string();
        assert_eq!(error, "the agent `sales` has been changed by somebody else; look at it again");
    }
    let absent = put(&store, agent("other"), Expect::Etag(first.etag)).await;
    assert!(matches!(absent, Err(Error::Absent { .. })), "{absent:?}");
    let same = put(&store, renamed, Expect::Any).await.expect("put");
    assert_eq!(same, store::Stored { is_new: false, ..second });
    assert_eq!(store.revision().await.expect("read"), 2);
    assert_eq!(trail(&store).await.len(), 2);
    store.remove(&Actor::cli(), Kind::Agent, "sales", Expect::Etag(second.etag)).await.expect("removed");
    let gone = store.remove(&Actor::cli(), Kind::Agent, "sales", Expect::Any).await;
    assert!(matches!(gone, Err(Error::Absent { .. })), "{gone:?}");
    let back = put(&store, agent("sales"), Expect::New).await.expect("put");
    assert_eq!(back.etag, Etag(4), "it is not the version of the one that went");
}

async fn a_fault_is_told_by_the_key_of_the_object_itself(database: Database) {
    let store = database.open().await;
    furnished(&store).await;
    put(&store, trunk("other", "192.0.2.2"), Expect::New).await.expect("put");
    let revision = store.revision().await.expect("read");
    let looped = Agent { fallback_agent_id: Some("night".into()), ..agent("sales") };
    let cases: [(Object, &str); 8] = [
        (number(1, "nowhere").into(), "trunk_id"),
        (Number { agent_id: Some("nobody".into()), ..number(1, "acme") }.into(), "agent_id"),
        (
            Settings { default_agent_id: Some("nobody".into()), ..Settings::default() }.into(),
            "default_agent_id",
        ),
        (Agent { fallback_agent_id: Some("nobody".into()), ..agent("new") }.into(), "fallback_agent_id"),
        (looped.into(), "fallback_agent_id"),
        (trunk("third", "192.0.2.1").into(), "inbound.addresses[0]"),
        (trunk("other", "192.0.2.1").into(), "inbound.addresses[0]"),
        (agent("no id").into(), "id"),
    ];
    for (object, key) in cases {
        match put(&store, object.clone(), Expect::Any).await {
            Err(Error::Inventory(faults)) => {
                let faults: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
                assert_eq!(faults, [key], "{object:?}");
            }
            other => panic!("{object:?}: {other:?}"),
        }
    }
    assert_eq!(store.revision().await.expect("read"), revision);
    assert_eq!(trail(&store).await.len(), 6, "five objects, and the other trunk");
}

async fn what_others_name_can_not_be_removed_and_the_error_names_them(database: Database) {
    let store = database.open().await;
    furnished(&store).await;
    for index in 0..4 {
        let assigned = Number { agent_id: Some("sales".into()), ..number(index, "acme") };
        put(&store, assigned, Expect::New).await.expect("put");
    }
    let error = async |kind, id| {
        let outcome = store.remove(&Actor::cli(), kind, id, Expect::Any).await;
        outcome.expect_err("it is used").to_string()
    };
    assert_eq!(
        error(Kind::Agent, "sales").await,
        "the agent `sales` can't be removed while it is used by agent night (fallback_agent_id), number +14155550000, \
         number +14155550001 and 3 more; let them use another first"
    );
    assert!(error(Kind::Agent, "night").await.contains("used by settings (default_agent_id);"));
    assert!(error(Kind::Trunk, "acme").await.contains("number +14155550000"));
    assert_eq!(error(Kind::Settings, "").await, "the settings can't be removed; put empty ones");
    let before = store.revision().await.expect("read");
    let removed = store.remove(&Actor::cli(), Kind::Number, "+14155550000", Expect::Any).await;
    assert_eq!(removed.expect("nobody names a number"), before + 1);
}

async fn a_kind_is_listed_in_the_order_of_its_ids_page_by_page(database: Database) {
    let store = database.open().await;
    furnished(&store).await;
    let mut digits: Vec<_> = (0..9).map(|index| number(index * 7 % 9, "acme")).collect();
    // A shorter number is a smaller one.
    digits.push(Number::new(E164::parse("+4930123456").expect("a number"), "acme"));
    for number in &digits {
        put(&store, number.clone(), Expect::New).await.expect("put");
    }
    let ids = async |kind, after, limit| {
        let page = store.list(kind, after, limit).await.expect("listed");
        page.iter().map(|held| held.object.id()).collect::<Vec<_>>()
    };
    assert_eq!(ids(Kind::Agent, None, 10).await, ["night", "sales"]);
    assert_eq!(ids(Kind::Agent, Some("nobody"), 10).await, ["sales"]);
    assert_eq!(ids(Kind::Trunk, Some("acme"), 10).await, Vec::<String>::new());
    let all = ids(Kind::Number, None, 100).await;
    assert_eq!((all.len(), all[0].as_str()), (11, "+4930123456"));
    let mut pages = ids(Kind::Number, None, 4).await;
    while let Some(last) = pages.last().cloned() {
        let page = store.list(Kind::Number, Some(&last), 4).await.expect("listed");
        if page.is_empty() {
            break;
        }
        pages.extend(page.iter().map(|held| held.object.id()));
    }
    assert_eq!(pages, all);
    let error = store.list(Kind::Number, Some("x"), 4).await.expect_err("no number");
    assert!(matches!(error, Error::Absent { .. }), "{error}");
}

async fn every_change_is_in_the_trail_with_who_when_before_and_after(database: Database) {
    let store = database.open().await;
    furnished(&store).await;
    let (key, _) = store
        .add_key(
            &Actor::cli(),
            NewKey { label: "Ann".into(), role: Role::Admin, scope: None, expires_at: None },
        )
        .await
        .expect("a key");
    let actor = Actor::key(&key);
    let renamed = Agent { name: Some("Sales".into()), ..agent("sales") };
    store.put(&actor, renamed.into(), Expect::Any).await.expect("put");
    store.remove(&actor, Kind::Number, "+14155550100", Expect::Any).await.expect("removed");
    let trail = trail(&store).await;
    let told: Vec<_> = trail
        .iter()
        .map(|entry| {
            let (before, after) = (entry.before.is_some(), entry.after.is_some());
            (entry.actor.as_str(), entry.revision, entry.kind.as_str(), entry.id.as_str(), before, after)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("apply", 1, "settings", "", true, true),
            ("apply", 1, "agent", "night", false, true),
            ("apply", 1, "agent", "sales", false, true),
            ("apply", 1, "trunk", "acme", false, true),
            ("apply", 1, "number", "+14155550100", false, true),
            ("cli", 1, "key", key.id.as_str(), false, true),
            ("Ann", 2, "agent", "sales", true, true),
            ("Ann", 3, "number", "+14155550100", true, false),
        ]
    );
    assert_eq!(trail[6].key_id.as_ref(), Some(&key.id));
    assert_eq!(trail[6].before, Some(json!({ "id": "sales", "endpoint": { "kind": "echo" } })));
    assert_eq!(trail[6].after.as_ref().expect("after")["name"], "Sales");
    assert!(trail.windows(2).all(|pair| pair[0].seq < pair[1].seq && pair[0].at_ms <= pair[1].at_ms));
    assert!(trail[0].at_ms > 1_600_000_000_000);
    assert_eq!(store.audit(trail[5].seq, 1).await.expect("read"), trail[6..7]);
}

async fn a_secret_is_never_in_the_trail_and_its_change_is(database: Database) {
    let store = database.open().await;
    let with = |secret: &str| -> Agent {
        let endpoint = Endpoint::MediaStream {
            url: format!("wss://u:{secret}@bots.example.com/sales?t={secret}"),
            headers: [("Authorization".to_owned(), secret.into())].into(),
            parameters: [("persona".to_owned(), secret.to_owned())].into(),
        };
        Agent { endpoint, ..agent("sales") }
    };
    put(&store, with("hunter2"), Expect::New).await.expect("put");
    put(&store, with("hunter3"), Expect::Any).await.expect("put");
    put(&store, Agent { name: Some("x".into()), ..with("hunter3") }, Expect::Any).await.expect("put");
    let trail = trail(&store).await;
    assert!(!format!("{trail:?}").contains("hunter"), "{trail:?}");
    let after = |index: usize, pointer: &str| -> Value {
        let after = trail[index].after.as_ref().expect("after");
        after["endpoint"].pointer(pointer).cloned().unwrap_or_default()
    };
    for (pointer, shown) in [
        ("/url", "wss://bots.example.com/sales"),
        ("/headers/Authorization", "***"),
        ("/parameters/persona", "***"),
    ] {
        assert_eq!(after(0, pointer), shown);
        assert_eq!(after(1, pointer), format!("{shown} (changed)"));
        assert_eq!(after(2, pointer), shown);
    }
}

on_each_database!(
    what_is_put_is_there_with_its_version_and_the_revision_rises,
    an_agent_and_a_trunk_never_have_the_same_username,
    a_change_that_expects_something_else_is_refused_and_changes_nothing,
    a_fault_is_told_by_the_key_of_the_object_itself,
    what_others_name_can_not_be_removed_and_the_error_names_them,
    a_kind_is_listed_in_the_order_of_its_ids_page_by_page,
    every_change_is_in_the_trail_with_who_when_before_and_after,
    a_secret_is_never_in_the_trail_and_its_change_is,
);
