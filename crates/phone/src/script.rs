//! What a phone is to do, step by step.

use std::time::Duration;

use crate::change::Offer;

/// One step. Each begins when the one before it is done; what a telephone does by itself (see [`crate::Phone`]) goes on meanwhile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Sends INVITE.
    Invite(Invite),
    /// Sends OPTIONS outside of any dialog, to that URI.
    Options {
        /// Request-URI and To.
        to: String,
    },
    /// Waits for that status of the (re-)INVITE or OPTIONS that we sent. Other provisional responses are passed over; another final one is a fault.
    Expect(u16),
    /// Waits for any final status of the (re-)INVITE that we sent.
    ExpectFinal,
    /// Sends the ACK of the 2xx, and again for each repetition; nothing without a 2xx. With the answer, if the 2xx carried the offer.
    Ack {
        /// The answer to a late offer.
        sdp: Option<String>,
    },
    /// Lets time pass.
    Wait(Duration),
    /// Ends the call by BYE and waits for its final response. A callee waits for the ACK first (RFC 3261 s.15).
    Bye,
    /// Cancels our INVITE, once it has a provisional response (RFC 3261 s.9.1). A 2xx that crosses gets its ACK and a BYE.
    Cancel,
    /// Sends INVITE within the dialog: with an offer, or without to be offered.
    Reinvite {
        /// The offer.
        sdp: Option<String>,
    },
    /// The same, with further headers.
    ReinviteWith(Offer),
    /// Answers the re-INVITE or UPDATE that a [`crate::Reaction::Waits`] left open.
    Respond {
        /// A final one, or a provisional one to a re-INVITE.
        status: u16,
        /// The answer.
        sdp: Option<String>,
    },
    /// Waits for an INVITE.
    ExpectInvite,
    /// Waits for the ACK of our 2xx.
    ExpectAck,
    /// Waits for an INVITE within the dialog; it is answered by itself.
    ExpectReinvite,
    /// Waits for a CANCEL; it is answered by itself, and the INVITE by 487.
    ExpectCancel,
    /// Waits for a BYE; it is answered by itself.
    ExpectBye,
    /// Sends a provisional response to the INVITE.
    Ring {
        /// 100 to 199.
        status: u16,
        /// Early media.
        sdp: Option<String>,
    },
    /// Sends a provisional response to the INVITE, with further headers.
    RingWith(Ring),
    /// Sends a provisional response to the INVITE reliably: again until its PRACK (RFC 3262 s.3). With further headers.
    RingReliably(Ring),
    /// Waits for a PRACK; it is answered by itself.
    ExpectPrack,
    /// Acknowledges a reliable provisional response (RFC 3262 s.4), once there is one: the first that has no PRACK.
    Prack {
        /// The answer to its offer, or a new offer.
        sdp: Option<String>,
    },
    /// Waits for the final response to our PRACK.
    ExpectPracked(u16),
    /// Sends UPDATE within the dialog, be it early (RFC 3311); of several early ones within the last.
    Update {
        /// The offer.
        sdp: Option<String>,
    },
    /// The same, with further headers.
    UpdateWith(Offer),
    /// Waits for the final response to our UPDATE.
    ExpectUpdated(u16),
    /// Waits for an UPDATE; it is answered by itself.
    ExpectUpdate,
    /// Sends 200 to the INVITE, and again until its ACK.
    Answer {
        /// The answer; or the offer, if the INVITE had none.
        sdp: Option<String>,
    },
    /// Sends a final response of 300 to 699 to the INVITE, and again until its ACK.
    Reject {
        /// Such as 486.
        status: u16,
    },
}

/// A provisional response to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ring {
    /// 101 to 199.
    pub status: u16,
    /// Early media: the answer, or the offer of a reliable one if the INVITE had none.
    pub sdp: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
}

impl Ring {
    /// Without a description or further headers.
    pub fn status(status: u16) -> Self {
        Self { status, sdp: None, headers: Vec::new() }
    }

    /// With this description.
    #[must_use]
    pub fn sdp(mut self, sdp: impl Into<String>) -> Self {
        self.sdp = Some(sdp.into());
        self
    }

    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// The INVITE to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invite {
    /// Request-URI and To, such as `sip:+14155550100@192.0.2.1:5060`.
    pub to: String,
    /// The offer; without one, the far side offers.
    pub sdp: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
}

impl Invite {
    /// Without an offer or further headers.
    pub fn to(uri: impl Into<String>) -> Self {
        Self { to: uri.into(), sdp: None, headers: Vec::new() }
    }

    /// With this offer.
    #[must_use]
    pub fn offer(mut self, sdp: impl Into<String>) -> Self {
        self.sdp = Some(sdp.into());
        self
    }

    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
