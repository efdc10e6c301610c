//! The brain: two legs, one call, one record. No sockets, no clock.
//!
//! [`Core`] takes in an [`Input`] at a time and is then drained of its [`Output`]s. Their order is the order in the world: what the
//! 200 relies on stands before it.

pub mod ask;
mod body;
mod call;
mod calls;
mod config;
mod core;
mod desk;
mod door;
mod dtmf;
mod explain;
mod fate;
mod headers;
mod identify;
mod ids;
pub mod io;
mod leg;
mod negotiate;
mod parties;
mod random;
mod rate;
pub mod record;
mod refusal;
mod reinvite;
mod secrets;
mod stray;
mod unheard;
mod usage;

pub use self::core::{Census, Core, LiveCall};
pub use call::Progress;
pub use config::{Config, Limits, MediaAddress, Sharing, UnknownSource};
pub use explain::{Explained, Origin, Outcome, Step, explain};
pub use io::{Input, Now, Output};
pub use record::CallRecord;
