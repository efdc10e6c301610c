//! What a key is for, over the whole table of operations.

use std::collections::BTreeSet;

use store::Resource;

use super::*;
use crate::access::Access;
use crate::access::identity::now_ms;
use crate::operation::Method;
use crate::operations;

/// A path that an operation takes; what it names need not be there.
fn path(template: &str) -> String {
    let path = template.replace("{account_sid}", &format!("AC{}", "0".repeat(32)));
    let path = path.replace("{call_sid}", &format!("CA{}", "0".repeat(32)));
    match template.split('/').nth(2) {
        Some("numbers") => path.replace("{id}", "+14155550100"),
        _ => path.replace("{id}", "abcdef"),
    }
}

#[tokio::test]
async fn each_operation_takes_keys_for_it_and_no_others() {
    let house = House::with(1_000_000, None).await;
    let mut keys = Vec::new();
    for permission in Permission::ALL {
        keys.push((permission, house.key_for(permission).await));
    }
    let mut asked = 0;
    for operation in operations::all() {
        let Some(needed) = operation.access.permission() else { continue };
        // A stream does not end, and a drain ends the daemon: their gate is seen where it refuses.
        let is_lasting = ["streamEvents", "drain"].contains(&operation.id);
        for (own, key) in &keys {
            let is_for_it = own.resource == needed.resource && own.reach >= needed.reach;
            if is_for_it && is_lasting {
                continue;
            }
            let body = if operation.body.is_some() { "[]" } else { "" };
            let method = operation.method.word().to_uppercase();
            let reply = house.ask(&method, &path(operation.path), &bearer(key), body).await;
            let told = format!("{method} {} with {own}: {reply:?}", operation.path);
            assert_eq!(reply.status != 403, is_for_it, "{told}");
            if !is_for_it {
                assert!(reply.text.contains(&needed.to_string()), "{told}");
            }
            asked += 1;
        }
    }
    assert!(asked > 500, "{asked}");
}

#[test]
fn each_permission_is_for_some_operation_and_who_looks_writes_nothing() {
    let all = operations::all();
    let needed: BTreeSet<_> = all.iter().filter_map(|operation| operation.access.permission()).collect();
    assert_eq!(needed, BTreeSet::from(Permission::ALL));
    for operation in &all {
        match operation.access {
            Access::Open => assert_eq!(operation.method, Method::Get, "{}", operation.id),
            Access::Local(permission) | Access::Role(_, permission) => {
                let is_looking = permission == Permission::read(permission.resource);
                assert_eq!(is_looking, operation.method == Method::Get, "{}", operation.id);
            }
        }
    }
}

