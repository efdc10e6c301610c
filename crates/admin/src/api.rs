//! What there is to ask for, and whom it is asked of.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use b2bua::CallRecord;
use store::Store;
use tokio::sync::mpsc;
use tokio::time::timeout;
use witness::{Archive, Metrics};

use crate::drain::Drain;
use crate::health::Health;
use crate::problem::Problem;
use crate::{calls, drain, health, host};

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
    /// All that is counted.
    pub metrics: Arc<Metrics>,
    /// Whether calls are taken.
    pub health: Arc<Health>,
    /// Who lets the node drain.
    pub drains: mpsc::Sender<Drain>,
}

impl Api {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(health::metrics))
            .route("/v1/drain", post(drain::post))
            .route("/v1/calls/{id}", get(calls::show))
            .route("/v1/calls/{id}/trace", get(calls::trace))
            .fallback(async || Problem::no_path())
            .method_not_allowed_fallback(async || Problem::no_method())
            .layer(middleware::from_fn_with_state(self.clone(), bounded))
            .with_state(self)
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// Every request: for this host, and answered in time.
async fn bounded(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = match host::check(request.headers()) {
        Ok(()) => {
            timeout(ANSWER, next.run(request)).await.unwrap_or_else(|_| Problem::too_slow().into_response())
        }
        Err(problem) => problem.into_response(),
    };
    api.metrics.answered(response.status().as_u16());
    response
}

const ANSWER: Duration = Duration::from_secs(10);
