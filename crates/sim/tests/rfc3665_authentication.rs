//! RFC 3665 s.3.3: two proxies ask for a password, one after the other. We are Alice; the proxies and Bob are built on rsip.
//!
//! Where the drawing leaves the RFC's: the proxies are stateless, and so send no 100 of their own, and hand on the ACK to a 407 that
//! came from beyond them.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use phone::{Glance, Ladder, Phone, Proxy, Recording, Rung, Step};
use sim::cast::{DESK, P1, P2, US, description, phone};
use sip::digest::{Credentials, Gate, Ha1, Stale};
use sip::endpoint::{Body, DialogKey, Invite, Reliability};
use sip::message::{Message, Method, StatusCode, Writer};
use sip::{Endpoint, Event, Flow, Transport};

/// A proxy that lets no INVITE pass without a password for its realm.
struct Guard {
    proxy: Proxy,
    gate: Gate,
    /// The branches of what it refused: their ACKs end here.
    refused: Vec<String>,
    answers: Vec<(SocketAddr, Bytes)>,
}

impl Guard {
    fn new(name: &str, at: SocketAddr, next: SocketAddr, realm: &str) -> Self {
        Self {
            proxy: Proxy::new(name, at, next, Recording::Stays),
            gate: Gate::new(realm, [u8::try_from(name.len() + realm.len()).unwrap(); 32]),
            refused: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &Bytes) {
        let message = Message::parse(bytes.clone()).unwrap();
        let branch = message.via().unwrap().branch().unwrap().to_owned();
        if *message.method() == Method::Ack && self.refused.contains(&branch) {
            return;
        }
        if !message.is_request() || *message.method() != Method::Invite || message.to_tag().is_some() {
            return self.proxy.receive(from, bytes);
        }
        let realm = self.gate.realm().to_owned();
        let find = |name: &str| (name == "alice").then(|| Ha1::of(name, &realm, "zanzibar"));
        let checked = self.gate.check(now, &message, from.ip(), find);
        let Err(rejected) = checked else { return self.proxy.receive(from, bytes) };
        let mut writer = Writer::response(StatusCode::PROXY_AUTHENTICATION_REQUIRED, None);
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            for value in message.headers(name) {
                writer.header(name, &value);
            }
        }
        writer.header("To", &format!("{};tag=guard", message.header("To").unwrap()));
        let stale = rejected.challenge().unwrap_or(Stale::No);
        for challenge in self.gate.challenge(now, from.ip(), stale) {
            writer.header("Proxy-Authenticate", &challenge);
        }
        self.refused.push(branch);
        self.answers.push((from, writer.finish(None)));
    }
}

/// Us, two proxies and Bob, 20 ms apart.
struct Scene {
    start: Instant,
    now: Duration,
    us: Endpoint,
    guards: [Guard; 2],
    bob: Phone,
    wire: BTreeMap<(Duration, usize), (SocketAddr, SocketAddr, Bytes)>,
    sent: usize,
    ladder: Ladder,
    events: Vec<Event>,
    invites: Vec<Message>,
}

