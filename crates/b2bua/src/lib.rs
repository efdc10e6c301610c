//! The brain: two legs, one call, one record. No sockets, no clock.

pub mod io;
pub mod record;

pub use io::{Input, Now, Output};
pub use record::CallRecord;
