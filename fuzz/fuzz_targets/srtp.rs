//! SRTP and SRTCP packets, sealed, changed and made up.
#![no_main]

#[path = "../drivers/srtp.rs"]
mod driver;

libfuzzer_sys::fuzz_target!(|story: &[u8]| driver::play(story));
