//! `POST /v1/drain`: refuse new calls, let the running ones end, then stop.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::api::Api;
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
pub(crate) async fn post(State(api): State<Api>, body: Bytes) -> Result<Response, Problem> {
    let wish: Wish = if body.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| unreadable(&error.to_string()))?
    };
    if wish.within_s.is_some_and(|seconds| seconds > LONGEST_S) {
        return Err(unreadable(&format!("within_s is at most {LONGEST_S}")).of("within_s"));
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
    let document = json!({ "state": "draining", "calls": calls });
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((StatusCode::ACCEPTED, kind, document.to_string()).into_response())
}

fn unreadable(why: &str) -> Problem {
    let detail = format!("{why}; send nothing, or {{\"within_s\": 600}}");
    Problem::new(StatusCode::BAD_REQUEST, "body-malformed", "The body can't be read", detail)
}

const LONGEST_S: u32 = 86_400;
