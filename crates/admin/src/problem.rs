//! Errors as RFC 9457 problem documents.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use numbers::Fault;
use serde_json::{Value, json};

/// What was wrong, and what to do. In a box, as most results hold none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem(Box<Told>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Told {
    status: StatusCode,
    /// One word for machines.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// The part of the request that is at fault.
    field: Option<String>,
    /// All that is at fault, where it is more than one thing.
    faults: Vec<Fault>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let (detail, faults) = (detail.into(), Vec::new());
        Self(Box::new(Told { status, kind, title, detail, field: None, faults, header: None }))
    }

    pub(crate) fn of(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The header that it comes with.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        self.0.header.clone()
    }

    pub(crate) fn no_path() -> Self {
        let detail = "GET /openapi.json tells which paths there are";
        Self::new(StatusCode::NOT_FOUND, "path-unknown", "No such resource", detail)
    }

    pub(crate) fn no_method() -> Self {
        let detail = "the Allow header tells which methods this path takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "the answer took too long; try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "The answer took too long", detail).again(1)
    }

    /// A value of the request that can't be taken.
    pub(crate) fn query(field: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "query-malformed", "The query can't be taken", detail).of(field)
    }

    /// A body whose shape or meaning is wrong.
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let title = "The body can't be taken";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "body-invalid", title, detail).of(field)
    }

    pub(crate) fn absent(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", "There is no such thing", detail)
    }

    /// With the seconds after which it may be tried again.
    pub(crate) fn again(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn faulty(faults: Vec<Fault>) -> Self {
        let first = faults.first();
        let field = first.map(|fault| fault.path.clone()).unwrap_or_default();
        let detail = first.map(|fault| format!("{}; {}", fault.message, fault.remedy)).unwrap_or_default();
        let mut problem = Self::invalid(field, detail);
        problem.0.faults = faults;
        problem
    }

    fn document(&self) -> Value {
        let Told { status, kind, title, detail, field, faults, .. } = &*self.0;
        let mut document = json!({
            "type": format!("urn:strowger:problem:{kind}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        });
        if let Some(field) = field {
            document["field"] = field.as_str().into();
        }
        if faults.len() > 1 {
            let told = |fault: &Fault| json!({ "field": fault.path, "detail": format!("{}; {}", fault.message, fault.remedy) });
            document["errors"] = faults.iter().map(told).collect();
        }
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.0.status, kind, self.document().to_string()).into_response();
        if let Some((name, value)) = self.0.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let words = error.to_string();
        let conflict = |kind, title| Self::new(StatusCode::CONFLICT, kind, title, &words);
        match error {
            E::Inventory(faults) => Self::faulty(faults),
            E::Exists { .. } => conflict("exists", "It is there already").of("id"),
            E::Used { .. } => conflict("in-use", "Others need it"),
            E::NotPersonal { .. } => conflict("not-personal", "It needs no verification").of("source"),
            E::Permanent => conflict("permanent", "It can't be removed"),
            E::Changed { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed", "It has been changed", words)
                    .of("If-Match")
            }
            E::Absent { .. } | E::NoKey { .. } => Self::absent(words),
            E::KeyForMore { .. } => {
                Self::new(StatusCode::FORBIDDEN, "scope-too-wide", "The key is for more", words).of("id")
            }
            E::LastKey => conflict("last-key", "It is the last key").of("id"),
            E::Label => Self::invalid("label", words),
            E::IdempotencyFull => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "idempotency-full",
                "Too many idempotency keys",
                words,
            )
            .again(3600),
            E::Url { .. }
            | E::ServerUrl(_)
            | E::Server { .. }
            | E::ServerCertificate { .. }
            | E::Silent
            | E::NodeTaken { .. }
            | E::Spool { .. }
            | E::Copy { .. }
            | E::BackupElsewhere
            | E::BackupExists { .. }
            | E::Missing { .. }
            | E::NoDirectory { .. }
            | E::IsDirectory { .. }
            | E::NotWritable { .. }
            | E::InUse { .. }
            | E::NotADatabase { .. }
            | E::Foreign { .. }
            | E::Newer { .. }
            | E::Row { .. }
            | E::Randomness(_)
            | E::Open { .. }
            | E::Sql(_) => {
                tracing::error!(error = words, "the HTTP API can't use the store");
                let detail = "the store can't be used; the daemon's log says why";
                let title = "The store can't be used";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-failed", title, detail).again(1)
            }
        }
    }
}
