//! What there is to ask for, and whom it is asked of.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use b2bua::CallRecord;
use store::Store;
use tokio::time::timeout;
use witness::{Archive, Counters};

use crate::problem::Problem;
use crate::{calls, host};

/// The calls that are up.
pub trait Live: Send + Sync {
    /// The records, as they stand, of two calls at most whose id begins so.
    fn calls(&self, id: String) -> Pin<Box<dyn Future<Output = Vec<CallRecord>> + Send + '_>>;
}

/// Where the answers come from.
#[derive(Clone)]
pub struct Api {
    /// Records of the calls that were.
    pub store: Store,
    /// Of those that are.
    pub live: Arc<dyn Live>,
    /// The traces, if any are kept.
    pub archive: Option<Archive>,
    /// What the signalling task counts.
    pub counters: Arc<Counters>,
}

impl Api {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/metrics", get(metrics))
            .route("/v1/calls/{id}", get(calls::show))
            .route("/v1/calls/{id}/trace", get(calls::trace))
            .fallback(async || Problem::no_path())
            .method_not_allowed_fallback(async || Problem::no_method())
            .layer(middleware::from_fn(bounded))
            .with_state(self)
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// Every request: for this host, and answered in time.
async fn bounded(request: Request, next: Next) -> Response {
    if let Err(problem) = host::check(request.headers()) {
        return problem.into_response();
    }
    timeout(ANSWER, next.run(request)).await.unwrap_or_else(|_| Problem::too_slow().into_response())
}

async fn metrics(State(api): State<Api>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, api.counters.prometheus()).into_response()
}

const ANSWER: Duration = Duration::from_secs(10);
