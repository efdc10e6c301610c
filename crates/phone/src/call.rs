//! The one call of a phone, and its fate.

use std::time::Instant;

use rsip::Request;

use crate::dialog::Dialog;

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// By a final response above 299, whoever sent it.
    Refused,
    /// By our BYE.
    ByUs,
    /// By their BYE.
    ByThem,
    /// By a CANCEL, whoever sent it.
    Cancelled,
    /// Our 2xx got no ACK in 64*T1; a BYE followed.
    Unacknowledged,
    /// No final response came to our INVITE.
    Unanswered,
}

/// The fate of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The final status of the INVITE, ours or theirs.
    pub status: Option<u16>,
    /// `None` if there was no call.
    pub ended: Option<Ended>,
    /// Where the script and the call disagreed, in words.
    pub fault: Option<String>,
}

/// When things happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Times {
    /// The INVITE was first sent or received.
    pub invited: Option<Instant>,
    /// The first 101 to 199.
    pub ringing: Option<Instant>,
    /// The 2xx.
    pub answered: Option<Instant>,
    /// The BYE was first sent or received, or the final response that refused.
    pub ended: Option<Instant>,
}

#[derive(Debug)]
pub(crate) enum Call {
    Idle,
    /// Our INVITE has no final response.
    Calling {
        invite: Request,
        branch: String,
        wish: Wish,
    },
    /// Their INVITE has no final response of ours.
    Called {
        branch: String,
    },
    Up {
        dialog: Dialog,
    },
    /// Our BYE has no final response.
    Leaving {
        dialog: Dialog,
        ended: Ended,
    },
    Over {
        ended: Ended,
    },
}

/// What to do with a 2xx.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    Talk,
    /// CANCEL went out.
    Cancel,
}
