//! Answers that are no problems.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cursor::Cursor;
use crate::problem::Problem;

/// A JSON document.
pub(crate) fn document(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// The same of anything that serialises.
pub(crate) fn of(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    serde_json::to_value(value).map(|value| document(status, &value)).map_err(|error| unprintable(&error))
}

/// A page of a list; `next` is there if there may be another one.
pub(crate) fn page(items: &[Value], next: Option<&Cursor>) -> Response {
    document(StatusCode::OK, &json!({ "items": items, "next_cursor": next.map(ToString::to_string) }))
}

/// The next page's cursor, of a page that is full.
pub(crate) fn next(count: usize, limit: u32, last: Option<String>) -> Option<Cursor> {
    last.filter(|_| count >= limit as usize).map(Cursor)
}

/// Where what was made is found.
pub(crate) fn location(path: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((header::LOCATION, HeaderValue::from_str(path).ok()?))
}

pub(crate) fn unprintable(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "an answer can't be written as JSON");
    let detail = "the answer can't be written as JSON; the daemon's log says why";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unprintable", "The answer can't be told", detail)
}
