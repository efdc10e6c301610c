//! Changing objects. What is there is looked at first: for the conditions of the request, for the secrets that stay, for what a
//! patch is applied to. The change is then made of just that, and tried again where somebody else was faster.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use numbers::Settings;
use serde_json::Value;
use store::{Error, Expect, Held, Kind, Object, Store, Stored};

use super::verify::{withdraw, withdraws};
use super::view::{View, Viewer, WARNINGS, whole};
use super::{Id, Owned, Written, read};
use crate::access::Caller;
use crate::api::Api;
use crate::body::{JSON, MERGE_PATCH, json, typed_throughout};
use crate::merge::merge;
use crate::problem::Problem;
use crate::{answer, etag, idempotency, secrets};

/// Makes one; there must be none of its id. The same request with an `Idempotency-Key` makes it once.
pub(crate) async fn create<T: Owned>(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut sent = json(&headers, body, &[JSON]).await?;
    let request = format!("POST {} {sent}", T::PATH);
    let (store, actor, named) = (api.store.clone(), caller.actor(), Arc::clone(&api.secrets));
    let act = async move {
        unwarned(&mut sent);
        secrets::restore(&mut sent, None)?;
        let object: Object = typed_throughout::<T>(&sent)?.into();
        object.check_secrets(None, |secret| named.check(secret))?;
        let (object, stored) = store.put(&actor, object, Expect::New).await?;
        told(&store, object, stored, Some(T::PATH)).await
    };
    idempotency::once(&api.store, &caller, &headers, &request, act).await
}

/// Puts one in the place of another, or where there is none.
pub(crate) async fn replace<T: Owned>(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent = json(&headers, body, &[JSON]).await?;
    let place = Place::of::<T>(&id)?;
    let (object, stored) = place.change::<T>(&api, &caller, &headers, &sent, |_| Ok(sent.clone())).await?;
    told(&api.store, object, stored, Some(T::PATH)).await
}

/// Changes some members of one (RFC 7396).
pub(crate) async fn patch<T: Owned>(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent = json(&headers, body, &[MERGE_PATCH, JSON]).await?;
    let place = Place::of::<T>(&id)?;
    let patched = |held: Option<&Value>| {
        let held = held.ok_or_else(|| place.absent())?;
        Ok(patched_by(&sent, held.clone()))
    };
    let (object, stored) = place.change::<T>(&api, &caller, &headers, &sent, patched).await?;
    told(&api.store, object, stored, None).await
}

/// Removes one that nothing names.
pub(crate) async fn remove<T: Owned>(
    State(api): State<Api>,
    Id(id): Id,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let held = read::find(&api, T::KIND, &id).await?;
    etag::check(&headers, Some(&Viewer::new(&api.store).view(&held).await?.tag))?;
    let is_bound = headers.contains_key(header::IF_MATCH);
    let expect = if is_bound { Expect::Etag(held.etag) } else { Expect::Any };
    api.store.remove(&caller.actor(), T::KIND, &id, expect).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Puts settings in the place of others.
pub(crate) async fn replace_settings(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent = json(&headers, body, &[JSON]).await?;
    let same = |_: Option<&Value>| Ok(sent.clone());
    let (object, stored) = SETTINGS.change::<Settings>(&api, &caller, &headers, &sent, same).await?;
    told(&api.store, object, Stored { is_new: false, ..stored }, None).await
}

/// Changes some of the settings (RFC 7396).
pub(crate) async fn patch_settings(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent = json(&headers, body, &[MERGE_PATCH, JSON]).await?;
    let patched = |held: Option<&Value>| Ok(patched_by(&sent, held.cloned().unwrap_or_default()));
    let (object, stored) = SETTINGS.change::<Settings>(&api, &caller, &headers, &sent, patched).await?;
    told(&api.store, object, Stored { is_new: false, ..stored }, None).await
}

/// Where a change goes.
#[derive(Clone, Copy)]
struct Place<'a> {
    kind: Kind,
    id: &'a str,
    /// The member that has to be the id.
    id_name: Option<&'static str>,
}

