//! Agents, trunks, numbers, settings.

use serde_json::json;

use super::*;

#[tokio::test]
async fn an_object_is_made_read_replaced_patched_and_removed() {
    let house = House::open().await;
    let made = house.ask("POST", "/v1/agents", "", AGENT).await;
    assert_eq!((made.status, made.header("location")), (201, "/v1/agents/sales"), "{made:?}");
    let again = house.ask("POST", "/v1/agents", "", AGENT).await;
    assert_eq!((again.status, again.problem().as_str()), (409, "exists"));
    let seen = house.get("/v1/agents/sales").await;
    assert_eq!((seen.status, seen.json()), (200, json!({ "id": "sales", "endpoint": { "kind": "echo" } })));
    assert_eq!(seen.header("etag"), made.header("etag"));
    let put = r#"{"id": "sales", "name": "Sales", "max_calls": 3, "endpoint": {"kind": "echo"}}"#;
    let replaced = house.ask("PUT", "/v1/agents/sales", "", put).await;
    assert_eq!((replaced.status, &replaced.json()["name"]), (200, &json!("Sales")));
    assert_ne!(replaced.header("etag"), seen.header("etag"));
    let patched = house.ask("PATCH", "/v1/agents/sales", "", r#"{"name": null, "max_calls": 4}"#).await;
    assert_eq!(patched.json(), json!({ "id": "sales", "max_calls": 4, "endpoint": { "kind": "echo" } }));
    let merge = "Content-Type: application/merge-patch+json\r\n";
    let renamed = house.ask("PATCH", "/v1/agents/sales", merge, r#"{"id": "other"}"#).await;
    assert_eq!((renamed.status, renamed.problem().as_str()), (409, "id-mismatch"));
    let new =
        house.ask("PUT", "/v1/agents/help", "", r#"{"id": "help", "endpoint": {"kind": "echo"}}"#).await;
    assert_eq!((new.status, new.header("location")), (201, "/v1/agents/help"));
    assert_eq!(house.ask("PATCH", "/v1/agents/none", "", "{}").await.status, 404);
    assert_eq!(house.ask("PUT", "/v1/agents/a%20b", "If-Match: *\r\n", put).await.status, 404);
    assert_eq!(house.ask("PUT", "/v1/settings", "", r#"{"default_agent_id": "sales"}"#).await.status, 200);
    let used = house.ask("DELETE", "/v1/agents/sales", "", "").await;
    assert_eq!((used.status, used.problem().as_str()), (409, "in-use"));
    assert_eq!(house.ask("DELETE", "/v1/agents/help", "", "").await.status, 204);
    assert_eq!(house.get("/v1/agents/help").await.status, 404);
}

#[tokio::test]
async fn a_change_is_bound_to_what_was_seen() {
    let house = House::open().await;
    let first = house.ask("POST", "/v1/agents", "", AGENT).await;
    let etag = first.header("etag");
    let known = house.ask("GET", "/v1/agents/sales", &format!("If-None-Match: {etag}\r\n"), "").await;
    assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", etag));
    let bound = format!("If-Match: {etag}\r\n");
    assert_eq!(house.ask("PATCH", "/v1/agents/sales", &bound, r#"{"name": "A"}"#).await.status, 200);
    for (method, body) in [("PATCH", r#"{"name": "B"}"#), ("PUT", AGENT), ("DELETE", "")] {
        let reply = house.ask(method, "/v1/agents/sales", &bound, body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (412, "changed"), "{method}");
    }
    let new = "If-None-Match: *\r\n";
    assert_eq!(house.ask("PUT", "/v1/agents/sales", new, AGENT).await.status, 412);
    let other = r#"{"id": "other", "endpoint": {"kind": "echo"}}"#;
    assert_eq!(house.ask("PUT", "/v1/agents/other", new, other).await.status, 201);
    assert_eq!(
        house
            .ask("PUT", "/v1/agents/third", "If-Match: *\r\n", &other.replace("other", "third"))
            .await
            .status,
        412
    );
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_idempotency_key_is_carried_out_once() {
    let house = House::open().await;
    let head = "Idempotency-Key: 7f3c\r\n";
    let first = house.ask("POST", "/v1/agents", head, AGENT).await;
    let again = house.ask("POST", "/v1/agents", head, AGENT).await;
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.json(), again.json());
    for name in ["etag", "location", "content-type"] {
        assert_eq!(first.header(name), again.header(name));
    }
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let other = house.ask("POST", "/v1/agents", head, &AGENT.replace("sales", "other")).await;
    assert_eq!((other.status, other.problem().as_str()), (422, "idempotency-key-reused"));
    let refused = "Idempotency-Key: 8\r\n";
    for _ in 0..2 {
        assert_eq!(house.ask("POST", "/v1/agents", refused, AGENT).await.problem(), "exists");
    }
    for head in ["Idempotency-Key: \r\n", "Idempotency-Key: a b\r\n", "Idempotency-Key: \u{e9}\r\n"] {
        assert_eq!(house.ask("POST", "/v1/agents", head, AGENT).await.problem(), "idempotency-key-malformed");
    }
    let key = house.key(Role::Admin, None).await;
    let own = house.ask("POST", "/v1/agents", &format!("{head}{}", bearer(&key)), AGENT).await;
    assert_eq!(own.problem(), "exists", "each caller has idempotency keys of its own");
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out_and_stay_where_they_are_sent_back_as_shown() {
    let house = House::open().await;
    let agent = r#"{"id": "bot", "endpoint": {"kind": "media-stream", "url": "wss://bob:hunter2@bots.example/x", "headers": {"X-Key": "hunter2"}, "parameters": {"key": "hunter2"}}}"#;
    let made = house.ask("POST", "/v1/agents", "", agent).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = house.get("/v1/agents/bot").await;
    for reply in [&made, &shown, &house.get("/v1/agents").await, &house.get("/v1/audit").await] {
        assert!(!reply.text.contains("hunter2"), "{reply:?}");
    }
    assert_eq!(shown.json()["endpoint"]["headers"]["X-Key"], json!({ "set": true }));
    assert_eq!(shown.json()["endpoint"]["parameters"]["key"], json!({ "set": true }));
    let mut sent = shown.json();
    sent["name"] = "Bot".into();
    assert_eq!(house.ask("PUT", "/v1/agents/bot", "", &sent.to_string()).await.status, 200);
    assert_eq!(house.ask("PATCH", "/v1/agents/bot", "", r#"{"max_calls": 2}"#).await.status, 200);
    let held = house.store.object(store::Kind::Agent, "bot").await.unwrap().unwrap();
    let store::Object::Agent(held) = held.object else { panic!() };
    assert_eq!((held.name.as_deref(), held.max_calls), (Some("Bot"), Some(2)));
    let numbers::Endpoint::MediaStream { url, headers, parameters } = &held.endpoint else { panic!() };
    assert_eq!((url.as_str(), headers["X-Key"].reveal()), ("wss://bob:hunter2@bots.example/x", "hunter2"));
    assert_eq!(parameters["key"], "hunter2");
    sent["id"] = "thief".into();
    let stolen = house.ask("PUT", "/v1/agents/thief", "", &sent.to_string()).await;
    assert_eq!((stolen.status, stolen.problem().as_str()), (409, "secret-absent"));
}

#[tokio::test]
async fn of_a_password_that_is_shown_to_us_only_its_hash_is_kept() {
    let house = House::open().await;
    let trunk = r#"{"id": "pbx", "inbound": {"username": "pbx", "password": "hunter2"}, "outbound": {"username": "us", "password": "hunter3"}}"#;
    assert_eq!(house.ask("POST", "/v1/trunks", "", trunk).await.status, 201);
    let shown = house.get("/v1/trunks/pbx").await;
    assert_eq!(shown.json()["inbound"]["password"], json!({ "set": true }));
    for reply in [&shown, &house.get("/v1/audit").await] {
        assert!(!reply.text.contains("hunter") && !reply.text.contains("md5"), "{reply:?}");
    }
    let inbound = async || {
        let held = house.store.object(store::Kind::Trunk, "pbx").await.unwrap().unwrap();
        let store::Object::Trunk(held) = held.object else { panic!() };
        held.inbound.unwrap()
    };
    let kept = inbound().await;
    assert!(matches!(kept.password, Some(numbers::Password::Kept(_))), "{kept:?}");
    let back = house.ask("PUT", "/v1/trunks/pbx", "", &shown.text).await;
    assert_eq!((back.status, back.header("etag")), (200, shown.header("etag")));
    let again = house.ask("PUT", "/v1/trunks/pbx", "", trunk).await;
    assert_eq!(again.header("etag"), shown.header("etag"), "the same password is no change");
    let patch = r#"{"inbound": {"username": "other"}}"#;
    let renamed = house.ask("PATCH", "/v1/trunks/pbx", "", patch).await;
    assert_eq!(
        (renamed.status, renamed.json()["field"].as_str()),
        (422, Some("inbound.password")),
        "{renamed:?}"
    );
    let patch = r#"{"inbound": {"username": "other", "password": "hunter4"}}"#;
    assert_eq!(house.ask("PATCH", "/v1/trunks/pbx", "", patch).await.status, 200);
    assert_ne!(inbound().await.password, kept.password);
    let hash = format!(
        r#"{{"inbound": {{"password": {{"username": "other", "realm": "strowger", "md5": "{}", "sha256": "{}"}}}}}}"#,
        "ab".repeat(16),
        "cd".repeat(32)
    );
    let given = house.ask("PATCH", "/v1/trunks/pbx", "", &hash).await;
    assert_eq!(given.status, 200, "{given:?}");
    assert!(!given.text.contains("abab"), "{given:?}");
}

#[tokio::test]
async fn an_object_whose_named_secret_can_not_be_had_is_refused() {
    let house = House::open().await;
    assert_eq!(house.ask("POST", "/v1/trunks", "", TRUNK).await.status, 201);
    let named =
        r#"{"outbound": {"gateways": [{"host": "192.0.2.1"}], "headers": {"X-Key": {"file": "/nowhere"}}}}"#;
    let patched = house.ask("PATCH", "/v1/trunks/acme", "", named).await;
    let agent = r#"{"id": "bot", "endpoint": {"kind": "media-stream", "url": "wss://b.example/", "headers": {"X-Key": {"env": "K"}}}}"#;
    let made = house.ask("POST", "/v1/agents", "", agent).await;
    for (refused, field) in [(patched, "outbound.headers.X-Key"), (made, "endpoint.headers.X-Key")] {
        let told = refused.json();
        assert_eq!((refused.status, told["field"].as_str()), (422, Some(field)), "{refused:?}");
        assert!(told["detail"].as_str().unwrap().starts_with("there is no such file here; "), "{refused:?}");
    }
    assert_eq!(house.store.revision().await.unwrap(), 1);
}

#[tokio::test]
async fn a_named_secret_stays_in_its_place_when_something_else_is_changed() {
    let house = House::open().await;
    let held: numbers::Trunk = serde_json::from_value(
        json!({ "id": "acme", "outbound": { "headers": { "X-A": { "file": "/etc/a" } } } }),
    )
    .unwrap();
    house.store.put(&store::Actor::cli(), held.into(), store::Expect::New).await.unwrap();
    let labelled = house.ask("PATCH", "/v1/trunks/acme", "", r#"{"label": "Acme"}"#).await;
    assert_eq!(labelled.status, 200, "{labelled:?}");
    assert_eq!(house.ask("PUT", "/v1/trunks/acme", "", &labelled.text).await.status, 200);
    for headers in [r#"{"X-B": {"file": "/etc/a"}}"#, r#"{"X-A": {"file": "/etc/b"}}"#] {
        let moved = format!(r#"{{"outbound": {{"headers": {headers}}}}}"#);
        assert_eq!(house.ask("PATCH", "/v1/trunks/acme", "", &moved).await.status, 422, "{headers}");
    }
    assert_eq!(
        house.ask("POST", "/v1/trunks", "", &labelled.text.replace("acme", "thief")).await.status,
        422
    );
}

#[tokio::test]
async fn a_list_is_read_page_by_page_to_its_end() {
    let house = House::open().await;
    for id in ["e", "a", "c", "b", "d"] {
        assert_eq!(house.ask("POST", "/v1/agents", "", &AGENT.replace("sales", id)).await.status, 201);
    }
    let (mut path, mut seen) = ("/v1/agents?limit=2".to_owned(), Vec::new());
    loop {
        let page = house.get(&path).await.json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/agents?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn numbers_are_named_by_themselves_and_name_what_is_there() {
    let house = House::open().await;
    let number = r#"{"e164": "+14155550100", "trunk_id": "acme"}"#;
    let lost = house.ask("POST", "/v1/numbers", "", number).await;
    assert_eq!((lost.status, lost.json()["field"].as_str()), (422, Some("trunk_id")), "{lost:?}");
    assert_eq!(house.ask("POST", "/v1/trunks", "", TRUNK).await.status, 201);
    let made = house.ask("POST", "/v1/numbers", "", number).await;
    assert_eq!((made.status, made.header("location")), (201, "/v1/numbers/+14155550100"));
    for path in ["/v1/numbers/+14155550100", "/v1/numbers/%2B14155550100"] {
        assert_eq!(house.get(path).await.json()["trunk_id"], "acme", "{path}");
    }
    let patched = house.ask("PATCH", "/v1/numbers/+14155550100", "", r#"{"outbound": true}"#).await;
    assert_eq!(patched.json()["outbound"], true);
    let warnings = patched.json()["warnings"].to_string();
    assert!(warnings.contains("no-agent") && warnings.contains("takes no outbound calls"), "{warnings}");
    let back = house.ask("PUT", "/v1/numbers/+14155550100", "", &patched.text).await;
    assert_eq!((back.status, back.header("etag")), (200, patched.header("etag")), "{back:?}");
    assert_eq!(house.ask("PUT", "/v1/agents/sales", "", AGENT).await.status, 201);
    assert_eq!(house.ask("PUT", "/v1/settings", "", r#"{"default_agent_id": "sales"}"#).await.status, 200);
    let seen = house.get("/v1/numbers/+14155550100").await;
    assert!(seen.json()["warnings"].to_string().contains("the default agent `sales` answers"), "{seen:?}");
    assert_ne!(seen.header("etag"), patched.header("etag"), "what is told has changed");
    assert_eq!(house.ask("DELETE", "/v1/trunks/acme", "", "").await.problem(), "in-use");
}

#[tokio::test]
async fn the_description_names_every_path_and_every_reference_is_there() {
    let house = House::open().await;
    let document = house.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "/v1/agents",
        "/v1/numbers/{id}",
        "/v1/events",
        "/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}.json",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
    let agent = &document["components"]["schemas"]["Agent"];
    assert_eq!(agent["additionalProperties"], false, "{agent}");
    let ways = document["components"]["schemas"]["Endpoint"]["oneOf"].as_array().unwrap();
    let parameters: Vec<_> = ways.iter().map(|way| &way["properties"]["parameters"]).collect();
    let kept = |told: &Value| told["additionalProperties"]["oneOf"][1]["required"] == json!(["set"]);
    assert!(parameters.iter().any(|told| kept(told)), "{parameters:?}");
    assert_eq!(document["components"]["schemas"]["Number"]["required"], json!(["e164", "trunk_id"]));
}

#[tokio::test]
async fn an_array_is_no_object_wherever_it_stands() {
    let house = House::open().await;
    for (method, path, body, field) in [
        ("PUT", "/v1/settings", "[null, null]", ""),
        ("PATCH", "/v1/settings", "[null, null]", ""),
        ("PUT", "/v1/trunks/acme", r#"{"id": "acme", "limits": [1, 2, 3]}"#, "limits"),
        ("POST", "/v1/calls", r#"["+14155550100", "+12125550177", null, null, {}]"#, ""),
    ] {
        let reply = house.ask(method, path, "", body).await;
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{body}: {reply:?}");
    }
}
