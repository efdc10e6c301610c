//! `POST /v1/drain`: refuse new calls, let the running ones end, then stop.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::answer;
use crate::api::Api;
use crate::body::{optional_json, typed};
use crate::health::Phase;
use crate::problem::Problem;

/// The wish that the node drain and then stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drain {
    /// How long calls may go on; `None`: as long as the configuration says.
    pub within: Option<Duration>,
}

/// Where the wish is sent, and heard. One is enough.
pub fn drains() -> (mpsc::Sender<Drain>, mpsc::Receiver<Drain>) {
    mpsc::channel(1)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Wish {
    within_s: Option<u32>,
}

/// Answers at once; `/readyz` tells how many calls are up.
pub(crate) async fn post(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wish = optional_json(&headers, body).await?.map(typed::<Wish>).transpose()?.unwrap_or_default();
    if wish.within_s.is_some_and(|seconds| seconds > LONGEST_S) {
        return Err(Problem::invalid("within_s", format!("within_s is at most {LONGEST_S}")));
    }
    let within = wish.within_s.map(|seconds| Duration::from_secs(seconds.into()));
    match api.drains.try_send(Drain { within }) {
        // Before the answer: who asks next finds the node draining.
        Ok(()) => api.health.enter(Phase::Draining),
        Err(TrySendError::Full(_)) => {}
        Err(TrySendError::Closed(_)) if api.health.phase() == Phase::Draining => {}
        Err(TrySendError::Closed(_)) => {
            let detail = "nobody stops this node but its signals";
            return Err(Problem::new(StatusCode::CONFLICT, "no-drain", "It can't be drained", detail));
        }
    }
    let calls = api.metrics.signalling().gauges().calls;
    Ok(answer::document(StatusCode::ACCEPTED, &json!({ "state": "draining", "calls": calls })))
}

/// Of the body, which may be left out.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "within_s": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": LONGEST_S,
                "description": "How long calls may go on; as long as the configuration says if absent.",
            },
        },
    })
}

/// Of the answer.
pub(crate) fn told() -> Value {
    json!({
        "type": "object",
        "required": ["state", "calls"],
        "additionalProperties": false,
        "properties": { "state": { "const": "draining" }, "calls": { "type": "integer", "minimum": 0 } },
    })
}

const LONGEST_S: u32 = 86_400;
