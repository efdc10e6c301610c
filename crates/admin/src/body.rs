//! The body of a request: of the right kind, of a size, JSON, and without what no text of ours may hold.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::Problem;

/// Reads it whole, if it says that it is one of these kinds.
pub(crate) async fn read(headers: &HeaderMap, body: Body, kinds: &[&str]) -> Result<Vec<u8>, Problem> {
    check_kind(headers, kinds)?;
    whole(body).await
}

fn check_kind(headers: &HeaderMap, kinds: &[&str]) -> Result<(), Problem> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = told.split(';').next().unwrap_or_default().trim();
    if !kinds.iter().any(|fit| fit.eq_ignore_ascii_case(kind)) {
        let detail = format!("send the body as {}", kinds.join(" or "));
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "kind-unsupported",
            "Not this kind of body",
            detail,
        )
        .of("Content-Type"));
    }
    Ok(())
}

async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    to_bytes(body, LARGEST).await.map(Into::into).map_err(|_| {
        let detail = format!("the body did not come whole, or has more than {LARGEST} octets");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    })
}

/// Reads JSON.
pub(crate) async fn json(headers: &HeaderMap, body: Body, kinds: &[&str]) -> Result<Value, Problem> {
    parse(&read(headers, body, kinds).await?)
}

/// The same where nothing may be sent.
pub(crate) async fn optional_json(headers: &HeaderMap, body: Body) -> Result<Option<Value>, Problem> {
    let bytes = whole(body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    check_kind(headers, &[JSON])?;
    parse(&bytes).map(Some)
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "json-malformed", "The body is no JSON", error.to_string())
    })?;
    check_texts("", &value)?;
    Ok(value)
}

/// The value as what it is meant to be, which has members: an array is none, though serde would take its items for members in their order.
pub(crate) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Problem::invalid("", "expected an object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        Problem::invalid(path, error.into_inner().to_string())
    })
}

/// As above, for what can be written as it was read: nothing within it may be an array in the place of members either.
pub(crate) fn typed_throughout<T: DeserializeOwned + Serialize>(value: &Value) -> Result<T, Problem> {
    let made: T = typed(value.clone())?;
    let unprintable = |error: serde_json::Error| Problem::invalid("", error.to_string());
    check_members("", value, &serde_json::to_value(&made).map_err(unprintable)?)?;
    Ok(made)
}

fn check_members(path: &str, sent: &Value, made: &Value) -> Result<(), Problem> {
    match (sent, made) {
        (Value::Array(_), Value::Object(_)) => Err(Problem::invalid(path, "expected an object")),
        (Value::Array(sent), Value::Array(made)) => sent
            .iter()
            .zip(made)
            .enumerate()
            .try_for_each(|(index, (sent, made))| check_members(&format!("{path}[{index}]"), sent, made)),
        (Value::Object(sent), Value::Object(made)) => sent.iter().try_for_each(|(name, sent)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            check_members(&path, sent, made.get(name).unwrap_or(&Value::Null))
        }),
        (_, _) => Ok(()),
    }
}

/// Names and values stand in SIP, in HTTP and in logs: one line each, and no longer than such things are.
fn check_texts(path: &str, value: &Value) -> Result<(), Problem> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check_text(path, text),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_texts(&format!("{path}[{index}]"), item)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            check_text(path, name)?;
            check_texts(&if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, member)
        }),
    }
}

fn check_text(path: &str, text: &str) -> Result<(), Problem> {
    if text.chars().any(|char| char.is_ascii_control()) {
        return Err(Problem::invalid(
            path,
            "a text holds a line end or control character; write it on one line",
        ));
    }
    if text.chars().count() > LONGEST {
        return Err(Problem::invalid(path, format!("a text has more than {LONGEST} characters; shorten it")));
    }
    Ok(())
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
/// Of one text within a body, in characters.
pub(crate) const LONGEST: usize = 4_096;
const LARGEST: usize = 256 * 1024;
