//! `Idempotency-Key`: the same request, sent again, is carried out once and answered as it was the first time.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use store::{Answer, Known, Store};

use crate::access::Caller;
use crate::answer;
use crate::problem::Problem;

/// What an answer is kept as.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

/// Carries it out, unless it was already. `request` is all that makes the request what it is. What was begun is brought to its end,
/// even if nobody waits for it any more: or else the key would say for a day that it is under way.
pub(crate) async fn once(
    store: &Store,
    caller: &Caller,
    headers: &HeaderMap,
    request: &str,
    act: impl Future<Output = Result<Response, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let Some(key) = key(headers)? else { return act.await };
    let (store, owner, request) = (store.clone(), caller.owner().to_owned(), request.to_owned());
    let done = tokio::spawn(async move {
        match store.idempotent(&owner, &key, request.as_bytes()).await? {
            Known::First => {
                let response = act.await.unwrap_or_else(IntoResponse::into_response);
                keep(&store, &owner, &key, response).await
            }
            Known::Answered(answer) => again(answer),
            Known::UnderWay => {
                let detail = "the request with this key is being carried out; ask again for its answer";
                let problem = Problem::new(StatusCode::CONFLICT, "under-way", "Not answered yet", detail);
                Err(problem.of(NAME).again(1))
            }
            Known::Another => {
                let detail = "another request had this key; take a fresh one for each request";
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(Problem::new(status, "idempotency-key-reused", "The key is taken", detail).of(NAME))
            }
        }
    });
    done.await.map_err(|error| answer::unprintable(&error))?
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(NAME) else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        Ok(_) | Err(_) => {
            let detail = format!("expected 1 to {LONGEST} letters, digits and signs, without spaces");
            let title = "This is no idempotency key";
            Err(Problem::new(StatusCode::BAD_REQUEST, "idempotency-key-malformed", title, detail).of(NAME))
        }
    }
}

/// Of a request that failed for our reasons, or is to be tried again, nothing is kept: it may be sent again.
async fn keep(store: &Store, owner: &str, key: &str, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| answer::unprintable(&error))?;
    if parts.status.is_server_error() || parts.headers.contains_key(header::RETRY_AFTER) {
        store.forget(owner, key).await?;
    } else {
        let own =
            |name: &HeaderName| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
        let kept = Kept {
            headers: HEADERS.iter().filter_map(own).collect(),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        };
        let body = serde_json::to_string(&kept).map_err(|error| answer::unprintable(&error))?;
        store.remember(owner, key, &Answer { status: parts.status.as_u16(), body }).await?;
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(answer: Answer) -> Result<Response, Problem> {
    let Answer { status, body } = answer;
    let kept: Kept = serde_json::from_str(&body).map_err(|error| answer::unprintable(&error))?;
    let status = StatusCode::from_u16(status).map_err(|error| answer::unprintable(&error))?;
    let mut response = (status, kept.body).into_response();
    for (name, value) in &kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

pub(crate) const NAME: &str = "Idempotency-Key";
const REPLAYED: &str = "idempotent-replayed";
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
const LONGEST: usize = 255;
const LARGEST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_carried_out_and_answered() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let headers = HeaderMap::from_iter([(NAME.parse().unwrap(), HeaderValue::from_static("k1"))]);
        let (acted, has_acted) = oneshot::channel();
        let act = async move {
            acted.send(()).ok();
            Ok(StatusCode::CREATED.into_response())
        };
        let gone = once(&store, &Caller::Loopback, &headers, "POST /", act).now_or_never();
        assert!(gone.is_none(), "it was answered before it could be dropped: {gone:?}");
        has_acted.await.unwrap();
        let again = || once(&store, &Caller::Loopback, &headers, "POST /", async { Err(Problem::no_path()) });
        let answered = loop {
            match again().await {
                Err(problem) => assert_eq!(problem.status(), StatusCode::CONFLICT, "{problem:?}"),
                Ok(response) => break response,
            }
        };
        assert_eq!(answered.status(), StatusCode::CREATED);
        assert_eq!(answered.headers()[REPLAYED], "true");
    }
}
