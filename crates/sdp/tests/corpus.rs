//! The fuzzer's descriptions, read again: each file of `fuzz/corpus/sdp` must still hold.

#[path = "../../../fuzz/drivers/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/drivers/sdp.rs"]
mod driver;

#[test]
fn every_description_of_the_corpus_is_agreed_to_or_refused() {
    corpus::tell("sdp", driver::check);
}
