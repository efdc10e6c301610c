//! A packet thread that panics amid calls, and what the whole node makes of it: the demo's calls, on sockets that break.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use b2bua::record::EndedBy;
use media::{Channel, Slot, ThreadCounts};
use media_net::{Arrival, Bell, Epoll, Pair, Sockets, Workers};
use phone::Ended;
use witness::metrics::Standing;

use super::audio::{FRAME, compare, voice};
use super::carrier::{Heard, Plan, Talk, place};
use super::*;

/// Sockets whose thread panics over a packet of this audio.
struct Brittle(Epoll);

const BREAK: [u8; FRAME] = [0x2a; FRAME];

impl Sockets for Brittle {
    fn open(bell: &Bell, counts: Arc<ThreadCounts>) -> io::Result<Self> {
        Epoll::open(bell, counts).map(Self)
    }

    fn insert(&mut self, slot: Slot, pair: Pair) -> io::Result<()> {
        self.0.insert(slot, pair)
    }

    fn remove(&mut self, slot: Slot) {
        self.0.remove(slot);
    }

    fn wait(&mut self, limit: Option<Duration>, gather: Duration) -> io::Result<()> {
        self.0.wait(limit, gather)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<Arrival> {
        let arrival = self.0.receive(buffer)?;
        assert!(!buffer[..arrival.length].ends_with(&BREAK), "as a test wants it");
        Some(arrival)
    }

    fn send(&mut self, slot: Slot, channel: Channel, to: SocketAddr, packet: &[u8]) {
        self.0.send(slot, channel, to, packet);
    }
}

/// A call to the echo in which this is said.
async fn call(daemon: SocketAddr, seed: u64, voice: &[u8]) -> Heard {
    let talk = Talk::Speak { voice: voice.to_vec(), keys: "" };
    let address = [127, 0, 0, 1].into();
    let plan = Plan { address, from: "+12125550199", to: "+14155550101", seed, talk };
    place(plan, daemon).await.unwrap()
}

fn assert_heard(heard: &Heard, voice: &[u8]) {
    let found = compare(voice, &heard.audio.audio());
    assert!(found.is_whole(), "{} of {} samples came back", found.matched, found.total);
    let outcome = heard.outcome.as_ref().unwrap();
    assert_eq!((outcome.ended, &outcome.fault), (Some(Ended::ByUs), &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_thread_that_panics_ends_its_calls_in_order_while_others_go_on_and_the_next_ones_are_heard()
{
    let config = config(After::Stop).unwrap();
    let store = Store::open(&config.store_url()).await.unwrap();
    store.apply(&inventory("127.0.0.1:9".parse().unwrap()).unwrap()).await.unwrap();
    let node = Node::start_with(&config, store.clone(), Workers::start_on::<Brittle>).await.unwrap();
    let daemon = node.listeners()[0];

    // Calls go to the two threads in turn: of each two that begin at once, each has one of its own.
    let said = voice(75, 1);
    let (before, after) = said.split_at(25 * FRAME);
    let breaking = [before, &BREAK, after].concat();
    let (broken, other) = tokio::join!(call(daemon, 1, &breaking), call(daemon, 2, &said));
    assert_heard(&other, &said);
    assert_eq!(broken.outcome.and_then(|outcome| outcome.ended), Some(Ended::ByThem));
    let reasons = ["SIP;cause=500;text=\"the packet thread of the call failed\"", "Q.850;cause=41"];
    assert_eq!(broken.reasons, reasons);
    let back = broken.audio.audio();
    assert!(
        compare(before, &back).is_whole() && back.len() == before.len(),
        "{} samples came back",
        back.len()
    );

    let (one, another) = tokio::join!(call(daemon, 3, &said), call(daemon, 4, &said));
    assert_heard(&one, &said);
    assert_heard(&another, &said);

    let records = ended(&store, 4).await.unwrap();
    let mut fates: Vec<_> =
        records.iter().map(|record| (record.reason.as_deref(), record.ended_by)).collect();
    fates.sort_by_key(|(reason, _)| *reason);
    let hung_up = (Some("normal"), Some(EndedBy::Caller));
    assert_eq!(fates, [(Some("media-failed"), Some(EndedBy::System)), hung_up, hung_up, hung_up]);
    let metrics = node.seen().metrics.text(Standing::default());
    for series in [
        "media_thread_restarts_total 1",
        "calls_ended_by_reason_total{direction=\"inbound\",reason=\"media-failed\"} 1",
        "calls_ended_by_reason_total{direction=\"inbound\",reason=\"normal\"} 3",
    ] {
        assert!(metrics.contains(&format!("strowger_{series}\n")), "{series}\n{metrics}");
    }
    node.stop().await;
    store.close().await;
}
