//! Requests that belong to no call.

use numbers::NodeState;
use sip::endpoint::TransactionKey;
use sip::{Event, Flow, Message, Method};

use crate::config::UnknownSource;
use crate::desk::Desk;
use crate::door::{Door, Who};
use crate::dtmf;
use crate::fate::Fate;
use crate::identify::{identify, stranger};
use crate::io::{Now, Output};
use crate::refusal;

/// Answers a request outside of any dialog, if its sender is known. That of a stranger is told to the log.
///
/// OPTIONS of somebody who may prove to be known is challenged as its INVITE would be: a PBX asks so whether the trunk is there, and
/// one that is known by its password alone uses a trunk no more that says nothing.
pub(crate) fn answer(
    desk: &mut Desk,
    door: &mut Door,
    now: Now,
    transaction: TransactionKey,
    request: &Message,
    flow: Flow,
) {
    let is_known = identify(&desk.directory, flow.transport, flow.remote.ip()).is_some();
    let asks = *request.method() == Method::Options;
    let reply = match (is_known, asks) {
        (true, true) => Some(options(door.state)),
        (true, false) => Some(refusal::not_allowed()),
        (false, true) => match door.who(desk, now, request, flow) {
            Who::Known(_) | Who::Proven(_) => Some(options(door.state)),
            Who::Asked(challenges) => Some(refusal::challenge(challenges)),
            Who::Unknown | Who::Unasked | Who::Refused(_) => None,
        },
        (false, false) => None,
    };
    match reply {
        Some(reply) => desk.respond(now, transaction, reply),
        None => strange(desk, now, transaction, request, flow),
    }
}

fn strange(desk: &mut Desk, now: Now, transaction: TransactionKey, request: &Message, flow: Flow) {
    desk.put(Output::Notice(stranger(request, flow)));
    match (desk.config.unknown_source, refusal::reply(&Fate::Refused(numbers::Refusal::SourceUnknown))) {
        (UnknownSource::Reject, Some(reply)) => desk.respond(now, transaction, reply),
        (UnknownSource::Reject, None) | (UnknownSource::Drop, _) => desk.disregard(now, transaction),
    }
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
