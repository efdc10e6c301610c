//! Our side of one leg's offers and answers (RFC 3264), and what they mean to the packet path.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use media::command::Remote;
use media::srtp::{MasterKey, Mki, Srtp};
use numbers::MediaEncryption;
use sdp::{Agreement, Capabilities, Codec, Direction, Lines, Local, Session, Suite};
use zeroize::Zeroizing;

use crate::fate::{Fate, nearest};
use crate::secrets::Keyring;

/// The session description of one leg: what we said last, and what both sides accepted.
///
/// Invariant: `o=`'s session id never changes, and its version grows with each description that differs from the one before it. A
/// version stands for one description for ever, even if an offer was refused.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    local: Local,
    keyring: Keyring,
    /// The highest version that was ever used.
    versions: u64,
    capabilities: Capabilities,
    said: Option<Said>,
    agreement: Option<Agreement>,
    lines: Lines,
    wish: Direction,
    open: Open,
}

/// A description of ours. Shown without the text, which may hold keys, and is zeroed when dropped.
#[derive(Clone)]
struct Said {
    text: Zeroizing<String>,
    version: u64,
    /// The ways that it says.
    direction: Direction,
    /// The ways that it might have said, had the far side's offer not been narrower.
    open_to: Direction,
}

/// What an offer would lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Proposal {
    pub(crate) codec: Codec,
    /// Of the far side.
    pub(crate) direction: Direction,
}

/// How the INVITE of a leg opened the exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Opening {
    /// `None`: the offer is ours, in the 200 (RFC 3261 s.13.2.1).
    pub(crate) offer: Option<Box<Session>>,
    /// Whether the audio is to be encrypted.
    pub(crate) encryption: MediaEncryption,
}

impl Opening {
    /// Whether an answer that names this address is possible at all, and in which codec it would be.
    pub(crate) fn codec(&self, address: IpAddr) -> Result<Option<Codec>, Fate> {
        Ok(self.agreement(address)?.map(|agreement| agreement.codec))
    }

    /// The direction that it opens with: both ways, if nothing is said yet.
    pub(crate) fn direction(&self, address: IpAddr) -> Direction {
        self.agreement(address).ok().flatten().as_ref().map_or(Direction::BOTH, theirs)
    }

    /// What the answer would be encrypted with.
    pub(crate) fn suite(&self, address: IpAddr) -> Option<Suite> {
        Some(self.agreement(address).ok()??.srtp?.suite)
    }

