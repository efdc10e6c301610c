//! The stream side of an agent leg: we are the client of a bot's WebSocket and speak Twilio Media Streams.
//!
//! [`Streams::open`] starts one task for one call. It tells `Opened` or `Failed` once, and after `Opened` at most one
//! `Closed`; a stream that [`Streams::close`] ended tells nothing more. Audio goes from the leg's tap to the bot through a
//! bounded queue that drops its oldest audio for a slow bot. From the bot to the tap it goes through a bounded channel that
//! makes a fast bot wait: nothing of what it sent is lost on the way, but the tap keeps five minutes that are still to be
//! played, and what comes beyond them is dropped there.
//!
//! `engine` runs one stream and knows no protocol; a protocol, such as `twilio`, is a `codec` under it.

mod codec;
mod connect;
mod engine;
mod fault;
mod line;
mod marks;
mod outgoing;
mod streams;
mod tally;
mod target;
mod trust;
mod twilio;

pub use fault::{Fault, Stage};
pub use streams::{Options, Streams, Tap};
pub use trust::Trust;
