//! The fuzzer's stories for the packet path, told again: each file of `fuzz/corpus/packets` and `fuzz/corpus/srtp` must still hold.

#[path = "../../../fuzz/drivers/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/drivers/packets.rs"]
mod driver;
#[path = "../../../fuzz/drivers/noise.rs"]
mod noise;
#[path = "../../../fuzz/drivers/srtp.rs"]
mod srtp;

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn every_story_of_the_corpus_keeps_its_order_and_its_bounds() {
    corpus::tell("packets", |story| driver::play(story, start()));
}

#[test]
fn every_packet_of_the_corpus_is_opened_once_or_refused() {
    corpus::tell("srtp", srtp::play);
}

#[test]
fn random_stories_keep_their_order_and_their_bounds() {
    for seed in 1..200 {
        eprintln!("seed {seed}");
        driver::play(&noise::of(seed, 2000), start());
    }
}

#[test]
fn random_packets_are_opened_once_or_refused() {
    for (seed, length) in (1..).zip(1..2000) {
        srtp::play(&noise::of(seed, length % 500));
    }
}
