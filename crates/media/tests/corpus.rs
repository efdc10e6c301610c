//! The fuzzer's stories for the packet path, told again: each file of `fuzz/corpus/packets` and `fuzz/corpus/srtp` must still hold.

#[path = "../../../fuzz/drivers/packets.rs"]
mod driver;
#[path = "../../../fuzz/drivers/srtp.rs"]
mod srtp;

use std::path::Path;
use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "an Instant has no other beginning")]
fn start() -> Instant {
    Instant::now()
}

/// Tells each file of a folder of the corpus.
#[expect(clippy::disallowed_methods, reason = "a corpus lies in files")]
fn tell(folder: &str, play: impl Fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&corpus)
        .expect("the corpus is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "an empty corpus tells nothing");
    for file in files {
        eprintln!("{}", file.display());
        play(&std::fs::read(&file).expect("readable"));
    }
}

#[test]
fn every_story_of_the_corpus_keeps_its_order_and_its_bounds() {
    tell("packets", |story| driver::play(story, start()));
}

#[test]
fn every_packet_of_the_corpus_is_opened_once_or_refused() {
    tell("srtp", srtp::play);
}

#[test]
fn random_stories_keep_their_order_and_their_bounds() {
    for seed in 1..200_u64 {
        eprintln!("seed {seed}");
        let mut state = seed;
        let story: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()[7]
        })
        .take(2000)
        .collect();
        driver::play(&story, start());
    }
}

#[test]
fn random_packets_are_opened_once_or_refused() {
    let mut state = 1_u64;
    for story in 1..2000 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_le_bytes()[7]
        })
        .take(story % 500)
        .collect();
        srtp::play(&bytes);
    }
}
