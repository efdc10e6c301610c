use std::net::SocketAddr;

use bytes::Bytes;
use media::MediaKey;
use media::command::WorkerId;
use numbers::MediaEncryption;
use sdp::{Capabilities, Encryption, Local};

use super::*;
use crate::config::MediaAddress;
use crate::secrets::Keyring;

fn offered() -> Offered {
    let local = Local {
        address: [192, 0, 2, 1].into(),
        port: 10_000,
        session_id: 1,
        version: 1,
        encryption: Encryption::Off,
    };
    let mut sdp = Exchange::new(local, Capabilities::default(), Keyring::new(MediaEncryption::Off, [0; 32]));
    sdp.offer();
    let here = "203.0.113.5".parse().unwrap();
    let address = MediaAddress { advertised: here, bind: here };
    let pair = Pair { media: MediaKey(1), worker: WorkerId(0), port: 10_000, address };
    Offered::new(DialogKey(1), pair, sdp)
}

fn audio(host: u8) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 198.51.100.{host}\r\ns=-\r\nc=IN IP4 198.51.100.{host}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0\r\n"
    )
}

fn message(first: &str, tags: &str, headers: &str, body: &str) -> Message {
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let text = format!(
        "{first}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n{tags}Call-ID: c\r\nCSeq: 1 {}\r\n{headers}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        if first.starts_with("UPDATE") { "UPDATE" } else { "INVITE" },
        body.len()
    );
    Message::parse(Bytes::from(text)).unwrap()
}

fn response(code: u16, tag: &str, headers: &str, body: &str) -> Message {
    let tags = format!("From: <sip:a@192.0.2.1>;tag=us\r\nTo: <sip:b@192.0.2.2>;tag={tag}\r\n");
    message(&format!("SIP/2.0 {code} As Sent"), &tags, headers, body)
}

fn update(tag: &str, body: &str) -> Message {
    let tags = format!("From: <sip:b@192.0.2.2>;tag={tag}\r\nTo: <sip:a@192.0.2.1>;tag=us\r\n");
    message("UPDATE sip:a@192.0.2.1 SIP/2.0", &tags, "Max-Forwards: 70\r\n", body)
}

fn heard_at(offered: &Offered) -> Option<SocketAddr> {
    Some(offered.current()?.remote()?.rtp)
}

fn at(host: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, host], 4000))
}

fn answered_at(offered: Offered, response: &Message) -> Option<SocketAddr> {
    Some(offered.answered(response).ok()?.sdp.remote(None)?.rtp)
}

#[test]
fn p_early_media_has_directions_among_other_words() {
    let gate = |value: &str| Gate::of(&response(183, "f", &format!("P-Early-Media: {value}\r\n"), ""));
    assert_eq!(gate("sendrecv"), Some(Gate::Both));
    assert_eq!(gate("SendOnly, gated"), Some(Gate::Backward));
    assert_eq!(gate("gated,recvonly , inactive"), Some(Gate::Forward));
    assert_eq!(gate("inactive"), Some(Gate::Closed));
    assert_eq!((gate("supported"), gate("new-word")), (None, None));
    assert_eq!(Gate::of(&response(183, "f", "", "")), None);
}

#[test]
fn the_last_to_describe_itself_is_heard_until_its_end() {
    let mut offered = offered();
    assert_eq!(offered.hear(&response(180, "one", "", "")), Heard::Progress);
    assert_eq!(heard_at(&offered), None);
    assert_eq!(offered.hear(&response(183, "one", "", &audio(1))), Heard::Media);
    offered.hear(&response(183, "two", "", &audio(2)));
    assert_eq!(heard_at(&offered), Some(at(2)));
    // What says nothing that is news moves nothing.
    assert_eq!(offered.hear(&response(183, "one", "", &audio(1))), Heard::Media);
    offered.hear(&response(180, "one", "", ""));
    assert_eq!(heard_at(&offered), Some(at(2)));
    assert_eq!(offered.hear(&response(199, "two", "", "")), Heard::End);
    assert_eq!(heard_at(&offered), Some(at(1)));
}

#[test]
fn a_fork_that_may_not_be_heard_yields_to_one_that_may() {
    let mut offered = offered();
    offered.hear(&response(183, "one", "P-Early-Media: sendrecv\r\n", &audio(1)));
    offered.hear(&response(183, "two", "P-Early-Media: inactive\r\n", &audio(2)));
    assert_eq!((heard_at(&offered), offered.gate()), (Some(at(1)), Some(Gate::Both)));
    offered.hear(&response(180, "one", "P-Early-Media: recvonly\r\n", ""));
    offered.hear(&response(180, "two", "P-Early-Media: sendonly\r\n", ""));
    assert_eq!((heard_at(&offered), offered.gate()), (Some(at(2)), Some(Gate::Backward)));
}

#[test]
fn no_more_forks_are_kept_than_the_endpoint_keeps() {
    let mut offered = offered();
    for fork in 0..100 {
        offered.hear(&response(183, &format!("fork{fork}"), "", &audio(fork)));
    }
    assert_eq!((offered.forks.len(), heard_at(&offered)), (MAX_FORKS, Some(at(15))));
    assert_eq!(answered_at(offered, &response(200, "fork99", "", &audio(99))), Some(at(99)));
}

#[test]
fn the_answer_of_the_2xx_takes_the_place_of_what_foretold_it() {
    let mut early = offered();
    early.hear(&response(183, "one", "", &audio(1)));
    early.hear(&response(183, "two", "", &audio(2)));
    assert_eq!(answered_at(early, &response(200, "one", "", &audio(3))), Some(at(3)));
    let mut early = offered();
    early.hear(&response(183, "one", "", &audio(1)));
    assert_eq!(answered_at(early, &response(200, "one", "", "")), Some(at(1)));
    let mut early = offered();
    early.hear(&response(183, "one", "", &audio(1)));
    assert!(
        early.answered(&response(200, "two", "", "")).is_err(),
        "another fork's answer is none of this one"
    );
}

#[test]
fn a_description_that_cannot_be_used_leaves_it_to_the_2xx() {
    let mut early = offered();
    assert_eq!(early.hear(&response(183, "one", "", "v=0\r\nnonsense")), Heard::Progress);
    assert_eq!(heard_at(&early), None);
    assert_eq!(early.update(&update("one", &audio(4))).status.code(), 488);
    assert_eq!(answered_at(early, &response(200, "one", "", &audio(1))), Some(at(1)));
}

#[test]
fn an_update_stands_against_what_was_said_before_it() {
    let mut early = offered();
    early.hear(&response(183, "one", "", &audio(1)));
    early.hear(&response(183, "two", "", &audio(2)));
    assert_eq!(early.update(&update("one", &audio(4))).status.code(), 200);
    assert_eq!(heard_at(&early), Some(at(4)));
    early.hear(&response(183, "one", "", &audio(1)));
    assert_eq!(heard_at(&early), Some(at(4)));
    assert_eq!(answered_at(early, &response(200, "one", "", &audio(1))), Some(at(4)));
}
