//! `POST /v1/numbers/{id}/verify`: who may show a personal number says that its owner was asked. What is written of a number may take
//! that back.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::Value;
use store::{Expect, Kind};

use super::change::told;
use super::view::Viewer;
use super::{Id, read};
use crate::access::Caller;
use crate::api::Api;
use crate::etag;
use crate::problem::Problem;

pub(crate) async fn verify(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let held = read::find(&api, Kind::Number, &id).await?;
    etag::check(&headers, Some(&Viewer::new(&api.store).view(&held).await?.tag))?;
    let is_bound = headers.contains_key(header::IF_MATCH);
    let expect = if is_bound { Expect::Etag(held.etag) } else { Expect::Any };
    let (number, stored) = api.store.verify(&caller.actor(), &id, expect).await?;
    told(&api.store, number, stored, None).await
}

/// Whether what was sent says that the number which is there is verified no more.
pub(super) fn withdraws(sent: &Value, held: Option<&Value>) -> bool {
    let is_verified = held.is_some_and(|held| held.get("verified").is_some());
    is_verified && (sent.get("verified").is_some_and(Value::is_null) || is_pending(sent))
}

/// Takes the verification out of what comes of it; the number is in use no more, unless that is what was sent.
pub(super) fn withdraw(wanted: &mut Value, sent: &Value) {
    let Some(members) = wanted.as_object_mut() else { return };
    members.remove("verified");
    let is_active = members.get("status").and_then(Value::as_str) == Some("active");
    if is_active && sent.get("status").is_none() {
        members.insert("status".to_owned(), "pending".into());
    }
}

fn is_pending(sent: &Value) -> bool {
    sent.get("status").and_then(Value::as_str) == Some("pending")
}
