//! Keys of the API, and requests that are sent again.

use store::{Actor, Answer, Error, Known, NewKey, Permission, Resource, Role, Scope, Store, Token};

use crate::databases::{Database, on_each_database};

fn wanted(label: &str, role: Role, expires_at: Option<u64>) -> NewKey {
    NewKey { label: label.into(), role, scope: None, expires_at }
}

async fn a_key_is_found_by_its_token_and_by_nothing_else(database: Database) {
    let store = database.open().await;
    let actor = Actor::cli();
    let (viewer, token) = store.add_key(&actor, wanted("Ann", Role::Viewer, None)).await.expect("a key");
    let (admin, other) = store.add_key(&actor, wanted("Bob", Role::Admin, Some(5))).await.expect("a key");
    assert_ne!((token.reveal(), &viewer.id), (other.reveal(), &admin.id));
    assert_eq!(token.reveal().len(), "strowger_".len() + 64);
    assert!(token.reveal().ends_with(&viewer.last4) && viewer.last4.len() == 4);
    assert_eq!(store.find_key(&token).await.expect("read"), Some(viewer.clone()));
    let found = store.find_key(&Token::from(other.reveal())).await.expect("read").expect("a key");
    assert_eq!(found, admin);
    assert!(found.is_expired(5) && !found.is_expired(4) && !viewer.is_expired(u64::MAX));
    let mut cut = token.reveal().to_owned();
    cut.pop();
    for guess in ["", &viewer.id, &viewer.last4, &cut] {
        assert_eq!(store.find_key(&Token::from(guess)).await.expect("read"), None, "{guess}");
    }
    let listed = store.keys().await.expect("read");
    assert!(listed.contains(&viewer) && listed.contains(&admin) && listed.len() == 2);
    assert_eq!(store.remove_key(&actor, &viewer.id).await.expect("removed"), viewer);
    assert_eq!(store.find_key(&token).await.expect("read"), None);
    let gone = store.remove_key(&actor, &viewer.id).await;
    assert!(matches!(gone, Err(Error::NoKey { .. })), "{gone:?}");
    let trail = format!("{:?}", store.audit(0, 10).await.expect("read"));
    assert!(!trail.contains(token.reveal()) && !trail.contains(other.reveal()));
    assert_eq!(format!("{token:?}"), "***");
    assert_eq!(store.revision().await.expect("read"), 0, "the inventory is as it was");
}

async fn a_key_has_the_scope_that_it_was_made_with(database: Database) {
    let store = database.open().await;
    let scope = Scope::new([Permission::write(Resource::Calls), Permission::read(Resource::Numbers)]);
    let wanted = NewKey { scope, ..wanted("Ann", Role::Operator, None) };
    let (key, token) = store.add_key(&Actor::cli(), wanted.clone()).await.expect("a key");
    assert_eq!(key.scope, wanted.scope);
    assert_eq!(store.find_key(&token).await.expect("read"), Some(key.clone()));
    let trail = store.audit(0, 10).await.expect("read");
    let told = trail[0].after.as_ref().expect("it is there");
    assert_eq!(told["scope"], serde_json::json!(["numbers:read", "calls:write"]));
}

async fn a_bound_key_removes_no_key_that_is_for_more_and_not_the_last(database: Database) {
    let store = database.open().await;
    let actor = Actor::cli();
    let scope = |permissions: &[Permission]| Scope::new(permissions.iter().copied());
    let keys = Permission::write(Resource::Keys);
    let mut made = Vec::new();
    for (scope, expires_at) in [
        (scope(&[keys]), None),
        (scope(&[keys, Permission::read(Resource::Calls)]), None),
        (None, Some(u64::from(u32::MAX))),
        (None, None),
    ] {
        let wanted = NewKey { scope, ..wanted("x", Role::Admin, expires_at) };
        made.push(store.add_key(&actor, wanted).await.expect("a key").0);
    }
    let [narrow, wide, ending, free] = made.as_slice() else { panic!() };
    for other in [wide, ending, free] {
        let refused = store.remove_key_by(&actor, &other.id, narrow).await;
        assert!(matches!(refused, Err(Error::KeyForMore { .. })), "{refused:?}");
    }
    assert_eq!(store.keys().await.expect("read").len(), 4);
    store.remove_key_by(&actor, &wide.id, ending).await.expect("removed");
    store.remove_key_by(&actor, &free.id, ending).await.expect("removed");
    store.remove_key_by(&actor, &narrow.id, narrow).await.expect("removed");
    let last = store.remove_key_by(&actor, &ending.id, ending).await;
    assert!(matches!(last, Err(Error::LastKey)), "{last:?}");
    let both = [&scope(&[keys]), &None]
        .map(|scope| NewKey { scope: scope.clone(), ..wanted("y", Role::Admin, None) });
    let [(bound, _), (free, _)] = [
        store.add_key(&actor, both[0].clone()).await.expect("a key"),
        store.add_key(&actor, both[1].clone()).await.expect("a key"),
    ];
    store.remove_key(&actor, &ending.id).await.expect("removed");
    store.remove_key_by(&actor, &bound.id, &free).await.expect("removed");
    store.remove_key_by(&actor, &free.id, &free).await.expect("removed");
    assert!(store.keys().await.expect("read").is_empty());
}