#[tokio::test]
async fn a_scope_narrows_a_role_and_is_told_with_the_key() {
    let house = House::open().await;
    let admin = bearer(&house.key(Role::Admin, None).await);
    let wanted = r#"{"label": "dialler", "role": "viewer", "scope": ["calls:write", "numbers:read"]}"#;
    let made = house.ask("POST", "/v1/keys", &admin, wanted).await;
    assert_eq!(
        (made.status, &made.json()["scope"]),
        (201, &serde_json::json!(["numbers:read", "calls:write"]))
    );
    let key = bearer(made.json()["token"].as_str().unwrap());
    assert_eq!(house.ask("GET", "/v1/calls", &key, "").await.status, 200);
    let low = house.ask("POST", "/v1/calls/abcdef/hangup", &key, "").await;
    assert_eq!((low.status, low.problem().as_str()), (403, "role-too-low"));
    let narrow = house.ask("GET", "/v1/agents", &key, "").await;
    assert_eq!((narrow.status, narrow.problem().as_str()), (403, "scope-too-narrow"));
    let detail = "this needs a key with agents:read in its scope, or without a scope; this key is for numbers:read calls:write";
    assert_eq!(narrow.json()["detail"], detail);
    assert_eq!(house.ask("GET", "/healthz", &key, "").await.status, 200);
    for (scope, words) in [
        (r#"["calls:execute"]"#, "there are agents:read, "),
        ("[]", "would be for nothing"),
        (r#""calls:write""#, ""),
    ] {
        let wanted = format!(r#"{{"label": "x", "role": "viewer", "scope": {scope}}}"#);
        let refused = house.ask("POST", "/v1/keys", &admin, &wanted).await;
        assert!(refused.status == 422 && refused.text.contains(words), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_makes_no_key_that_is_for_more() {
    let house = House::open().await;
    let own = bearer(&house.key_for(Permission::write(Resource::Keys)).await);
    for (scope, status) in
        [("", 403), (r#", "scope": ["keys:write", "calls:read"]"#, 403), (r#", "scope": ["keys:read"]"#, 201)]
    {
        let wanted = format!(r#"{{"label": "x", "role": "admin"{scope}}}"#);
        let reply = house.ask("POST", "/v1/keys", &own, &wanted).await;
        assert_eq!(reply.status, status, "{reply:?}");
        if status == 403 {
            assert_eq!(reply.problem(), "scope-too-wide");
        }
    }
}

#[tokio::test]
async fn a_key_makes_no_key_that_is_taken_longer() {
    let house = House::open().await;
    let end = now_ms() + 3_600_000;
    let own = bearer(&house.key(Role::Admin, Some(end)).await);
    let later = end + 1;
    for (expires, status) in [(String::new(), 403), (later.to_string(), 403), (end.to_string(), 201)] {
        let wanted = if expires.is_empty() { expires } else { format!(r#", "expires_at": {expires}"#) };
        let wanted = format!(r#"{{"label": "x", "role": "admin"{wanted}}}"#);
        let reply = house.ask("POST", "/v1/keys", &own, &wanted).await;
        assert_eq!(reply.status, status, "{reply:?}");
        if status == 403 {
            assert_eq!(
                (reply.problem().as_str(), &reply.json()["field"]),
                ("expires-too-late", &"expires_at".into())
            );
        }
    }
}

#[tokio::test]
async fn a_key_with_a_scope_removes_no_key_that_is_for_more_and_not_the_last() {
    let house = House::open().await;
    house.key(Role::Admin, None).await;
    let [admin] = house.store.keys().await.unwrap().try_into().unwrap();
    let own = bearer(&house.key_for(Permission::write(Resource::Keys)).await);
    let path = format!("/v1/keys/{}", admin.id);
    let refused = house.ask("DELETE", &path, &own, "").await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "scope-too-wide"));
    house.store.remove_key(&Actor::cli(), &admin.id).await.unwrap();
    let [last] = house.store.keys().await.unwrap().try_into().unwrap();
    let path = format!("/v1/keys/{}", last.id);
    let refused = house.ask("DELETE", &path, &own, "").await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "last-key"));
    assert_eq!(house.get("/v1/keys").await.status, 401);
    house.key(Role::Admin, None).await;
    assert_eq!(house.ask("DELETE", &path, &own, "").await.status, 204);
    assert_eq!(house.ask("GET", "/v1/keys", &own, "").await.status, 401, "it is forgotten at once");
}

#[tokio::test]
async fn a_key_for_calls_alone_sees_those_that_are_up_and_no_records() {
    let house = House::open().await;
    *house.calls.up.lock().unwrap() = vec![record('a', None, 1)];
    let remote = record('c', None, 1);
    house.store.clone().of_node("two").write(&[remote]).await.unwrap();
    house.store.write(&[record('d', Some(CallStatus::Completed), 4)]).await.unwrap();
    let calls = bearer(&house.key_for(Permission::write(Resource::Calls)).await);
    let all = bearer(&house.key(Role::Admin, None).await);
    for (path, own, full) in [
        ("/v1/calls/aaaaaa", 200, 200),
        ("/v1/calls/cccccc", 200, 200),
        ("/v1/calls/dddddd", 404, 200),
        ("/v1/calls/dddddd/trace", 404, 404),
    ] {
        assert_eq!(house.ask("GET", path, &calls, "").await.status, own, "{path}");
        assert_eq!(house.ask("GET", path, &all, "").await.status, full, "{path}");
    }
    let [own, full] = [calls, all].map(|key| (key, "/v1/calls/dddddd/trace"));
    assert_eq!(house.ask("GET", own.1, &own.0, "").await.problem(), "call-unknown");
    assert_eq!(house.ask("GET", full.1, &full.0, "").await.problem(), "trace-gone");
}
