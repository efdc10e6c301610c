//! The API on real sockets, asked by our own client and by hand.

mod bounds;
mod events;
mod moved;
mod objects;
mod placed;
mod problems;
mod roles;
mod scopes;
mod secure;
mod telephony;
mod verified;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use b2bua::CallRecord;
use b2bua::ask::{Dialled, Digits, Place};
use b2bua::record::{CallDirection, CallStatus};
use numbers::Secret;
use serde_json::Value;
use store::{Actor, NewKey, Permission, Role, Scope, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use witness::{Archive, Bounds, Metrics};

use super::*;

/// The API, and what is behind it.
struct House {
    address: SocketAddr,
    store: Store,
    calls: Arc<Calls>,
    events: Events,
    health: Arc<Health>,
    drained: mpsc::Receiver<Drain>,
}

/// Calls that are up.
#[derive(Default)]
struct Calls {
    up: Mutex<Vec<CallRecord>>,
    hung_up: Mutex<Vec<String>>,
    /// What the next call of our own comes to.
    next: Mutex<Option<CallRecord>>,
    placed: Mutex<Vec<Place>>,
    dialled: Mutex<Vec<String>>,
}

impl Live for Calls {
    fn calls(&self, id: String) -> Answering<'_, Vec<CallRecord>> {
        let up = self.up.lock().unwrap();
        let found = up.iter().filter(|call| call.id.starts_with(&id)).take(2).cloned().collect();
        Box::pin(std::future::ready(found))
    }

    fn page(&self, after: String, limit: usize) -> Answering<'_, Vec<CallRecord>> {
        let up = self.up.lock().unwrap();
        let found = up.iter().filter(|call| call.id > after).take(limit).cloned().collect();
        Box::pin(std::future::ready(found))
    }

    fn hangup(&self, id: String) -> Answering<'_, bool> {
        let is_up = self.up.lock().unwrap().iter().any(|call| call.id == id);
        self.hung_up.lock().unwrap().push(id);
        Box::pin(std::future::ready(is_up))
    }

    fn place(&self, place: Place) -> Answering<'_, Option<CallRecord>> {
        self.placed.lock().unwrap().push(place);
        Box::pin(std::future::ready(self.next.lock().unwrap().clone()))
    }

    fn dial(&self, id: String, _digits: Digits) -> Answering<'_, Option<Dialled>> {
        let is_up = self.up.lock().unwrap().iter().any(|call| call.id == id);
        self.dialled.lock().unwrap().push(id);
        Box::pin(std::future::ready(Some(if is_up { Dialled::Sent } else { Dialled::Unknown })))
    }
}

/// Lets nothing be named.
#[derive(Debug)]
struct Nothing;

impl CheckSecret for Nothing {
    fn check(&self, _: &Secret) -> Result<(), String> {
        Err("there is no such file here".to_owned())
    }
}

const OPEN: Guarded = Guarded { by_tls: Present::No, by_keys: Present::No };

impl House {
    async fn open() -> Self {
        Self::with(10_000, None).await
    }

    async fn with(requests_a_second: u32, certificates: Option<Certificates>) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap(), OPEN).await.unwrap();
        let address = listener.local_addr().unwrap();
        let bounds = Bounds { calls: 1, messages_per_call: 1, bytes: 1 << 20 };
        let store = Store::open("sqlite::memory:").await.unwrap();
        let (calls, events) = (Arc::new(Calls::default()), Events::default());
        let health = Arc::<Health>::default();
        health.enter(Phase::Serving);
        let (drains, drained) = drains();
        let sources = Sources {
            store: store.clone(),
            live: calls.clone(),
            archive: Some(Archive::new(bounds)),
            metrics: Arc::new(Metrics::new("0", Arc::default())),
            health: Arc::clone(&health),
            drains,
            events: events.clone(),
            secrets: Arc::new(Nothing),
            requests_a_second,
        };
        tokio::spawn(serve(listener, certificates, sources));
        Self { address, store, calls, events, health, drained }
    }

    async fn key(&self, role: Role, expires_at: Option<u64>) -> String {
        let wanted = NewKey { label: role.word().to_owned(), role, scope: None, expires_at };
        let (_, token) = self.store.add_key(&Actor::cli(), wanted).await.unwrap();
        token.reveal().to_owned()
    }

    /// An admin's, for this alone.
    async fn key_for(&self, permission: Permission) -> String {
        let scope = Scope::new([permission]);
        let wanted = NewKey { label: permission.to_string(), role: Role::Admin, scope, expires_at: None };
        let (_, token) = self.store.add_key(&Actor::cli(), wanted).await.unwrap();
        token.reveal().to_owned()
    }

    /// One request on a connection of its own; `head` is further lines, each with its line end.
    async fn ask(&self, method: &str, path: &str, head: &str, body: &str) -> Reply {
        let kind = if body.is_empty() || head.to_lowercase().contains("content-type") {
            String::new()
        } else {
            "Content-Type: application/json\r\n".to_owned()
        };
        let (address, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{kind}{head}\r\n{body}"
        );
        self.send(&request).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "").await
    }

    async fn send(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        Reply::read(&String::from_utf8(reply).unwrap())
    }
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
}

impl Reply {
    fn read(reply: &str) -> Self {
        let (head, text) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{reply}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, text: text.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The word of a problem, which is told as one.
    fn problem(&self) -> String {
        let json = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(json["status"], self.status, "{self:?}");
        assert!(json["title"].is_string() && json["detail"].is_string(), "{self:?}");
        json["type"].as_str().unwrap().strip_prefix("urn:strowger:problem:").unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

const AGENT: &str = r#"{"id": "sales", "endpoint": {"kind": "echo"}}"#;
const TRUNK: &str = r#"{"id": "acme", "inbound": {"addresses": ["192.0.2.0/24"]}}"#;

fn record(id: char, status: Option<CallStatus>, invite_at: u64) -> CallRecord {
    CallRecord {
        trunk_id: Some("acme".into()),
        number: Some("+14155550100".into()),
        from: Some("+12125550199".into()),
        from_raw: "+12125550199".into(),
        to: Some("+14155550100".into()),
        to_raw: "+14155550100".into(),
        sip_call_id_a: format!("{id}@192.0.2.1"),
        transport: "udp".into(),
        source: "192.0.2.1:5060".into(),
        status,
        ..CallRecord::begin(id.to_string().repeat(32), CallDirection::Inbound, invite_at)
    }
}
