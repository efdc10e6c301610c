//! The committed corpus, for the tests that tell it again on the stable toolchain.

use std::path::Path;

/// Tells each file of a folder of the corpus.
#[expect(clippy::disallowed_methods, reason = "a corpus lies in files")]
pub(crate) fn tell(folder: &str, mut play: impl FnMut(&[u8])) {
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
