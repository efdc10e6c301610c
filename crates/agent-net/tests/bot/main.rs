//! Agent streams against a scripted bot on a real WebSocket.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod opening;
mod stream;
mod support;
