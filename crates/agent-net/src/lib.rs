//! The stream side of an agent leg: we are the client of a bot's WebSocket and speak Twilio Media Streams.
//!
//! [`Streams::open`] starts one task for one call. It tells `Opened` or `Failed` once, and after `Opened` at most one
//! `Closed`; a stream that [`Streams::close`] ended tells nothing more. Audio goes from the leg's tap to the bot through a
//! bounded queue that drops its oldest audio for a slow bot, and from the bot to the tap through a bounded channel that
//! makes a fast bot wait, so nothing of what it sent is lost.
//!
//! The engine (`stream`) knows no protocol; a protocol is a [`codec`] over it.

mod codec;
mod connect;
mod counters;
mod engine;
mod fault;
mod line;
mod marks;
mod outgoing;
mod streams;
mod target;
mod trust;
mod twilio;

pub use counters::Counters;
pub use fault::{Fault, Stage};
pub use streams::{Options, Streams, Tap};
pub use trust::Trust;
