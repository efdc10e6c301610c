//! From the head of a request to who sends it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::{Key, Token};
use tokio::time::timeout;

use super::{Caller, Peer};
use crate::api::{Api, PATIENCE};
use crate::host;
use crate::problem::Problem;

/// Who sends this. Without a key: somebody on this machine, as long as there are no keys.
pub(super) async fn identify(api: &Api, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
    if let Some(token) = token(headers)? {
        let key = find(api, &token).await?;
        let key = key.ok_or_else(|| {
            refused("key-unknown", "there is no such key; `strowger key list` shows which there are")
        })?;
        if key.is_expired(now_ms()) {
            return Err(refused("key-expired", "the key has expired; make another with `strowger key add`"));
        }
        return Ok(Caller::Key(Box::new(key)));
    }
    if !peer.0.ip().to_canonical().is_loopback() || !api.store.keys().await?.is_empty() {
        return Err(refused("key-missing", "send a key: Authorization: Bearer KEY"));
    }
    host::check(headers)?;
    Ok(Caller::Loopback)
}

/// The key that this is. Where the store can't say, a key that it has found not long ago: calls can be ended while it is gone.
async fn find(api: &Api, token: &Token) -> Result<Option<Key>, store::Error> {
    let (hash, asked) = (token.hash(), api.known.asked());
    let answer = api.store.find_key(token);
    let found = match api.known.recall(&hash, Instant::now()) {
        None => answer.await?,
        Some(key) => match timeout(PATIENCE, answer).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) if !error.is_transient() => return Err(error),
            Ok(Err(_)) | Err(_) => return Ok(Some(key)),
        },
    };
    api.known.learn(asked, hash, found.as_ref(), Instant::now());
    Ok(found)
}

/// The key that the request shows: `Bearer KEY`, or `Basic` with the key as its password.
fn token(headers: &HeaderMap) -> Result<Option<Token>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed = || refused("key-malformed", "expected Authorization: Bearer KEY");
    let (scheme, credentials) =
        value.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or_else(malformed)?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(Token::from(credentials)));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(credentials).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (_, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Some(Token::from(password)))
}

fn refused(kind: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, kind, "No key that is taken", detail)
        .of("Authorization")
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"strowger\""))
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
