//! Locating SIP servers (RFC 3263): from a URI to the addresses to try, and from one that failed to the next.
//!
//! [`Locate`] names the DNS questions and takes their answers; [`Cache`] remembers these. What it finds goes into
//! [`Candidates`], which a transaction walks: [`Candidates::next`] on a transport error, on timer B or F, on a 503,
//! each time with a new branch. [`Shunned`] remembers who failed or asked for time.
//!
//! Nothing here asks DNS or reads a clock; the choice by weight comes from a seed. What a name server may send is
//! bounded: [`MAX_RECORDS`] an answer, [`MAX_ALIASES`] a name, [`MAX_SERVERS`] and [`MAX_CANDIDATES`] a target.

mod cache;
mod candidates;
mod failure;
mod question;
mod reach;
mod search;
mod sheet;
mod shunned;
mod target;
mod ways;
mod weigh;

pub use cache::Cache;
pub use candidates::{AllBusy, Candidate, Candidates, Setback};
pub use failure::Failure;
pub use question::{Absent, Answer, Kind, Naptr, Question, Srv, Trouble};
pub use reach::{Families, Reach};
pub use search::{Locate, Need};
pub use shunned::Shunned;
pub use target::{Target, TargetFault};
pub use weigh::in_order;

/// Records of one answer that are looked at.
pub const MAX_RECORDS: usize = 64;
/// CNAMEs that are followed from one name.
pub const MAX_ALIASES: usize = 8;
/// Servers of one target whose addresses are asked for.
pub const MAX_SERVERS: usize = 16;
/// Addresses of one target that are handed out.
pub const MAX_CANDIDATES: usize = 32;

#[cfg(test)]
mod tests;
