//! The daemon over HTTP: calls, their traces, metrics. And the client with which the command line asks for them.
//!
//! There are no keys and no TLS yet, so only loopback addresses are listened on, and a request that names another host is
//! refused: a web page in a browser of this machine must not reach it under a name of its own. All that a client may take of us
//! is bounded: connections, the size and the time of a request, the life of a connection.

mod api;
mod bind;
mod calls;
mod client;
mod drain;
mod health;
mod host;
mod problem;
mod serve;

pub use api::{Api, Live};
pub use bind::{BindError, bind};
pub use client::{Answer, FetchError, Method, Trust, TrustError, Url, UrlError, Wanted};
pub use drain::{Drain, drains};
pub use health::{Health, Phase};
pub use serve::serve;

#[cfg(test)]
mod tests;
