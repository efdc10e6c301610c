//! Looking at objects.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use store::{Error, Held, Kind};

use super::view::{View, Viewer};
use super::{Id, Owned};
use crate::answer;
use crate::api::Api;
use crate::etag::{Freshness, freshness};
use crate::problem::Problem;
use crate::query::Query;

/// A page of all of a kind.
pub(crate) async fn list<T: Owned>(State(api): State<Api>, query: Query) -> Result<Response, Problem> {
    let (limit, cursor) = (query.limit()?, query.cursor()?);
    let after = cursor.as_ref().map(|cursor| cursor.0.as_str());
    let held = api.store.list(T::KIND, after, limit).await.map_err(|error| {
        if matches!(error, Error::Absent { .. }) {
            return Problem::query("cursor", "it is that of another list");
        }
        error.into()
    })?;
    let next = answer::next(held.len(), limit, held.last().map(|held| held.object.id()));
    let (mut viewer, mut items) = (Viewer::new(&api.store), Vec::with_capacity(held.len()));
    for held in &held {
        items.push(viewer.view(held).await?.value);
    }
    Ok(answer::page(&items, next.as_ref()))
}

/// One of them.
pub(crate) async fn show<T: Owned>(
    State(api): State<Api>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    fresh(&api, &headers, &find(&api, T::KIND, &id).await?).await
}

/// The settings.
pub(crate) async fn settings(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    fresh(&api, &headers, &find(&api, Kind::Settings, "").await?).await
}

pub(super) async fn find(api: &Api, kind: Kind, id: &str) -> Result<Held, Problem> {
    let found = api.store.object(kind, id).await?;
    found.ok_or_else(|| Problem::absent(format!("no {kind} has the id `{}`", id.escape_debug())))
}

async fn fresh(api: &Api, headers: &HeaderMap, held: &Held) -> Result<Response, Problem> {
    let View { value, tag } = Viewer::new(&api.store).view(held).await?;
    Ok(match freshness(headers, &tag) {
        Freshness::Same => (StatusCode::NOT_MODIFIED, [tag.header()]).into_response(),
        Freshness::Changed => ([tag.header()], answer::document(StatusCode::OK, &value)).into_response(),
    })
}
