//! Calls: those that are up, those that were, one of them with its trace, and its end.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use b2bua::CallRecord;
use serde_json::{Value, json};
use tokio::time::timeout;
use witness::{Archive, Item, Leg, Trace, ladder};

use crate::access::Caller;
use crate::answer;
use crate::api::{Api, PATIENCE};
use crate::objects::Id;
use crate::problem::Problem;
use crate::query::Query;

/// `GET /v1/calls`: those that are up, by id.
pub(crate) async fn list(State(api): State<Api>, query: Query) -> Result<Response, Problem> {
    let limit = query.limit()?;
    let after = query.cursor()?.map(|cursor| cursor.0).unwrap_or_default();
    let records = api.live.page(after, limit as usize).await;
    told(&records, limit, records.last().map(|record| record.id.clone()))
}

/// A page of records.
pub(crate) fn told(records: &[CallRecord], limit: u32, last: Option<String>) -> Result<Response, Problem> {
    let next = answer::next(records.len(), limit, last);
    let items: Result<Vec<Value>, _> = records.iter().map(serde_json::to_value).collect();
    Ok(answer::page(&items.map_err(|error| answer::unprintable(&error))?, next.as_ref()))
}

/// `GET /v1/calls/{id}`.
pub(crate) async fn show(State(api): State<Api>, Id(id): Id, caller: Caller) -> Result<Response, Problem> {
    answer::of(StatusCode::OK, &find(&api, &caller, &id).await?)
}

/// `POST /v1/calls/{id}/hangup`.
pub(crate) async fn hangup(State(api): State<Api>, Id(id): Id, caller: Caller) -> Result<Response, Problem> {
    let record = find(&api, &caller, &id).await?;
    if record.status.is_some() {
        return Err(ended(&record.id));
    }
    if !api.live.hangup(record.id.clone()).await {
        return Err(not_here(&api, &record.id).await);
    }
    answer::of(StatusCode::ACCEPTED, &record)
}

/// `GET /v1/calls/{id}/trace`, as JSON or, with `?format=ladder`, drawn.
pub(crate) async fn trace(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    query: Query,
) -> Result<Response, Problem> {
    let drawn = match query.text("format") {
        None | Some("json") => Drawn::Json,
        Some("ladder") => Drawn::Ladder,
        Some(other) => {
            let detail = format!("there is no format `{}`; ask for json or ladder", other.escape_debug());
            return Err(Problem::new(StatusCode::BAD_REQUEST, "format-unknown", "No such format", detail)
                .of("format"));
        }
    };
    let record = find(&api, &caller, &id).await?;
    let archive = api.archive.as_ref().ok_or_else(|| {
        let detail = "no traces are kept: trace.calls is 0; set it, such as trace.calls = 1000, and restart";
        Problem::new(StatusCode::NOT_FOUND, "trace-off", "No traces are kept", detail)
    })?;
    let call_ids = [Some(&record.sip_call_id_a), record.sip_call_id_b.as_ref()];
    let trace = archive
        .find(call_ids.into_iter().flatten().map(String::as_str))
        .ok_or_else(|| gone(archive, &record))?;
    Ok(match drawn {
        Drawn::Json => answer::document(StatusCode::OK, &items(&trace)),
        Drawn::Ladder => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], ladder::draw(&trace)).into_response()
        }
    })
}

enum Drawn {
    Json,
    Ladder,
}

/// The one call whose id is, or begins with, this. Those that have ended are records, which a key may not be for.
pub(crate) async fn find(api: &Api, caller: &Caller, id: &str) -> Result<CallRecord, Problem> {
    if !(SHORTEST_ID..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let detail = format!(
            "the id of a call is {LONGEST_ID} hex digits, of which the first {SHORTEST_ID} or more will do"
        );
        return Err(
            Problem::new(StatusCode::BAD_REQUEST, "id-malformed", "This is no id of a call", detail).of("id")
        );
    }
    let id = id.to_ascii_lowercase();
    let mut found = api.live.calls(id.clone()).await;
    for record in stored(api, &id, &found).await? {
        if found.iter().all(|live| live.id != record.id) {
            found.push(record);
        }
    }
    found.retain(|record| record.status.is_none() || caller.sees_records());
    match (found.pop(), found.is_empty()) {
        (Some(record), true) => Ok(record),
        (Some(_), false) => {
            let detail = format!("more than one call has an id that begins with {id}; give more of it");
            Err(Problem::new(StatusCode::CONFLICT, "id-ambiguous", "More than one call", detail).of("id"))
        }
        (None, _) => {
            let detail = format!("no call has the id {id}; `strowger call list` shows the latest");
            Err(Problem::new(StatusCode::NOT_FOUND, "call-unknown", "No such call", detail).of("id"))
        }
    }
}

/// Those that the store knows, beside those that are up here: what is up can be ended while the store can't be asked.
async fn stored(api: &Api, id: &str, up: &[CallRecord]) -> Result<Vec<CallRecord>, Problem> {
    if up.iter().any(|record| record.id == id) {
        return Ok(Vec::new());
    }
    let answer = api.store.calls_beginning(id, 2);
    if up.is_empty() {
        return Ok(answer.await?);
    }
    match timeout(PATIENCE, answer).await {
        Ok(Ok(stored)) => Ok(stored),
        Ok(Err(error)) if !error.is_transient() => Err(error.into()),
        Ok(Err(_)) | Err(_) => Ok(Vec::new()),
    }
}

/// Why a call that was found is not up here.
pub(crate) async fn not_here(api: &Api, id: &str) -> Problem {
    match elsewhere(api, id).await {
        Ok(Some(problem)) | Err(problem) => problem,
        Ok(None) => ended(id),
    }
}

/// That the call of this id is up at another daemon, if it is.
pub(crate) async fn elsewhere(api: &Api, id: &str) -> Result<Option<Problem>, Problem> {
    Ok(api.store.elsewhere(id).await?.map(|node| {
        let detail = format!(
            "the call {id} is up at the node `{}`, and can be changed there alone: ask its daemon",
            node.escape_debug()
        );
        Problem::new(StatusCode::CONFLICT, "call-elsewhere", "The call is at another node", detail).of("id")
    }))
}

pub(crate) fn ended(id: &str) -> Problem {
    let detail = format!("the call {id} has ended");
    Problem::new(StatusCode::CONFLICT, "call-ended", "The call has ended", detail).of("id")
}

fn gone(archive: &Archive, record: &CallRecord) -> Problem {
    let bounds = archive.bounds();
    let (calls, memory_mb) = (bounds.calls, bounds.bytes >> 20);
    let detail = format!(
        "the trace of call {} is not kept, or not any more: those of the latest {calls} calls are, in {memory_mb} MB, since \
         the daemon started; to keep more, raise trace.calls or trace.memory_mb",
        record.id
    );
    Problem::new(StatusCode::NOT_FOUND, "trace-gone", "The trace is not kept", detail)
}

fn items(trace: &Trace) -> Value {
    let items: Vec<Value> = trace.items.iter().map(item).collect();
    json!({ "items": items, "next_cursor": null, "not_kept": trace.not_kept })
}

fn item(item: &Item) -> Value {
    json!({
        "at_us": item.at_us,
        "leg": match item.leg { Leg::A => "a", Leg::B => "b" },
        "direction": item.direction.word(),
        "transport": item.transport.to_string(),
        "local": item.local.to_string(),
        "remote": item.remote.to_string(),
        "text": String::from_utf8_lossy(&item.message),
    })
}

const SHORTEST_ID: usize = 6;
const LONGEST_ID: usize = 32;
