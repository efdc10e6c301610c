//! What there is to ask for, and whom it is asked of.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use b2bua::CallRecord;
use b2bua::ask::{Dialled, Digits, Place};
use numbers::Secret;
use store::Store;
use tokio::sync::mpsc;
use tokio::time::timeout;
use witness::{Archive, Metrics};

use crate::access::{Buckets, Known};
use crate::drain::Drain;
use crate::events::{self, Events};
use crate::health::Health;
use crate::operations;
use crate::problem::Problem;

/// An answer that is waited for.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The calls that are up.
pub trait Live: Send + Sync {
    /// The records, as they stand, of two calls at most whose id begins so.
    fn calls(&self, id: String) -> Answering<'_, Vec<CallRecord>>;
    /// The records, as they stand, of so many calls at most, by id, behind `after`.
    fn page(&self, after: String, limit: usize) -> Answering<'_, Vec<CallRecord>>;
    /// Ends the call of this id, and says whether there was one.
    fn hangup(&self, id: String) -> Answering<'_, bool>;
    /// Starts a call of our own. Its record as it stands; `None` where no calls are taken any more.
    fn place(&self, place: Place) -> Answering<'_, Option<CallRecord>>;
    /// Sends digits to whoever an agent talks with; `None` where there are no calls any more.
    fn dial(&self, id: String, digits: Digits) -> Answering<'_, Option<Dialled>>;
}

/// Which secrets may be named over HTTP.
pub trait CheckSecret: Send + Sync + std::fmt::Debug {
    /// Whether this one may be, and can be had.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, secret: &Secret) -> Result<(), String>;
}

/// Where the answers come from.
#[derive(Debug)]
pub struct Sources {
    /// What is owned, the keys, and the records of the calls that were.
    pub store: Store,
    /// The calls that are.
    pub live: Arc<dyn Live>,
    /// The traces, if any are kept.
    pub archive: Option<Archive>,
    /// All that is counted.
    pub metrics: Arc<Metrics>,
    /// Whether calls are taken.
    pub health: Arc<Health>,
    /// Who lets the node drain.
    pub drains: mpsc::Sender<Drain>,
    /// What happens.
    pub events: Events,
    /// An object with a secret that may not be named, or can't be had, is refused.
    pub secrets: Arc<dyn CheckSecret>,
    /// How often each key and each address may ask.
    pub requests_a_second: u32,
}

/// What every request is answered from.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) live: Arc<dyn Live>,
    pub(crate) archive: Option<Archive>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) health: Arc<Health>,
    pub(crate) drains: mpsc::Sender<Drain>,
    pub(crate) events: Events,
    pub(crate) secrets: Arc<dyn CheckSecret>,
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) known: Arc<Known>,
}

impl From<Sources> for Api {
    fn from(sources: Sources) -> Self {
        let Sources { store, live, archive, metrics, health, drains, events, secrets, requests_a_second } =
            sources;
        let buckets = Arc::new(Buckets::new(requests_a_second));
        let known = Arc::default();
        Self { store, live, archive, metrics, health, drains, events, secrets, buckets, known }
    }
}

impl Api {
    pub(crate) fn router(self) -> Router {
        let routes = operations::all()
            .into_iter()
            .fold(Router::new(), |router, operation| operation.route(router, &self));
        routes
            .fallback(async || Problem::no_path())
            .method_not_allowed_fallback(async || Problem::no_method())
            .layer(middleware::from_fn_with_state(self.clone(), timely))
            .with_state(self)
    }

    /// Makes events of the changes in the store, for ever.
    pub(crate) async fn follow(&self) {
        events::follow(self.store.clone(), self.events.clone()).await;
    }
}

impl std::fmt::Debug for dyn Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

/// Every request is answered in time, and counted.
async fn timely(State(api): State<Api>, request: Request, next: Next) -> Response {
    let answered = timeout(ANSWER, next.run(request)).await;
    let response = answered.unwrap_or_else(|_| Problem::too_slow().into_response());
    api.metrics.answered(response.status().as_u16());
    response
}

/// How long the store is waited for where there is a way without it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(10);
