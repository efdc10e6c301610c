//! The endpoint: transactions and dialogs behind one door (RFC 3261 s.8, 9, 12 to 15, 17).
//!
//! `receive`, `expire` and the verbs take input; `poll_event` and `poll_transmit` drain what came of it. A verb about a dialog or
//! transaction that is over, or in a state where it makes no sense, does nothing: the two sides of a call may end it at once.
//!
//! A dialog carries at most one change of its session at a time, from either side (`reinvite`, `update`); sessions are refreshed as
//! RFC 4028 has it, and provisional responses acknowledged as RFC 3262 has it, without the core above. So are challenges answered, where
//! an INVITE came with credentials, of all that follows in its dialog too.
//!
//! Where we leave the RFC's words: an UPDATE that overtakes the PRACK to the answer that it builds on gets 500 as if that answer
//! had not been sent; a re-INVITE of ours that only rings is cancelled after a minute; a 2xx that does not say who
//! refreshes the session leaves it to us; `maddr` of a Via is passed over, for it would point our responses at a third party; a
//! private address in the Contact or route of a public peer is not sent to; an OPTIONS is answered whatever its Max-Forwards; and no
//! name is resolved here, so a request to a route or target that is a host name goes back to where the dialog's messages
//! came from.

mod again;
mod change;
mod clients;
mod compose;
mod description;
mod drive;
mod early;
mod event;
mod flows;
mod incoming;
mod large;
mod order;
mod outgoing;
mod random;
mod receive;
mod refresh;
mod refusing;
mod reliable;
mod screen;
mod servers;
mod session;
mod ties;
mod timers;
mod turns;
mod usage;
mod within;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::clients::Clients;
pub use self::event::{Census, Event, Failure, Full, Transmit};
use self::large::NoTcp;
pub use self::order::{
    Body, Config, DialogKey, Header, Invite, Listener, Reliability, Reply, SessionTimer, TransactionKey,
};
use self::random::Random;
use self::refusing::Refused;
use self::servers::Servers;
use self::timers::Timers;
use self::usage::Usages;
use crate::Flow;

/// Transactions and dialogs of one node.
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
    random: Random,
    /// The last key given out: of dialogs and transactions alike, never reused.
    last_key: u64,
    clients: Clients,
    servers: Servers,
    usages: Usages,
    timers: Timers,
    refused: Refused,
    no_tcp: NoTcp,
    events: VecDeque<Event>,
    transmits: VecDeque<Transmit>,
}

impl Endpoint {
    /// An endpoint without dialogs. `seed` is all of its randomness: tags, branches, Call-IDs, `CSeq` starts.
    pub fn new(mut config: Config, seed: [u8; 32]) -> Self {
        // A timer of no length would be due again at once, for ever.
        config.t1 = config.t1.max(Duration::from_millis(1));
        config.t2 = config.t2.max(config.t1);
        Self {
            config,
            random: Random::new(seed),
            last_key: 0,
            clients: Clients::default(),
            servers: Servers::default(),
            usages: Usages::default(),
            timers: Timers::default(),
            refused: Refused::default(),
            no_tcp: NoTcp::default(),
            events: VecDeque::new(),
            transmits: VecDeque::new(),
        }
    }

    /// Takes in one datagram, or one framed message of a stream, from a peer that we know. What is wrong with it is answered
    /// here (400, 405, 416, 420, 422, 481, 482, 483, 500, 503), and the core above sees of that but `Refused`.
    pub fn receive(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        self.take_in(now, flow, bytes, Standing::Known);
    }

    /// Takes in one datagram, or one framed message of a stream, from a peer that we do not know.
    ///
    /// What belongs to a transaction or dialog is processed as ever, for a peer may move. A fresh INVITE or request is raised, whatever is
    /// wrong with it, and nothing is sent until the core above decides: `ignore` and `disregard` send nothing, nor does
    /// a CANCEL or a repetition of what was ignored. All else (malformed, stray, merged, over the bounds) gets no answer.
    /// Of the room for transactions, strangers get half at most.
    pub fn receive_from_stranger(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        self.take_in(now, flow, bytes, Standing::Unknown);
    }

    /// Runs the timers that are due.
    pub fn expire(&mut self, now: Instant) {
        while let Some(owner) = self.timers.take_due(now) {
            match owner {
                timers::Owner::Client(id) => self.expire_client(now, id),
                timers::Owner::Server(id) => self.expire_server(now, id),
                timers::Owner::Dialog(key) => self.expire_usage(now, key),
            }
        }
    }

    /// When `expire` has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Drains what happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Drains what is to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The Call-ID of a dialog.
    pub fn call_id(&self, dialog: DialogKey) -> Option<&str> {
        self.usages.get(dialog).map(|usage| usage.call_id.as_str())
    }

    /// How many transactions and dialogs there are: for leak tests and counters.
    pub fn census(&self) -> Census {
        Census {
            transactions: self.clients.len() + self.servers.len(),
            dialogs: self.usages.len(),
            timers: self.timers.len(),
        }
    }
}

/// The methods that we take, as an Allow header lists them.
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK";

/// The extensions that we support, as a Supported header lists them.
pub const SUPPORTED: &str = "timer, 100rel";

/// Whether we may let a peer know that we are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Known,
    Unknown,
}
