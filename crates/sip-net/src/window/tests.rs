use std::time::Duration;

use b2bua::{Input, Now, Output};
use sip::Transport;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::timeout;
use witness::hep::Agent;
use witness::{Archive, Bounds, Leg, Secrets};

use super::*;

const BOUNDS: Bounds = Bounds { calls: 10, messages_per_call: 10, bytes: 1 << 20 };

/// A core with one call: `b` is the agent's leg of `a`.
struct OneCall;

impl Brain for OneCall {
    fn handle(&mut self, _now: Now, _input: Input) {}
    fn poll(&mut self) -> Output {
        Output::Idle(None)
    }
    fn remaining(&self) -> Remaining {
        Remaining { calls: 1, seats: 1, dialogs: 2 }
    }
    fn caller_of(&self, call_id: &str) -> Option<String> {
        (call_id == "b").then(|| "a".to_owned())
    }
}

/// The inventory has an agent with a header of its own.
fn secrets() -> watch::Receiver<Secrets> {
    let mut secrets = Secrets::default();
    secrets.learn(["x-key"]);
    watch::channel(secrets).1
}

fn flow(local: &str) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: local.parse().unwrap(),
        remote: "127.0.0.2:5060".parse().unwrap(),
    }
}

fn invite(call_id: &str) -> Bytes {
    format!(
        "INVITE sip:a@b SIP/2.0\r\nCall-ID: {call_id}\r\nAuthorization: Digest pw\r\nX-Key: hunter2\r\n\r\n"
    )
    .into()
}

#[tokio::test]
async fn both_legs_of_a_call_are_one_trace_under_the_address_that_peers_know() {
    let archive = Archive::new(BOUNDS);
    let (sender, receiver) = passages();
    let witness = Witness::new(Arc::default(), Some(sender));
    let everywhere = flow("0.0.0.0:5060");
    witness.came(everywhere, &invite("a"));
    witness.goes(&OneCall, everywhere, &invite("b"));
    drop(witness);
    let advertised = vec![("0.0.0.0:5060".parse().unwrap(), "198.51.100.5:5060".parse().unwrap())];
    Watch { archive: Some(archive.clone()), collector: None, advertised, secrets: secrets() }
        .run(receiver)
        .await;
    let trace = archive.find(["a"]).unwrap();
    let legs: Vec<_> = trace.items.iter().map(|item| item.leg).collect();
    assert_eq!(legs, [Leg::A, Leg::B]);
    assert!(trace.items.iter().all(|item| item.local == "198.51.100.5:5060".parse().unwrap()));
}

/// The counters as a scraper reads them.
fn told(counters: &Arc<Counters>) -> String {
    witness::Metrics::new("0", Arc::clone(counters)).text(witness::metrics::Standing::default())
}

#[test]
fn a_message_that_finds_no_place_is_counted_and_not_waited_for() {
    let counters: Arc<Counters> = Arc::default();
    let (sender, _receiver) = mpsc::channel(1);
    let witness = Witness::new(Arc::clone(&counters), Some(sender));
    for _ in 0..3 {
        witness.came(flow("127.0.0.1:5060"), &invite("a"));
    }
    let text = told(&counters);
    assert!(text.contains("\nstrowger_trace_dropped_total 2\n"), "{text}");
    let counted = "strowger_sip_requests_total{direction=\"in\",transport=\"udp\",method=\"INVITE\"} 3\n";
    assert!(text.contains(counted), "{text}");
}

#[test]
fn when_nobody_wants_messages_they_are_counted_alone() {
    let counters: Arc<Counters> = Arc::default();
    let witness = Witness::new(Arc::clone(&counters), None);
    witness.came(flow("127.0.0.1:5060"), &invite("a"));
    witness.made_no_sense(Transport::Udp);
    witness.holds(OneCall.remaining());
    let text = told(&counters);
    for line in [
        "strowger_trace_dropped_total 0",
        "strowger_sip_malformed_total{transport=\"udp\"} 1",
        "strowger_calls 1",
        "strowger_sip_dialogs 2",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}: {text}");
    }
}

#[tokio::test]
async fn the_collector_gets_both_legs_under_the_callers_call_id_and_no_secret() {
    let homer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let counters: Arc<Counters> = Arc::default();
    let agent = Agent { capture_id: 7, key: "let me in".into() };
    let collector = Collector::new(homer.local_addr().unwrap(), agent, Arc::clone(&counters)).unwrap();
    let (sender, receiver) = passages();
    let witness = Witness::new(Arc::clone(&counters), Some(sender));
    witness.came(flow("127.0.0.1:5060"), &invite("a"));
    witness.goes(&OneCall, flow("127.0.0.1:5060"), &invite("b"));
    drop(witness);
    Watch { archive: None, collector: Some(collector), advertised: Vec::new(), secrets: secrets() }
        .run(receiver)
        .await;
    for _ in 0..2 {
        let mut buffer = [0; 2048];
        let length = timeout(Duration::from_secs(10), homer.recv(&mut buffer)).await.unwrap().unwrap();
        let packet = &buffer[..length];
        assert!(packet.starts_with(b"HEP3"));
        // The chunk of the correlation id: vendor 0, type 17, length 7, `a`.
        assert!(packet.windows(7).any(|octets| octets == b"\0\0\0\x11\0\x07a"), "{packet:?}");
        assert!(!packet.windows(2).any(|octets| octets == b"pw"), "{packet:?}");
        assert!(!packet.windows(7).any(|octets| octets == b"hunter2"), "{packet:?}");
    }
    assert!(told(&counters).contains("\nstrowger_hep_sent_total 2\n"));
}
