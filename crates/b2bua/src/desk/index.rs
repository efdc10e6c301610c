//! Which call a key of the outside belongs to. A key that is not here is of the past, and what comes with it is disregarded.

use std::collections::BTreeMap;

use media::MediaKey;
use media::agent::AgentKey;
use sip::endpoint::DialogKey;

use crate::fate::Side;
use crate::io::{CallKey, Ticket};

/// Bounded by the calls: each holds at most two dialogs, two pairs, one stream and one question.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) dialogs: BTreeMap<DialogKey, Owner>,
    pub(crate) media: BTreeMap<MediaKey, Held>,
    pub(crate) streams: BTreeMap<AgentKey, CallKey>,
    pub(crate) tickets: BTreeMap<Ticket, CallKey>,
}

/// A call, and the leg of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Owner {
    pub(crate) call: CallKey,
    pub(crate) side: Side,
}

/// A port pair that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub(crate) port: u16,
    /// Which call hears of it; `None` once its call has given it up, until the worker has let go of it.
    pub(crate) owner: Option<Owner>,
}

impl Index {
    /// How many keys there are: none once every call is forgotten.
    pub(crate) fn len(&self) -> usize {
        self.dialogs.len() + self.media.len() + self.streams.len() + self.tickets.len()
    }
}
