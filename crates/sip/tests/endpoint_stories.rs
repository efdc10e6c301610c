//! The fuzzer's stories for the endpoint, told again: each file of `fuzz/corpus/endpoint` must still hold.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]

#[path = "../../../fuzz/drivers/endpoint.rs"]
mod driver;

use std::path::Path;
use std::time::Instant;

#[test]
fn every_story_of_the_corpus_ends_with_nothing_left() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/endpoint");
    let mut stories: Vec<_> = std::fs::read_dir(&corpus)
        .expect("the corpus is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    stories.sort();
    assert!(!stories.is_empty(), "an empty corpus tells nothing");
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from; which one does not matter"
    )]
    let start = Instant::now();
    for story in stories {
        eprintln!("{}", story.display());
        driver::play(&std::fs::read(&story).expect("readable"), start);
    }
}

#[test]
fn random_stories_end_with_nothing_left() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to count from; which one does not matter"
    )]
    let start = Instant::now();
    for seed in 1..300_u64 {
        eprintln!("seed {seed}");
        let mut state = seed;
        let story: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()[7]
        })
        .take(2000)
        .collect();
        driver::play(&story, start);
    }
}
