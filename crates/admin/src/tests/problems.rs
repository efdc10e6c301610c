//! Whatever is wrong with a request is told as a problem, and never as a fault of ours.

use super::*;

#[tokio::test]
async fn what_is_not_there_or_not_known_is_told() {
    let house = House::open().await;
    for (path, status, kind) in [
        ("/v1/calls/abcdef12", 404, "call-unknown"),
        ("/v1/calls/abcdef12/trace", 404, "call-unknown"),
        ("/v1/calls/abcdef12/trace?format=svg", 400, "format-unknown"),
        ("/v1/calls/abc", 400, "id-malformed"),
        ("/v1/calls/12345678%27", 400, "id-malformed"),
        ("/v1/call", 404, "path-unknown"),
        ("/v1/agents/", 404, "path-unknown"),
        ("/v1/agents/nobody", 404, "unknown"),
        ("/v1/agents/%00", 404, "unknown"),
        ("/v1/agents/%FF%FE", 404, "unknown"),
        ("/v1/agents/%zz", 404, "unknown"),
        ("/v1/agents/%E2%98%83", 404, "unknown"),
        ("/v1/numbers/14155550100", 404, "unknown"),
        ("/v1/numbers/%2B99999999999999999999", 404, "unknown"),
        ("/v1/keys/%00", 404, "unknown"),
        ("/v1/agents?limit=0", 400, "query-malformed"),
        ("/v1/agents?limit=1001", 400, "query-malformed"),
        ("/v1/agents?limit=%00", 400, "query-malformed"),
        ("/v1/agents?limit=1&limit=1", 400, "query-malformed"),
        ("/v1/agents?page=1", 400, "query-malformed"),
        ("/v1/agents/nobody?x=1", 400, "query-malformed"),
        ("/v1/agents?cursor=zzz", 400, "query-malformed"),
        ("/v1/numbers?cursor=MTpzYWxlcw", 400, "query-malformed"),
        ("/v1/records?cursor=MTpzYWxlcw", 400, "query-malformed"),
        ("/v1/audit?cursor=MTpzYWxlcw", 400, "query-malformed"),
        ("/v1/records?status=up", 400, "query-malformed"),
        ("/v1/records?since=-1", 400, "query-malformed"),
        ("/v1/records?trunk_id=%00", 400, "query-malformed"),
        ("/v1/records?trunk_id=", 400, "query-malformed"),
        ("/v1/records?agent_id=a/b", 400, "query-malformed"),
        ("/v1/records?number=+14155550100", 400, "query-malformed"),
        ("/v1/records?number=%2B014155550100", 400, "query-malformed"),
    ] {
        let reply = house.get(path).await;
        assert_eq!((reply.status, reply.problem().as_str()), (status, kind), "{path}: {reply:?}");
    }
}

