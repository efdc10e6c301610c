//! Any octets as a datagram and as a stream.

#![no_main]

#[path = "../drivers/message.rs"]
mod driver;

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver::exercise(data));
