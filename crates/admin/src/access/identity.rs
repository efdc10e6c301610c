//! From the head of a request to who sends it.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::{Store, Token};

use super::{Caller, Peer};
use crate::host;
use crate::problem::Problem;

/// Who sends this. Without a key: somebody on this machine, as long as there are no keys.
pub(super) async fn identify(store: &Store, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
    if let Some(token) = token(headers)? {
        let key = store.find_key(&token).await?;
        let key = key.ok_or_else(|| {
            refused("key-unknown", "there is no such key; `strowger key list` shows which there are")
        })?;
        if key.is_expired(now_ms()) {
            return Err(refused("key-expired", "the key has expired; make another with `strowger key add`"));
        }
        return Ok(Caller::Key(Box::new(key)));
    }
    if !peer.0.ip().to_canonical().is_loopback() || !store.keys().await?.is_empty() {
        return Err(refused("key-missing", "send a key: Authorization: Bearer KEY"));
    }
    host::check(headers)?;
    Ok(Caller::Loopback)
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
