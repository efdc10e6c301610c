use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use numbers::Directory;
use sip::endpoint::Listener;
use sip::{Event, Transport};

use super::*;
use crate::Config;

const INVENTORY: &str =
    "[[trunks]]\nid = \"acme\"\ninbound = { addresses = [\"192.0.2.0/24\"], did_country = \"US\" }\n";

/// What goes out when an INVITE comes from there while the store lags.
fn lagging(from: &str, unknown_source: UnknownSource) -> Vec<Output> {
    let now = Now { instant: origin(), wall_ms: 0 };
    let mut desk = desk(unknown_source);
    let flow = Flow {
        transport: Transport::Udp,
        local: local(),
        remote: SocketAddr::new(from.parse().unwrap(), 5060),
    };
    let invite = format!(
        "INVITE sip:1@203.0.113.5 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:2@{from}>;tag=f\r\nTo: <sip:1@203.0.113.5>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:2@{from}>\r\nContent-Length: 0\r\n\r\n"
    );
    desk.receive(now, flow, invite.into());
    let Some(Event::Invited { dialog, request, flow }) = desk.event() else { panic!("no INVITE") };
    let mut door = Door::new("strowger", Offer::default(), [3; 32]);
    let call = door.open(&mut desk, now, &Knock { dialog, request, flow }, MAX_UNWRITTEN);
    assert!(call.is_none());
    assert_eq!(door.unrecorded, 1);
    std::iter::from_fn(|| desk.take()).collect()
}

fn statuses(outputs: &[Output]) -> Vec<String> {
    let sent = outputs.iter().filter_map(|output| match output {
        Output::Transmit(transmit) => Some(String::from_utf8_lossy(&transmit.bytes)[8..11].to_owned()),
        Output::Media(..)
        | Output::Agent(..)
        | Output::Ask(..)
        | Output::Record(..)
        | Output::Answer(..)
        | Output::Happened(..)
        | Output::Usage(_)
        | Output::Notice(_)
        | Output::Idle(_) => None,
    });
    sent.collect()
}

#[test]
fn a_stranger_is_not_told_that_the_store_lags() {
    assert_eq!(statuses(&lagging("203.0.113.66", UnknownSource::Drop)), [] as [&str; 0]);
    assert_eq!(statuses(&lagging("203.0.113.66", UnknownSource::Reject)), ["403"]);
}

#[test]
fn a_trunk_is_refused_while_the_store_lags() {
    assert_eq!(statuses(&lagging("192.0.2.1", UnknownSource::Drop)), ["503"]);
}

fn desk(unknown_source: UnknownSource) -> Desk {
    let sip = sip::endpoint::Config {
        listeners: vec![Listener { transport: Transport::Udp, local: local(), advertised: local() }],
        user_agent: "strowger".to_owned(),
        t1: std::time::Duration::from_millis(500),
        t2: std::time::Duration::from_secs(4),
        t4: std::time::Duration::from_secs(5),
        max_transactions: 10,
        max_dialogs: 10,
        udp_max_payload: 0,
        session: sip::endpoint::SessionTimer::default(),
    };
    let config = Config { unknown_source, ..Config::new(sip, local().ip(), 10_000..=10_099) };
    let directory = Directory::new(toml::from_str(INVENTORY).unwrap()).unwrap();
    Desk::new(config, Arc::new(directory), [7; 32])
}

fn local() -> SocketAddr {
    "203.0.113.5:5060".parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn origin() -> Instant {
    Instant::now()
}