async fn two_bound_keys_at_once_leave_one(database: Database) {
    let store = database.open().await;
    let actor = Actor::cli();
    let wanted =
        NewKey { scope: Scope::new([Permission::write(Resource::Keys)]), ..wanted("x", Role::Admin, None) };
    let (one, _) = store.add_key(&actor, wanted.clone()).await.expect("a key");
    let (two, _) = store.add_key(&actor, wanted).await.expect("a key");
    let (first, second) =
        tokio::join!(store.remove_key_by(&actor, &one.id, &two), store.remove_key_by(&actor, &two.id, &one));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(store.keys().await.expect("read").len(), 1);
}

async fn a_key_needs_a_label(database: Database) {
    let store = database.open().await;
    for label in ["", "  ", "a\nb", &"x".repeat(101)] {
        let refused = store.add_key(&Actor::cli(), wanted(label, Role::Viewer, None)).await;
        assert!(matches!(refused, Err(Error::Label)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_file_of_the_store_holds_no_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("strowger.db");
    let store = Store::open(&format!("sqlite:{}", path.display())).await.expect("a store");
    let (_, token) = store.add_key(&Actor::cli(), wanted("Ann", Role::Admin, None)).await.expect("a key");
    store.close().await;
    let file = std::fs::read(&path).expect("read");
    let find = |text: &str| file.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(find("Ann") && !find(token.reveal()) && !find(&token.reveal()["strowger_".len()..]));
}

async fn a_request_that_is_sent_again_is_known_with_its_answer(database: Database) {
    let store = database.open().await;
    let known = async |owner: &str, key: &str, request: &str| {
        store.idempotent(owner, key, request.as_bytes()).await.expect("looked up")
    };
    assert_eq!(known("k1", "a", "call").await, Known::First);
    assert_eq!(known("k1", "a", "call").await, Known::UnderWay);
    assert_eq!(known("k1", "a", "another call").await, Known::Another);
    assert_eq!(known("k2", "a", "call").await, Known::First, "each key of the API has its own");
    let answer = Answer { status: 201, body: "{\"id\":\"x\"}".into() };
    store.remember("k1", "a", &answer).await.expect("kept");
    assert_eq!(known("k1", "a", "call").await, Known::Answered(answer.clone()));
    assert_eq!(known("k1", "a", "another call").await, Known::Another);
    store.forget("k1", "a").await.expect("kept");
    assert_eq!(known("k1", "a", "call").await, Known::Answered(answer));
    store.forget("k2", "a").await.expect("forgotten");
    assert_eq!(known("k2", "a", "call").await, Known::First);
}

async fn of_two_at_once_one_is_the_first(database: Database) {
    let (one, two) = (database.open().await, database.open().await);
    for index in 0..20 {
        let key = index.to_string();
        let (a, b) = tokio::join!(one.idempotent("k", &key, b"x"), two.idempotent("k", &key, b"x"));
        let (a, b) = (a.expect("looked up"), b.expect("looked up"));
        assert!(
            matches!((&a, &b), (Known::First, Known::UnderWay) | (Known::UnderWay, Known::First)),
            "{a:?} {b:?}"
        );
    }
}

async fn idempotency_keys_are_bounded(database: Database) {
    let store = database.open().await;
    for index in 0..10_000 {
        assert_eq!(store.idempotent("k", &index.to_string(), b"x").await.expect("taken"), Known::First);
    }
    let more = store.idempotent("k", "more", b"x").await;
    assert!(matches!(more, Err(Error::IdempotencyFull)), "{more:?}");
    assert_eq!(store.idempotent("k", "77", b"x").await.expect("known"), Known::UnderWay);
    assert_eq!(store.idempotent("other", "more", b"x").await.expect("taken"), Known::First);
}

on_each_database!(
    a_key_is_found_by_its_token_and_by_nothing_else,
    a_key_has_the_scope_that_it_was_made_with,
    a_bound_key_removes_no_key_that_is_for_more_and_not_the_last,
    two_bound_keys_at_once_leave_one,
    a_key_needs_a_label,
    a_request_that_is_sent_again_is_known_with_its_answer,
    of_two_at_once_one_is_the_first,
    idempotency_keys_are_bounded,
);
