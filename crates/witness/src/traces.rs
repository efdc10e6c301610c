//! The messages of the latest calls, within bounds.
//!
//! A trace begins with an INVITE and takes in all of its legs. It is found by the Call-ID of any of them. When a bound is reached,
//! the oldest call is dropped; before that, those INVITEs that we never answered, so that a scanner who floods us drives out no
//! call.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use sip::Transport;

use crate::glance::{self, Start};
use crate::{Direction, Passage, Secrets, mask};

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Calls at most.
    pub calls: usize,
    /// Messages of one call at most, of all its legs; what comes later is counted.
    pub messages_per_call: usize,
    /// Octets at most, what it takes to keep them included.
    pub bytes: usize,
}

/// Which side of the call a message belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leg {
    /// The caller's.
    A,
    /// The agent's.
    B,
}

/// One message, its secrets struck out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
    /// Which leg's.
    pub leg: Leg,
    /// Which way.
    pub direction: Direction,
    /// By what.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The peer's.
    pub remote: SocketAddr,
    /// The message.
    pub message: Arc<[u8]>,
}

/// What is kept of one call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// In the order of time.
    pub items: Vec<Item>,
    /// Messages that came after its bound was reached.
    pub not_kept: u64,
}

/// All traces.
#[derive(Debug)]
pub struct Traces {
    bounds: Bounds,
    /// The place of the call that a Call-ID belongs to.
    places: BTreeMap<Box<str>, u64>,
    /// By place, which is in the order of their beginnings.
    calls: BTreeMap<u64, Call>,
    /// Those of `calls` to which we have sent nothing yet.
    unanswered: BTreeSet<u64>,
    bytes: usize,
    last: u64,
}

#[derive(Debug, Default)]
struct Call {
    /// Their Call-IDs, that of the caller's leg first.
    legs: Vec<Box<str>>,
    trace: Trace,
    bytes: usize,
}

impl Traces {
    /// An empty one.
    pub const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            places: BTreeMap::new(),
            calls: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            bytes: 0,
            last: 0,
        }
    }

    /// Keeps a message, less its secrets, if it is of a call.
    pub fn keep(&mut self, passage: &Passage, secrets: &Secrets) {
        let Some(call_id) = glance::call_id(&passage.bytes) else { return };
        let Some(place) = self.place(&call_id, passage) else { return };
        if passage.direction == Direction::Out {
            self.unanswered.remove(&place);
        }
        let Some(call) = self.calls.get_mut(&place) else { return };
        let cost = passage.bytes.len() + ITEM;
        let full = call.trace.items.len() >= self.bounds.messages_per_call
            || call.bytes + cost > LARGEST_CALL.min(self.bounds.bytes / 4);
        if full {
            call.trace.not_kept += 1;
            return;
        }
        let mut message = passage.bytes.to_vec();
        mask(&mut message, secrets);
        let leg = if call.legs.first().is_some_and(|first| **first == *call_id) { Leg::A } else { Leg::B };
        let Passage { at_us, direction, flow, .. } = *passage;
        call.trace.items.push(Item {
            at_us,
            leg,
            direction,
            transport: flow.transport,
            local: flow.local,
            remote: flow.remote,
            message: message.into(),
        });
        call.bytes += cost;
        self.bytes += cost;
        self.make_room();
    }

    /// What is kept of the call that has a leg of this Call-ID.
    pub fn find(&self, call_id: &str) -> Option<&Trace> {
        Some(&self.calls.get(self.places.get(call_id)?)?.trace)
    }

    /// How many calls are kept.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many octets that takes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bounds.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The place of the message's call: where it is, or where it begins.
    fn place(&mut self, call_id: &str, passage: &Passage) -> Option<u64> {
        if let Some(place) = self.places.get(call_id) {
            return Some(*place);
        }
        if glance::start(&passage.bytes) != Start::Request(b"INVITE") {
            return None;
        }
        let of_caller = passage.caller.as_deref().and_then(|caller| self.places.get(caller)).copied();
        let place = of_caller.unwrap_or_else(|| {
            self.last += 1;
            self.calls.insert(self.last, Call { bytes: CALL, ..Call::default() });
            self.bytes += CALL;
            if passage.direction == Direction::In {
                self.unanswered.insert(self.last);
            }
            self.last
        });
        let call = self.calls.get_mut(&place).filter(|call| call.legs.len() < MOST_LEGS)?;
        let cost = 2 * call_id.len() + LEG;
        call.legs.push(call_id.into());
        call.bytes += cost;
        self.bytes += cost;
        self.places.insert(call_id.into(), place);
        Some(place)
    }

    /// Drops what is over the bounds.
    fn make_room(&mut self) {
        while self.unanswered.len() > (self.bounds.calls / 8).max(1) {
            let Some(oldest) = self.unanswered.pop_first() else { break };
            self.drop_call(oldest);
        }
        while self.calls.len() > self.bounds.calls || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.calls.keys().next().copied() else { break };
            self.unanswered.remove(&oldest);
            self.drop_call(oldest);
        }
    }

    fn drop_call(&mut self, place: u64) {
        if let Some(call) = self.calls.remove(&place) {
            self.bytes -= call.bytes;
            for call_id in call.legs {
                self.places.remove(&call_id);
            }
        }
    }
}

