//! Who may call whom, and how calls leave: SIPp, Kamailio and the built binary.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

mod askers;
mod carriers;
mod credentials;
mod house;
mod http;
mod kamailio;
mod minutes;
mod refusals;
mod rtp;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;
mod tunnel;
mod wire;
