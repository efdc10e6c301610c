//! Session descriptions of a peer.
#![no_main]

#[path = "../drivers/sdp.rs"]
mod driver;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| driver::check(bytes));
