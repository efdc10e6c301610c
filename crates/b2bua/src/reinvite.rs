//! What a re-INVITE, an UPDATE or an ACK carries, to the exchange of its leg (RFC 3261 s.14.2, RFC 3264 s.8, RFC 3311 s.5.2).

use numbers::Refusal;
use sip::endpoint::Reply;
use sip::{Message, Method};

use crate::body;
use crate::fate::{Fate, Phase};
use crate::negotiate::{Exchange, Turn};
use crate::refusal::{described, plain, reply};

/// Answers a request that concerns its own leg alone: the other one is not there yet. What was agreed before stands, unless the reply is
/// a 2xx.
pub(crate) fn answer(sdp: &mut Exchange, request: &Message) -> Reply {
    match sdp.turn() {
        // RFC 3311 s.5.2: our offer is open.
        Turn::Offered => return plain(491),
        Turn::Settled => {}
    }
    match body::description(request) {
        Ok(Some(offer)) => match sdp.answer(&offer) {
            Ok(text) => described(&text),
            Err(fate) => refused(&fate),
        },
        Ok(None) if *request.method() == Method::Invite => described(&sdp.offer()),
        // An UPDATE without an offer only says that its sender is alive.
        Ok(None) => plain(200),
        Err(fate) => refused(&fate),
    }
}

/// Answers before the call is answered, while the offer of the INVITE is open: an UPDATE that offers nothing is a sign of life, and
/// what offers something has to wait (RFC 3311 s.5.2).
pub(crate) fn early(request: &Message) -> Reply {
    match body::description(request) {
        Ok(None) if *request.method() == Method::Update => plain(200),
        Ok(_) => plain(491),
        Err(fate) => refused(&fate),
    }
}

/// Takes the answer that an ACK carries, if one is due; tells whether it was.
pub(crate) fn acknowledged(sdp: &mut Exchange, ack: &Message) -> Result<bool, Fate> {
    if sdp.turn() == Turn::Settled {
        return Ok(false);
    }
    accept(sdp, ack)?;
    Ok(true)
}

/// Takes the answer to our offer that a 2xx or an ACK carries.
pub(crate) fn accept(sdp: &mut Exchange, message: &Message) -> Result<(), Fate> {
    match body::description(message) {
        Ok(Some(answer)) => sdp.accept(&answer),
        Ok(None) => Err(Fate::AnswerUnusable(Refusal::NoCommonCodec, "there is none".to_owned())),
        Err(fate) => Err(Fate::AnswerUnusable(Refusal::NoCommonCodec, fate.words(Phase::Unanswered).text)),
    }
}

/// What an offer or a body is refused with.
pub(crate) fn refused(fate: &Fate) -> Reply {
    reply(fate).unwrap_or_else(|| plain(488))
}
