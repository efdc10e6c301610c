//! The agent's leg before its answer: each of its early dialogs answers our offer for itself (RFC 3261 s.13.2.1), and what it lets be heard
//! is relayed to the caller as far as its P-Early-Media goes (RFC 5009).
//!
//! A description in a provisional response foretells that of the 2xx (RFC 6337 s.3.1): what comes later in the same dialog takes
//! its place. Of several dialogs that one is heard which described itself last among those that may be heard.

use media::command::Remote;
use numbers::Ringback;
use sip::Message;
use sip::endpoint::{DialogKey, Invite, Reliability, Reply};

use crate::body;
use crate::desk::Desk;
use crate::fate::Fate;
use crate::leg::{Pair, SipLeg};
use crate::negotiate::Exchange;
use crate::refusal::{header, plain};
use crate::reinvite;

/// The agent's leg, offered and not answered.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) dialog: DialogKey,
    pub(super) pair: Pair,
    /// Our offer, as each fork has it to answer.
    sdp: Exchange,
    /// The one that changed last is the last.
    forks: Vec<Fork>,
    /// What the workers were told: the caller's leg, the agent's.
    bridged: Option<(Remote, Remote)>,
}

/// An early dialog.
#[derive(Debug)]
struct Fork {
    tag: String,
    described: Described,
    gate: Option<Gate>,
}

/// What a fork has said of its media.
#[derive(Debug)]
enum Described {
    Not,
    /// In a response to our INVITE.
    Answered(Box<Exchange>),
    /// In an UPDATE since.
    Updated(Box<Exchange>),
}

/// Which early media an agent wants to have flow (RFC 5009 s.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    Both,
    /// From the agent to the caller.
    Backward,
    /// From the caller to the agent.
    Forward,
    Closed,
}

/// What a provisional response is to the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// That the agent's side is at it.
    Progress,
    /// It also describes media that may be heard.
    Media,
    /// That a fork has ended: nothing.
    End,
}

impl Offered {
    pub(super) fn new(dialog: DialogKey, pair: Pair, sdp: Exchange) -> Self {
        Self { dialog, pair, sdp, forks: Vec::new(), bridged: None }
    }

    /// Takes in a provisional response. A description that can't be used leaves the fork as it was: its 2xx decides.
    pub(super) fn hear(&mut self, response: &Message) -> Heard {
        let tag = response.to_tag().unwrap_or_default();
        let at = self.forks.iter().position(|fork| fork.tag == tag);
        if response.status().is_some_and(|status| status.code() == DIALOG_TERMINATED) {
            if let Some(at) = at {
                self.forks.remove(at);
            }
            return Heard::End;
        }
        let mut fork = match at {
            Some(at) => self.forks.remove(at),
            None if self.forks.len() < MAX_FORKS => {
                Fork { tag: tag.to_owned(), described: Described::Not, gate: None }
            }
            None => return Heard::Progress,
        };
        let answer = match &fork.described {
            Described::Not | Described::Answered(_) => accepted(&self.sdp, response).ok().flatten(),
            Described::Updated(_) => None,
        };
        let heard = if answer.is_some() { Heard::Media } else { Heard::Progress };
        let gate = Gate::of(response).or(fork.gate);
        let answer = answer.filter(|answer| fork.remote() != answer.remote(None));
        let changed = answer.is_some() || gate != fork.gate;
        fork.gate = gate;
        if let Some(answer) = answer {
            fork.described = Described::Answered(Box::new(answer));
        }
        match at {
            Some(at) if !changed => self.forks.insert(at, fork),
            Some(_) | None => self.forks.push(fork),
        }
        heard
    }

    /// Answers an UPDATE in one of the early dialogs. The endpoint lets one through where the answer to our offer has come; if that
    /// could not be used, nothing builds on it.
    pub(super) fn update(&mut self, request: &Message) -> Reply {
        let tag = request.from_tag().unwrap_or_default();
        let Some(at) = self.forks.iter().position(|fork| fork.tag == tag) else { return plain(488) };
        let mut fork = self.forks.remove(at);
        let reply = match &mut fork.described {
            Described::Answered(sdp) | Described::Updated(sdp) => reinvite::answer(sdp, request),
            Described::Not => plain(488),
        };
        if !reply.status.is_success() {
            self.forks.insert(at, fork);
            return reply;
        }
        fork.gate = Gate::of(request).or(fork.gate);
        fork.described = match fork.described {
            Described::Answered(sdp) | Described::Updated(sdp) => Described::Updated(sdp),
            Described::Not => Described::Not,
        };
        self.forks.push(fork);
        reply
    }

