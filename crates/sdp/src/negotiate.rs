//! The decision: an offer and what we can do, or our offer and its answer, give an agreement or a refusal (RFC 3264).

use std::net::SocketAddr;

use crate::crypto::{Offered, Wish};
use crate::profile::{Profile, Transport};
use crate::session::{Addresses, Line};
use crate::{Capabilities, Codec, Encryption, Local, Session, Srtp, print};

/// What both sides accepted, from our side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Agreement {
    /// Which of the `m=` lines it is about, counted from 0.
    pub line: usize,
    /// Its transport.
    pub profile: Profile,
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
    /// What it is encrypted with; `None`: it is plain.
    pub srtp: Option<Srtp>,
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
    /// The audio is SRTP only, and `media_encryption` is off.
    #[error("the audio is encrypted only, and media_encryption is off here")]
    EncryptionUnwanted,
    /// The audio is plain, and has to be SRTP.
    #[error("the audio is not encrypted, and it has to be here: SRTP with a=crypto lines (RFC 4568)")]
    EncryptionRequired,
    /// There is no `a=crypto` line that can be taken.
    #[error(
        "the audio is encrypted, but by no a=crypto line that can be taken: AES_CM_128_HMAC_SHA1_80 and _32, AES_256_CM_HMAC_SHA1_80, \
         AEAD_AES_128_GCM and AEAD_AES_256_GCM are spoken here, with one key a line"
    )]
    NoCommonSuite,
    /// The keys are to come by DTLS.
    #[error(
        "the audio is encrypted by DTLS, which is not supported here; SRTP with a=crypto lines (RFC 4568) is"
    )]
    Dtls,
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
/// telephone-event; every other line is answered with port 0, in the offer's order (RFC 3264 s.6). A line that can be encrypted goes
/// before a plain one, where encryption is wanted.
///
/// # Errors
/// When no audio line of the offer can be accepted, with the reason of the most promising one.
pub fn answer(
    offer: &Session,
    capabilities: &Capabilities,
    local: &Local,
) -> Result<(Agreement, String), Refusal> {
    let mut refusal = Refusal::NoAudio;
    let mut plain = None;
    for line in offer.medias() {
        let agreed =
            agree(line, capabilities, Some(local), |profile| offered_us(line, profile, &local.encryption));
        match agreed {
            Ok((agreement, _)) if agreement.srtp.is_some() => return Ok(answered(offer, agreement, local)),
            Ok((agreement, _)) => {
                plain.get_or_insert(agreement);
            }
            Err(fault) if fault.closeness() > refusal.closeness() => refusal = fault,
            Err(_) => {}
        }
    }
    plain.map(|agreement| answered(offer, agreement, local)).ok_or(refusal)
}

fn answered(offer: &Session, agreement: Agreement, local: &Local) -> (Agreement, String) {
    let text = print::answer(offer, &agreement, local);
    (agreement, text)
}

/// Reads the answer to a plain offer of ours, which had one audio line with `offered`.
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
    ours: Option<(&Local, &Offered<'_>)>,
    answer: &Session,
) -> Result<Agreement, Refusal> {
    let line = answer.medias().nth(index).ok_or(Refusal::NoAudio)?;
    let local = ours.map(|(local, _)| local);
    let (agreement, codec) = agree(line, offered, local, |profile| match ours {
        Some((_, ours)) => answered_us(line, profile, ours),
        None => offered_us(line, profile, &Encryption::Off),
    })?;
    let telephone_event =
        agreement.telephone_event.zip(offered.telephone_event).map(|((send, _), ours)| (send, ours));
    Ok(Agreement { receive_payload_type: codec.static_payload_type(), telephone_event, ..agreement })
}

/// What one `m=` line allows; the payload types are those that it names. Without `local`, any address will do.
fn agree(
    line: Line<'_>,
    capabilities: &Capabilities,
    local: Option<&Local>,
    secure: impl FnOnce(Profile) -> Result<Option<Srtp>, Refusal>,
) -> Result<(Agreement, Codec), Refusal> {
    if !line.is_audio() || line.media().port == 0 {
        return Err(Refusal::NoAudio);
    }
    let profile = match line.transport() {
        Transport::Rtp(profile) => profile,
        Transport::Dtls => return Err(Refusal::Dtls),
        Transport::Other => return Err(Refusal::UnknownTransport),
    };
    let srtp = secure(profile)?;
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
        profile,
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
        srtp,
    };
    Ok((agreement, codec))
}

/// What an offered line is to be encrypted with: by the first of its `a=crypto` lines that can be taken, for they are in the offerer's order
/// (RFC 4568 s.5.1.1).
fn offered_us(line: Line<'_>, profile: Profile, encryption: &Encryption) -> Result<Option<Srtp>, Refusal> {
    let keys = match (encryption, profile.is_secure()) {
        (Encryption::Off, false) => return Ok(None),
        (Encryption::Off, true) => return Err(unkeyed(line).unwrap_or(Refusal::EncryptionUnwanted)),
        (Encryption::Optional(keys) | Encryption::Required(keys), _) => keys,
    };
    match (line.cryptos().find_map(|crypto| crypto.with(keys)), encryption) {
        (Some(srtp), _) => Ok(Some(srtp)),
        (None, Encryption::Off | Encryption::Optional(_)) if !profile.is_secure() => Ok(None),
        (None, _) if line.has_crypto() || profile.is_secure() => {
            Err(unkeyed(line).unwrap_or(Refusal::NoCommonSuite))
        }
        (None, _) => Err(Refusal::EncryptionRequired),
    }
}

/// What an answered line is encrypted with. Where it has keys and none of them can be taken, what its sender takes for encrypted is not
/// taken for plain.
fn answered_us(line: Line<'_>, profile: Profile, ours: &Offered<'_>) -> Result<Option<Srtp>, Refusal> {
    if let Some(srtp) = line.cryptos().find_map(|crypto| ours.accepted(crypto)) {
        return Ok(Some(srtp));
    }
    match ours.wish() {
        Wish::Plain if profile.is_secure() => Err(Refusal::EncryptionUnwanted),
        Wish::Encrypted | Wish::Either if line.has_crypto() || profile.is_secure() => {
            Err(unkeyed(line).unwrap_or(Refusal::NoCommonSuite))
        }
        Wish::Encrypted => Err(Refusal::EncryptionRequired),
        Wish::Plain | Wish::Either => Ok(None),
    }
}

/// Whether the keys of an encrypted line are to come by DTLS, as old browsers have it without saying so in the `m=` line.
fn unkeyed(line: Line<'_>) -> Option<Refusal> {
    (!line.has_crypto() && line.has_fingerprint()).then_some(Refusal::Dtls)
}

impl Refusal {
    /// How near a line was to acceptance: the nearest one's reason is told.
    const fn closeness(self) -> u8 {
        match self {
            Self::NoAudio => 0,
            Self::UnknownTransport => 1,
            Self::Dtls => 2,
            Self::EncryptionUnwanted => 3,
            Self::EncryptionRequired => 4,
            Self::NoCommonSuite => 5,
            Self::NoCommonCodec => 6,
            Self::Multicast => 7,
            Self::NoAddress => 8,
            Self::OtherFamily => 9,
        }
    }
}
