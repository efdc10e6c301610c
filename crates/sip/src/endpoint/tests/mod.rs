//! The endpoint against a peer made of text: what goes in, what comes out, and when.

mod bodies;
mod bounds;
mod called;
mod calling;
mod cancelling;
mod challenged;
mod changing;
mod flows;
mod forking;
mod large;
mod listening;
mod refreshing;
mod refusing;
mod reliable;
mod strangers;
mod talking;

use std::fmt::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::Transport;
use crate::message::{Message, StatusCode};
use crate::transaction::clock;

/// An endpoint, a clock, and a transcript of the wire.
pub(super) struct Bench {
    pub(super) endpoint: Endpoint,
    began: Instant,
    pub(super) now: Instant,
    flow: Flow,
    transcript: String,
    sent: Vec<(Flow, Message)>,
    events: Vec<Event>,
}

pub(super) fn config() -> Config {
    Config {
        listeners: vec![Listener {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            advertised: "198.51.100.1:5060".parse().unwrap(),
        }],
        user_agent: "strowger".to_owned(),
        t1: Duration::from_millis(500),
        t2: Duration::from_secs(4),
        t4: Duration::from_secs(5),
        max_transactions: 1000,
        max_dialogs: 1000,
        udp_max_payload: 1300,
        session: SessionTimer::default(),
    }
}

