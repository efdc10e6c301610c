//! The daemon over HTTP: what is owned, calls, their traces, events, metrics. And the client with which the command line asks.
//!
//! Every request passes one gate, which knows of each operation what it asks of its caller. While there are no keys, only this machine is
//! answered, and a request that names another host is refused: a web page in a browser of this machine must not reach the daemon
//! under a name of its own. All that a client may take of us is bounded: connections, requests a second, the size and the time of
//! a request, the life of a connection.

mod access;
mod answer;
mod api;
mod audit;
mod bind;
mod body;
mod calls;
mod client;
mod cursor;
mod drain;
mod etag;
mod events;
mod health;
mod host;
mod idempotency;
mod keys;
mod merge;
mod objects;
mod openapi;
mod operation;
mod operations;
mod place;
mod problem;
mod query;
mod records;
mod secrets;
mod serve;
mod shares;
mod tls;
mod twilio;

pub use api::{Answering, CheckSecret, Live, Sources};
pub use bind::{BindError, Guarded, Present, bind};
pub use client::{Answer, FetchError, Method, Trust, TrustError, Url, UrlError, Wanted};
pub use drain::{Drain, drains};
pub use events::Events;
pub use health::{Health, Phase};
pub use serve::serve;
pub use tls::Certificates;

#[cfg(test)]
mod tests;
