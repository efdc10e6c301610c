//! Calls with audio through the built binary, between telephones of every manner: each sample that is said at one end is looked for at the
//! other, nothing is lost that the network did not lose before, and nobody else has a say.
//!
//! `STROWGER_AUDIO_SECONDS` says how long the calls are, as in `STROWGER_AUDIO_SECONDS=120 cargo test --release -p strowger --test audio --
//! --nocapture`; without it they are short.

#![expect(clippy::unwrap_used, reason = "a test says what failed by panicking")]

#[path = "audio/attack.rs"]
mod attack;
#[path = "audio/attacks.rs"]
mod attacks;
#[path = "audio/baresip.rs"]
mod baresip;
#[path = "audio/call.rs"]
mod call;
#[path = "audio/codec.rs"]
mod codec;
#[path = "audio/handset.rs"]
mod handset;
#[path = "audio/heard.rs"]
mod heard;
#[path = "audio/pairings.rs"]
mod pairings;
mod process;
#[path = "audio/seal.rs"]
mod seal;
#[path = "audio/secrecy.rs"]
mod secrecy;
#[path = "audio/signal.rs"]
mod signal;
#[path = "audio/story.rs"]
mod story;
#[expect(dead_code, reason = "the end-to-end tests use the rest of it")]
mod support;
#[path = "audio/telephones.rs"]
mod telephones;
#[path = "audio/weather.rs"]
mod weather;
