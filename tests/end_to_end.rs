//! End to end: other people's programs against the built binary.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod media_stream;
mod quality;
mod seeing;
mod sipp;
mod support;
