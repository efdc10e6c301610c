//! Who may call whom, and how calls leave: SIPp and the built binary.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod house;
mod refusals;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;
