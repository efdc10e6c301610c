//! Errors as RFC 9457 problem documents.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What was wrong, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    /// One word for machines.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// The part of the request that is at fault.
    field: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, kind, title, detail: detail.into(), field: None }
    }

    pub(crate) fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    pub(crate) fn no_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "path-unknown", "No such resource", PATHS)
    }

    pub(crate) fn no_method() -> Self {
        let detail = "everything here is read with GET, but /v1/drain, which takes POST";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "the answer took too long; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "The answer took too long", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, kind, title, detail, field } = self;
        let mut document = json!({
            "type": format!("urn:strowger:problem:{kind}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        });
        if let Some(field) = field {
            document["field"] = field.into();
        }
        (status, [(header::CONTENT_TYPE, "application/problem+json")], document.to_string()).into_response()
    }
}

const PATHS: &str = "there are /v1/calls/{id}, /v1/calls/{id}/trace, /v1/calls/{id}/trace?format=ladder, /v1/drain, /metrics, /healthz and /readyz";
