//! The listener's loop, and the bounds of a connection.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::access::Peer;
use crate::api::{Api, Sources};
use crate::problem::Problem;
use crate::shares::{Share, Shares};
use crate::tls::Certificates;

/// Answers until it is dropped; by TLS, where there are certificates. Who comes when all seats are taken waits for one; an address
/// that has its share of them is sent away.
pub async fn serve(listener: TcpListener, certificates: Option<Certificates>, sources: Sources) {
    let api = Api::from(sources);
    let router = api.clone().router();
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let shares = Shares::default();
    let mut connections = JoinSet::new();
    connections.spawn(async move { api.follow().await });
    // The seats are never closed.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(share) = shares.take(peer.ip()) else {
                    tracing::debug!(%peer, "an HTTP client has as many connections as it may");
                    continue;
                };
                let guest = Guest { peer: Peer(peer), router: router.clone(), _share: share, _seat: seat };
                drop(connections.spawn(guest.enter(stream, certificates.clone())));
            }
            Err(error) => {
                tracing::debug!(%error, "an HTTP connection could not be taken");
                // It may be that there are no more files to open: that passes.
                sleep(BREATH).await;
            }
        }
    }
}

/// A longer life for the connection of a request whose answer has no end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lease(Arc<AtomicBool>);

impl Lease {
    /// The answer ends by itself.
    pub(crate) fn extend(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_extended(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<S: Sync> FromRequestParts<S> for Lease {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// One connection.
struct Guest {
    peer: Peer,
    router: Router,
    _share: Share,
    _seat: OwnedSemaphorePermit,
}

impl Guest {
    async fn enter(self, stream: TcpStream, certificates: Option<Certificates>) {
        let Some(certificates) = certificates else { return self.converse(stream).await };
        match timeout(HEADERS, certificates.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, peer = %self.peer.0, "no TLS with an HTTP client"),
            Err(_) => tracing::debug!(peer = %self.peer.0, "an HTTP client was silent in the TLS handshake"),
        }
    }

    async fn converse(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Self { peer, router, _share, _seat } = self;
        let lease = Lease::default();
        let service = {
            let lease = lease.clone();
            service_fn(move |mut request: hyper::Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request.extensions_mut().insert(lease.clone());
                TowerToHyperService::new(router.clone()).call(request.map(Body::new))
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        // What a client does wrong is its own affair.
        if timeout(LIFE, connection.as_mut()).await.is_err() {
            connection.as_mut().graceful_shutdown();
            let rest = if lease.is_extended() { LONGEST_ANSWER } else { LAST_ANSWER };
            timeout(rest, connection).await.ok();
        }
    }
}

const CONNECTIONS: usize = 128;
const LARGEST_HEAD: usize = 16 * 1024;
/// For a request to come in, or to begin at all.
const HEADERS: Duration = Duration::from_secs(10);
/// Of a connection: a client may open another one.
const LIFE: Duration = Duration::from_mins(1);
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// More than a stream of events lasts.
const LONGEST_ANSWER: Duration = Duration::from_mins(62);
const BREATH: Duration = Duration::from_millis(100);
