//! Every manner of telephone with every other.

use media::srtp::Suite;
use media_net::Backend;

use crate::call::Call;
use crate::codec::Codec;
use crate::handset::Manner;
use crate::seal::Protection;
use crate::story::{Plan, can_be_had, house, let_both_talk, place, play, seconds, tell};
use crate::weather::Weather;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_every_pairing_arrives_by_epoll() {
    pairings(Backend::Epoll, Weather::Fair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_of_every_pairing_arrives_by_io_uring() {
    pairings(Backend::IoUring, Weather::Fair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_added_to_what_a_bad_network_loses_by_epoll() {
    pairings(Backend::Epoll, Weather::Foul).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_added_to_what_a_bad_network_loses_by_io_uring() {
    pairings(Backend::IoUring, Weather::Foul).await;
}

/// All pairings of manners at once.
async fn pairings(backend: Backend, weather: Weather) {
    if !can_be_had(backend) {
        return;
    }
    let _place = place().await;
    let mut plans = Vec::new();
    for (place, (from, to)) in (0..).zip(manners().flat_map(|from| manners().map(move |to| (from, to)))) {
        let mut call = Call::between([from, to], place).await;
        let_both_talk(&mut call, place, weather);
        plans.push(Plan { words: format!("{} to {}", words(from), words(to)), call });
    }
    let daemon = house(&plans, backend);
    let stories = play(&daemon, plans).await;
    let (mut report, mut faults) = (String::new(), String::new());
    for (words, story) in &stories {
        tell(&mut report, &mut faults, words, story, [0, 0]);
    }
    println!("{} s each, {weather:?}, {}:\n{report}", seconds(), backend.name());
    assert!(faults.is_empty(), "{faults}\n{}", daemon.log());
}

fn manners() -> impl Iterator<Item = Manner> {
    let protections = [Protection::Plain, Protection::Sdes(Suite::AesCm128HmacSha1Tag80)];
    Codec::BOTH.into_iter().flat_map(move |codec| protections.map(|protection| Manner { codec, protection }))
}

fn words(manner: Manner) -> String {
    match manner.protection {
        Protection::Plain => format!("{:?}", manner.codec),
        Protection::Sdes(_) => format!("{:?} by SRTP", manner.codec),
    }
}
