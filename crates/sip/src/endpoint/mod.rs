//! The endpoint: transactions and dialogs behind one door (RFC 3261 s.8, 9, 12 to 15, 17).
//!
//! `receive`, `expire` and the verbs take input; `poll_event` and `poll_transmit` drain what came of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::message::{Message, Method, StatusCode};
use crate::{Flow, Transport};

/// Our handle of one INVITE usage: from its INVITE, in either direction, until both sides have forgotten it.
/// Never reused. (The dialog's identity on the wire is Call-ID and tags, RFC 3261 s.12.)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct DialogKey(pub u64);

/// Our handle of a server transaction that the core above has to answer: a non-INVITE request, or a re-INVITE.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TransactionKey(pub u64);

/// One listening socket, and the address by which peers reach it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its transport.
    pub transport: Transport,
    /// The bound address: `Flow::local` of what arrives on it.
    pub local: SocketAddr,
    /// What Via and Contact say.
    pub advertised: SocketAddr,
}

/// What the endpoint is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// The sockets.
    pub listeners: Vec<Listener>,
    /// The User-Agent and Server header.
    pub user_agent: String,
    /// Round-trip estimate T1 (RFC 3261 s.17.1.1.1), 500 ms.
    pub t1: Duration,
    /// Largest retransmission interval T2 of non-INVITE requests and INVITE responses, 4 s.
    pub t2: Duration,
    /// How long a message stays in the network, T4, 5 s.
    pub t4: Duration,
    /// Bound on server and client transactions together; a request over it is answered 503.
    pub max_transactions: usize,
    /// Bound on dialogs; an INVITE over it is answered 503.
    pub max_dialogs: usize,
}

/// A header that the caller adds: name and value, already of valid syntax.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// The full name, in its usual case.
    pub name: &'static str,
    /// The value, without CR or LF.
    pub value: String,
}

/// A body and its Content-Type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    /// Such as `application/sdp`.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Bytes,
}

/// A response that the core above decides on.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Headers beside those that the endpoint itself sets (Via, From, To, Call-ID, CSeq, Contact, Server,
    /// Content-Length, Record-Route).
    pub headers: Vec<Header>,
    /// Its body.
    pub body: Option<Body>,
}

/// An INVITE that the core above wants sent.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Our listener and the next hop.
    pub flow: Flow,
    /// The Request-URI.
    pub request_uri: String,
    /// From as name-addr, without tag.
    pub from: String,
    /// To as name-addr, without tag.
    pub to: String,
    /// Max-Forwards to send (RFC 7332: the received one, less one).
    pub max_forwards: u8,
    /// Headers beside those that the endpoint itself sets.
    pub headers: Vec<Header>,
    /// The offer; `None` asks the far side to offer.
    pub body: Option<Body>,
}

/// What happened. Messages are whole, so that the core above reads what it needs of them.
#[derive(Clone, Debug)]
pub enum Event {
    /// An INVITE outside of any dialog. Nothing has been sent for it yet: `trying`, `ring`, `answer`, `reject` or `ignore` it.
    Invited {
        /// Names it from here on.
        dialog: DialogKey,
        /// The INVITE.
        request: Message,
        /// Where it came from.
        flow: Flow,
    },
    /// The caller cancelled; the CANCEL has its 200 and the INVITE its 487.
    Cancelled {
        /// Which one.
        dialog: DialogKey,
        /// The CANCEL.
        request: Message,
    },
    /// The ACK to our 2xx (of the INVITE or of a re-INVITE) came.
    Acknowledged {
        /// Which one.
        dialog: DialogKey,
        /// The ACK, whose body is the answer if our 2xx carried the offer.
        request: Message,
    },
    /// No ACK within 64*T1 of our 2xx: a BYE went out (RFC 3261 s.13.3.1.4).
    AckMissing {
        /// Which one.
        dialog: DialogKey,
    },
    /// A provisional response above 100 to our INVITE.
    Progress {
        /// Which one.
        dialog: DialogKey,
        /// The response.
        response: Message,
    },
    /// A 2xx to our INVITE, the first: `acknowledge` it. A further fork's 2xx is ACKed and ended by a BYE here.
    Answered {
        /// Which one.
        dialog: DialogKey,
        /// The response.
        response: Message,
    },
    /// Our INVITE failed: a final response above 299, no answer within timer B (408), or a transport error (503).
    Rejected {
        /// Which one; it is over.
        dialog: DialogKey,
        /// The status, that of RFC 3261 s.8.1.3.1 where no response came.
        status: StatusCode,
        /// The response, if one came.
        response: Option<Message>,
    },
    /// A re-INVITE (or an UPDATE) in a confirmed dialog: `respond` to it.
    Reinvited {
        /// Which dialog.
        dialog: DialogKey,
        /// What to answer.
        transaction: TransactionKey,
        /// The request.
        request: Message,
    },
    /// Another request within a dialog (INFO, ...): `respond` to it.
    Requested {
        /// Which dialog.
        dialog: DialogKey,
        /// What to answer.
        transaction: TransactionKey,
        /// The request.
        request: Message,
    },
    /// A request other than INVITE outside of any dialog: `respond` to it, or `disregard` it.
    OutOfDialog {
        /// What to answer.
        transaction: TransactionKey,
        /// The request.
        request: Message,
        /// Where it came from.
        flow: Flow,
    },
    /// The far side ended the dialog: its BYE has been answered 200. Or a request of ours found it gone (481, 408).
    Ended {
        /// Which one; it is over.
        dialog: DialogKey,
        /// The BYE, if that was it.
        request: Option<Message>,
    },
    /// Our BYE has its final response, or none will come. The dialog is forgotten.
    Byed {
        /// Which one; it is over.
        dialog: DialogKey,
    },
    /// Bytes that are no SIP message and got no answer: for the log and a counter.
    Malformed {
        /// Where they came from.
        flow: Flow,
        /// What was wrong, in words.
        fault: String,
    },
}

