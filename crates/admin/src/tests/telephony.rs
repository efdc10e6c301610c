//! Calls: looked at, and ended.

use serde_json::json;

use super::*;

#[tokio::test]
async fn calls_that_are_up_are_listed_and_hung_up() {
    let house = House::open().await;
    *house.calls.up.lock().unwrap() = vec![record('a', None, 1), record('b', None, 2), record('c', None, 3)];
    let page = house.get("/v1/calls?limit=2").await.json();
    assert_eq!(page["items"][1]["id"], "b".repeat(32));
    let next = page["next_cursor"].as_str().unwrap();
    let rest = house.get(&format!("/v1/calls?cursor={next}")).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let reply = house.ask("POST", "/v1/calls/bbbbbb/hangup", "", "").await;
    assert_eq!((reply.status, &reply.json()["id"]), (202, &json!("b".repeat(32))));
    assert_eq!(*house.calls.hung_up.lock().unwrap(), ["b".repeat(32)]);
    house.store.write(&[record('d', Some(CallStatus::Completed), 4)]).await.unwrap();
    let ended = house.ask("POST", "/v1/calls/dddddd/hangup", "", "").await;
    assert_eq!((ended.status, ended.problem().as_str()), (409, "call-ended"));
}

#[tokio::test]
async fn records_are_those_of_calls_that_have_ended_the_newest_first() {
    let house = House::open().await;
    let mut other = record('d', Some(CallStatus::Busy), 9_000);
    other.trunk_id = Some("other".into());
    let records = [
        record('a', Some(CallStatus::Completed), 1_000),
        record('b', Some(CallStatus::Completed), 5_000),
        record('c', None, 6_000),
        other,
    ];
    house.store.write(&records).await.unwrap();
    for (query, ids) in [
        ("", "dba"),
        ("?trunk_id=acme", "ba"),
        ("?status=busy", "d"),
        ("?since=5", "db"),
        ("?until=5", "a"),
        ("?number=%2B14155550100&direction=inbound", "dba"),
        ("?direction=outbound", ""),
    ] {
        let page = house.get(&format!("/v1/records{query}")).await.json();
        let found: String =
            page["items"].as_array().unwrap().iter().map(|item| &item["id"].as_str().unwrap()[..1]).collect();
        assert_eq!(found, ids, "{query}: {page}");
    }
    let (mut path, mut found) = ("/v1/records?limit=1".to_owned(), String::new());
    loop {
        let page = house.get(&path).await.json();
        found.extend(page["items"].as_array().unwrap().iter().map(|item| &item["id"].as_str().unwrap()[..1]));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/records?limit=1&cursor={cursor}");
    }
    assert_eq!(found, "dba");
}

#[tokio::test]
async fn a_bot_hangs_up_as_it_does_at_twilio() {
    let house = House::open().await;
    let key = house.key(Role::Operator, None).await;
    let viewer = house.key(Role::Viewer, None).await;
    *house.calls.up.lock().unwrap() = vec![record('a', None, 1)];
    let (account, call) = (format!("AC{}", "0".repeat(32)), "a".repeat(32));
    let path = format!("/2010-04-01/Accounts/{account}/Calls/CA{call}.json");
    let head = |key: &str| {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{account}:{key}"));
        format!("Authorization: Basic {basic}\r\nContent-Type: application/x-www-form-urlencoded\r\n")
    };
    let reply = house.ask("POST", &path, &head(&key), "Status=completed").await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("completed")), "{reply:?}");
    assert_eq!(reply.json()["sid"], format!("CA{call}"));
    assert_eq!(*house.calls.hung_up.lock().unwrap(), std::slice::from_ref(&call));
    for (path, head, body, status, code) in [
        (path.replace("CAa", "CAb"), head(&key), "Status=completed", 404, 20_404),
        (path.replace(".json", ""), head(&key), "Status=completed", 404, 20_404),
        (path.clone(), head(&key), "Url=http://x", 400, 20_001),
        (path.clone(), head(&key), "", 400, 20_001),
        (path.clone(), head("x"), "Status=completed", 401, 20_003),
        (path.clone(), head(&viewer), "Status=completed", 403, 20_403),
    ] {
        let reply = house.ask("POST", &path, &head, body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{body}: {reply:?}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn a_call_that_is_up_at_another_node_is_told_as_such() {
    let house = House::open().await;
    house.store.clone().of_node("two").write(&[record('c', None, 1)]).await.unwrap();
    for (path, body) in [("hangup", ""), ("dtmf", r#"{"digits": "1"}"#)] {
        let reply = house.ask("POST", &format!("/v1/calls/cccccc/{path}"), "", body).await;
        assert_eq!((reply.status, reply.problem().as_str()), (409, "call-elsewhere"), "{reply:?}");
        assert!(reply.json()["detail"].as_str().unwrap().contains("at the node `two`"), "{reply:?}");
    }
    let path = format!("/2010-04-01/Accounts/AC{}/Calls/CA{}.json", "0".repeat(32), "c".repeat(32));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let reply = house.ask("POST", &path, form, "Status=completed").await;
    assert_eq!((reply.status, &reply.json()["code"]), (409, &json!(20_001)), "{reply:?}");
    assert!(reply.json()["message"].as_str().unwrap().contains("at the node `two`"), "{reply:?}");
    house.store.clone().of_node("two").write(&[record('c', Some(CallStatus::Completed), 1)]).await.unwrap();
    assert_eq!(house.ask("POST", "/v1/calls/cccccc/hangup", "", "").await.problem(), "call-ended");
    assert_eq!(house.ask("POST", &path, form, "Status=completed").await.status, 404);
}

#[tokio::test]
async fn calls_are_ended_and_the_node_is_drained_while_the_store_is_gone() {
    let mut house = House::open().await;
    *house.calls.up.lock().unwrap() = vec![record('a', None, 1), record('b', None, 2)];
    let known = bearer(&house.key(Role::Admin, None).await);
    let unknown = bearer(&house.key(Role::Admin, None).await);
    assert_eq!(house.ask("GET", "/v1/calls", &known, "").await.status, 200);
    house.store.close().await;
    let whole = "a".repeat(32);
    for id in [whole.as_str(), "bbbbbb"] {
        let reply = house.ask("POST", &format!("/v1/calls/{id}/hangup"), &known, "").await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let path = format!("/v1/calls/{id}/dtmf");
        assert_eq!(house.ask("POST", &path, &known, r#"{"digits": "1"}"#).await.status, 202);
        assert_eq!(house.ask("GET", &format!("/v1/calls/{id}"), &known, "").await.status, 200);
    }
    let lost = house.ask("POST", "/v1/calls/cccccc/hangup", &known, "").await;
    assert_eq!((lost.status, lost.problem().as_str()), (503, "store-failed"));
    let stranger = house.ask("POST", &format!("/v1/calls/{whole}/hangup"), &unknown, "").await;
    assert_eq!((stranger.status, stranger.problem().as_str()), (503, "store-failed"));
    assert_eq!(house.ask("POST", "/v1/drain", &known, "").await.status, 202);
    assert_eq!(house.drained.recv().await, Some(Drain { within: None }));
}
