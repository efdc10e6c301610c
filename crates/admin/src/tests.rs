//! The API on a real socket, asked by our own client and by hand.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use b2bua::CallRecord;
use serde_json::Value;
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use witness::{Archive, Bounds, Metrics};

use super::*;

struct NoCalls;

impl Live for NoCalls {
    fn calls(&self, _id: String) -> Pin<Box<dyn Future<Output = Vec<CallRecord>> + Send + '_>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

async fn started() -> SocketAddr {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let bounds = Bounds { calls: 1, messages_per_call: 1, bytes: 1 << 20 };
    let api = Api {
        store: Store::open("sqlite::memory:").await.unwrap(),
        live: Arc::new(NoCalls),
        archive: Some(Archive::new(bounds)),
        metrics: Arc::new(Metrics::new("0", Arc::default())),
        health: Arc::default(),
        drains: drains().0,
    };
    tokio::spawn(serve(listener, api));
    address
}

async fn by_hand(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let url = Url::from(started().await);
    for (path, status, kind) in [
        ("/v1/calls/abcdef12", 404, "call-unknown"),
        ("/v1/calls/abcdef12/trace", 404, "call-unknown"),
        ("/v1/calls/abcdef12/trace?format=svg", 400, "format-unknown"),
        ("/v1/calls/abc", 400, "id-malformed"),
        ("/v1/calls/12345678%27", 400, "id-malformed"),
        ("/v1/call", 404, "path-unknown"),
    ] {
        let answer = url.fetch(path).await.unwrap();
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{path}: {problem}");
        assert_eq!(problem["type"], format!("urn:strowger:problem:{kind}"), "{path}");
        assert_eq!(problem["status"], status, "{path}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn health_and_metrics_are_answered() {
    let url = Url::from(started().await);
    assert_eq!(
        url.fetch("/healthz").await.unwrap(),
        Answer { status: 200, etag: None, body: b"ok\n".to_vec() }
    );
    let metrics = url.fetch("/metrics").await.unwrap();
    assert!(String::from_utf8(metrics.body).unwrap().contains("\nstrowger_calls 0\n"));
}

#[tokio::test]
async fn a_page_of_another_name_and_a_method_that_changes_things_are_refused() {
    let address = started().await;
    let get = "GET /metrics HTTP/1.1\r\nConnection: close\r\nHost: ";
    let answer = by_hand(address, &format!("{get}evil.example\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("application/problem+json"), "{answer}");
    assert!(!answer.contains("strowger_calls"), "{answer}");
    let answer = by_hand(address, &format!("{get}{address}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let post = format!("POST /metrics HTTP/1.1\r\nConnection: close\r\nHost: {address}\r\n\r\n");
    let answer = by_hand(address, &post).await;
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("problem"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_read_to_its_end() {
    let address = started().await;
    let large = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(by_hand(address, &large).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn who_comes_and_says_nothing_is_let_go() {
    let address = started().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 0);
    assert!(began.elapsed().as_secs() <= 10, "{:?}", began.elapsed());
}
