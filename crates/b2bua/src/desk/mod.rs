//! The desk that the states of a call work at: every effect is a verb here, and lands in the outbox in the order of the verbs.

mod index;
mod media;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use numbers::Directory;
use sip::Endpoint;
use sip::locate::{Reach, Shunned};

use self::index::Index;
use ::media::ports::PortPool;

use crate::config::Config;
use crate::io::{CallKey, Now, Output, Question, Ticket};
use crate::random::Random;
use crate::record::CallRecord;
use crate::secrets::Secrets;
use crate::usage::Live;

pub(crate) use self::index::Owner;

/// All that calls share.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) config: Config,
    /// What we own at this time.
    pub(crate) directory: Arc<Directory>,
    pub(crate) usage: Live,
    pub(crate) index: Index,
    pub(crate) ports: PortPool,
    pub(crate) random: Random,
    /// What is not to be guessed, which the dice are too poor for.
    pub(crate) secrets: Secrets,
    /// What our listeners can send.
    pub(crate) reach: Reach,
    /// The servers of SIP agents that are not to be asked for a while.
    pub(crate) shunned: Shunned,
    endpoint: Endpoint,
    outbox: VecDeque<Output>,
    minted: u64,
    calls: u64,
}

impl Desk {
    pub(crate) fn new(config: Config, directory: Arc<Directory>, seed: [u8; 32]) -> Self {
        let mut secrets = Secrets::new(seed);
        let random = Random::new(secrets.seed());
        let listeners = config.sip.listeners.iter();
        let reach = Reach::of(listeners.map(|listener| (listener.transport, listener.local)));
        Self {
            endpoint: Endpoint::new(config.sip.clone(), secrets.seed()),
            ports: PortPool::new(config.ports.clone(), QUARANTINE),
            usage: Live::new(config.sharing),
            index: Index::default(),
            outbox: VecDeque::new(),
            reach,
            shunned: Shunned::new(),
            minted: 0,
            calls: 0,
            config,
            directory,
            random,
            secrets,
        }
    }

    /// A key that was never given out before.
    pub(crate) fn mint(&mut self) -> u64 {
        self.minted += 1;
        self.minted
    }

    /// That of a call. Calls are numbered by themselves, as the number decides on the worker: among all keys those of calls are some steps
    /// apart, by which workers would be passed over.
    pub(crate) fn mint_call(&mut self) -> CallKey {
        self.calls += 1;
        CallKey(self.calls)
    }

    pub(crate) fn put(&mut self, output: Output) {
        self.outbox.push_back(output);
    }

    pub(crate) fn take(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Writes the record, as it stands.
    pub(crate) fn record(&mut self, call: CallKey, record: &CallRecord) {
        self.put(Output::Record(call, Arc::new(record.clone())));
    }

    /// Asks; the verdict comes back to the call.
    pub(crate) fn ask(&mut self, call: CallKey, question: Question) -> Ticket {
        let ticket = Ticket(self.mint());
        self.index.tickets.insert(ticket, call);
        self.put(Output::Ask(ticket, question));
        ticket
    }

    /// How many calls have a seat.
    pub(crate) fn seats(&self) -> usize {
        usize::try_from(self.usage.calls()).unwrap_or(usize::MAX)
    }

    /// The verdict is not wanted any more.
    pub(crate) fn unask(&mut self, ticket: Ticket) {
        self.index.tickets.remove(&ticket);
    }
}

/// So much later than `now`.
pub(crate) fn after(now: Now, delay: std::time::Duration) -> Instant {
    now.instant + delay
}

/// So long a port pair rests after a call, at least, so that its stray packets reach nobody. Pairs take turns: only where nearly all
/// are in use does one rest no longer than this.
const QUARANTINE: std::time::Duration = std::time::Duration::from_secs(2);
