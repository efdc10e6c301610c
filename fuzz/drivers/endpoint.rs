//! Plays bytes as a story to an endpoint: what peers send, what the core above wants, how time passes.
//!
//! Messages come as datagrams, or in pieces of a stream that the endpoint's framer cuts. Asserted on the way: nothing panics, what is sent
//! is well-formed and keeps to the laws (`laws.rs`), the bounds hold, `expire` leaves nothing due; and at the end, when every call
//! has been hung up and the longest timers have passed, that nothing is left.

#[path = "endpoint/laws.rs"]
mod laws;
#[path = "endpoint/wire.rs"]
mod wire;

use std::time::{Duration, Instant};

use bytes::Bytes;
use sip::endpoint::{
    Body, Census, Config, DialogKey, Event, Header, Invite, Listener, Reliability, Reply, SessionTimer,
    TransactionKey,
};
use sip::framing::{Frame, Framer};
use sip::{Endpoint, Message, Method, StatusCode};

use self::laws::Laws;
use self::wire::{BODIES, METHODS, MORE, STATUSES, TRANSPORTS, flow, local};

/// Plays one story; panics where the endpoint breaks its word.
pub(crate) fn play(story: &[u8], start: Instant) {
    let mut stage = Stage::new(story, start);
    while let Some(op) = stage.next() {
        stage.act(op);
        stage.check();
    }
    stage.close();
}

struct Stage<'a> {
    story: std::slice::Iter<'a, u8>,
    endpoint: Endpoint,
    now: Instant,
    dialogs: Vec<DialogKey>,
    transactions: Vec<TransactionKey>,
    /// Reliable provisional responses that want an answer in their PRACK.
    offers: Vec<(DialogKey, Message)>,
    /// What we sent last: tags, branches and Call-IDs to answer with.
    requests: Vec<Message>,
    tags: Vec<String>,
    /// The last `RSeq` that was sent.
    rseq: u32,
    heard: Vec<Bytes>,
    /// What has come of the stream of each flow.
    streams: [Framer; 8],
    laws: Laws,
    /// Whether the last message was malformed: then its refusal, which repeats parts of it, may be too.
    faulty: bool,
}

impl<'a> Stage<'a> {
    fn new(story: &'a [u8], start: Instant) -> Self {
        let config = Config {
            listeners: TRANSPORTS
                .map(|transport| Listener {
                    transport,
                    local: local(transport),
                    advertised: local(transport),
                })
                .to_vec(),
            user_agent: "fuzz".to_owned(),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            max_transactions: MAX_TRANSACTIONS,
            max_dialogs: MAX_DIALOGS,
            udp_max_payload: 600,
            session: SessionTimer::default(),
        };
        Self {
            story: story.iter(),
            endpoint: Endpoint::new(config, [1; 32]),
            now: start,
            dialogs: Vec::new(),
            transactions: Vec::new(),
            offers: Vec::new(),
            requests: Vec::new(),
            tags: Vec::new(),
            rseq: 0,
            heard: Vec::new(),
            streams: std::array::from_fn(|_| Framer::new()),
            laws: Laws::default(),
            faulty: false,
        }
    }

