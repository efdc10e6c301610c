//! Which call a key of the outside belongs to. A key that is not here is of the past, and what comes with it is disregarded.

use std::collections::BTreeMap;

use media::MediaKey;
use media::agent::AgentKey;
use sip::endpoint::DialogKey;

use crate::fate::Side;
use crate::io::{CallKey, Ticket};
use crate::record::CallRecord;

/// Bounded by the calls: each holds at most two dialogs, two pairs, one stream, one question and one Call-ID of its agent.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) dialogs: BTreeMap<DialogKey, Owner>,
    pub(crate) media: BTreeMap<MediaKey, Held>,
    pub(crate) streams: BTreeMap<AgentKey, CallKey>,
    pub(crate) tickets: BTreeMap<Ticket, CallKey>,
    /// By the Call-ID of the leg to the agent, as the call's record has it.
    agents: BTreeMap<String, CallKey>,
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
    /// The Call-ID of the leg to the agent, in the record and here, in the place of that of an attempt before.
    pub(crate) fn set_agent(&mut self, call: CallKey, record: &mut CallRecord, call_id: Option<String>) {
        self.forget_agent(record);
        if let Some(call_id) = &call_id {
            self.agents.insert(call_id.clone(), call);
        }
        record.sip_call_id_b = call_id;
    }

    /// The record stays as it is, and its call is no longer found by it.
    pub(crate) fn forget_agent(&mut self, record: &CallRecord) {
        if let Some(call_id) = &record.sip_call_id_b {
            self.agents.remove(call_id);
        }
    }

    /// The call whose leg to the agent has this Call-ID.
    pub(crate) fn with_agent(&self, call_id: &str) -> Option<CallKey> {
        self.agents.get(call_id).copied()
    }

    /// How many keys there are: none once every call is forgotten.
    pub(crate) fn len(&self) -> usize {
        self.dialogs.len() + self.media.len() + self.streams.len() + self.tickets.len() + self.agents.len()
    }
}
