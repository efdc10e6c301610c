//! Calls of our own.

use serde_json::json;

use super::*;

const WISH: &str = r#"{"from": "+14155550100", "to": "+12125550177", "agent_id": "sales", "ring_s": 30, "parameters": {"a": "b"}}"#;

fn refused(reason: &str, status: u16) -> CallRecord {
    let (reason, detail) =
        (Some(reason.to_owned()), Some("outbound of the calling number is off".to_owned()));
    CallRecord { reason, detail, sip_status: Some(status), ..record('a', Some(CallStatus::Refused), 1) }
}

#[tokio::test]
async fn a_call_is_placed_once_by_its_key() {
    let house = House::open().await;
    *house.calls.next.lock().unwrap() = Some(record('a', None, 1));
    for replayed in [None, Some("true")] {
        let reply = house.ask("POST", "/v1/calls", "Idempotency-Key: k1\r\n", WISH).await;
        assert_eq!((reply.status, &reply.json()["id"]), (201, &json!("a".repeat(32))), "{reply:?}");
        assert_eq!(reply.header("location"), format!("/v1/calls/{}", "a".repeat(32)));
        assert_eq!(reply.headers.get("idempotent-replayed").map(String::as_str), replayed);
    }
    let placed = house.calls.placed.lock().unwrap();
    assert_eq!(placed.len(), 1);
    assert_eq!((placed[0].from(), placed[0].to()), ("+14155550100", "+12125550177"));
}

#[tokio::test]
async fn a_refusal_is_a_problem_of_its_reason() {
    let house = House::open().await;
    for (reason, sip, status) in [
        ("outbound-disabled", 403, 403),
        ("caller-not-owned", 403, 403),
        ("destination-invalid", 484, 422),
        ("no-agent", 480, 409),
        ("agent-full", 486, 409),
        ("trunk-failed", 502, 502),
        ("node-full", 503, 503),
        ("draining", 503, 503),
        ("rate-limited", 503, 429),
    ] {
        *house.calls.next.lock().unwrap() = Some(refused(reason, sip));
        let reply = house.ask("POST", "/v1/calls", "", WISH).await;
        assert_eq!((reply.status, reply.problem().as_str()), (status, reason), "{reply:?}");
        assert!(reply.json()["detail"].as_str().unwrap().contains("is off; call aaaa"), "{reply:?}");
        assert_eq!(reply.headers.contains_key("retry-after"), sip == 503, "{reply:?}");
    }
    *house.calls.next.lock().unwrap() = None;
    let reply = house.ask("POST", "/v1/calls", "", WISH).await;
    assert_eq!((reply.status, reply.problem().as_str()), (503, "draining"));
}

#[tokio::test]
async fn a_wish_that_is_none_names_the_field() {
    let house = House::open().await;
    for (wish, field) in [
        (r#"{"from": "+1"}"#, ""),
        (r#"{"from": "", "to": "+1"}"#, "from"),
        (r#"{"from": "+1", "to": "+1", "ring_s": 0}"#, "ring_s"),
        (r#"{"from": "+1", "to": "+1", "parameters": {"": "x"}}"#, "parameters."),
    ] {
        let reply = house.ask("POST", "/v1/calls", "", wish).await;
        assert_eq!((reply.status, reply.json()["field"].as_str()), (422, Some(field)), "{wish}: {reply:?}");
    }
    assert!(house.calls.placed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn digits_are_sent_to_a_call_that_is_up() {
    let house = House::open().await;
    *house.calls.up.lock().unwrap() = vec![record('a', None, 1)];
    let reply = house.ask("POST", "/v1/calls/aaaaaa/dtmf", "", r#"{"digits": "12#"}"#).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    assert_eq!(*house.calls.dialled.lock().unwrap(), ["a".repeat(32)]);
    let wrong = house.ask("POST", "/v1/calls/aaaaaa/dtmf", "", r#"{"digits": "w"}"#).await;
    assert_eq!((wrong.status, wrong.json()["field"].as_str()), (422, Some("digits")));
    house.store.write(&[record('d', Some(CallStatus::Completed), 4)]).await.unwrap();
    let ended = house.ask("POST", "/v1/calls/dddddd/dtmf", "", r#"{"digits": "1"}"#).await;
    assert_eq!((ended.status, ended.problem().as_str()), (409, "not-talking"));
}
