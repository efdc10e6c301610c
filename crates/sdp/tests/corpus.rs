//! The fuzzer's descriptions, read again: each file of `fuzz/corpus/sdp` must still hold.

#![expect(clippy::disallowed_methods, reason = "a corpus lies in files, where the environment says")]

#[path = "../../../fuzz/drivers/sdp.rs"]
mod driver;

use std::path::Path;

#[test]
fn every_description_of_the_corpus_is_agreed_to_or_refused() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sdp");
    let mut files: Vec<_> = std::fs::read_dir(&corpus)
        .expect("the corpus is committed")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "an empty corpus tells nothing");
    for file in files {
        eprintln!("{}", file.display());
        driver::check(&std::fs::read(&file).expect("readable"));
    }
}
