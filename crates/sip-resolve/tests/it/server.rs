//! A name server on loopback: `hickory` speaks for it, over UDP and TCP, a script says what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, MessageType, Metadata, OpCode, ResponseCode};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, NAPTR, SOA, SRV};
use hickory_server::proto::rr::{Name, RData, Record};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;

/// What the server says.
#[derive(Default)]
pub(crate) struct Zone {
    records: BTreeMap<Key, Vec<Record>>,
    names: BTreeSet<String>,
    errors: BTreeMap<Key, ResponseCode>,
    mute: BTreeSet<Key>,
    gate: Option<Arc<Semaphore>>,
}

/// Type and name.
type Key = (String, String);

/// A running server.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _server: Server<Script>,
}

struct Script {
    zone: Zone,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Zone {
    pub(crate) fn naptr(
        self,
        owner: &str,
        order: u16,
        preference: u16,
        services: &str,
        replacement: &str,
    ) -> Self {
        let bytes = |text: &str| text.as_bytes().into();
        let naptr = NAPTR::new(order, preference, bytes("s"), bytes(services), bytes(""), name(replacement));
        self.record(owner, RData::NAPTR(naptr))
    }

    pub(crate) fn srv(self, owner: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        self.record(owner, RData::SRV(SRV::new(priority, weight, port, name(target))))
    }

    pub(crate) fn address(self, owner: &str, address: &str) -> Self {
        match address.parse().unwrap() {
            IpAddr::V4(address) => self.record(owner, RData::A(A(address))),
            IpAddr::V6(address) => self.record(owner, RData::AAAA(AAAA(address))),
        }
    }

    pub(crate) fn alias(self, owner: &str, target: &str) -> Self {
        self.record(owner, RData::CNAME(CNAME(name(target))))
    }

    pub(crate) fn error(mut self, kind: &str, owner: &str, code: ResponseCode) -> Self {
        self.errors.insert(key(kind, owner), code);
        self
    }

    /// No answer to this, ever.
    pub(crate) fn mute(mut self, kind: &str, owner: &str) -> Self {
        self.mute.insert(key(kind, owner));
        self
    }

    /// Each answer takes one permit.
    pub(crate) fn gated(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    pub(crate) async fn serve(self) -> NameServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = UdpSocket::bind(address).await.unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let mut server = Server::new(Script { zone: self, asked: Arc::clone(&asked) });
        server.register_socket(socket);
        server.register_listener(listener, Duration::from_secs(5), 4096);
        NameServer { address, asked, _server: server }
    }

    fn record(mut self, owner: &str, data: RData) -> Self {
        let kind = data.record_type().to_string();
        self.names.insert(owner.to_owned());
        self.records.entry(key(&kind, owner)).or_default().push(Record::from_rdata(name(owner), TTL, data));
        self
    }

    /// The records, after the CNAMEs that lead to them, as a recursive server gives them.
    fn chase(&self, kind: &str, owner: &str) -> Vec<Record> {
        let mut found = Vec::new();
        let mut owner = owner.to_owned();
        for _hop in 0..4 {
            if let Some(records) = self.records.get(&key(kind, &owner)) {
                found.extend(records.iter().cloned());
                break;
            }
            let Some([alias]) = self.records.get(&key("CNAME", &owner)).map(Vec::as_slice) else { break };
            let RData::CNAME(target) = &alias.data else { break };
            owner = target.0.to_ascii();
            found.push(alias.clone());
        }
        found
    }
}

impl NameServer {
    /// The questions so far, sorted.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

#[async_trait::async_trait]
impl RequestHandler for Script {
    async fn handle_request<R: ResponseHandler, T: Time>(
        &self,
        request: &Request,
        mut response: R,
    ) -> ResponseInfo {
        let info = request.request_info().unwrap();
        let (kind, owner) = (info.query.query_type().to_string(), info.query.name().to_string());
        let key = key(&kind, &owner);
        if self.zone.mute.contains(&key) {
            return silence();
        }
        self.asked.lock().unwrap().push(format!("{kind} {owner}"));
        if let Some(gate) = &self.zone.gate {
            gate.acquire().await.unwrap().forget();
        }
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        let mut builder = MessageResponseBuilder::from_message_request(request);
        builder.edns(&edns);
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let answers = self.zone.chase(&kind, &owner);
        let soa = SOA::new(name("ns.test."), name("admin.test."), 1, 60, 60, 60, 60);
        let soa = Record::from_rdata(name("test."), 60, RData::SOA(soa));
        if let Some(code) = self.zone.errors.get(&key) {
            metadata.response_code = *code;
        } else if answers.is_empty() && !self.zone.names.contains(&owner) {
            metadata.response_code = ResponseCode::NXDomain;
        }
        let authority = answers.is_empty().then_some(&soa);
        let message = builder.build(metadata, &answers, None, authority, None);
        response.send_response(message).await.unwrap_or_else(|_| silence())
    }
}

fn silence() -> ResponseInfo {
    let metadata = Metadata::new(0, MessageType::Response, OpCode::Query);
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}

fn key(kind: &str, owner: &str) -> Key {
    (kind.to_owned(), owner.to_owned())
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

const TTL: u32 = 300;