    fn agreement(&self, address: IpAddr) -> Result<Option<Agreement>, Fate> {
        let Some(offer) = &self.offer else { return Ok(None) };
        // Nobody's, and never sent: it is asked only whether there would be an answer.
        let encryption = Keyring::new(self.encryption, [0; 32]).draw();
        let nobody = Local { address, port: 0, session_id: 0, version: 0, encryption };
        let agreed = sdp::answer(offer, &Capabilities::default(), &nobody);
        agreed.map(|(agreement, _)| Some(agreement)).map_err(Fate::Disagreed)
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

/// An offer of ours whose answer is due.
#[derive(Clone, Debug)]
enum Open {
    None,
    /// Without the answer, what we said before stands.
    Offer {
        before: Option<Said>,
    },
    /// We said again what we had said.
    Repeated,
}

impl Exchange {
    pub(crate) fn new(local: Local, capabilities: Capabilities, keyring: Keyring) -> Self {
        Self {
            versions: local.version,
            local,
            keyring,
            capabilities,
            said: None,
            agreement: None,
            lines: Lines::default(),
            wish: Direction::BOTH,
            open: Open::None,
        }
    }

    /// What is said from here on says no more than this: what the other leg is open to.
    pub(crate) fn open_to(&mut self, direction: Direction) {
        self.capabilities.direction = direction;
    }

    /// What the far side's offer would lead to, were we open to all of it.
    pub(crate) fn weigh(&self, offer: &Session) -> Result<Proposal, Fate> {
        let open = Capabilities { direction: Direction::BOTH, ..self.capabilities.clone() };
        let agreement = self.choose(offer, &open)?;
        Ok(Proposal { codec: agreement.codec, direction: theirs(&agreement) })
    }

    /// Answers the far side's offer. The codec in use is kept if the offer has it, and our key where its count goes on.
    pub(crate) fn answer(&mut self, offer: &Session) -> Result<String, Fate> {
        let wish = self.weigh(offer)?.direction;
        let mut agreement = self.choose(offer, &self.capabilities)?;
        if self.wants_other_keys(&agreement) {
            self.local.encryption = self.keyring.draw();
            agreement = self.choose(offer, &self.capabilities)?;
        }
        let chosen = only(&self.capabilities, agreement.codec);
        let direction = Direction { sends: agreement.send, receives: agreement.receive };
        let text = self
            .say(direction, |local| sdp::answer(offer, &chosen, local).map(|(_, text)| text))
            .map_err(Fate::Disagreed)?;
        // Who offers what holds already says nothing of what it would like.
        if self.direction() != Some(wish) {
            self.wish = wish;
        }
        self.lines = Lines::of(offer, &agreement);
        self.agreement = Some(agreement);
        self.open = Open::None;
        Ok(text)
    }

    /// A full offer of ours (RFC 3261 s.14.2: also to a re-INVITE that has none), the codec in use first.
    pub(crate) fn offer(&mut self) -> String {
        self.propose(self.codec())
    }

    /// A full offer of ours in which that codec comes first.
    pub(crate) fn propose(&mut self, first: Option<Codec>) -> String {
        let before = self.said.clone();
        let offered = self.offered(first);
        let (lines, agreed) = (self.lines.clone(), self.agreement.clone());
        let Ok(text) = self.say(offered.direction, |local| {
            Ok::<_, Infallible>(lines.offer(&offered, local, agreed.as_ref()))
        });
        self.open = Open::Offer { before };
        text
    }

    /// What we said last, as an offer that changes nothing; `None` before anything was said.
    pub(crate) fn repeat(&mut self) -> Option<String> {
        let text = self.said.as_ref()?.text.to_string();
        self.open = Open::Repeated;
        Some(text)
    }

    /// Takes the answer to our offer. One that can't be used leaves the offer open.
    pub(crate) fn accept(&mut self, answer: &Session) -> Result<(), Fate> {
        let direction = self.said.as_ref().map_or(Direction::BOTH, |said| said.direction);
        let offered = Capabilities { direction, ..self.offered(self.codec()) };
        let mut agreement = self
            .lines
            .accept(&offered, &self.local, self.agreement.as_ref(), answer)
            .map_err(|refusal| Fate::AnswerUnusable(nearest(refusal), refusal.to_string()))?;
        let open = std::mem::replace(&mut self.open, Open::None);
        if let (Open::Repeated, Some(kept)) = (open, &self.agreement)
            && kept.codec == agreement.codec
        {
            // What we said again may be an answer, which has the numbers of the far side's offer.
            agreement.receive_payload_type = kept.receive_payload_type;
            let event = kept.telephone_event.map(|(_, receive)| receive);
            agreement.telephone_event =
                agreement.telephone_event.zip(event).map(|((send, _), own)| (send, own));
        }
        // What it was not offered, it could not decline.
        if direction.sends {
            self.wish.receives = agreement.send;
        }
        if direction.receives {
            self.wish.sends = agreement.receive;
        }
        self.agreement = Some(agreement);
        Ok(())
    }

    /// Our offer came to nothing: what was agreed on before it stands (RFC 3261 s.14.1).
    pub(crate) fn withdraw(&mut self) {
        if let Open::Offer { before: Some(before) } = std::mem::replace(&mut self.open, Open::None) {
            self.said = Some(before);
        }
    }

    /// Whether the answer to an offer of ours is due.
    pub(crate) fn turn(&self) -> Turn {
        match self.open {
            Open::None => Turn::Settled,
            Open::Offer { .. } | Open::Repeated => Turn::Offered,
        }
    }

    pub(crate) fn codec(&self) -> Option<Codec> {
        self.agreement.as_ref().map(|agreement| agreement.codec)
    }

    /// What the audio is encrypted with, as agreed on.
    pub(crate) fn suite(&self) -> Option<Suite> {
        Some(self.agreement.as_ref()?.srtp.as_ref()?.suite)
    }

    /// The far side's direction, as agreed on.
    pub(crate) fn direction(&self) -> Option<Direction> {
        self.agreement.as_ref().map(theirs)
    }

    /// What the far side is open to, as far as it has said: what it holds for, not what it is held by.
    pub(crate) fn wish(&self) -> Direction {
        self.wish
    }

    /// What the far side knows of the wish of the other leg.
    pub(crate) fn told(&self) -> Direction {
        self.said.as_ref().map_or(Direction::BOTH, |said| said.open_to)
    }

    /// Whether a way is closed: whoever holds may be silent, and so may whoever is held by it.
    pub(crate) fn is_held(&self) -> bool {
        self.agreement.as_ref().is_some_and(|agreement| !(agreement.send && agreement.receive))
    }

    /// What the packet path has to know; `None` before there is an agreement.
    pub(crate) fn remote(&self, silence_timeout: Option<Duration>) -> Option<Remote> {
        let agreement = self.agreement.as_ref()?;
        let srtp = match &agreement.srtp {
            Some(agreed) => Some(Box::new(keys(agreed)?)),
            None => None,
        };
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
            direction: media::command::Direction { send: agreement.send, receive: agreement.receive },
            silence_timeout,
            srtp,
        })
    }

