//! The legs of a call: A faces the caller, B the agent.

use media::MediaKey;
use media::agent::AgentKey;
use media::command::WorkerId;
use sip::endpoint::DialogKey;

use crate::negotiate::{Exchange, Opening};

/// A port pair on its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pair {
    pub(crate) media: MediaKey,
    pub(crate) worker: WorkerId,
    pub(crate) port: u16,
}

/// The caller's leg before its answer.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) dialog: DialogKey,
    pub(crate) pair: Pair,
    pub(crate) opening: Opening,
}

/// A dialog and its media.
#[derive(Clone, Debug)]
pub(crate) struct SipLeg {
    pub(crate) dialog: DialogKey,
    pub(crate) pair: Pair,
    pub(crate) sdp: Exchange,
}

/// What answers the caller.
#[derive(Clone, Debug)]
pub(crate) enum AgentLeg {
    /// Its own voice.
    Echo,
    /// An open Media Streams WebSocket.
    Stream(AgentKey),
    /// A SIP peer.
    Sip(Box<SipLeg>),
}
