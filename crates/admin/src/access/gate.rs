//! What stands before every operation: bounds on how often, a key of the right role, a query that it knows.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::rate::Who;
use super::{Access, Caller, Peer, identity};
use crate::api::Api;
use crate::problem::Problem;
use crate::query::Query;
use crate::{host, twilio};

/// The gate of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) api: Api,
    pub(crate) access: Access,
    /// The names that its query may have.
    pub(crate) query: Vec<&'static str>,
    pub(crate) shape: Shape,
}

/// In which form problems are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// RFC 9457.
    Problem,
    /// As Twilio does.
    Twilio,
}

/// The layer of an operation.
pub(crate) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    match gate.admit(&mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => gate.shape.tell(problem),
    }
}

impl Gate {
    async fn admit(&self, request: &mut Request) -> Result<(), Problem> {
        let Some(peer) = request.extensions().get::<Peer>().copied() else { return Err(Problem::no_path()) };
        self.api.buckets.take(Who::of_address(peer.0.ip()))?;
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            check_origin(request.headers())?;
        }
        let caller = self.caller(request.headers(), peer).await?;
        if let Caller::Key(key) = &caller {
            self.api.buckets.take(Who::Key(key.id.clone()))?;
        }
        self.check(&caller)?;
        let query = Query::parse(request.uri().query().unwrap_or_default(), &self.query)?;
        request.extensions_mut().insert(query);
        request.extensions_mut().insert(caller);
        Ok(())
    }

    /// Whether the caller's role and scope let it do this.
    fn check(&self, caller: &Caller) -> Result<(), Problem> {
        let refused =
            |kind, detail| Err(Problem::new(StatusCode::FORBIDDEN, kind, "The key is not for this", detail));
        if let Access::Role(least, _) = self.access
            && caller.role().is_none_or(|role| role < least)
        {
            return refused("role-too-low", format!("this needs a key of the role {least}, or a higher one"));
        }
        if let (Some(needed), Some(scope)) = (self.access.permission(), caller.scope())
            && !scope.allows(needed)
        {
            return refused(
                "scope-too-narrow",
                format!(
                    "this needs a key with {needed} in its scope, or without a scope; this key is for {scope}"
                ),
            );
        }
        Ok(())
    }

    async fn caller(&self, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
        let is_local =
            peer.0.ip().to_canonical().is_loopback() && !headers.contains_key(header::AUTHORIZATION);
        match self.access {
            Access::Open => Ok(Caller::Nameless),
            Access::Local(_) if is_local => host::check(headers).map(|()| Caller::Nameless),
            Access::Local(_) | Access::Role(..) => identity::identify(&self.api, headers, peer).await,
        }
    }
}

/// A web page of somebody else's must not change things through the browser of whoever looks at it.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own =
        origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    if own.is_some() && own == host {
        return Ok(());
    }
    let detail = "a web page of another origin may change nothing here";
    Err(Problem::new(StatusCode::FORBIDDEN, "origin-refused", "Not from this origin", detail).of("Origin"))
}

impl Shape {
    pub(crate) fn tell(self, problem: Problem) -> Response {
        match self {
            Self::Problem => problem.into_response(),
            Self::Twilio => twilio::told_problem(&problem),
        }
    }
}
