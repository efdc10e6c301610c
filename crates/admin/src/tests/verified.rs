//! Personal numbers: verified, and verified no more.

use serde_json::json;

use super::*;

const PATH: &str = "/v1/numbers/+14155550199";
const NUMBER: &str = r#"{"e164": "+14155550199", "trunk_id": "acme", "source": "personal", "outbound": true"#;

async fn verified() -> (House, Reply) {
    let house = House::open().await;
    assert_eq!(house.ask("POST", "/v1/trunks", "", TRUNK).await.status, 201);
    assert_eq!(house.ask("POST", "/v1/numbers", "", &format!("{NUMBER}}}")).await.status, 201);
    let verified = house.ask("POST", &format!("{PATH}/verify"), "", "").await;
    assert_eq!((verified.status, &verified.json()["status"]), (200, &json!("active")), "{verified:?}");
    (house, verified)
}

#[tokio::test]
async fn what_withdraws_a_verification_does_so_and_is_in_the_trail() {
    for (method, body) in [
        ("PATCH", r#"{"verified": null}"#.to_owned()),
        ("PATCH", r#"{"status": "pending"}"#.to_owned()),
        ("PATCH", r#"{"status": "pending", "verified": null, "label": "x"}"#.to_owned()),
        ("PUT", format!("{NUMBER}, \"status\": \"pending\"}}")),
        ("PUT", format!("{NUMBER}, \"verified\": null}}")),
    ] {
        let (house, verified) = verified().await;
        let reply = house.ask(method, PATH, "", &body).await;
        let told = reply.json();
        assert_eq!(
            (reply.status, &told["status"], &told["verified"]),
            (200, &json!("pending"), &Value::Null)
        );
        let seen = house.get(PATH).await;
        assert_eq!((seen.json(), seen.header("etag")), (told, reply.header("etag")), "{method} {body}");
        assert_ne!(seen.header("etag"), verified.header("etag"));
        let trail = house.get("/v1/audit").await.json();
        let last = trail["items"].as_array().unwrap().last().unwrap().clone();
        assert!(last["before"]["verified"].is_object() && last["after"]["verified"].is_null(), "{last}");
    }
}

#[tokio::test]
async fn what_says_nothing_of_a_verification_keeps_it_and_is_told_as_it_is_stored() {
    let (house, verified) = verified().await;
    let same = house.ask("PUT", PATH, "", &format!("{NUMBER}}}")).await;
    assert_eq!((same.status, same.json()), (200, verified.json()));
    assert_eq!(same.header("etag"), verified.header("etag"));
    assert_eq!(house.get(PATH).await.header("etag"), verified.header("etag"));
    let shown = house.ask("PUT", PATH, "", &verified.text).await;
    assert_eq!((shown.status, shown.json()), (200, verified.json()));
    let suspended = house.ask("PATCH", PATH, "", r#"{"status": "suspended"}"#).await.json();
    assert_eq!(
        (&suspended["status"], &suspended["verified"]),
        (&json!("suspended"), &verified.json()["verified"])
    );
    let active = r#"{"verified": null, "status": "active"}"#;
    let refused = house.ask("PATCH", PATH, "", active).await;
    assert_eq!((refused.status, refused.json()["field"].as_str()), (422, Some("status")), "{refused:?}");
}
