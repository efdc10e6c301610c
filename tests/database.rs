//! Daemons on PostgreSQL: what calls go on by while it is gone, and what several daemons share. SIPp, the built binary, and a
//! database of each test's own.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod outage;
#[path = "../crates/store/tests/it/server.rs"]
#[expect(dead_code, reason = "the tests of the store use the rest of it")]
mod server;
#[expect(dead_code, reason = "the end-to-end tests use all of it")]
mod support;
mod telephone;
mod together;