const SETTINGS: Place<'static> = Place { kind: Kind::Settings, id: "", id_name: None };

impl<'a> Place<'a> {
    /// Where there may be one of this id.
    fn of<T: Owned>(id: &'a str) -> Result<Self, Problem> {
        let place = Self { kind: T::KIND, id, id_name: Some(T::ID) };
        if T::is_id(id) { Ok(place) } else { Err(place.absent()) }
    }

    /// Makes what is there into what `wanted` says, which comes of what was sent.
    async fn change<T: Written>(
        self,
        api: &Api,
        caller: &Caller,
        headers: &HeaderMap,
        sent: &Value,
        wanted: impl Fn(Option<&Value>) -> Result<Value, Problem>,
    ) -> Result<(Object, Stored), Problem> {
        let mut tries = TRIES;
        loop {
            let held = api.store.object(self.kind, self.id).await?;
            let tag = match &held {
                Some(held) => Some(Viewer::new(&api.store).view(held).await?.tag),
                None => None,
            };
            etag::check(headers, tag.as_ref())?;
            let held_value = held.as_ref().map(|held| whole(&held.object)).transpose()?;
            let mut value = wanted(held_value.as_ref())?;
            self.check_id(&value)?;
            unwarned(&mut value);
            let is_withdrawn = T::KIND == Kind::Number && withdraws(sent, held_value.as_ref());
            if is_withdrawn {
                withdraw(&mut value, sent);
            }
            let kept = secrets::restore(&mut value, held_value.as_ref())?;
            let object: Object = typed_throughout::<T>(&value)?.into();
            let before = held.as_ref().map(|held| &held.object);
            if before.is_some_and(|before| object.leads_elsewhere(before)) {
                kept.check_stays()?;
            }
            object.check_secrets(before, |secret| api.secrets.check(secret))?;
            let expect = held.map_or(Expect::New, |held| Expect::Etag(held.etag));
            let stored = if is_withdrawn {
                api.store.put_unverified(&caller.actor(), object, expect).await
            } else {
                api.store.put(&caller.actor(), object, expect).await
            };
            match stored {
                Ok(stored) => return Ok(stored),
                Err(Error::Changed { .. } | Error::Exists { .. } | Error::Absent { .. }) if tries > 0 => {
                    tries -= 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn check_id(self, value: &Value) -> Result<(), Problem> {
        let Some(name) = self.id_name else { return Ok(()) };
        match value.get(name).and_then(Value::as_str) {
            Some(id) if id != self.id => {
                let detail = format!(
                    "the body is of `{}`, the path of `{}`",
                    id.escape_debug(),
                    self.id.escape_debug()
                );
                Err(Problem::new(StatusCode::CONFLICT, "id-mismatch", "Not the id of the path", detail)
                    .of(name))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn absent(self) -> Problem {
        Problem::absent(format!("no {} has the id `{}`", self.kind, self.id.escape_debug()))
    }
}

/// The object as it is from now on; with the list that it is in, where it is new.
pub(super) async fn told(
    store: &Store,
    object: Object,
    stored: Stored,
    list: Option<&str>,
) -> Result<Response, Problem> {
    let id = object.id();
    let held = Held { object, etag: stored.etag };
    let View { value, tag } = Viewer::new(store).view(&held).await?;
    let status = if stored.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = ([tag.header()], answer::document(status, &value)).into_response();
    let location = list.filter(|_| stored.is_new).and_then(|list| answer::location(&format!("{list}/{id}")));
    response.headers_mut().extend(location);
    Ok(response)
}

fn patched_by(patch: &Value, held: Value) -> Value {
    // As it is shown, so that it is known which secrets are kept.
    let mut shown = held;
    secrets::hide(&mut shown);
    let mut patched = merge(shown, patch.clone());
    secrets::replace(&mut patched, patch);
    patched
}

/// A number may be sent back as it was shown.
fn unwarned(value: &mut Value) {
    if let Some(members) = value.as_object_mut().filter(|members| members.contains_key("e164")) {
        members.remove(WARNINGS);
    }
}

/// How often somebody else may be faster.
const TRIES: u32 = 5;
