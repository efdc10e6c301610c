//! `POST /v1/numbers/{id}/verify`: who may show a personal number says that its owner was asked.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use store::{Expect, Kind};

use super::change::told;
use super::view::Viewer;
use super::{Id, read};
use crate::access::Caller;
use crate::api::Api;
use crate::etag;
use crate::problem::Problem;

pub(crate) async fn verify(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let held = read::find(&api, Kind::Number, &id).await?;
    etag::check(&headers, Some(&Viewer::new(&api.store).view(&held).await?.tag))?;
    let is_bound = headers.contains_key(header::IF_MATCH);
    let expect = if is_bound { Expect::Etag(held.etag) } else { Expect::Any };
    let (number, stored) = api.store.verify(&caller.actor(), &id, expect).await?;
    told(&api.store, number, stored, None).await
}
