//! Replays the committed corpus of the fuzz target `message` on the stable toolchain.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../../../fuzz/drivers/message.rs"]
mod driver;

use std::fs;

#[test]
fn the_fuzz_corpus_replays_without_a_finding() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/message");
    let mut inputs = 0;
    for entry in fs::read_dir(folder).expect("the corpus is part of the repository") {
        let path = entry.expect("a readable folder").path();
        eprintln!("{}", path.display());
        let input = fs::read(&path).expect("a readable file");
        driver::exercise(&input);
        // A datagram may be cut anywhere.
        for end in 0..input.len() {
            driver::exercise(&input[..end]);
        }
        inputs += 1;
    }
    assert!(inputs >= 20, "{inputs} inputs");
}
