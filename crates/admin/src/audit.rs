//! The audit trail.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::answer;
use crate::api::Api;
use crate::problem::Problem;
use crate::query::Query;

/// `GET /v1/audit`: the oldest entry first.
pub(crate) async fn list(State(api): State<Api>, query: Query) -> Result<Response, Problem> {
    let limit = query.limit()?;
    let after = query.cursor()?.map(|cursor| cursor.0.parse::<u64>()).transpose();
    let after =
        after.map_err(|_| Problem::query("cursor", "it is that of another list"))?.unwrap_or_default();
    let entries = api.store.audit(after, limit).await?;
    let next = answer::next(entries.len(), limit, entries.last().map(|entry| entry.seq.to_string()));
    let items: Result<Vec<Value>, _> = entries.iter().map(serde_json::to_value).collect();
    Ok(answer::page(&items.map_err(|error| answer::unprintable(&error))?, next.as_ref()))
}