    /// Whether the far side of an offer cannot know how many packets our key for it has served for: one that has served for none needs no such
    /// knowledge (RFC 4568 s.7.1.4). That is so where somebody else is there, from another place and with another key, and where meanwhile
    /// packets went by that the key was not for: plain ones, or those of another suite.
    fn wants_other_keys(&self, agreement: &Agreement) -> bool {
        let (Some(before), Some(offered)) = (&self.agreement, &agreement.srtp) else { return false };
        match &before.srtp {
            Some(kept) if kept.suite == offered.suite => {
                before.rtp != agreement.rtp && kept.receive != offered.receive
            }
            Some(_) | None => true,
        }
    }

    /// The agreement on an offer: with the codec in use, if it has it.
    fn choose(&self, offer: &Session, capabilities: &Capabilities) -> Result<Agreement, Fate> {
        let kept = self.codec().map(|codec| only(capabilities, codec));
        let kept = kept.and_then(|kept| sdp::answer(offer, &kept, &self.local).ok());
        let chosen = match kept {
            Some(kept) => Ok(kept),
            None => sdp::answer(offer, capabilities, &self.local),
        };
        chosen.map(|(agreement, _)| agreement).map_err(Fate::Disagreed)
    }

    /// Our capabilities, that codec first. A payload type keeps its meaning (RFC 3264 s.8.3.2).
    fn offered(&self, first: Option<Codec>) -> Capabilities {
        let mut offered = self.capabilities.clone();
        let agreed = self.agreement.as_ref().and_then(|agreement| agreement.telephone_event);
        if let (Some(event), Some((_, agreed))) = (&mut offered.telephone_event, agreed) {
            *event = agreed;
        }
        if let Some(codec) = first {
            offered.codecs.sort_by_key(|other| *other != codec);
        }
        offered
    }

    /// Prints a description, with the next version if it differs from what was said last.
    fn say<E>(
        &mut self,
        direction: Direction,
        print: impl Fn(&Local) -> Result<String, E>,
    ) -> Result<String, E> {
        let version = self.said.as_ref().map_or(self.local.version, |said| said.version);
        let mut local = Local { version, ..self.local.clone() };
        let mut text = print(&local)?;
        if self.said.as_ref().is_some_and(|said| *said.text != text) {
            local.version = self.versions + 1;
            text = print(&local)?;
        }
        let version = local.version;
        self.versions = self.versions.max(version);
        self.local = local;
        let open_to = self.capabilities.direction;
        self.said = Some(Said { text: Zeroizing::new(text.clone()), version, direction, open_to });
        Ok(text)
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What the packet path has to know of the keys. Without it nothing is sent: what is agreed on as encrypted never leaves plain.
fn keys(agreed: &sdp::Srtp) -> Option<Srtp> {
    let suite = match agreed.suite {
        Suite::AesCm128HmacSha1Tag80 => media::srtp::Suite::AesCm128HmacSha1Tag80,
        Suite::AesCm128HmacSha1Tag32 => media::srtp::Suite::AesCm128HmacSha1Tag32,
        Suite::AesCm256HmacSha1Tag80 => media::srtp::Suite::AesCm256HmacSha1Tag80,
        Suite::AeadAes128Gcm => media::srtp::Suite::AeadAes128Gcm,
        Suite::AeadAes256Gcm => media::srtp::Suite::AeadAes256Gcm,
    };
    let send = MasterKey::new(suite, agreed.send.bytes()).ok()?;
    let receive = MasterKey::new(suite, agreed.receive.bytes()).ok()?;
    let receive = match &agreed.receive_mki {
        Some(mki) => receive.named(Mki::new(mki.bytes()).ok()?),
        None => receive,
    };
    Some(Srtp { send, receive })
}

/// What the far side may do.
fn theirs(agreement: &Agreement) -> Direction {
    Direction { sends: agreement.receive, receives: agreement.send }
}

/// Our capabilities with the codec that a leg speaks first: what its other leg is offered.
pub(crate) fn preferring(codec: Option<Codec>) -> Capabilities {
    let mut capabilities = Capabilities::default();
    if let Some(codec) = codec {
        capabilities.codecs.sort_by_key(|other| *other != codec);
    }
    capabilities
}

fn only(capabilities: &Capabilities, codec: Codec) -> Capabilities {
    Capabilities { codecs: vec![codec], ..capabilities.clone() }
}
