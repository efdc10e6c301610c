//! Stories for a worker's table.
#![no_main]

#[path = "../drivers/packets.rs"]
mod driver;

use std::sync::LazyLock;
use std::time::Instant;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

libfuzzer_sys::fuzz_target!(|story: &[u8]| driver::play(story, *START));
