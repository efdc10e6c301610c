//! What comes out of the endpoint: events for the core above, messages for the sockets.

use bytes::Bytes;

use super::{DialogKey, TransactionKey};
use crate::Flow;
use crate::message::{Message, StatusCode};

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
    /// An INVITE outside of any dialog that we answered ourselves, from a peer that we know. Told once, whatever its repetitions.
    Refused {
        /// Where it came from.
        flow: Flow,
        /// The INVITE, as far as it can be read: what is malformed in it the accessors leave out.
        request: Message,
        /// The final response: 400, 414, 416, 420, 482, 483, 503, 505 or 513.
        status: StatusCode,
        /// What was wrong. The words may quote the peer.
        words: String,
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
    /// A 2xx to our INVITE, the first: `acknowledge` it. A further fork's 2xx is acknowledged and ended by a BYE here.
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
