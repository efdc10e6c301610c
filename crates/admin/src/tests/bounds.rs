//! What a client may take of us.

use tokio::net::TcpSocket;

use super::*;
use crate::shares::MOST_LOCAL;

#[tokio::test]
async fn health_readiness_and_metrics_are_answered() {
    let house = House::open().await;
    assert_eq!(house.get("/healthz").await.text, "ok\n");
    assert_eq!(house.get("/readyz").await.text, "ready\n");
    let metrics = house.get("/metrics").await;
    assert!(metrics.text.contains("strowger_calls"), "{metrics:?}");
    house.health.enter(Phase::Draining);
    let reply = house.get("/readyz").await;
    assert!(reply.status == 503 && reply.text.contains("draining"), "{reply:?}");
}

#[tokio::test]
async fn a_drain_is_handed_on_once() {
    let mut house = House::open().await;
    let reply = house.ask("POST", "/v1/drain", "", r#"{"within_s": 60}"#).await;
    assert_eq!((reply.status, reply.json()["state"].as_str()), (202, Some("draining")));
    let within = Some(std::time::Duration::from_mins(1));
    assert_eq!(house.drained.recv().await, Some(Drain { within }));
    assert_eq!(house.health.phase(), Phase::Draining);
    assert_eq!(house.ask("POST", "/v1/drain", "", "").await.status, 202);
    for body in [r#"{"within_s": 86401}"#, r#"{"within_s": -1}"#, r#"{"soon": true}"#, "[]"] {
        assert_eq!(house.ask("POST", "/v1/drain", "", body).await.problem(), "body-invalid", "{body}");
    }
}

#[tokio::test]
async fn our_own_client_reads_what_it_asks_for() {
    let house = House::open().await;
    let url = Url::from(house.address);
    assert_eq!(
        url.fetch("/healthz").await.unwrap(),
        Answer { status: 200, etag: None, retry_after_s: None, body: b"ok\n".to_vec() }
    );
}

#[tokio::test]
async fn a_head_that_is_too_large_is_not_read_to_its_end() {
    let house = House::open().await;
    let large =
        format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n", house.address, "x".repeat(20_000));
    assert_eq!(house.send(&large).await.status, 431);
}

#[tokio::test]
async fn who_comes_and_says_nothing_is_let_go() {
    let house = House::open().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 64]).await.unwrap(), 0);
    assert!(began.elapsed().as_secs() <= 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_has_its_share_of_connections_is_sent_away_and_others_are_answered() {
    async fn is_answered(house: &House, from: &str) -> bool {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(from.parse().unwrap()).unwrap();
        let mut stream = socket.connect(house.address).await.unwrap();
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", house.address);
        let mut reply = Vec::new();
        // Who is sent away may see so at either.
        let told = stream.write_all(request.as_bytes()).await.and(stream.read_to_end(&mut reply).await);
        told.is_ok() && reply.starts_with(b"HTTP/1.1 200")
    }
    let house = House::open().await;
    let mut held = Vec::new();
    for _ in 0..MOST_LOCAL {
        held.push(TcpStream::connect(house.address).await.unwrap());
    }
    assert!(!is_answered(&house, "127.0.0.1:0").await);
    assert!(is_answered(&house, "127.0.0.2:0").await);
    drop(held);
    // What is gone is noticed soon, not at once.
    while !is_answered(&house, "127.0.0.1:0").await {}
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let house = House::with(1, None).await;
    let mut last = house.get("/healthz").await;
    for _ in 0..5 {
        last = house.get("/healthz").await;
    }
    assert_eq!(
        (last.status, last.problem().as_str(), last.header("retry-after")),
        (429, "rate-limited", "1")
    );
}