impl Scene {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
        let start = Instant::now();
        let config = sim::cast::setup(1, sim::Weather::calm()).config.sip;
        let script = vec![
            Step::ExpectInvite,
            Step::Answer { sdp: Some(description(DESK)) },
            Step::ExpectAck,
            Step::Wait(Duration::from_secs(1)),
            Step::Bye,
        ];
        let mut bob = phone("bob", "bob", DESK, script);
        bob.expire(start);
        Self {
            start,
            now: Duration::ZERO,
            us: Endpoint::new(config, [7; 32]),
            guards: [
                Guard::new("p1", P1, P2, "atlanta.example.com"),
                Guard::new("p2", P2, DESK, "biloxi.example.com"),
            ],
            bob,
            wire: BTreeMap::new(),
            sent: 0,
            ladder: Ladder::default(),
            events: Vec::new(),
            invites: Vec::new(),
        }
    }

    fn call(&mut self, password: &str) -> DialogKey {
        let offer = Body { content_type: "application/sdp", bytes: description(US).into() };
        let invite = Invite {
            flow: Flow { transport: Transport::Udp, local: US, remote: P1 },
            request_uri: "sip:bob@biloxi.example.com".to_owned(),
            from: "\"Alice\" <sip:alice@atlanta.example.com>".to_owned(),
            to: "\"Bob\" <sip:bob@biloxi.example.com>".to_owned(),
            max_forwards: 70,
            headers: Vec::new(),
            body: Some(offer),
            reliability: Reliability::Unsupported,
            credentials: Some(Credentials::new("alice", password)),
        };
        self.us.invite(self.start, invite).unwrap()
    }

    fn run(&mut self) {
        loop {
            self.drain();
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let timers = [self.us.deadline(), self.bob.deadline()].into_iter().flatten();
            let timer = timers.map(|at| at.saturating_duration_since(self.start)).min();
            let Some(next) = arrival.into_iter().chain(timer).min() else { break };
            self.now = self.now.max(next);
            let now = self.start + self.now;
            if arrival == Some(next) {
                let (_, (from, to, bytes)) = self.wire.pop_first().unwrap();
                self.deliver(now, from, to, bytes);
            } else {
                self.us.expire(now);
                self.bob.expire(now);
            }
        }
    }

    fn deliver(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        if to == US {
            let flow = Flow { transport: Transport::Udp, local: US, remote: from };
            self.us.receive(now, flow, bytes);
        } else if to == DESK {
            self.bob.receive(now, from, &bytes);
        } else {
            for guard in self.guards.iter_mut().filter(|guard| guard.proxy.address() == to) {
                guard.receive(now, from, &bytes);
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.us.poll_event() {
            if let Event::Answered { dialog, .. } = event {
                self.us.acknowledge(self.start + self.now, dialog, None);
            }
            self.events.push(event);
        }
        let mut sent = Vec::new();
        while let Some(transmit) = self.us.poll_transmit() {
            let message = Message::parse(transmit.bytes.clone()).unwrap();
            if *message.method() == Method::Invite {
                self.invites.push(message);
            }
            sent.push((US, transmit.flow.remote, transmit.bytes));
        }
        for guard in &mut self.guards {
            let at = guard.proxy.address();
            sent.extend(guard.answers.drain(..).map(|(to, bytes)| (at, to, bytes)));
            sent.extend(
                std::iter::from_fn(|| guard.proxy.poll_transmit()).map(|(to, bytes)| (at, to, bytes)),
            );
        }
        sent.extend(std::iter::from_fn(|| self.bob.poll_transmit()).map(|(to, bytes)| (DESK, to, bytes)));
        for (from, to, bytes) in sent {
            let label = Glance::of(&bytes).unwrap().to_string();
            let (sender, receiver) = (name(from), Some(name(to)));
            self.ladder.push(Rung { at: self.now, from: sender, to: receiver, label, note: None });
            self.sent += 1;
            self.wire.insert((self.now + Duration::from_millis(20), self.sent), (from, to, bytes));
        }
    }
}

fn name(address: SocketAddr) -> String {
    let names = [(US, "us"), (P1, "p1"), (P2, "p2"), (DESK, "bob")];
    names.iter().find(|(at, _)| *at == address).map(|(_, name)| (*name).to_owned()).unwrap()
}

#[track_caller]
fn assert_drawn(scene: &Scene, drawn: &str) {
    let found = scene.ladder.to_string();
    assert_eq!(Ladder::squeeze(&found), Ladder::squeeze(drawn), "found:\n{found}");
}

#[test]
fn flow_3_3_two_proxies_ask_for_a_password() {
    let mut scene = Scene::new();
    scene.call("zanzibar");
    scene.run();
    assert_drawn(
        &scene,
        "
           0  us -> p1   INVITE sdp
          20  p1 -> us   407
          40  us -> p1   ACK
          40  us -> p1   INVITE sdp
          60  p1 -> p2   INVITE sdp
          80  p2 -> p1   407
         100  p1 -> us   407
         120  us -> p1   ACK
         120  us -> p1   INVITE sdp
         140  p1 -> p2   ACK
         140  p1 -> p2   INVITE sdp
         160  p2 -> bob  INVITE sdp
         180  bob -> p2  200 sdp
         200  p2 -> p1   200 sdp
         220  p1 -> us   200 sdp
         240  us -> p1   ACK
         260  p1 -> p2   ACK
         280  p2 -> bob  ACK
        1300  bob -> p2  BYE
        1320  p2 -> p1   BYE
        1340  p1 -> us   BYE
        1360  us -> p1   200 BYE
        1380  p1 -> p2   200 BYE
        1400  p2 -> bob  200 BYE
        ",
    );
    assert!(matches!(scene.events[..], [Event::Answered { .. }, Event::Ended { .. }]), "{:?}", scene.events);
    let first = &scene.invites[0];
    for (later, invite) in (0_u32..).zip(&scene.invites) {
        assert_eq!((invite.call_id(), invite.from_tag()), (first.call_id(), first.from_tag()));
        assert_eq!(invite.cseq().number, first.cseq().number + later);
        assert_eq!(invite.headers("Proxy-Authorization").count(), usize::try_from(later).unwrap());
    }
    assert_eq!(scene.bob.fault(), None);
    assert_eq!(scene.us.census(), sip::endpoint::Census::default());
}

#[test]
fn flow_3_3_with_the_wrong_password_ends_at_the_first_proxy() {
    let mut scene = Scene::new();
    scene.call("sesame");
    scene.run();
    assert_drawn(
        &scene,
        "
           0  us -> p1  INVITE sdp
          20  p1 -> us  407
          40  us -> p1  ACK
          40  us -> p1  INVITE sdp
          60  p1 -> us  407
          80  us -> p1  ACK
        ",
    );
    let [Event::Rejected { status, failure, .. }] = &scene.events[..] else { panic!("{:?}", scene.events) };
    let words = "the far side does not take our user name and password for its realm";
    let sip::endpoint::Failure::Denied(denial) = failure else { panic!("{failure:?}") };
    assert_eq!((status.code(), denial.to_string().as_str()), (407, words));
    assert_eq!(scene.us.census(), sip::endpoint::Census::default());
}
