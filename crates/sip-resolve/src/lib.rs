//! Locating SIP servers: the search of [`sip::locate`] and a resolver that answers its questions.
//!
//! All decisions are in [`sip::locate`]. Here is the I/O: questions go to the name servers at the same time, the same
//! one only once, and what comes back is kept for its TTL.

mod config;
mod dns;
mod questions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sip::locate::{Candidate, Failure, Locate, Need, Reach, Target};
use tokio::time::{Instant, timeout_at};

pub use config::{Config, NameServers, SetupFault};

use dns::Dns;
use questions::Questions;

/// Finds where SIP servers are. One serves a whole process.
#[derive(Debug)]
pub struct Resolver {
    questions: Arc<Questions>,
    reach: Reach,
    patience: Duration,
    seed: AtomicU64,
}

impl Resolver {
    /// Reads the system's configuration, if that is asked for. Questions need a tokio runtime.
    ///
    /// # Errors
    /// [`SetupFault`] for name servers that can't be used.
    pub fn new(config: Config) -> Result<Self, SetupFault> {
        let dns = Dns::new(&config.name_servers, config.patience)?;
        Ok(Self {
            questions: Arc::new(Questions::new(dns, config.cache, config.at_once)),
            reach: config.reach,
            patience: config.patience,
            seed: AtomicU64::new(config.seed),
        })
    }

    /// The places to try, in order, for one transaction: another call may get another order. Takes no longer than the
    /// configured patience, and then makes do with what it has.
    ///
    /// # Errors
    /// [`Failure`], whose `Display` is for the operator.
    pub async fn locate(&self, target: &Target) -> Result<Vec<Candidate>, Failure> {
        let deadline = Instant::now() + self.patience;
        let mut search = Locate::new(target, &self.reach, self.seed.fetch_add(1, Ordering::Relaxed));
        let mut answers = FuturesUnordered::new();
        loop {
            match search.poll() {
                Need::Done(result) => return result,
                Need::Ask(question) => answers.push(Arc::clone(&self.questions).ask(question)),
                Need::Wait => match timeout_at(deadline, answers.next()).await {
                    Ok(Some((question, answer))) => search.answer(&question, &answer),
                    Ok(None) | Err(_) => return search.give_up(),
                },
            }
        }
    }
}
