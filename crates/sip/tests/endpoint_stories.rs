//! The fuzzer's stories for the endpoint, told again: each file of `fuzz/corpus/endpoint` must still hold.

#[path = "../../../fuzz/drivers/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/drivers/endpoint.rs"]
mod driver;
#[path = "../../../fuzz/drivers/noise.rs"]
mod noise;

use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to count from; which one does not matter"
)]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn every_story_of_the_corpus_ends_with_nothing_left() {
    let start = start();
    corpus::tell("endpoint", |story| driver::play(story, start));
}

#[test]
fn random_stories_end_with_nothing_left() {
    let start = start();
    for seed in 1..300 {
        eprintln!("seed {seed}");
        driver::play(&noise::of(seed, 2000), start);
    }
}
