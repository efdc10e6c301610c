//! What comes out of the endpoint: events for the core above, messages for the sockets.

use std::time::Duration;

use bytes::Bytes;

use super::{DialogKey, TransactionKey};
use crate::Flow;
use crate::digest::Denial;
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
        /// The final response: 400, 414, 416, 420, 422, 482, 483, 503, 505 or 513.
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
        /// The 2xx, and where it went: by its Contact and Record-Route the ACK had to come.
        sent: Transmit,
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
    /// A reliable provisional response that carries the offer, for our INVITE had none (RFC 3262 s.5): `prack` it with the answer.
    EarlyOffer {
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
        /// Whose failure it was: whether another target may do better.
        failure: Failure,
    },
    /// A PRACK to our reliable provisional response (RFC 3262 s.3).
    Pracked {
        /// Which INVITE.
        dialog: DialogKey,
        /// The PRACK: its body is the answer, if that response carried our offer.
        request: Message,
        /// What to answer, with `respond`, where the PRACK carries a new offer; `None` if it has had its 200.
        transaction: Option<TransactionKey>,
    },
    /// No PRACK within 64*T1 of our reliable provisional response: the INVITE was rejected with 504.
    PrackMissing {
        /// Which one; it is over.
        dialog: DialogKey,
    },
    /// A re-INVITE in a confirmed dialog: `respond` to it.
    Reinvited {
        /// Which dialog.
        dialog: DialogKey,
        /// What to answer.
        transaction: TransactionKey,
        /// The request.
        request: Message,
    },
    /// The re-INVITE that the core had not answered was cancelled: it has its 487, and the session stays as it was.
    ReinviteCancelled {
        /// Which dialog.
        dialog: DialogKey,
    },
    /// An UPDATE with an offer, in an early or confirmed dialog (RFC 3311): `respond` to it at once. One without is answered here.
    Updated {
        /// Which dialog.
        dialog: DialogKey,
        /// What to answer.
        transaction: TransactionKey,
        /// The request.
        request: Message,
    },
    /// A 2xx to our re-INVITE: `acknowledge` it.
    ReinviteAnswered {
        /// Which dialog.
        dialog: DialogKey,
        /// The response.
        response: Message,
    },
    /// Our re-INVITE failed; the session stays as it was (RFC 3261 s.14.1). With 491 `OfferDue` follows.
    ReinviteRejected {
        /// Which dialog.
        dialog: DialogKey,
        /// The status; 491 and 503 also where we could not send it.
        status: StatusCode,
        /// The response, if one came.
        response: Option<Message>,
    },
    /// A 2xx to our UPDATE.
    UpdateAnswered {
        /// Which dialog.
        dialog: DialogKey,
        /// The response.
        response: Message,
    },
    /// Our UPDATE failed; the session stays as it was. With 491 `OfferDue` follows.
    UpdateRejected {
        /// Which dialog.
        dialog: DialogKey,
        /// The status; 491 and 503 also where we could not send it.
        status: StatusCode,
        /// The response, if one came.
        response: Option<Message>,
    },
    /// What stood in the way of our re-INVITE or UPDATE (491, or a Retry-After) should be gone: try it again, if it is still wanted.
    OfferDue {
        /// Which dialog.
        dialog: DialogKey,
    },
    /// It is on us to refresh the session, and the far side takes no UPDATE: `reinvite` with the description that we sent last.
    RefreshDue {
        /// Which dialog.
        dialog: DialogKey,
    },
    /// No refresh came in time: a BYE went out (RFC 4028 s.10), and `Byed` follows.
    SessionExpired {
        /// Which dialog.
        dialog: DialogKey,
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
    /// A request of ours within a dialog could not be sent, by whatever way: for the log, as the far side hears nothing of it.
    Undeliverable {
        /// The last way that was tried.
        flow: Flow,
        /// The request: its Route, or else its Request-URI, is where the far side wanted it to go.
        request: Message,
    },
    /// Bytes that are no SIP message and got no answer: for the log and a counter.
    Malformed {
        /// Where they came from.
        flow: Flow,
        /// What was wrong, in words.
        fault: String,
    },
}

/// Whose failure the end of our INVITE was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// Somebody refused the call: another target of the same host name would say the same.
    Refused,
    /// It asks for credentials (401, 407), and those that we have are no answer. Why, the words of the denial say.
    Denied(Denial),
    /// The host can't serve: 503. Another target may do better (RFC 3263 s.4.3).
    Unavailable {
        /// How long the host wants to be left alone (its Retry-After).
        retry_after: Option<Duration>,
    },
    /// Nothing came within timer B. Another target may do better.
    Silent,
    /// It could not be sent. Another target may do better.
    Unsendable,
    /// We cancelled it.
    Cancelled,
}

impl Failure {
    /// Whether the next target of RFC 3263 is to be tried.
    pub fn is_of_the_host(self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Silent | Self::Unsendable => true,
            Self::Refused | Self::Denied(_) | Self::Cancelled => false,
        }
    }
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
