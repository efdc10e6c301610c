//! Calls with audio through the built binary, between telephones of every manner: each sample that is said at one end is looked for at the
//! other, and nothing is lost that the network did not lose before.
//!
//! `STROWGER_AUDIO_SECONDS` says how long the calls are, as in `STROWGER_AUDIO_SECONDS=120 cargo test --release -p strowger --test audio --
//! --nocapture`; without it they are short.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

#[path = "audio/call.rs"]
mod call;
#[path = "audio/codec.rs"]
mod codec;
#[path = "audio/handset.rs"]
mod handset;
#[path = "audio/heard.rs"]
mod heard;
#[path = "audio/signal.rs"]
mod signal;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;
#[path = "audio/weather.rs"]
mod weather;

use std::fmt::Write;

use crate::call::{Call, Story};
use crate::codec::Codec;
use crate::handset::{Handset, Manner};
use crate::heard::Account;
use crate::signal::signal;
use crate::support::Daemon;
use crate::weather::Weather;

/// Of calls, where nobody asks for others.
const SECONDS: usize = 10;
const FRAMES_PER_SECOND: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_every_pairing_arrives() {
    pairings(Weather::Fair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_added_to_what_a_bad_network_loses() {
    pairings(Weather::Foul).await;
}

/// All pairings of manners at once, through one daemon.
async fn pairings(weather: Weather) {
    let seconds = std::env::var("STROWGER_AUDIO_SECONDS")
        .map_or(SECONDS, |seconds| seconds.parse().expect("STROWGER_AUDIO_SECONDS is a number of seconds"));
    let mut calls = Vec::new();
    for (place, (from, to)) in (0_u32..).zip(manners().flat_map(|from| manners().map(move |to| (from, to)))) {
        let mut call = Call {
            caller: Handset::new(from, u64::from(place) * 2 + 1).await,
            callee: Handset::new(to, u64::from(place) * 2 + 2).await,
        };
        for (end, handset) in (place * 2..).zip([&mut call.caller, &mut call.callee]) {
            let frames = seconds * FRAMES_PER_SECOND;
            handset.will_say(signal(frames, end), weather.departures(frames, end));
        }
        calls.push((format!("{} to {}", words(from), words(to)), number(place), call));
    }
    let daemon = Daemon::start(&inventory(&calls));
    let sip = daemon.sip;
    let played = calls
        .into_iter()
        .map(|(pairing, number, call)| (pairing, tokio::spawn(async move { call.play(&number, sip).await })));
    let (mut report, mut faults) = (String::new(), String::new());
    for (pairing, story) in played.collect::<Vec<_>>() {
        let story = story.await.unwrap();
        tell(&mut report, &mut faults, &pairing, &story);
    }
    println!("{seconds} s each, {weather:?}:\n{report}");
    assert!(faults.is_empty(), "{faults}\n{}", daemon.log());
}

/// What was heard, and what is wrong with it.
fn tell(report: &mut String, faults: &mut String, pairing: &str, story: &Story) {
    for (way, account) in [("there", &story.from_caller), ("back", &story.from_callee)] {
        let Account { said, heard, repeated, likeness, wrong, .. } = account;
        let [half, most, all] = [50, 99, 100].map(|percent| account.delay(percent));
        writeln!(
            report,
            "{pairing}, {way}: {heard} of {said} frames, {repeated} again, likeness {likeness:.6}, \
             delay p50 {half:.1?}, p99 {most:.1?}, at most {all:.1?}"
        )
        .unwrap();
        if heard != said || !wrong.is_empty() || *likeness < 0.999 {
            let first: Vec<_> = wrong.iter().take(5).collect();
            writeln!(faults, "{pairing}, {way}: {heard} of {said} frames, {} wrong: {first:?}", wrong.len())
                .unwrap();
        }
    }
    if story.strange > 0 || !story.faults.is_empty() {
        writeln!(faults, "{pairing}: {} strange datagrams, {:?}", story.strange, story.faults).unwrap();
    }
}

fn manners() -> impl Iterator<Item = Manner> {
    Codec::BOTH.into_iter().map(|codec| Manner { codec })
}

fn words(manner: Manner) -> String {
    format!("{:?}", manner.codec)
}

fn number(place: u32) -> String {
    format!("+141555502{place:02}")
}

/// A trunk, and an agent and a number for each call.
fn inventory(calls: &[(String, String, Call)]) -> String {
    let mut text = "[[trunks]]\nid = \"carrier\"\n\
                    inbound = { addresses = [\"127.0.0.0/8\"], did_country = \"US\" }\n"
        .to_owned();
    for (place, (_, number, call)) in calls.iter().enumerate() {
        write!(
            text,
            "[[agents]]\nid = \"desk-{place}\"\nendpoint = {{ kind = \"sip\", uri = \"sip:desk@{}\" }}\n\
             [[numbers]]\ne164 = \"{number}\"\ntrunk_id = \"carrier\"\nagent_id = \"desk-{place}\"\n",
            call.callee.address()
        )
        .unwrap();
    }
    text
}
