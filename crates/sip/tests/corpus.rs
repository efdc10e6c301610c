//! The fuzzer's messages, read again: each file of `fuzz/corpus/message` must still hold, as far as it came too.

#[path = "../../../fuzz/drivers/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/drivers/message.rs"]
mod driver;

#[test]
fn the_fuzz_corpus_replays_without_a_finding() {
    corpus::tell("message", |input| {
        driver::exercise(input);
        // A datagram may be cut anywhere.
        for end in 0..input.len() {
            driver::exercise(&input[..end]);
        }
    });
}
