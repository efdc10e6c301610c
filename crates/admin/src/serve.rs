//! The listener's loop, and the bounds of a connection.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::api::Api;

/// Answers until it is dropped. Who comes when all seats are taken waits for one.
pub async fn serve(listener: TcpListener, api: Api) {
    let router = api.router();
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    // The seats are never closed.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, router.clone(), seat))),
            Err(error) => {
                tracing::debug!(%error, "an HTTP connection could not be taken");
                // It may be that there are no more files to open: that passes.
                sleep(BREATH).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router, seat: OwnedSemaphorePermit) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // What a client does wrong is its own affair.
    if timeout(LIFE, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        timeout(LAST_ANSWER, connection).await.ok();
    }
    drop(seat);
}

const CONNECTIONS: usize = 64;
const LARGEST_HEAD: usize = 16 * 1024;
/// For a request to come in, or to begin at all.
const HEADERS: Duration = Duration::from_secs(10);
/// Of a connection: a client may open another one.
const LIFE: Duration = Duration::from_mins(1);
const LAST_ANSWER: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(100);
