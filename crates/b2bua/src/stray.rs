//! Requests that belong to no call.

use numbers::NodeState;
use sip::endpoint::TransactionKey;
use sip::{Event, Flow, Message, Method};

use crate::config::UnknownSource;
use crate::desk::Desk;
use crate::dtmf;
use crate::fate::Fate;
use crate::identify::{identify, stranger};
use crate::io::{Now, Output};
use crate::refusal;

/// Answers a request outside of any dialog, if its sender is known. That of a stranger is told to the log.
pub(crate) fn answer(
    desk: &mut Desk,
    now: Now,
    state: NodeState,
    transaction: TransactionKey,
    request: &Message,
    flow: Flow,
) {
    if identify(&desk.directory, flow.transport, flow.remote.ip()).is_none() {
        desk.put(Output::Notice(stranger(request, flow)));
        match (desk.config.unknown_source, refusal::reply(&Fate::Refused(numbers::Refusal::SourceUnknown))) {
            (UnknownSource::Reject, Some(reply)) => desk.respond(now, transaction, reply),
            (UnknownSource::Reject, None) | (UnknownSource::Drop, _) => desk.disregard(now, transaction),
        }
        return;
    }
    let reply = if *request.method() == Method::Options { options(state) } else { refusal::not_allowed() };
    desk.respond(now, transaction, reply);
}

/// Answers a request within a dialog that its call has left.
pub(crate) fn inside(desk: &mut Desk, now: Now, event: &Event) {
    if let Event::Reinvited { transaction, .. }
    | Event::Updated { transaction, .. }
    | Event::Requested { transaction, .. }
    | Event::Pracked { transaction: Some(transaction), .. } = event
    {
        desk.respond(now, *transaction, refusal::plain(481));
    }
}

/// What an INVITE would be told (RFC 3261 s.11.2): so a carrier that asks goes elsewhere while the node drains.
fn options(state: NodeState) -> sip::endpoint::Reply {
    match state {
        NodeState::Serving => dtmf::capable(),
        NodeState::Draining => {
            refusal::reply(&Fate::Refused(numbers::Refusal::Draining)).unwrap_or_else(|| refusal::plain(503))
        }
    }
}
