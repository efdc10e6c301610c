//! Whatever a peer sends is counted, masked, kept and drawn.

use bytes::Bytes;
use proptest::prelude::*;
use sip::{Flow, Transport};
use witness::{Bounds, Counters, Direction, Passage, Secrets, Traces, call_id, ladder, mask};

const BOUNDS: Bounds = Bounds { calls: 4, messages_per_call: 4, bytes: 64 << 10 };

/// Pieces of messages, and what is none, in any order.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

const PIECES: &[&str] = &[
    "INVITE sip:a@b SIP/2.0\r\n",
    "SIP/2.0 200 OK\r\n",
    "Call-ID: a@b\r\n",
    "i:\r\n c\r\n",
    "CSeq: 1 INVITE\r\n",
    "Authorization: Digest x=\"y\"\r\n ",
    "Reason: SIP;cause=4;text=\"\u{1b}[2J",
    "\r\n",
    "\r\n\r\n",
    "a=crypto:1 S inline:",
    "a=crypto:",
    ";inline:|",
    "k=",
    ":",
    " ",
];

proptest! {
    #[test]
    fn nothing_that_comes_breaks_what_looks_at_it(messages in prop::collection::vec(octets(), 1..8), out in any::<bool>()) {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "[::1]:5060".parse().unwrap(),
        };
        let direction = if out { Direction::Out } else { Direction::In };
        let (counters, mut traces) = (Counters::new(), Traces::new(BOUNDS));
        for message in &messages {
            counters.message(direction, flow, message);
            let bytes = Bytes::copy_from_slice(message);
            traces.keep(&Passage { at_us: 0, direction, flow, bytes, caller: call_id(&messages[0]).map(Into::into) }, &Secrets::default());
            prop_assert!(traces.bytes() <= BOUNDS.bytes);
        }
        for trace in messages.iter().filter_map(|message| traces.find(&call_id(message)?)) {
            for line in ladder::draw(trace).lines() {
                prop_assert!(line.chars().count() <= 80 && !line.chars().any(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn a_masked_message_keeps_its_length_and_its_lines(message in octets()) {
        let mut masked = message.clone();
        mask(&mut masked, &Secrets::default());
        prop_assert_eq!(masked.len(), message.len());
        let ends = |octets: &[u8]| memchr::memchr_iter(b'\n', octets).count();
        prop_assert_eq!(ends(&masked), ends(&message));
        let once = masked.clone();
        mask(&mut masked, &Secrets::default());
        prop_assert_eq!(masked, once);
    }
}
