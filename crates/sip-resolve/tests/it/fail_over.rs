//! A domain of four servers, one dead, one slow, one busy, one good: which of them each call reaches.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sip::StatusCode;
use sip::Transport;
use sip::locate::{Candidate, Candidates, Setback, Shunned};

use super::server::{NameServer, Zone};
use super::{resolver, target};

const TIMER_B: Duration = Duration::from_secs(32);
const RETRY_AFTER: Duration = Duration::from_mins(2);

async fn carrier() -> NameServer {
    Zone::default()
        .naptr("carrier.test.", 10, 10, "SIP+D2U", "_sip._udp.carrier.test.")
        .naptr("carrier.test.", 20, 10, "SIP+D2T", "_sip._tcp.carrier.test.")
        .srv("_sip._udp.carrier.test.", 10, 0, 5060, "dead.carrier.test.")
        .srv("_sip._udp.carrier.test.", 20, 0, 5060, "slow.carrier.test.")
        .srv("_sip._udp.carrier.test.", 30, 0, 5060, "busy.carrier.test.")
        .srv("_sip._udp.carrier.test.", 40, 0, 5060, "good.carrier.test.")
        .srv("_sip._tcp.carrier.test.", 1, 0, 5060, "good.carrier.test.")
        .address("dead.carrier.test.", "127.0.0.21")
        .address("slow.carrier.test.", "127.0.0.22")
        .address("busy.carrier.test.", "127.0.0.23")
        .address("good.carrier.test.", "127.0.0.24")
        .serve()
        .await
}

/// A caller of ours, with a clock of its own.
struct Caller {
    now: Instant,
    shunned: Shunned,
}

/// What a server does with a request.
enum Reply {
    Unreachable,
    Silence,
    Final(u16, Option<Duration>),
}

fn probe(candidate: &Candidate) -> Reply {
    assert_eq!(candidate.transport, Transport::Udp);
    match candidate.server.as_str() {
        "dead.carrier.test" => Reply::Unreachable,
        "slow.carrier.test" => Reply::Silence,
        "busy.carrier.test" => Reply::Final(503, Some(RETRY_AFTER)),
        "good.carrier.test" => Reply::Final(486, None),
        other => panic!("nobody knows {other}"),
    }
}

impl Caller {
    /// Tries one after the other until one answers; the servers tried, and the final response.
    fn call(&mut self, found: Vec<Candidate>) -> (Vec<String>, Option<u16>) {
        let Ok(mut candidates) = Candidates::new(found, &self.shunned, self.now) else {
            return (Vec::new(), None);
        };
        let mut tried = Vec::new();
        loop {
            let current = candidates.current();
            tried.push(current.server.trim_end_matches(".carrier.test").to_owned());
            let setback = match probe(current) {
                Reply::Unreachable => Setback::Transport,
                Reply::Silence => {
                    self.now += TIMER_B;
                    Setback::Timeout
                }
                Reply::Final(code, retry_after) => {
                    match Setback::of(StatusCode::new(code).unwrap(), retry_after) {
                        Some(setback) => setback,
                        None => return (tried, Some(code)),
                    }
                }
            };
            if candidates.next(setback, &mut self.shunned, self.now).is_none() {
                return (tried, None);
            }
        }
    }
}

#[tokio::test]
async fn a_call_passes_the_dead_the_slow_and_the_busy_and_the_next_goes_straight() {
    let server = carrier().await;
    let resolver = resolver(&server);
    let mut caller = Caller { now: Instant::now(), shunned: Shunned::new() };
    let wanted = target("sip:+14155550100@carrier.test");

    let tried = caller.call(resolver.locate(&wanted).await.unwrap());
    assert_eq!(
        tried,
        (["dead", "slow", "busy", "good"].map(String::from).to_vec(), Some(486)),
        "busy here is no setback"
    );

    let next = caller.call(resolver.locate(&wanted).await.unwrap());
    assert_eq!(
        next.0.first().map(String::as_str),
        Some("dead"),
        "32 s later, the one that failed at once is worth a try"
    );
    assert_eq!(next.0.last().map(String::as_str), Some("good"));
    assert!(!next.0.contains(&"busy".to_owned()), "it asked for 120 s: {next:?}");

    caller.now += RETRY_AFTER;
    let later = caller.call(resolver.locate(&wanted).await.unwrap());
    assert_eq!(later.0, ["dead", "slow", "busy", "good"]);
    let asked = server.asked().iter().fold(BTreeMap::<String, u32>::new(), |mut counts, asked| {
        *counts.entry(asked.clone()).or_default() += 1;
        counts
    });
    assert!(asked.values().all(|times| *times == 1), "the cache answers for later calls: {asked:?}");
}

#[tokio::test]
async fn servers_that_all_ask_for_time_are_left_alone() {
    let server = carrier().await;
    let found = resolver(&server).locate(&target("sip:carrier.test")).await.unwrap();
    let (mut shunned, now) = (Shunned::new(), Instant::now());
    for (wait, candidate) in (60..).zip(&found) {
        shunned.note(candidate, Setback::Unavailable { retry_after: Some(Duration::from_secs(wait)) }, now);
    }
    let busy = Candidates::new(found, &shunned, now + Duration::from_secs(50)).unwrap_err();
    assert_eq!(busy.wait, Duration::from_secs(10));
}