/// A message to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// By which socket, and whereto.
    pub flow: Flow,
    /// The message.
    pub bytes: Bytes,
}

/// The endpoint is full: no further transaction or dialog until some end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the endpoint holds as many dialogs or transactions as it may")]
pub struct Full;

/// Transactions and dialogs of one node.
#[derive(Debug)]
pub struct Endpoint {}

#[expect(unused_variables, clippy::todo, reason = "boundary first")]
impl Endpoint {
    /// An endpoint without dialogs. `seed` is all of its randomness: tags, branches, Call-IDs, CSeq starts.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        todo!()
    }

    /// Takes in one datagram, or one framed message of a stream.
    pub fn receive(&mut self, now: Instant, flow: Flow, bytes: Bytes) {
        todo!()
    }

    /// Takes in that `flow` can't be sent on: client transactions on it end as by 503.
    pub fn flow_failed(&mut self, now: Instant, flow: Flow) {
        todo!()
    }

    /// Runs the timers that are due.
    pub fn expire(&mut self, now: Instant) {
        todo!()
    }

    /// When `expire` has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Drains what happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// Drains what is to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        todo!()
    }

    /// Sends 100 Trying to a received INVITE.
    pub fn trying(&mut self, now: Instant, dialog: DialogKey) {
        todo!()
    }

    /// Sends a provisional response 101 to 199, with our tag and Contact.
    pub fn ring(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        todo!()
    }

    /// Sends a 2xx to a received INVITE, and again until its ACK.
    pub fn answer(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        todo!()
    }

    /// Sends a final response above 299 to a received INVITE. The dialog is over; the transaction lives on by itself.
    pub fn reject(&mut self, now: Instant, dialog: DialogKey, reply: Reply) {
        todo!()
    }

    /// Never answers a received INVITE; retransmissions of it are absorbed for 64*T1. The dialog is over.
    pub fn ignore(&mut self, now: Instant, dialog: DialogKey) {
        todo!()
    }

    /// Answers a re-INVITE, an UPDATE or any non-INVITE request. A 2xx to a re-INVITE is repeated until its ACK.
    pub fn respond(&mut self, now: Instant, transaction: TransactionKey, reply: Reply) {
        todo!()
    }

    /// Never answers a non-INVITE request; retransmissions are absorbed.
    pub fn disregard(&mut self, now: Instant, transaction: TransactionKey) {
        todo!()
    }

    /// Sends an INVITE outside of any dialog.
    ///
    /// # Errors
    /// [`Full`] when a bound of [`Config`] is reached.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<DialogKey, Full> {
        todo!()
    }

    /// Sends the ACK of `Event::Answered`, with the answer if the 2xx carried the offer; again for each repeated 2xx.
    pub fn acknowledge(&mut self, now: Instant, dialog: DialogKey, body: Option<Body>) {
        todo!()
    }

    /// Cancels our INVITE: at once, or upon the first provisional response. `Rejected` (487 as a rule) follows; a 2xx that
    /// crosses is ACKed and ended by a BYE here, and `Rejected` with 487 still follows.
    pub fn cancel(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>) {
        todo!()
    }

    /// Sends BYE. `Byed` follows. For a received INVITE that is answered but without ACK yet, it waits for the ACK or
    /// for its lack (RFC 3261 s.15).
    pub fn bye(&mut self, now: Instant, dialog: DialogKey, headers: Vec<Header>) {
        todo!()
    }

    /// Sends a request within a confirmed dialog whose answer nobody waits for (INFO).
    pub fn request(&mut self, now: Instant, dialog: DialogKey, method: Method, headers: Vec<Header>, body: Option<Body>) {
        todo!()
    }

    /// The Call-ID of a dialog.
    pub fn call_id(&self, dialog: DialogKey) -> Option<&str> {
        todo!()
    }

    /// How many transactions and dialogs there are: for leak tests and counters.
    pub fn census(&self) -> Census {
        todo!()
    }
}

/// What an endpoint holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Client and server transactions.
    pub transactions: usize,
    /// Dialogs, early and confirmed.
    pub dialogs: usize,
    /// Armed timers.
    pub timers: usize,
}
