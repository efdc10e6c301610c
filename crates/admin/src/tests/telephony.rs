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