pub(super) fn udp(remote: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
    }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(config())
    }

    pub(super) fn with(config: Config) -> Self {
        Self::of(Endpoint::new(config, [7; 32]))
    }

    /// With dice of its own.
    pub(super) fn seeded(seed: u8) -> Self {
        Self::of(Endpoint::new(config(), [seed; 32]))
    }

    fn of(endpoint: Endpoint) -> Self {
        let began = clock::start();
        Self {
            endpoint,
            began,
            now: began,
            flow: udp("192.0.2.9:5060"),
            transcript: "\n".to_owned(),
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    /// From here on the peer's messages come by this flow.
    pub(super) fn by(&mut self, flow: Flow) -> &mut Self {
        self.flow = flow;
        self
    }

    /// The peer sends.
    pub(super) fn peer(&mut self, text: impl Into<String>) -> &mut Self {
        let bytes = self.note(text.into());
        self.endpoint.receive(self.now, self.flow, bytes);
        self.drain();
        self
    }

    /// Somebody unknown sends.
    pub(super) fn stranger(&mut self, text: impl Into<String>) -> &mut Self {
        let bytes = self.note(text.into());
        self.endpoint.receive_from_stranger(self.now, self.flow, bytes);
        self.drain();
        self
    }

    fn note(&mut self, text: String) -> Bytes {
        let bytes = Bytes::from(text);
        let what =
            Message::parse(bytes.clone()).map_or_else(|_| "malformed".to_owned(), |message| name(&message));
        self.line("->", &what);
        bytes
    }

    /// The core above does something.
    pub(super) fn core<T>(&mut self, verb: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        let result = verb(&mut self.endpoint, self.now);
        self.drain();
        result
    }

    /// Time passes, and timers with it.
    pub(super) fn pass(&mut self, ms: u64) -> &mut Self {
        let end = self.now + Duration::from_millis(ms);
        while let Some(at) = self.endpoint.deadline().filter(|&at| at <= end) {
            self.now = at.max(self.now);
            self.endpoint.expire(self.now);
            self.drain();
        }
        self.now = end;
        self
    }

    /// Time passes until something happens.
    pub(super) fn until_event(&mut self) -> &mut Self {
        while self.events.is_empty() {
            let at = self.endpoint.deadline().expect("something is to come");
            self.now = at.max(self.now);
            self.endpoint.expire(self.now);
            self.drain();
        }
        self
    }

    fn drain(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let message = Message::parse(transmit.bytes).expect("what we send is well-formed");
            self.line("<-", &name(&message));
            self.sent.push((transmit.flow, message));
        }
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
        assert_eq!(self.endpoint.usages.mistied(), None, "what hangs on a connection is known");
    }

    fn line(&mut self, arrow: &str, what: &str) {
        let ms = (self.now - self.began).as_millis();
        writeln!(self.transcript, "{ms:>6} {arrow} {what}").unwrap();
    }

    /// What went over the wire since the last time that this was asked.
    pub(super) fn ladder(&mut self) -> String {
        std::mem::replace(&mut self.transcript, "\n".to_owned())
    }

    /// What was sent since the last time that this was asked.
    pub(super) fn sent(&mut self) -> Vec<(Flow, Message)> {
        std::mem::take(&mut self.sent)
    }

    /// The only message that was sent since the last time that this was asked.
    pub(super) fn one(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0).1
    }

    pub(super) fn last(&mut self) -> Message {
        self.sent().pop().expect("something was sent").1
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn event(&mut self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// A fresh INVITE of the peer, and our key for it.
    pub(super) fn invited(&mut self, text: impl Into<String>) -> DialogKey {
        self.peer(text);
        let event = self.event();
        let Event::Invited { dialog, .. } = event else { panic!("{event:?}") };
        dialog
    }

    /// A call from the peer, answered and acknowledged. Its key, and our tag.
    pub(super) fn talking(&mut self) -> (DialogKey, String) {
        let dialog = self.invited(invite());
        self.core(|endpoint, now| endpoint.answer(now, dialog, sdp(200)));
        let tag = self.last().to_tag().unwrap().to_owned();
        self.peer(request("ACK", 1, "ack", &tag, ""));
        self.events();
        self.ladder();
        (dialog, tag)
    }

    /// All calls are over: after the longest timers nothing is left.
    pub(super) fn settled(&mut self) {
        self.pass(200_000);
        assert_eq!(self.endpoint.census(), Census::default());
        assert!(self.endpoint.is_untied(), "nothing hangs on a connection");
    }
}

/// `INVITE`, or `200 INVITE`.
fn name(message: &Message) -> String {
    match message.status() {
        Some(status) => format!("{status} {}", message.method()),
        None => message.method().to_string(),
    }
}

/// A request of the peer, in the one call that it has with us.
pub(super) fn request(method: &str, cseq: u32, branch: &str, to_tag: &str, more: &str) -> String {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let body = if more.contains("application/sdp") { OFFER } else { "" };
    format!(
        "{method} sip:+14155550100@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Peer\" <sip:peer@example.com>;tag=peer\r\nTo: <sip:+14155550100@example.com>{to_tag}\r\n\
         Call-ID: call-1\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@192.0.2.9:5060>\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn invite() -> String {
    request("INVITE", 1, "invite", "", SDP)
}

/// The response to a request of ours.
pub(super) fn response(request: &Message, status: u16, to_tag: &str, more: &str) -> String {
    let own = request.to_tag().is_some() || to_tag.is_empty();
    let tag = if own { String::new() } else { format!(";tag={to_tag}") };
    let body = if more.contains("application/sdp") { OFFER } else { "" };
    format!(
        "SIP/2.0 {status} X\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {} {}\r\n{more}Content-Length: {}\r\n\r\n{body}",
        request.header("Via").unwrap(),
        request.header("From").unwrap(),
        request.header("To").unwrap(),
        request.call_id(),
        request.cseq().number,
        request.method(),
        body.len(),
    )
}

pub(super) fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap()
}

pub(super) fn reply(code: u16) -> Reply {
    Reply { status: status(code), headers: Vec::new(), body: None }
}

pub(super) fn sdp(code: u16) -> Reply {
    let body = Body { content_type: "application/sdp", bytes: Bytes::from_static(OFFER.as_bytes()) };
    Reply { body: Some(body), ..reply(code) }
}

pub(super) const SDP: &str = "Content-Type: application/sdp\r\n";
const OFFER: &str = "v=0\r\n";