    fn next(&mut self) -> Option<u8> {
        self.story.next().copied()
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn pick<T: Clone>(&mut self, from: impl Fn(&Self) -> &Vec<T>) -> Option<T> {
        let at = usize::from(self.byte());
        let list = from(self);
        list.get(at % list.len().max(1)).cloned()
    }

    fn act(&mut self, op: u8) {
        self.faulty = false;
        match op % 16 {
            0..=4 => {
                let text = self.request();
                self.hear(text);
            }
            5 | 6 => {
                if let Some(text) = self.response() {
                    self.hear(text);
                }
            }
            7 => {
                let length = usize::from(self.byte());
                let raw: Vec<u8> = self.story.by_ref().take(length).copied().collect();
                self.hear(raw.into());
            }
            8 => {
                if let Some(bytes) = self.pick(|stage| &stage.heard) {
                    let mut changed = bytes.to_vec();
                    let at = (usize::from(self.byte()) << 3) % changed.len().max(1);
                    let with = self.byte();
                    if let Some(byte) = changed.get_mut(at) {
                        *byte = with;
                    }
                    self.hear(changed.into());
                }
            }
            9 | 10 => {
                let wait = Duration::from_millis(1 << (self.byte() % 18));
                self.pass(wait);
            }
            11 | 12 => self.verb(),
            13 => {
                if let Some(transaction) = self.pick(|stage| &stage.transactions) {
                    match self.reply() {
                        Some(reply) => self.endpoint.respond(self.now, transaction, reply),
                        None => self.endpoint.disregard(self.now, transaction),
                    }
                }
            }
            14 => self.invite(),
            _ => {
                let gone = self.byte() % 8;
                self.endpoint.flow_failed(self.now, flow(gone));
            }
        }
    }

    fn invite(&mut self) {
        let shape = self.byte();
        let long = if shape & 8 == 8 { 700 } else { 0 };
        let described = shape & 0x10 == 0x10;
        let body =
            described.then(|| Body { content_type: "application/sdp", bytes: vec![b'v'; 5 + long].into() });
        let invite = Invite {
            flow: flow(shape),
            request_uri: "sip:b@192.0.2.2".to_owned(),
            from: "<sip:a@192.0.2.1>".to_owned(),
            to: "<sip:b@192.0.2.2>".to_owned(),
            max_forwards: 70,
            headers: Vec::new(),
            body,
            reliability: match shape >> 5 & 3 {
                0 => Reliability::Unsupported,
                1 => Reliability::Required,
                _ => Reliability::Supported,
            },
            credentials: None,
        };
        if let Ok(dialog) = self.endpoint.invite(self.now, invite) {
            self.dialogs.push(dialog);
        }
    }

    /// Bytes of a peer: a datagram, or one piece after another of a stream, the last of which may be missing.
    fn hear(&mut self, bytes: Bytes) {
        let from = self.byte();
        self.heard.push(bytes.clone());
        if self.heard.len() > 64 {
            self.heard.remove(0);
        }
        if !flow(from).transport.is_reliable() {
            return self.take_in(from, bytes);
        }
        let size = usize::from(self.byte()) + 1;
        let missing = usize::from(self.byte()) % 4;
        let pieces = bytes.chunks(size).count();
        let whole = if missing == 3 { pieces.saturating_sub(1) } else { pieces };
        for piece in bytes.chunks(size).take(whole) {
            let Some(framer) = self.streams.get_mut(usize::from(from % 8)) else { return };
            framer.push(piece);
            self.cut(from);
        }
    }

    /// Takes in what is whole of a stream; one that can't be cut is over.
    fn cut(&mut self, from: u8) {
        while let Some(framer) = self.streams.get_mut(usize::from(from % 8)) {
            match framer.next() {
                Ok(Some(Frame::Message(bytes))) => self.take_in(from, bytes),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => return,
                Err(_) => {
                    *framer = Framer::new();
                    self.faulty = false;
                    return self.endpoint.flow_failed(self.now, flow(from));
                }
            }
        }
    }

    fn take_in(&mut self, from: u8, bytes: Bytes) {
        self.faulty = match Message::parse(bytes.clone()) {
            Ok(message) => {
                self.laws.hears(&message);
                false
            }
            Err(_) => true,
        };
        if from & 0x80 == 0 {
            self.endpoint.receive(self.now, flow(from), bytes);
        } else {
            self.endpoint.receive_from_stranger(self.now, flow(from), bytes);
        }
        self.check();
    }

    /// A request of a peer: plausible, and so apt to find a transaction or a dialog.
    fn request(&mut self) -> Bytes {
        let method = METHODS[usize::from(self.byte()) % METHODS.len()];
        let (call, branch, cseq, shape) = (self.byte(), self.byte(), self.byte(), self.byte());
        let ours = self.pick(|stage| &stage.requests);
        let (call_id, from_tag) = match ours {
            // Within a dialog that we began.
            Some(ours) if shape & 1 == 1 => {
                (ours.call_id().to_owned(), ours.to_tag().unwrap_or("t0").to_owned())
            }
            Some(_) | None => (format!("c{}", call % 8), format!("t{}", call % 8)),
        };
        let to_tag = match self.pick(|stage| &stage.tags) {
            Some(tag) if shape & 2 == 2 => format!(";tag={tag}"),
            Some(_) | None => String::new(),
        };
        let branch = if shape & 4 == 4 { String::new() } else { format!(";branch=z9hG4bK{}", branch % 16) };
        let rport = if shape & 8 == 8 { ";rport" } else { "" };
        let more = MORE[usize::from(shape >> 4) % MORE.len()];
        let rack = match method {
            "PRACK" => self.rack(cseq % 8),
            _ => String::new(),
        };
        let body = if call & 8 == 8 { "v=0\r\n" } else { "" };
        let kind = BODIES[usize::from(call >> 4) % BODIES.len()];
        let length = body.len();
        format!(
            "{method} sip:x@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2{branch}{rport}\r\nFrom: <sip:p@192.0.2.2>;tag={from_tag}\r\n\
             To: <sip:x@192.0.2.1>{to_tag}\r\nCall-ID: {call_id}\r\nCSeq: {} {method}\r\n{more}{rack}{kind}Content-Length: {length}\r\n\r\n{body}",
            cseq % 8
        )
        .into()
    }

    /// A `RAck` that is apt to be of the last reliable response.
    fn rack(&mut self, cseq: u8) -> String {
        let near = self.byte() % 4;
        let rseq = self.rseq.wrapping_sub(u32::from(near));
        format!("RAck: {rseq} {} INVITE\r\n", cseq.saturating_sub(1))
    }

    /// A response to a request of ours.
    fn response(&mut self) -> Option<Bytes> {
        let request = self.pick(|stage| &stage.requests)?;
        let status = STATUSES[usize::from(self.byte()) % STATUSES.len()];
        let tag = self.byte() % 20;
        let to = request.header("To")?.into_owned();
        let to = if request.to_tag().is_some() || tag == 0 { to } else { format!("{to};tag=t{tag}") };
        let shape = self.byte();
        let more = MORE[usize::from(shape) % MORE.len()];
        let body = if shape & 0x80 == 0x80 { "v=0\r\n" } else { "" };
        let kind = BODIES[usize::from(shape >> 4) % 4];
        let text = format!(
            "SIP/2.0 {status} X\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {} {}\r\n{more}{kind}Content-Length: {}\r\n\r\n{body}",
            request.header("Via")?,
            request.header("From")?,
            request.call_id(),
            request.cseq().number,
            request.method(),
            body.len(),
        );
        Some(text.into())
    }

    fn reply(&mut self) -> Option<Reply> {
        let code = STATUSES.get(usize::from(self.byte()) % (STATUSES.len() + 1)).copied()?;
        let status = StatusCode::new(code)?;
        let body = self.body();
        Some(Reply { status, headers: Vec::new(), body })
    }

    fn body(&mut self) -> Option<Body> {
        (self.byte() & 1 == 1)
            .then(|| Body { content_type: "application/sdp", bytes: Bytes::from_static(b"v=0\r\n") })
    }

    fn verb(&mut self) {
        let Some(dialog) = self.pick(|stage| &stage.dialogs) else { return };
        let now = self.now;
        let reason = || vec![Header::new("Reason", "SIP;cause=200")];
        match self.byte() % 15 {
            0 => self.endpoint.trying(now, dialog),
            1 => self.endpoint.ignore(now, dialog),
            2 => self.endpoint.acknowledge(now, dialog, None),
            3 => self.endpoint.cancel(now, dialog, reason()),
            4 => self.endpoint.bye(now, dialog, reason()),
            5 => self.endpoint.request(now, dialog, Method::Info, Vec::new(), None),
            9 => {
                let body = self.body();
                self.endpoint.reinvite(now, dialog, Vec::new(), body);
            }
            10 | 11 => {
                let body = self.body();
                self.endpoint.update(now, dialog, Vec::new(), body);
            }
            12 => {
                let body = self.body();
                self.endpoint.acknowledge(now, dialog, body);
            }
            13 => {
                if let (Some((dialog, response)), Some(body)) = (self.offers.pop(), self.body()) {
                    self.endpoint.prack(now, dialog, &response, body);
                }
            }
            verb => {
                let Some(reply) = self.reply() else { return };
                match verb {
                    6 => self.endpoint.ring(now, dialog, reply),
                    7 => self.endpoint.answer(now, dialog, reply),
                    14 => self.endpoint.ring_reliably(now, dialog, reply),
                    _ => self.endpoint.reject(now, dialog, reply),
                }
            }
        }
    }

    /// Lets time pass: in one step, as for a driver that was held up, or from deadline to deadline.
    fn pass(&mut self, wait: Duration) {
        let end = self.now + wait;
        if self.byte() & 1 == 1 {
            self.now = end;
            self.expire();
        }
        let mut turns = 0;
        while let Some(at) = self.endpoint.deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.expire();
            turns += 1;
            assert!(turns < 200_000, "timers without end");
        }
        self.now = end;
    }