#[tokio::test]
async fn a_body_that_can_not_be_taken_is_told_with_its_field() {
    let house = House::open().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let nul = "{\"id\": \"a\\u0000\", \"endpoint\": {\"kind\": \"echo\"}}";
    let long = format!(r#"{{"id": "a", "name": "{}", "endpoint": {{"kind": "echo"}}}}"#, "x".repeat(5_000));
    for (body, status, kind, field) in [
        ("{", 400, "json-malformed", None),
        (deep.as_str(), 400, "json-malformed", None),
        (r#""\ud800""#, 400, "json-malformed", None),
        ("1e999", 400, "json-malformed", None),
        ("[]", 422, "body-invalid", Some("")),
        (r#"["a", null, {"kind": "echo"}]"#, 422, "body-invalid", Some("")),
        (r#"{"id": "a"}"#, 422, "body-invalid", Some("")),
        (
            r#"{"id": "a", "endpoint": {"kind": "echo", "uri": "sip:a@b"}}"#,
            422,
            "body-invalid",
            Some("endpoint"),
        ),
        (r#"{"id": 1, "endpoint": {"kind": "echo"}}"#, 422, "body-invalid", Some("id")),
        (r#"{"id": "a b", "endpoint": {"kind": "echo"}}"#, 422, "body-invalid", Some("id")),
        (nul, 422, "body-invalid", Some("id")),
        (long.as_str(), 422, "body-invalid", Some("name")),
        (
            r#"{"id": "a", "max_calls": -1, "endpoint": {"kind": "echo"}}"#,
            422,
            "body-invalid",
            Some("max_calls"),
        ),
        (
            r#"{"id": "a", "max_calls": 99999999999999999999, "endpoint": {"kind": "echo"}}"#,
            422,
            "body-invalid",
            Some("max_calls"),
        ),
        (r#"{"id": "a", "colour": 1, "endpoint": {"kind": "echo"}}"#, 422, "body-invalid", Some("colour")),
        (
            r#"{"id": "a", "endpoint": {"kind": "media-stream", "url": "http://x"}}"#,
            422,
            "body-invalid",
            Some("endpoint.url"),
        ),
        (
            r#"{"id": "a", "fallback_agent_id": "b", "endpoint": {"kind": "echo"}}"#,
            422,
            "body-invalid",
            Some("fallback_agent_id"),
        ),
    ] {
        let reply = house.ask("POST", "/v1/agents", "", body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (status, kind), "{body}: {reply:?}");
        assert_eq!(reply.json()["field"].as_str(), field, "{body}: {reply:?}");
    }
    for (head, status, kind) in [
        ("Content-Type: text/plain\r\n", 415, "kind-unsupported"),
        ("Content-Type: \u{e9}\r\n", 415, "kind-unsupported"),
        ("Content-Type: application/json; charset=utf-8\r\n", 400, "json-malformed"),
    ] {
        let reply = house.ask("POST", "/v1/agents", head, "x").await;
        assert_eq!((reply.status, reply.problem().as_str()), (status, kind), "{head}: {reply:?}");
    }
    let reply = house.ask("POST", "/v1/agents", "", &" ".repeat(300_000)).await;
    assert_eq!((reply.status, reply.problem().as_str()), (413, "too-large"));
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_told_with_those_that_it_takes() {
    let house = House::open().await;
    for (method, path, allowed) in [
        ("POST", "/metrics", vec!["GET", "HEAD"]),
        ("TRACE", "/healthz", vec!["GET", "HEAD"]),
        ("DELETE", "/v1/agents", vec!["GET", "HEAD", "POST"]),
        ("POST", "/v1/agents/a", vec!["DELETE", "GET", "HEAD", "PATCH", "PUT"]),
        ("GET", "/v1/calls/abcdef/hangup", vec!["POST"]),
    ] {
        let reply = house.ask(method, path, "", "").await;
        assert_eq!((reply.status, reply.problem().as_str()), (405, "method-not-allowed"), "{method} {path}");
        let mut told: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        told.sort_unstable();
        assert_eq!(told, allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_page_of_another_name_or_origin_is_refused() {
    let house = House::open().await;
    let get = "GET /metrics HTTP/1.1\r\nConnection: close\r\nHost: ";
    let reply = house.send(&format!("{get}evil.example\r\n\r\n")).await;
    assert_eq!((reply.status, reply.problem().as_str()), (403, "host-refused"));
    let reply = house.send(&format!("{get}{}\r\n\r\n", house.address)).await;
    assert_eq!(reply.status, 200);
    let listed = "GET /v1/agents HTTP/1.1\r\nConnection: close\r\nHost: evil.example\r\n\r\n";
    assert_eq!(house.send(listed).await.problem(), "host-refused");
    let reply = house.ask("POST", "/v1/agents", "Origin: https://evil.example\r\n", AGENT).await;
    assert_eq!((reply.status, reply.problem().as_str()), (403, "origin-refused"));
    let own = format!("Origin: http://{}\r\n", house.address);
    assert_eq!(house.ask("POST", "/v1/agents", &own, AGENT).await.status, 201);
}
