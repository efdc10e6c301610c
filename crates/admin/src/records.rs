//! The calls that were, newest first, those that are asked for.

use axum::extract::State;
use axum::response::Response;
use b2bua::record::{CallDirection, CallStatus, Word};
use numbers::{Agent, Number, Trunk};
use store::{Cursor, Filter, State as Stage};

use crate::api::Api;
use crate::calls;
use crate::objects::Owned;
use crate::problem::Problem;
use crate::query::Query;

/// `GET /v1/records`.
pub(crate) async fn list(State(api): State<Api>, query: Query) -> Result<Response, Problem> {
    let limit = query.limit()?;
    let before = query.cursor()?.map(|cursor| place(&cursor.0)).transpose()?;
    let one = |name: &str, is_id: fn(&str) -> bool| match query.text(name) {
        Some(text) if !is_id(text) => {
            Err(Problem::query(name, "expected an id, as its list has it (`+` is %2B)"))
        }
        text => Ok(text.map(str::to_owned)),
    };
    let moment = |name: &str| {
        query.value::<u32>(name, "seconds since 1970").map(|at| at.map(|at| u64::from(at) * 1_000))
    };
    let filter = Filter {
        number: one("number", Number::is_id)?,
        trunk_id: one("trunk_id", Trunk::is_id)?,
        agent_id: one("agent_id", Agent::is_id)?,
        direction: query.text("direction").map(direction).transpose()?,
        state: query.text("status").map(status).transpose()?,
        since_ms: moment("since")?,
        until_ms: moment("until")?,
    };
    let mut records = api.store.records(&filter, before.as_ref(), limit).await?;
    let last = records.last().map(|last| format!("{}.{}", last.invite_at, last.id));
    let next = crate::answer::next(records.len(), limit, last);
    // Those that are up are told of elsewhere; they count for the page all the same.
    records.retain(|record| record.status.is_some());
    calls::told(&records, 0, next.map(|cursor| cursor.0))
}

fn place(cursor: &str) -> Result<Cursor, Problem> {
    let place = cursor.split_once('.').and_then(|(invite_at, id)| {
        let invite_at = invite_at.parse().ok().filter(|at| *at <= FARTHEST)?;
        Some(Cursor { invite_at, id: id.to_owned() })
    });
    place.ok_or_else(|| Problem::query("cursor", "it is that of another list"))
}

fn direction(text: &str) -> Result<CallDirection, Problem> {
    CallDirection::of(text).ok_or_else(|| {
        Problem::query("direction", format!("expected {}", words::<CallDirection>().join(" or ")))
    })
}

fn status(text: &str) -> Result<Stage, Problem> {
    CallStatus::of(text).map(Stage::Ended).ok_or_else(|| {
        Problem::query("status", format!("expected one of {}", words::<CallStatus>().join(", ")))
    })
}

/// All that may be asked for.
pub(crate) fn words<T: Word>() -> Vec<&'static str> {
    T::ALL.iter().map(|own| own.word()).collect()
}

/// As far as columns go.
const FARTHEST: u64 = i64::MAX as u64;
