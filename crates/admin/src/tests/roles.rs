//! Who may what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::access::identity::now_ms;

#[tokio::test]
async fn without_keys_this_machine_is_let_do_all_and_with_keys_nobody_without_one() {
    let house = House::open().await;
    assert_eq!(house.ask("POST", "/v1/agents", "", AGENT).await.status, 201);
    let reply = house.ask("GET", "/v1/agents", &bearer("strowger_0"), "").await;
    assert_eq!((reply.status, reply.problem().as_str()), (401, "key-unknown"));
    let made = house.ask("POST", "/v1/keys", "", r#"{"label": "ops", "role": "admin"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let reply = house.get("/v1/agents").await;
    assert_eq!((reply.status, reply.problem().as_str()), (401, "key-missing"));
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    for open in ["/healthz", "/readyz", "/metrics", "/openapi.json"] {
        assert_eq!(house.get(open).await.status, 200, "{open}");
    }
    assert_eq!(house.ask("GET", "/v1/agents", &bearer(&token), "").await.status, 200);
    let listed = house.ask("GET", "/v1/keys", &bearer(&token), "").await;
    assert!(!listed.text.contains(&token) && listed.text.contains("\"ops\""), "{listed:?}");
    let one = format!("/v1/keys/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(one, made.header("location"));
    assert_eq!(house.ask("GET", &one, &bearer(&token), "").await.json()["role"], "admin");
    assert_eq!(house.ask("DELETE", &one, &bearer(&token), "").await.status, 204);
    assert_eq!(house.get("/v1/agents").await.status, 200, "without keys it is open again");
}

#[tokio::test]
async fn a_key_that_is_wrong_expired_or_garbled_is_refused() {
    let house = House::open().await;
    let expired = house.key(Role::Admin, Some(now_ms() - 1)).await;
    let valid = house.key(Role::Viewer, Some(now_ms() + 60_000)).await;
    let basic = |key: &str| format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("AC1:{key}")));
    for (head, kind) in [
        (bearer(&expired), "key-expired"),
        (bearer("strowger_0"), "key-unknown"),
        ("Authorization: Bearer\r\n".to_owned(), "key-malformed"),
        ("Authorization: Digest x\r\n".to_owned(), "key-malformed"),
        ("Authorization: Basic !!\r\n".to_owned(), "key-malformed"),
        ("Authorization: \u{e9} \u{e9}\r\n".to_owned(), "key-malformed"),
        (basic("x"), "key-unknown"),
    ] {
        let reply = house.ask("GET", "/v1/agents", &head, "").await;
        assert_eq!((reply.status, reply.problem().as_str()), (401, kind), "{head}");
    }
    for head in [bearer(&valid), basic(&valid)] {
        assert_eq!(house.ask("GET", "/v1/agents", &head, "").await.status, 200, "{head}");
    }
    let late = house
        .ask(
            "POST",
            "/v1/keys",
            &bearer(&house.key(Role::Admin, None).await),
            r#"{"label": "x", "role": "viewer", "expires_at": 1}"#,
        )
        .await;
    assert_eq!((late.status, late.problem().as_str()), (409, "expired"));
}

#[tokio::test]
async fn each_role_does_its_own_and_what_the_lower_ones_do() {
    let house = House::open().await;
    let (viewer, operator, admin) = (
        house.key(Role::Viewer, None).await,
        house.key(Role::Operator, None).await,
        house.key(Role::Admin, None).await,
    );
    let number = r#"{"e164": "+14155550100", "trunk_id": "acme"}"#;
    for (method, path, body, least) in [
        ("GET", "/v1/agents", "", Role::Viewer),
        ("GET", "/v1/calls", "", Role::Viewer),
        ("GET", "/v1/records", "", Role::Viewer),
        ("POST", "/v1/agents", AGENT, Role::Admin),
        ("POST", "/v1/trunks", TRUNK, Role::Admin),
        ("POST", "/v1/numbers", number, Role::Admin),
        ("PATCH", "/v1/numbers/+14155550100", r#"{"outbound": true}"#, Role::Admin),
        ("DELETE", "/v1/numbers/+14155550100", "", Role::Admin),
        ("POST", "/v1/calls/abcdef/hangup", "", Role::Operator),
        ("PUT", "/v1/settings", "{}", Role::Admin),
        ("GET", "/v1/keys", "", Role::Admin),
        ("GET", "/v1/audit", "", Role::Admin),
    ] {
        for (role, key) in [(Role::Viewer, &viewer), (Role::Operator, &operator), (Role::Admin, &admin)] {
            let reply = house.ask(method, path, &bearer(key), body).await;
            assert_eq!(reply.status == 403, role < least, "{method} {path} by {role}: {reply:?}");
            assert!(reply.status < 500 && reply.status != 401, "{method} {path} by {role}: {reply:?}");
            if reply.status == 403 {
                assert_eq!(reply.problem(), "role-too-low");
            }
        }
    }
    let audit = house.ask("GET", "/v1/audit", &bearer(&admin), "").await.json();
    let entries = audit["items"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["kind"] == "agent" && entry["actor"] == "admin"), "{audit}");
}
