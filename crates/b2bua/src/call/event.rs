//! What a call hears, translated from the keys of the outside to its own legs.

use media::agent::AgentEvent;
use media::command::{Counters, Event as MediaEvent};
use sip::endpoint::{Event as WireEvent, Failure, TransactionKey};
use sip::{Message, StatusCode};

use crate::fate::Side;
use crate::io::Verdict;
use crate::unheard;

/// One thing that happened to a call.
#[derive(Clone, Debug)]
pub(crate) enum CallEvent {
    /// The caller's CANCEL came; its INVITE is answered 487.
    Cancelled(Message),
    /// A provisional response of the agent's leg.
    Progress(Message),
    /// A provisional response of the agent's leg that offers.
    EarlyOffer,
    /// The caller's PRACK came; with a key, it offers and is to be answered.
    Pracked(Message, Option<TransactionKey>),
    /// The caller acknowledged no provisional response; its INVITE is answered 504.
    PrackMissing,
    /// The agent's leg is answered.
    Answered(Message),
    /// The agent's leg is refused, and over.
    Rejected(StatusCode, Option<Message>, Failure),
    /// In a dialog.
    Dialog(Side, DialogEvent),
    /// Of the agent's stream.
    Stream(StreamEvent),
    /// Of a leg's port pair.
    Pair(Side, PairEvent),
    /// The answer to what the call asked.
    Verdict(Verdict),
    /// A word from above.
    Stop(Stop),
    /// The record is on disk.
    Recorded,
    /// Time has passed.
    Timeout,
}

/// Within a dialog that has been answered.
#[derive(Clone, Debug)]
pub(crate) enum DialogEvent {
    Acknowledged(Message),
    /// To our 2xx; where it should have gone, in words.
    AckMissing(String),
    /// A re-INVITE or UPDATE.
    Reinvited(TransactionKey, Message),
    Requested(TransactionKey, Message),
    /// Of the session's changes and its life.
    Session(SessionEvent),
    /// It is over: by BYE, or because the far side lost it.
    Ended(Option<Message>),
}

/// Of a session that is being changed or kept alive.
#[derive(Clone, Debug)]
pub(crate) enum SessionEvent {
    /// A 2xx to our re-INVITE, which wants its ACK, or to our UPDATE.
    Accepted(Message),
    /// Our re-INVITE or UPDATE failed.
    Refused(StatusCode, Option<Message>),
    /// It may be tried again.
    OfferDue,
    /// It is on us to refresh the session, by re-INVITE.
    RefreshDue,
    /// The far side's re-INVITE that we had not answered is answered 487.
    Cancelled,
    /// Nobody refreshed it. The dialog is over.
    Expired,
}

/// Of a Media Streams WebSocket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum StreamEvent {
    Opened,
    /// Why, in words.
    Failed(String),
    /// After it was open.
    Closed(Closed),
}

/// How a stream ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Closed {
    /// The bot closed it.
    Orderly,
    /// Why, in words.
    Broken(String),
}

/// Of a port pair.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PairEvent {
    Bound,
    /// Why, in the system's words.
    BindFailed(String),
    Latched,
    Silent,
    /// Its worker failed.
    Lost,
    Released(Counters),
}

/// Why a call is told to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Hangup,
    Shutdown,
}

impl StreamEvent {
    pub(crate) fn of(event: AgentEvent) -> Self {
        match event {
            AgentEvent::Opened { .. } => Self::Opened,
            AgentEvent::Failed { error, .. } => Self::Failed(error),
            AgentEvent::Closed { clean: true, .. } => Self::Closed(Closed::Orderly),
            AgentEvent::Closed { clean: false, reason, .. } => Self::Closed(Closed::Broken(reason)),
        }
    }
}

impl PairEvent {
    /// `None` for what is noted, and is no news to a call.
    pub(crate) fn of(event: MediaEvent) -> Option<Self> {
        Some(match event {
            MediaEvent::Bound { .. } => Self::Bound,
            MediaEvent::BindFailed { error, .. } => Self::BindFailed(error),
            MediaEvent::Latched { .. } => Self::Latched,
            MediaEvent::Silent { .. } => Self::Silent,
            MediaEvent::Measured { .. } => return None,
            MediaEvent::Lost { .. } => Self::Lost,
            MediaEvent::Released { counters, .. } => Self::Released(counters),
        })
    }
}

impl CallEvent {
    fn session(side: Side, event: SessionEvent) -> Self {
        Self::Dialog(side, DialogEvent::Session(event))
    }

    /// What an event of the endpoint means to the call whose leg on that side it concerns; `None` where it means nothing to one.
    pub(crate) fn of(side: Side, event: WireEvent) -> Option<Self> {
        Some(match event {
            WireEvent::Cancelled { request, .. } => Self::Cancelled(request),
            WireEvent::Progress { response, .. } => Self::Progress(response),
            WireEvent::EarlyOffer { .. } => Self::EarlyOffer,
            WireEvent::Pracked { request, transaction, .. } => Self::Pracked(request, transaction),
            WireEvent::PrackMissing { .. } => Self::PrackMissing,
            WireEvent::Answered { response, .. } => Self::Answered(response),
            WireEvent::Rejected { status, response, failure, .. } => {
                Self::Rejected(status, response, failure)
            }
            WireEvent::Acknowledged { request, .. } => Self::Dialog(side, DialogEvent::Acknowledged(request)),
            WireEvent::AckMissing { sent, .. } => {
                Self::Dialog(side, DialogEvent::AckMissing(unheard::diagnosis(&sent)))
            }
            WireEvent::Reinvited { transaction, request, .. }
            | WireEvent::Updated { transaction, request, .. } => {
                Self::Dialog(side, DialogEvent::Reinvited(transaction, request))
            }
            WireEvent::Requested { transaction, request, .. } => {
                Self::Dialog(side, DialogEvent::Requested(transaction, request))
            }
            WireEvent::Ended { request, .. } => Self::Dialog(side, DialogEvent::Ended(request)),
            WireEvent::ReinviteAnswered { response, .. } | WireEvent::UpdateAnswered { response, .. } => {
                Self::session(side, SessionEvent::Accepted(response))
            }
            WireEvent::ReinviteRejected { status, response, .. }
            | WireEvent::UpdateRejected { status, response, .. } => {
                Self::session(side, SessionEvent::Refused(status, response))
            }
            WireEvent::OfferDue { .. } => Self::session(side, SessionEvent::OfferDue),
            WireEvent::RefreshDue { .. } => Self::session(side, SessionEvent::RefreshDue),
            WireEvent::ReinviteCancelled { .. } => Self::session(side, SessionEvent::Cancelled),
            WireEvent::SessionExpired { .. } => Self::session(side, SessionEvent::Expired),
            WireEvent::Byed { .. }
            | WireEvent::Invited { .. }
            | WireEvent::OutOfDialog { .. }
            | WireEvent::Refused { .. }
            | WireEvent::Undeliverable { .. }
            | WireEvent::Malformed { .. } => return None,
        })
    }
}
