//! Our side of one leg's offers and answers (RFC 3264), and what they mean to the packet path.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use media::command::{Direction, Remote};
use sdp::{Agreement, Capabilities, Codec, Lines, Local, Session};

use crate::fate::Fate;

/// The session description of one leg: what we said last, and what both sides accepted.
///
/// Invariant: `o=`'s session id never changes, and its version grows by one with each description that differs from the one
/// before it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    local: Local,
    capabilities: Capabilities,
    said: Option<String>,
    agreement: Option<Agreement>,
    lines: Lines,
    turn: Turn,
}

/// How the INVITE of a leg opened the exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Opening {
    /// With an offer.
    Offer(Box<Session>),
    /// Without: the offer is ours, in the 200 (RFC 3261 s.13.2.1).
    Late,
}

impl Opening {
    /// Whether an answer that names this address is possible at all, and in which codec it would be.
    pub(crate) fn codec(&self, address: IpAddr) -> Result<Option<Codec>, Fate> {
        match self {
            Self::Offer(offer) => {
                let nobody = Local { address, port: 0, session_id: 0, version: 0 };
                let (agreement, _) =
                    sdp::answer(offer, &Capabilities::default(), &nobody).map_err(Fate::Disagreed)?;
                Ok(Some(agreement.codec))
            }
            Self::Late => Ok(None),
        }
    }
}

/// Whose word is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Nobody's.
    Settled,
    /// We offered; the answer is due.
    Offered,
}

impl Exchange {
    pub(crate) fn new(local: Local, capabilities: Capabilities) -> Self {
        Self {
            local,
            capabilities,
            said: None,
            agreement: None,
            lines: Lines::default(),
            turn: Turn::Settled,
        }
    }

    /// Answers the far side's offer. The codec in use is kept if the offer has it.
    pub(crate) fn answer(&mut self, offer: &Session) -> Result<String, Fate> {
        let (agreement, _) =
            match self.agreement.map(|agreement| only(&self.capabilities, agreement.codec)) {
                Some(kept) => sdp::answer(offer, &kept, &self.local)
                    .or_else(|_| sdp::answer(offer, &self.capabilities, &self.local)),
                None => sdp::answer(offer, &self.capabilities, &self.local),
            }
            .map_err(Fate::Disagreed)?;
        let chosen = only(&self.capabilities, agreement.codec);
        let text = self
            .say(|local| sdp::answer(offer, &chosen, local).map(|(_, text)| text))
            .map_err(Fate::Disagreed)?;
        self.lines = Lines::of(offer, &agreement);
        self.agreement = Some(agreement);
        self.turn = Turn::Settled;
        Ok(text)
    }

    /// A full offer of ours (RFC 3261 s.14.2: also to a re-INVITE that has none).
    pub(crate) fn offer(&mut self) -> String {
        let offered = self.offered();
        let lines = self.lines.clone();
        let Ok(text) = self.say(|local| Ok::<_, Infallible>(lines.offer(&offered, local)));
        self.turn = Turn::Offered;
        text
    }

    /// Takes the answer to our offer.
    pub(crate) fn accept(&mut self, answer: &Session) -> Result<(), Fate> {
        self.turn = Turn::Settled;
        let agreement = self
            .lines
            .accept(&self.offered(), &self.local, answer)
            .map_err(|refusal| Fate::AnswerUnusable(refusal.to_string()))?;
        self.agreement = Some(agreement);
        Ok(())
    }

    /// Whether the answer to an offer of ours is due.
    pub(crate) fn turn(&self) -> Turn {
        self.turn
    }

    pub(crate) fn codec(&self) -> Option<Codec> {
        self.agreement.map(|agreement| agreement.codec)
    }

    /// Whether a way is closed: whoever holds may be silent, and so may whoever is held by it.
    pub(crate) fn is_held(&self) -> bool {
        self.agreement.is_some_and(|agreement| !(agreement.send && agreement.receive))
    }

    /// What the packet path has to know; `None` before there is an agreement.
    pub(crate) fn remote(&self, silence_timeout: Option<Duration>) -> Option<Remote> {
        let agreement = self.agreement.as_ref()?;
        Some(Remote {
            rtp: agreement.rtp,
            rtcp: agreement.rtcp,
            codec: match agreement.codec {
                Codec::Pcmu => media::command::Codec::Pcmu,
                Codec::Pcma => media::command::Codec::Pcma,
            },
            send_payload_type: agreement.send_payload_type,
            receive_payload_type: agreement.receive_payload_type,
            telephone_event: agreement.telephone_event,
            direction: Direction { send: agreement.send, receive: agreement.receive },
            silence_timeout,
        })
    }

    /// Our capabilities, the codec in use first.
    fn offered(&self) -> Capabilities {
        let mut offered = self.capabilities.clone();
        if let Some(codec) = self.codec() {
            offered.codecs.sort_by_key(|other| *other != codec);
        }
        offered
    }

    /// Prints a description, with the next version if it differs from what was said last.
    fn say<E>(&mut self, print: impl Fn(&Local) -> Result<String, E>) -> Result<String, E> {
        let mut text = print(&self.local)?;
        if self.said.as_ref().is_some_and(|said| *said != text) {
            self.local.version += 1;
            text = print(&self.local)?;
        }
        self.said = Some(text.clone());
        Ok(text)
    }
}

/// Our capabilities with the codec that a leg speaks first: what its other leg is offered.
pub(crate) fn preferring(codec: Option<Codec>) -> Capabilities {
    let mut capabilities = Capabilities::default();
    if let Some(codec) = codec {
        capabilities.codecs.sort_by_key(|other| *other != codec);
    }
    capabilities
}

/// The name of a codec in the record.
pub(crate) fn name(codec: Codec) -> String {
    codec.name().to_owned()
}

fn only(capabilities: &Capabilities, codec: Codec) -> Capabilities {
    Capabilities { codecs: vec![codec], telephone_event: capabilities.telephone_event }
}
