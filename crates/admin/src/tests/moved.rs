//! Secrets of what leads elsewhere.

use serde_json::json;

use super::*;

const BOT: &str = r#"{"id": "bot", "endpoint": {"kind": "media-stream", "url": "wss://bots.example/x", "headers": {"X-Key": "hunter2"}, "parameters": {"key": "hunter2"}}}"#;
const PBX: &str = r#"{"id": "pbx", "inbound": {"username": "pbx", "password": "hunter2"}, "outbound": {"gateways": [{"host": "a.example"}], "username": "us", "password": "hunter3"}}"#;

#[tokio::test]
async fn what_leads_elsewhere_takes_no_secret_along() {
    let house = House::open().await;
    assert_eq!(house.ask("POST", "/v1/agents", "", BOT).await.status, 201);
    let shown = house.get("/v1/agents/bot").await;
    let put = shown.text.replace("bots.example", "thief.example");
    for (method, body, field) in [
        ("PATCH", r#"{"endpoint": {"url": "wss://thief.example/"}}"#, "endpoint.headers.X-Key"),
        (
            "PATCH",
            r#"{"endpoint": {"url": "ws://bots.example/x", "parameters": null}}"#,
            "endpoint.headers.X-Key",
        ),
        (
            "PATCH",
            r#"{"endpoint": {"url": "wss://thief.example/", "headers": {"X-Key": "mine"}}}"#,
            "endpoint.parameters.key",
        ),
        ("PUT", &put, "endpoint.headers.X-Key"),
    ] {
        let reply = house.ask(method, "/v1/agents/bot", "", body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (409, "secret-moved"), "{body}: {reply:?}");
        assert_eq!(reply.json()["field"], field, "{body}");
    }
    assert_eq!(house.get("/v1/agents/bot").await.header("etag"), shown.header("etag"));
    for body in [
        r#"{"endpoint": {"url": "wss://eve:pass@bots.example/other"}}"#,
        r#"{"endpoint": {"url": "wss://other.example/", "headers": {"X-Key": "given"}, "parameters": {"key": null}}}"#,
    ] {
        let reply = house.ask("PATCH", "/v1/agents/bot", "", body).await;
        assert_eq!(reply.status, 200, "{body}: {reply:?}");
    }
    let held = house.store.object(store::Kind::Agent, "bot").await.unwrap().unwrap();
    let store::Object::Agent(held) = held.object else { panic!() };
    let numbers::Endpoint::MediaStream { headers, parameters, .. } = &held.endpoint else { panic!() };
    assert_eq!((headers["X-Key"].reveal(), parameters.len()), ("given", 0));
}

#[tokio::test]
async fn a_trunk_with_another_gateway_is_told_its_outbound_password_again_and_keeps_what_it_shows() {
    let house = House::open().await;
    assert_eq!(house.ask("POST", "/v1/trunks", "", PBX).await.status, 201);
    let moved = r#"{"outbound": {"gateways": [{"host": "a.example"}, {"host": "thief.example"}]}}"#;
    let refused = house.ask("PATCH", "/v1/trunks/pbx", "", moved).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "secret-moved"), "{refused:?}");
    assert_eq!(refused.json()["field"], "outbound.password");
    for body in [
        r#"{"outbound": {"gateways": [{"host": "a.example", "priority": 3}]}}"#,
        r#"{"outbound": {"gateways": [{"host": "b.example"}], "password": "hunter4"}}"#,
    ] {
        let reply = house.ask("PATCH", "/v1/trunks/pbx", "", body).await;
        assert_eq!(
            (reply.status, &reply.json()["inbound"]["password"]),
            (200, &json!({ "set": true })),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_secret_that_is_named_is_judged_anew_where_it_would_go_elsewhere() {
    let house = House::open().await;
    let named = BOT.replace(r#""X-Key": "hunter2""#, r#""X-Key": {"file": "/etc/a"}"#);
    let held: numbers::Agent = serde_json::from_str(&named).unwrap();
    house.store.put(&Actor::cli(), held.into(), store::Expect::New).await.unwrap();
    let moved = r#"{"endpoint": {"url": "wss://thief.example/", "parameters": null}}"#;
    let refused = house.ask("PATCH", "/v1/agents/bot", "", moved).await;
    assert_eq!(
        (refused.status, refused.json()["field"].as_str()),
        (422, Some("endpoint.headers.X-Key")),
        "{refused:?}"
    );
    let stays = r#"{"endpoint": {"url": "wss://bots.example/other"}}"#;
    assert_eq!(house.ask("PATCH", "/v1/agents/bot", "", stays).await.status, 200);
}
