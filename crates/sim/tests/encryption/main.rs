//! SRTP keyed by session descriptions (RFC 4568) across the bridge: each leg is encrypted, or not, for itself.
//!
//! | here | is |
//! |---|---|
//! | `callers` | an offer with keys answered, or refused; several lines and tags; an MKI; several streams; keys that change; an offer of ours in the 200 |
//! | `agents` | our offer answered with keys, plain, or with what was not offered; changes from there |
//! | `early` | keys before the answer: a 183 and a 200 that differ, forks, reliable ones, a plain 183 where keys are required |
//! | `failover` | the next agent, server or gateway gets an offer that is for it, with keys that nobody has seen |

#![cfg(test)]

mod agents;
mod callers;
mod early;
mod failover;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use media::srtp::{MasterKey, Srtp};
use phone::Step;
use phone::sdp::{Crypto, cryptos};
use sim::cast::{description, setup};
use sim::{Weather, World};

pub(crate) const NOW: Duration = Duration::ZERO;
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Of the examples of RFC 4568: keys and salts for `AES_CM_128_HMAC_SHA1_80`.
pub(crate) const FIRST: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";
pub(crate) const SECOND_ONE: &str = "NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";
pub(crate) const THIRD: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

/// What is wanted of encryption.
#[derive(Clone, Copy)]
pub(crate) struct Wants {
    /// By the trunk of [`sim::cast::CALLER`].
    pub(crate) trunk: &'static str,
    /// By the SIP agent at [`sim::cast::DESK`].
    pub(crate) desk: &'static str,
    /// By the trunk that calls go out to.
    pub(crate) carrier: &'static str,
}

pub(crate) const NOBODY: Wants = Wants { trunk: "off", desk: "off", carrier: "off" };

/// A world in which that is wanted, with more in its inventory.
pub(crate) fn world(wants: Wants, more: &str) -> World {
    let Wants { trunk, desk, carrier } = wants;
    let mut setup = setup(1, Weather::calm());
    let places = [
        ("addresses = [\"198.51.100.0/24\"]", ", ", trunk),
        ("addresses = [\"192.0.2.20/32\"]", ", ", desk),
        ("allowed_countries = [\"US\"]", "\n", carrier),
    ];
    for (place, then, wanted) in places {
        assert!(setup.inventory.contains(place), "{place}");
        let wanted = format!("{place}{then}media_encryption = \"{wanted}\"");
        setup.inventory = setup.inventory.replace(place, &wanted);
    }
    setup.inventory += more;
    World::new(setup).expect("the inventory is sound")
}

/// A description of the phone at that address, by that profile, with these `a=crypto` lines.
pub(crate) fn keyed(of: SocketAddr, profile: &str, lines: &[&str]) -> String {
    let plain = description(of).replace("RTP/AVP", profile);
    lines.iter().fold(plain, |description, line| description + "a=crypto:" + line + "\r\n")
}

/// A line of the suite that everybody has.
pub(crate) fn line(tag: u32, key: &str) -> String {
    format!("{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}")
}

/// A description that is encrypted by that key, and its line has tag 1.
pub(crate) fn sealed_by(of: SocketAddr, key: &str) -> String {
    keyed(of, "RTP/SAVP", &[&line(1, key)])
}

pub(crate) fn answer(sdp: String) -> Step {
    Step::Answer { sdp: Some(sdp) }
}

pub(crate) fn reinvite(sdp: String) -> [Step; 3] {
    [Step::Reinvite { sdp: Some(sdp) }, Step::Expect(200), Step::Ack { sdp: None }]
}

/// From the answer to the end.
pub(crate) fn talk() -> [Step; 4] {
    [Step::Expect(200), Step::Ack { sdp: None }, Step::Wait(SECOND), Step::Bye]
}

/// Plays to the end.
#[track_caller]
pub(crate) fn run(world: &mut World) {
    world.run().expect("every invariant holds");
}

/// The descriptions that we sent in messages that begin so.
pub(crate) fn descriptions(world: &World, beginning: &str) -> Vec<String> {
    let messages = world.said(beginning).into_iter();
    messages
        .filter_map(|text| Some(text.split_once("\r\n\r\n")?.1.to_owned()))
        .filter(|body| !body.is_empty())
        .collect()
}

/// The transport in the first `m=` line of a description.
pub(crate) fn profile(description: &str) -> &str {
    let line = description.lines().find(|line| line.starts_with("m=audio")).expect("it has audio");
    line.split(' ').nth(2).expect("an m= line has a transport")
}

/// What the workers were told of who is at that address, each time that it changed: its keys and ours, or that it is plain.
pub(crate) fn told(world: &World, of: SocketAddr) -> Vec<Option<Srtp>> {
    let mut told = Vec::new();
    for command in world.media() {
        if let media::Command::Describe { remote, .. } = command
            && remote.rtp.ip() == of.ip()
        {
            told.push(remote.srtp.as_deref().cloned());
        }
    }
    told.dedup();
    told
}

/// As a description writes it.
pub(crate) fn inline(key: &MasterKey) -> String {
    STANDARD.encode(key.key_and_salt())
}

/// It is encrypted: by that key from there, and from here by the one that our description has for the same suite.
#[track_caller]
pub(crate) fn assert_sealed(told: Option<&Srtp>, theirs: &str, ours: &str) {
    let Some(Srtp { send, receive }) = told else { panic!("it is plain") };
    assert_eq!(inline(receive), theirs);
    let lines: Vec<Crypto> = cryptos(ours);
    let own = lines.iter().find(|line| line.suite == send.suite().name());
    assert_eq!(own.map(|own| &own.key), Some(&inline(send)), "of {lines:?}");
    assert_ne!(send, receive);
}

/// Every key in descriptions of ours that begin so: no two of them are the same.
#[track_caller]
pub(crate) fn assert_all_different(descriptions: &[String]) {
    let keys: Vec<String> = descriptions.iter().flat_map(|text| cryptos(text)).map(|line| line.key).collect();
    let different: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
}

/// The suites of a leg A and a leg B, as the only record has them.
pub(crate) fn suites(world: &World) -> (Option<&str>, Option<&str>) {
    let [record] = world.records()[..] else { panic!("one record: {}", world.ladder()) };
    (record.media_encryption_a.as_deref(), record.media_encryption_b.as_deref())
}

/// How the only call ended.
pub(crate) fn reason(world: &World) -> Option<&str> {
    let [record] = world.records()[..] else { panic!("one record: {}", world.ladder()) };
    record.reason.as_deref()
}

pub(crate) const SUITE: Option<&str> = Some("AES_CM_128_HMAC_SHA1_80");