    /// The leg of the fork that a 2xx answers in.
    ///
    /// # Errors
    /// Neither the 2xx nor what came before it has an answer that can be used.
    pub(super) fn answered(mut self, response: &Message) -> Result<SipLeg, Fate> {
        let tag = response.to_tag().unwrap_or_default();
        let at = self.forks.iter().position(|fork| fork.tag == tag);
        let early = at.map_or(Described::Not, |at| self.forks.swap_remove(at).described);
        let sdp = match early {
            // What the 2xx may repeat was said before it (RFC 3311 s.5.1).
            Described::Updated(sdp) => *sdp,
            Described::Answered(sdp) if matches!(body::description(response), Ok(None)) => *sdp,
            Described::Answered(_) | Described::Not => {
                reinvite::accept(&mut self.sdp, response)?;
                self.sdp
            }
        };
        Ok(SipLeg { dialog: self.dialog, pair: self.pair, sdp })
    }

    /// The codec of the fork that is heard.
    pub(super) fn codec(&self) -> Option<sdp::Codec> {
        self.current()?.sdp()?.codec()
    }

    /// What the fork that is heard wants to have flow.
    pub(super) fn gate(&self) -> Option<Gate> {
        self.current()?.gate
    }

    /// Has the workers relay what may be heard, once the caller's side is known.
    pub(super) fn relay(&mut self, desk: &mut Desk, caller: Pair, there: Option<Remote>) {
        let Some(fork) = self.current() else { return };
        let (Some(mut there), Some(mut here)) = (there, fork.remote()) else { return };
        let gate = fork.gate.unwrap_or(Gate::Both);
        there.direction.send &= gate.is_backward();
        here.direction.send &= gate.is_forward();
        let bridge = (there, here);
        if self.bridged.as_ref() == Some(&bridge) {
            return;
        }
        desk.describe(caller, bridge.0.clone());
        desk.describe(self.pair, bridge.1.clone());
        if self.bridged.is_none() {
            desk.relay(caller, self.pair);
        }
        self.bridged = Some(bridge);
    }

    /// The last that described itself among those that may be heard, else the last.
    fn current(&self) -> Option<&Fork> {
        let described = || self.forks.iter().rev().filter(|fork| fork.sdp().is_some());
        described().find(|fork| fork.gate.is_none_or(Gate::is_backward)).or_else(|| described().next())
    }
}

impl Fork {
    fn sdp(&self) -> Option<&Exchange> {
        match &self.described {
            Described::Not => None,
            Described::Answered(sdp) | Described::Updated(sdp) => Some(sdp),
        }
    }

    /// Its media before the answer: nobody has to send any.
    fn remote(&self) -> Option<Remote> {
        self.sdp()?.remote(None)
    }
}

impl Gate {
    /// The first direction that a message asks for: our offer has one stream.
    fn of(message: &Message) -> Option<Self> {
        message.headers("P-Early-Media").find_map(|line| line.split(',').find_map(Self::named))
    }

    fn named(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "sendrecv" => Some(Self::Both),
            "sendonly" => Some(Self::Backward),
            "recvonly" => Some(Self::Forward),
            "inactive" => Some(Self::Closed),
            _other => None,
        }
    }

    /// As a header's value. Whoever is behind us need not close the gate again.
    pub(super) fn value(self) -> &'static str {
        match self {
            Self::Both => "sendrecv, gated",
            Self::Backward => "sendonly, gated",
            Self::Forward => "recvonly, gated",
            Self::Closed => "inactive, gated",
        }
    }

    fn is_backward(self) -> bool {
        match self {
            Self::Both | Self::Backward => true,
            Self::Forward | Self::Closed => false,
        }
    }

    fn is_forward(self) -> bool {
        match self {
            Self::Both | Self::Forward => true,
            Self::Backward | Self::Closed => false,
        }
    }
}

/// An INVITE takes reliable provisional responses, and says that it knows P-Early-Media where that is heeded (RFC 5009 s.8.1).
pub(super) fn ask(invite: &mut Invite, ringback: Ringback) {
    invite.reliability = Reliability::Supported;
    match ringback {
        Ringback::Relay => invite.headers.push(header("P-Early-Media", "supported".to_owned())),
        Ringback::Local | Ringback::None => {}
    }
}

/// What comes of our offer by the answer in a response, if it has one.
fn accepted(offered: &Exchange, response: &Message) -> Result<Option<Exchange>, Fate> {
    let Some(answer) = body::description(response)? else { return Ok(None) };
    let mut sdp = offered.clone();
    sdp.accept(&answer)?;
    Ok(Some(sdp))
}

/// 199 Early Dialog Terminated (RFC 6228).
const DIALOG_TERMINATED: u16 = 199;

/// As many as the endpoint keeps apart.
const MAX_FORKS: usize = 16;

#[cfg(test)]
mod tests;
