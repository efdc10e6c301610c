//! Calls of our own, and digits for a call that is up.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use b2bua::CallRecord;
use b2bua::ask::{Dialled, Digits, Malformed, Place};
use numbers::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Caller;
use crate::api::Api;
use crate::body::{JSON, json, typed};
use crate::objects::Id;
use crate::problem::Problem;
use crate::{answer, calls, idempotency};

/// The body of `POST /v1/calls`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    from: String,
    to: String,
    agent_id: Option<String>,
    ring_s: Option<u32>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
}

/// The body of `POST /v1/calls/{id}/dtmf`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    digits: String,
}

/// `POST /v1/calls`: rings somebody from a number of ours.
pub(crate) async fn place(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent = json(&headers, body, &[JSON]).await?;
    let request = format!("POST {PATH} {sent}");
    let live = Arc::clone(&api.live);
    let act = async move {
        let wish = wish(typed(sent)?).map_err(malformed)?;
        let record = live.place(wish).await.ok_or_else(ended)?;
        if record.status.is_some() {
            return Err(refused(&record));
        }
        let mut response = answer::of(StatusCode::CREATED, &record)?;
        response.headers_mut().extend(answer::location(&format!("{PATH}/{}", record.id)));
        Ok(response)
    };
    idempotency::once(&api.store, &caller, &headers, &request, act).await
}

/// `POST /v1/calls/{id}/dtmf`: sends digits to whoever an agent talks with.
pub(crate) async fn dtmf(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let keys: Keys = typed(json(&headers, body, &[JSON]).await?)?;
    let digits = Digits::parse(&keys.digits).map_err(malformed)?;
    let record = calls::find(&api, &caller, &id).await?;
    if record.status.is_some() {
        return Err(calls::ended(&record.id));
    }
    let conflict =
        |kind, title, detail: &str| Err(Problem::new(StatusCode::CONFLICT, kind, title, detail).of("id"));
    match api.live.dial(record.id.clone(), digits).await.ok_or_else(ended)? {
        Dialled::Sent => Ok(StatusCode::ACCEPTED.into_response()),
        Dialled::Unknown => Err(calls::not_here(&api, &record.id).await),
        Dialled::NotTalking => {
            let detail = "nobody has answered and been joined, or the call is ending; send digits while both sides talk";
            conflict("not-talking", "Nobody talks", detail)
        }
        Dialled::NotTaken => {
            let detail = "the far side has not agreed to telephone-event (RFC 4733), and hears digits in the audio alone";
            conflict("digits-not-taken", "The far side takes no digits", detail)
        }
    }
}

fn wish(wish: Wish) -> Result<Place, Malformed> {
    let Wish { from, to, agent_id, ring_s, parameters } = wish;
    let mut place = Place::new(&from, &to)?.telling(parameters)?;
    if let Some(seconds) = ring_s {
        place = place.ringing_for(seconds)?;
    }
    Ok(match agent_id {
        Some(agent) => place.joined_by(agent),
        None => place,
    })
}

fn malformed(malformed: Malformed) -> Problem {
    let Malformed { field, words } = malformed;
    Problem::invalid(field, words)
}

fn ended() -> Problem {
    let detail = "the daemon is stopping, and takes no calls";
    let title = "It takes no calls";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, Refusal::Draining.reason(), title, detail).again(1)
}

/// A call that came to nothing at once: its record says why.
fn refused(record: &CallRecord) -> Problem {
    let reason = record.reason.as_deref().unwrap_or_default();
    let refusal = Refusal::ALL.into_iter().find(|refusal| refusal.reason() == reason);
    let words = record.detail.as_deref().or(refusal.map(Refusal::text));
    let detail = format!("{}; call {}", words.unwrap_or("the call came to nothing"), record.id);
    let (kind, title) = match refusal {
        Some(refusal) => (refusal.reason(), refusal.text()),
        None => ("call-refused", "the call came to nothing"),
    };
    let status = match (refusal, record.sip_status) {
        (Some(Refusal::RateLimited), _) => StatusCode::TOO_MANY_REQUESTS,
        (_, Some(403)) => StatusCode::FORBIDDEN,
        (_, Some(400 | 484)) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, Some(503)) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Some(500..=599)) => StatusCode::BAD_GATEWAY,
        (_, Some(_) | None) => StatusCode::CONFLICT,
    };
    let problem = Problem::new(status, kind, title, detail);
    // A caller who hears 486 tries again when it likes; a program is to be told when.
    let agent_full = (refusal == Some(Refusal::AgentFull)).then_some(AGENT_FULL_S);
    match record.retry_after_s.or(agent_full) {
        Some(seconds) => problem.again(seconds.into()),
        None => problem,
    }
}

/// What `POST /v1/calls` takes.
pub(crate) fn new_call() -> Value {
    let number = || json!({ "type": "string", "minLength": 1, "maxLength": 128 });
    json!({
        "type": "object",
        "required": ["from", "to"],
        "additionalProperties": false,
        "properties": {
            "from": { "description": "The calling number: one of ours.", "type": "string", "minLength": 1, "maxLength": 128 },
            "to": number(),
            "agent_id": { "type": ["string", "null"], "description": "The agent that joins on answer; else the number's, else the default one." },
            "ring_s": { "type": ["integer", "null"], "minimum": 1, "maximum": Place::LONGEST_RING_S, "description": "Given up after so long; else after limits.ring_s." },
            "parameters": {
                "type": "object",
                "maxProperties": 32,
                "propertyNames": { "minLength": 1, "maxLength": 64 },
                "additionalProperties": { "type": "string", "maxLength": 1024 },
                "description": "Among the customParameters of the agent's stream.",
            },
        },
    })
}

/// What `POST /v1/calls/{id}/dtmf` takes.
pub(crate) fn digits() -> Value {
    json!({
        "type": "object",
        "required": ["digits"],
        "additionalProperties": false,
        "properties": { "digits": { "type": "string", "pattern": format!("^[0-9*#A-Da-d]{{1,{}}}$", Digits::MOST) } },
    })
}

const AGENT_FULL_S: u32 = 5;
pub(crate) const PATH: &str = "/v1/calls";
