//! The decision: an offer and what we can do, or our offer and its answer, give an agreement or a refusal (RFC 3264).

use std::net::SocketAddr;

use crate::session::{Addresses, Line, Transport};
use crate::{Capabilities, Codec, Local, Session, print};

/// What both sides accepted, from our side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// Which of the `m=` lines it is about, counted from 0.
    pub line: usize,
    /// The codec, both ways.
    pub codec: Codec,
    /// The payload type that we send it with.
    pub send_payload_type: u8,
    /// The payload type that the far side sends it with.
    pub receive_payload_type: u8,
    /// The payload types that telephone-event is sent and received with.
    pub telephone_event: Option<(u8, u8)>,
    /// Where the far side receives RTP. Unspecified (`0.0.0.0`) only while it is on hold the old way, when `send` is false.
    pub rtp: SocketAddr,
    /// Where the far side receives RTCP.
    pub rtcp: SocketAddr,
    /// We may send.
    pub send: bool,
    /// The far side may send.
    pub receive: bool,
    /// Milliseconds of audio in a packet that the far side asks for; 20 where it does not say.
    pub ptime_ms: u8,
    /// Whether the media is encrypted. This crate agrees on plain RTP only.
    pub encrypted: bool,
}

/// Why there is no agreement, in words. All of them are 488 to an offerer (RFC 3261 s.21.4.26).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// No `m=audio` line with a port.
    #[error("the session description has no audio")]
    NoAudio,
    /// Audio is offered, but none of its codecs is ours. Telephone-event alone is no codec.
    #[error("no common audio codec: PCMU and PCMA at 8000 Hz are spoken here")]
    NoCommonCodec,
    /// Audio is offered as SRTP only.
    #[error("audio is offered with encryption only, and encrypted media is not supported here")]
    EncryptionRequired,
    /// Audio is offered over something else than RTP on UDP.
    #[error("audio is offered over a transport other than RTP/AVP")]
    UnknownTransport,
    /// No `c=` line applies to the audio, or it holds no IP address, or the port leaves no room for RTCP.
    #[error("the audio has no usable connection address (c= with an IPv4 or IPv6 literal) or port")]
    NoAddress,
    /// The connection address is a multicast group.
    #[error("the audio's connection address is multicast; only unicast is supported")]
    Multicast,
    /// The connection address is IPv6 and ours IPv4, or the other way round.
    #[error("the audio's connection address is of another IP version than ours, and out of reach")]
    OtherFamily,
}

/// Answers an offer: the agreement, and the text of the answer. One audio line is accepted, with one codec and
/// telephone-event; every other line is answered with port 0, in the offer's order (RFC 3264 s.6).
///
/// # Errors
/// When no audio line of the offer can be accepted, with the reason of the most promising one.
pub fn answer(
    offer: &Session,
    capabilities: &Capabilities,
    local: &Local,
) -> Result<(Agreement, String), Refusal> {
    let mut refusal = Refusal::NoAudio;
    for line in offer.medias() {
        match agree(line, capabilities, Some(local)) {
            Ok((agreement, _)) => {
                let text = print::answer(offer, &agreement, local);
                return Ok((agreement, text));
            }
            Err(fault) if fault.closeness() > refusal.closeness() => refusal = fault,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// Reads the answer to an offer of ours, which had one audio line with `offered`.
///
/// # Errors
/// When the answer declines the audio, or holds nothing that we offered.
pub fn accept(offered: &Capabilities, answer: &Session) -> Result<Agreement, Refusal> {
    accept_line(0, offered, None, answer)
}

/// Reads the answer to an offer whose audio was line `index`.
pub(crate) fn accept_line(
    index: usize,
    offered: &Capabilities,
    local: Option<&Local>,
    answer: &Session,
) -> Result<Agreement, Refusal> {
    let line = answer.medias().nth(index).ok_or(Refusal::NoAudio)?;
    let (agreement, codec) = agree(line, offered, local)?;
    let telephone_event =
        agreement.telephone_event.zip(offered.telephone_event).map(|((send, _), ours)| (send, ours));
    Ok(Agreement { receive_payload_type: codec.static_payload_type(), telephone_event, ..agreement })
}

/// What one `m=` line allows; the payload types are those that it names. Without `local`, any address will do.
fn agree(
    line: Line<'_>,
    capabilities: &Capabilities,
    local: Option<&Local>,
) -> Result<(Agreement, Codec), Refusal> {
    if !line.is_audio() || line.media().port == 0 {
        return Err(Refusal::NoAudio);
    }
    match line.transport() {
        Transport::Plain => {}
        Transport::Encrypted => return Err(Refusal::EncryptionRequired),
        Transport::Other => return Err(Refusal::UnknownTransport),
    }
    let (payload_type, codec) =
        line.codecs().find(|(_, codec)| capabilities.codecs.contains(codec)).ok_or(Refusal::NoCommonCodec)?;
    let Addresses { rtp, rtcp } = line.addresses().ok_or(Refusal::NoAddress)?;
    if rtp.ip().is_multicast() {
        return Err(Refusal::Multicast);
    }
    // An unspecified one is sent nothing, in whichever version it is written.
    if local.is_some_and(|local| local.address.is_ipv4() != rtp.is_ipv4()) && !rtp.ip().is_unspecified() {
        return Err(Refusal::OtherFamily);
    }
    let (theirs, ours) = (line.direction(), capabilities.direction);
    let event = capabilities.telephone_event.and_then(|_| line.telephone_event());
    let agreement = Agreement {
        line: line.index(),
        codec,
        send_payload_type: payload_type,
        receive_payload_type: payload_type,
        telephone_event: event.map(|event| (event, event)),
        rtp,
        rtcp,
        // An unspecified address is the hold of RFC 2543: nothing may be sent there (RFC 3264 s.8.4).
        send: ours.sends && theirs.receives && !rtp.ip().is_unspecified(),
        receive: ours.receives && theirs.sends,
        ptime_ms: line.ptime_ms().unwrap_or(20),
        encrypted: false,
    };
    Ok((agreement, codec))
}

impl Refusal {
    /// How near a line was to acceptance: the nearest one's reason is told.
    const fn closeness(self) -> u8 {
        match self {
            Self::NoAudio => 0,
            Self::UnknownTransport => 1,
            Self::EncryptionRequired => 2,
            Self::NoCommonCodec => 3,
            Self::Multicast => 4,
            Self::NoAddress => 5,
            Self::OtherFamily => 6,
        }
    }
}
