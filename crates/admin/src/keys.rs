//! API keys: made, told of, taken back.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Key, NewKey, Permission, Role, Scope};

use crate::access::Caller;
use crate::access::identity::now_ms;
use crate::answer;
use crate::api::Api;
use crate::body::{JSON, json, typed};
use crate::objects::Id;
use crate::problem::Problem;
use crate::query::Query;

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct Wanted {
    /// Whose it is, for people.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    label: String,
    /// What it is let do.
    #[schema(schema_with = role_schema)]
    role: Role,
    /// What of that it is for; all if absent. What may be changed may be looked at too.
    #[schema(schema_with = scope_schema)]
    scope: Option<Scope>,
    /// Until when it is taken, in milliseconds since 1970; for ever if absent.
    #[schema(maximum = 9_007_199_254_740_991u64)]
    expires_at: Option<u64>,
}

/// A key, with what it is: told once.
#[derive(Debug, Serialize)]
struct Made {
    #[serde(flatten)]
    key: Key,
    token: String,
}

/// `GET /v1/keys`.
pub(crate) async fn list(State(api): State<Api>, query: Query) -> Result<Response, Problem> {
    let (limit, cursor) = (query.limit()?, query.cursor()?);
    let mut keys = api.store.keys().await?;
    keys.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    keys.retain(|key| cursor.as_ref().is_none_or(|cursor| key.id > cursor.0));
    keys.truncate(limit as usize);
    let next = answer::next(keys.len(), limit, keys.last().map(|key| key.id.clone()));
    let items: Result<Vec<Value>, _> = keys.iter().map(serde_json::to_value).collect();
    Ok(answer::page(&items.map_err(|error| answer::unprintable(&error))?, next.as_ref()))
}

/// `GET /v1/keys/{id}`.
pub(crate) async fn show(State(api): State<Api>, Id(id): Id) -> Result<Response, Problem> {
    let key = api.store.keys().await?.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| Problem::absent(format!("no key has the id `{}`", id.escape_debug())))?;
    answer::of(StatusCode::OK, &key)
}

/// `POST /v1/keys`.
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Wanted { label, role, scope, expires_at } = typed(json(&headers, body, &[JSON]).await?)?;
    if expires_at.is_some_and(|at| at <= now_ms() || at > FARTHEST) {
        let detail = "expected a moment to come, in milliseconds since 1970";
        return Err(Problem::new(StatusCode::CONFLICT, "expired", "The key would have expired", detail)
            .of("expires_at"));
    }
    if let Some(end) = caller.key().and_then(|own| own.expires_at)
        && expires_at.is_none_or(|at| at > end)
    {
        let detail = format!("a key that is taken until {end} makes no key that is taken longer");
        let title = "The key would be taken longer";
        return Err(Problem::new(StatusCode::FORBIDDEN, "expires-too-late", title, detail).of("expires_at"));
    }
    if let Some(own) = caller.scope()
        && scope.as_ref().is_none_or(|wanted| !own.holds(wanted))
    {
        let detail = format!("a key that is for {own} makes no key that is for more");
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "scope-too-wide",
            "The key would be for more",
            detail,
        )
        .of("scope"));
    }
    let wanted = NewKey { label, role, scope, expires_at };
    let (key, token) = api.store.add_key(&caller.actor(), wanted).await?;
    let location = answer::location(&format!("/v1/keys/{}", key.id));
    let mut response = answer::of(StatusCode::CREATED, &Made { key, token: token.reveal().to_owned() })?;
    response.headers_mut().extend(location);
    Ok(response)
}

/// `DELETE /v1/keys/{id}`.
pub(crate) async fn remove(State(api): State<Api>, Id(id): Id, caller: Caller) -> Result<Response, Problem> {
    let actor = caller.actor();
    let gone = match caller.key() {
        Some(own) => api.store.remove_key_by(&actor, &id, own).await?,
        None => api.store.remove_key(&actor, &id).await?,
    };
    api.known.forget(&gone.id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) fn role_schema() -> utoipa::openapi::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(Role::ALL.map(Role::word)))
        .build()
}

pub(crate) fn scope_schema() -> utoipa::openapi::schema::Array {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
    let words = Permission::ALL.map(|permission| permission.to_string());
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build();
    let types = SchemaType::from_iter([Type::Array, Type::Null]);
    ArrayBuilder::new().schema_type(types).items(word).min_items(Some(1)).build()
}

/// As far as JSON numbers are whole for every reader.
const FARTHEST: u64 = (1 << 53) - 1;