    fn expire(&mut self) {
        self.endpoint.expire(self.now);
        assert!(self.endpoint.deadline().is_none_or(|at| at > self.now), "something due is left");
        self.check();
    }

    /// Drains, and holds the endpoint to its bounds.
    fn check(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let message = match Message::parse(transmit.bytes) {
                Ok(message) => message,
                Err(_) if self.faulty => continue,
                Err(malformed) => panic!("what is sent is malformed: {malformed}"),
            };
            if !self.faulty || message.is_request() {
                self.laws.sends(self.now, &message);
            }
            if let Some(rseq) = message.header("RSeq") {
                self.rseq = rseq.parse().expect("an RSeq of ours is a number");
            }
            let tag = if message.is_request() { message.from_tag() } else { message.to_tag() };
            self.tags.extend(tag.map(str::to_owned));
            if message.is_request() {
                self.requests.push(message);
            }
        }
        let spare = self.requests.len().saturating_sub(64);
        self.requests.drain(..spare);
        let spare = self.tags.len().saturating_sub(64);
        self.tags.drain(..spare);
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Invited { dialog, request, .. } => {
                    self.laws.invited(&request);
                    self.dialogs.push(dialog);
                }
                Event::Reinvited { transaction, .. }
                | Event::Updated { transaction, .. }
                | Event::Pracked { transaction: Some(transaction), .. }
                | Event::Requested { transaction, .. }
                | Event::OutOfDialog { transaction, .. } => self.transactions.push(transaction),
                Event::Rejected { dialog, .. }
                | Event::Cancelled { dialog, .. }
                | Event::Ended { dialog, .. }
                | Event::PrackMissing { dialog }
                | Event::Byed { dialog } => {
                    assert_eq!(self.endpoint.call_id(dialog), None, "what is over is forgotten");
                }
                Event::EarlyOffer { dialog, response } => self.offers.push((dialog, response)),
                Event::Acknowledged { .. }
                | Event::Pracked { transaction: None, .. }
                | Event::ReinviteAnswered { .. }
                | Event::ReinviteRejected { .. }
                | Event::UpdateAnswered { .. }
                | Event::UpdateRejected { .. }
                | Event::OfferDue { .. }
                | Event::RefreshDue { .. }
                | Event::SessionExpired { .. }
                | Event::AckMissing { .. }
                | Event::Progress { .. }
                | Event::Answered { .. }
                | Event::Refused { .. }
                | Event::Undeliverable { .. }
                | Event::ReinviteCancelled { .. }
                | Event::Malformed { .. } => {}
            }
        }
        let census = self.endpoint.census();
        assert!(census.dialogs <= MAX_DIALOGS, "{census:?}");
        // A BYE or CANCEL of each dialog may come on top.
        assert!(census.transactions <= MAX_TRANSACTIONS + MAX_DIALOGS, "{census:?}");
        assert!(census.timers <= census.transactions + census.dialogs, "{census:?}");
        assert_eq!(census.timers == 0, self.endpoint.deadline().is_none());
    }

    fn close(&mut self) {
        for dialog in std::mem::take(&mut self.dialogs) {
            self.endpoint.bye(self.now, dialog, Vec::new());
            self.check();
        }
        self.story = [].iter();
        self.pass(Duration::from_mins(5));
        assert_eq!(self.endpoint.census(), Census::default(), "nothing is left");
    }
}

const MAX_TRANSACTIONS: usize = 24;
const MAX_DIALOGS: usize = 8;
