//! Server-sent events: `GET /v1/events`. `Last-Event-ID` goes on where another stream ended; `event: reset` says that what was between
//! is not to be had, so that what is known has to be read anew. A stream ends with the key that it was asked for with.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use store::Store;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};

use super::Events;
use super::ring::{Found, READERS};
use crate::access::Caller;
use crate::api::Api;
use crate::problem::Problem;
use crate::serve::Lease;

/// `GET /v1/events`.
pub(crate) async fn stream(
    State(api): State<Api>,
    caller: Caller,
    lease: Lease,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let events = api.events.clone();
    let seat = events.seat().ok_or_else(|| {
        let detail = format!("{READERS} streams of events are open, which is the most; close one");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "streams-full", "Too many streams", detail).again(30)
    })?;
    lease.extend();
    let count = events.watch();
    let place = match headers.get(LAST_EVENT_ID) {
        None => Some(*count.borrow()),
        Some(id) => id.to_str().ok().and_then(|id| events.place(id)),
    };
    let now = Instant::now();
    let until = now + caller.time_left().map_or(LONGEST, |left| left.min(LONGEST));
    let (store, told) = (api.store, Told::Nothing);
    let reader = Reader { events, count, place, told, store, caller, asked: now, until, _seat: seat };
    let chunks = stream::unfold(reader, async |mut reader| {
        let chunk = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(chunk)), reader))
    });
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from_stream(chunks)).into_response())
}

/// One stream.
struct Reader {
    events: Events,
    count: watch::Receiver<u64>,
    /// None: of another run, or garbled.
    place: Option<u64>,
    told: Told,
    store: Store,
    caller: Caller,
    /// When it was last looked up whether the caller is still known.
    asked: Instant,
    until: Instant,
    _seat: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Something,
}

impl Reader {
    /// What is sent next; none at the end.
    async fn next(&mut self) -> Option<String> {
        if self.told == Told::Nothing {
            self.told = Told::Something;
            return Some(format!("retry: {RETRY_MS}\n\n"));
        }
        loop {
            let now = Instant::now();
            if now >= self.until || (now >= self.asked + UNASKED && !self.is_known().await) {
                return None;
            }
            self.count.mark_unchanged();
            let found = match self.place {
                None => Found::Missed(*self.count.borrow()),
                Some(place) => self.events.read(place, BATCH),
            };
            match found {
                Found::Missed(next) => {
                    self.place = Some(next);
                    return Some(format!("event: reset\nid: {}\ndata: {{}}\n\n", self.events.id(next)));
                }
                Found::Events(events, next) if !events.is_empty() => {
                    self.place = Some(next);
                    let first = next - events.len() as u64;
                    let mut text = String::new();
                    for (place, event) in (first + 1..).zip(&events) {
                        let (name, id, data) = (event.name(), self.events.id(place), event.data());
                        // A text takes whatever is written to it, and JSON is one line.
                        write!(text, "event: {name}\nid: {id}\ndata: {data}\n\n").ok()?;
                    }
                    return Some(text);
                }
                Found::Events(..) => {}
            }
            match timeout_at(self.until.min(now + SILENCE), self.count.changed()).await {
                Ok(Ok(())) => {}
                Err(_) if self.is_known().await => return Some(":\n\n".to_owned()),
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// May the caller still hear this? Not if that can't be said: it comes again, and is told why.
    async fn is_known(&mut self) -> bool {
        self.asked = Instant::now();
        match self.caller.is_known(&self.store).await {
            Ok(is_known) => is_known,
            Err(error) => {
                tracing::warn!(%error, "a stream of events ends: its key can't be looked up");
                false
            }
        }
    }
}

const LAST_EVENT_ID: &str = "last-event-id";
/// After which a client that lost its stream comes again.
const RETRY_MS: u64 = 2_000;
const BATCH: usize = 64;
/// Without a word; then a comment keeps the connection open.
const SILENCE: Duration = Duration::from_secs(15);
/// For so long events go out without another look at the key.
const UNASKED: Duration = Duration::from_mins(1);
/// Of one stream; a client goes on with another one.
const LONGEST: Duration = Duration::from_hours(1);
