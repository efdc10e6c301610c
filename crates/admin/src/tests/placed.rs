//! Calls of our own.

use serde_json::json;

use super::*;

const WISH: &str = r#"{"from": "+14155550100", "to": "+12125550177", "agent_id": "sales", "ring_s": 30, "parameters": {"a": "b"}}"#;

fn refused(reason: &str, status: u16) -> CallRecord {
    let (reason, detail) =
        (Some(reason.to_owned()), Some("outbound of the calling number is off".to_owned()));
    let retry_after_s = (status == 503).then_some(4_321);
    let begun = record('a', Some(CallStatus::Refused), 1);
    CallRecord { reason, detail, sip_status: Some(status), retry_after_s, ..begun }
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
        let wait = match sip {
            503 => Some("4321"),
            486 => Some("5"),
            _ => None,
        };
        assert_eq!(reply.headers.get("retry-after").map(String::as_str), wait, "{reply:?}");
    }
    *house.calls.next.lock().unwrap() = None;
    let reply = house.ask("POST", "/v1/calls", "", WISH).await;
    assert_eq!((reply.status, reply.problem().as_str()), (503, "draining"));
}

#[tokio::test]
async fn a_key_is_free_again_after_an_answer_that_says_when_to_try_again_and_after_no_other() {
    let house = House::open().await;
    for (reason, sip, is_free) in [
        ("rate-limited", 503, true),
        ("agent-full", 486, true),
        ("node-full", 503, true),
        ("no-agent", 480, false),
        ("outbound-disabled", 403, false),
    ] {
        let key = format!("Idempotency-Key: {reason}\r\n");
        *house.calls.next.lock().unwrap() = Some(refused(reason, sip));
        let first = house.ask("POST", "/v1/calls", &key, WISH).await;
        *house.calls.next.lock().unwrap() = Some(record('b', None, 1));
        let second = house.ask("POST", "/v1/calls", &key, WISH).await;
        if is_free {
            assert_eq!((second.status, &second.json()["id"]), (201, &json!("b".repeat(32))), "{second:?}");
        } else {
            assert_eq!((second.status, &second.text), (first.status, &first.text));
            assert_eq!(second.header("idempotent-replayed"), "true");
        }
    }
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
    assert_eq!((ended.status, ended.problem().as_str()), (409, "call-ended"));
}
