//! What may be seen of the signalling from outside: counters, a bounded trace of each call, ladders, HEP3.
//!
//! Everything here is a function of the messages that pass, which are handed in with their time. The signalling task counts
//! them ([`Counters`], atomics of a fixed number) and hands them on; another task masks the secrets in them ([`mask`]) and keeps
//! them ([`Archive`]) or packs them for a collector ([`hep`]). Every collection has a bound, and no peer chooses a label.

mod archive;
mod counters;
mod glance;
pub mod hep;
mod label;
pub mod ladder;
mod mask;
pub mod metrics;
mod passage;
mod secrets;
mod traces;

pub use archive::Archive;
pub use counters::{Counters, Gauges};
pub use glance::call_id;
pub use mask::mask;
pub use metrics::Metrics;
pub use passage::{Direction, Passage};
pub use secrets::Secrets;
pub use traces::{Bounds, Item, Leg, Trace, Traces};