/// The fallback agents of a call, and their retries.
const MOST_LEGS: usize = 32;
/// Of one call, so that it leaves room for others.
const LARGEST_CALL: usize = 1 << 20;
/// What it takes to keep a message, a leg, a call, beside their octets: a little more than it is.
const ITEM: usize = size_of::<Item>() + 32;
const LEG: usize = 96;
const CALL: usize = 256;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sip::Flow;

    use super::*;

    const BOUNDS: Bounds = Bounds { calls: 4, messages_per_call: 3, bytes: 1 << 20 };

    fn passage(direction: Direction, start: &str, call_id: &str) -> Passage {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.2:5060".parse().unwrap(),
        };
        let bytes = Bytes::from(format!("{start}\r\nCall-ID: {call_id}\r\n\r\n"));
        Passage { at_us: 7, direction, flow, bytes, caller: None }
    }

    fn invite(call_id: &str) -> Passage {
        passage(Direction::In, "INVITE sip:a@b SIP/2.0", call_id)
    }

    fn trying(call_id: &str) -> Passage {
        passage(Direction::Out, "SIP/2.0 100 Trying", call_id)
    }

    fn answered(traces: &mut Traces, call_id: &str) {
        traces.keep(&invite(call_id), &Secrets::default());
        traces.keep(&trying(call_id), &Secrets::default());
    }

    #[test]
    fn a_trace_begins_with_an_invite_and_has_the_call_in_order() {
        let mut traces = Traces::new(BOUNDS);
        traces.keep(&passage(Direction::In, "OPTIONS sip:a@b SIP/2.0", "other"), &Secrets::default());
        traces.keep(&trying("other"), &Secrets::default());
        assert!(traces.is_empty() && traces.find("other").is_none());
        answered(&mut traces, "a");
        let trace = traces.find("a").unwrap();
        let ways: Vec<_> = trace.items.iter().map(|item| (item.leg, item.direction)).collect();
        assert_eq!(ways, [(Leg::A, Direction::In), (Leg::A, Direction::Out)]);
        assert_eq!(traces.len(), 1);
    }

    #[test]
    fn all_legs_of_a_call_are_one_trace() {
        let mut traces = Traces::new(Bounds { messages_per_call: 9, ..BOUNDS });
        answered(&mut traces, "a");
        for agent in ["b", "c"] {
            let out = passage(Direction::Out, "INVITE sip:agent SIP/2.0", agent);
            traces.keep(&Passage { caller: Some("a".into()), ..out }, &Secrets::default());
            traces.keep(&passage(Direction::In, "SIP/2.0 486 Busy Here", agent), &Secrets::default());
        }
        assert_eq!(traces.len(), 1);
        let legs: Vec<_> = traces.find("c").unwrap().items.iter().map(|item| item.leg).collect();
        assert_eq!(legs, [Leg::A, Leg::A, Leg::B, Leg::B, Leg::B, Leg::B]);
        assert_eq!(traces.find("c"), traces.find("a"));
    }

    #[test]
    fn what_is_over_a_calls_bound_is_counted() {
        let mut traces = Traces::new(BOUNDS);
        answered(&mut traces, "a");
        for _ in 0..5 {
            traces.keep(&trying("a"), &Secrets::default());
        }
        let trace = traces.find("a").unwrap();
        assert_eq!((trace.items.len(), trace.not_kept), (3, 4));
    }

    #[test]
    fn the_oldest_call_is_dropped_first() {
        let mut traces = Traces::new(BOUNDS);
        for call in 0..10 {
            answered(&mut traces, &call.to_string());
        }
        let kept: Vec<_> = (0..10).filter(|call| traces.find(&call.to_string()).is_some()).collect();
        assert_eq!(kept, [6, 7, 8, 9]);
        assert_eq!((traces.places.len(), traces.unanswered.len()), (4, 0));
    }

    #[test]
    fn invites_without_an_answer_drive_out_no_call() {
        let mut traces = Traces::new(Bounds { calls: 16, ..BOUNDS });
        answered(&mut traces, "real");
        for scan in 0..1_000 {
            traces.keep(&invite(&format!("scan {scan}")), &Secrets::default());
        }
        assert!(traces.find("real").is_some());
        assert_eq!(traces.len(), 3);
        assert!(traces.find("scan 999").is_some() && traces.find("scan 998").is_some());
    }

    #[test]
    fn octets_are_bounded_and_all_given_back() {
        let mut traces = Traces::new(Bounds { calls: 10_000, messages_per_call: 10_000, bytes: 100_000 });
        let large = |call: &str| {
            let mut large = trying(call);
            large.bytes = [&large.bytes[..], &[b'x'; 3_000]].concat().into();
            large
        };
        for call in 0..100 {
            let call = call.to_string();
            answered(&mut traces, &call);
            for _ in 0..30 {
                traces.keep(&large(&call), &Secrets::default());
                assert!(traces.bytes() <= 100_000);
            }
        }
        assert!(traces.len() >= 3, "one call leaves room for others");
        assert!(traces.find("99").unwrap().not_kept > 0);
        for call in 0..100_u64 {
            traces.unanswered.remove(&call);
            traces.drop_call(call + 1);
        }
        assert_eq!((traces.bytes(), traces.len(), traces.places.len()), (0, 0, 0));
    }

    #[test]
    fn secrets_are_not_kept() {
        let mut traces = Traces::new(BOUNDS);
        let mut secret = invite("a");
        secret.bytes =
            Bytes::from("INVITE sip:a@b SIP/2.0\r\ni: a\r\nAuthorization: Digest response=\"pw\"\r\n\r\n");
        traces.keep(&secret, &Secrets::default());
        let kept = String::from_utf8_lossy(&traces.find("a").unwrap().items[0].message).into_owned();
        assert!(kept.contains("Digest ****") && !kept.contains("pw"), "{kept}");
    }
}
