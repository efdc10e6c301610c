//! A parsed description, and the questions that the negotiation asks of it.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Connection, Media};

use crate::crypto::Crypto;
use crate::profile::Transport;
use crate::{Codec, Direction, lenient};

/// A session description (RFC 8866) that is small enough to be worth reading. What it says is never shown, for it may hold keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    inner: sdp_types::Session,
    version: u64,
}

/// Why bytes are no session description, in words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// More than [`Session::MAX_BYTES`].
    #[error("the session description has {0} bytes, more than {max}", max = Session::MAX_BYTES)]
    TooLong(usize),
    /// More than [`Session::MAX_MEDIA`].
    #[error("the session description has {0} m= lines, more than {max}", max = Session::MAX_MEDIA)]
    TooManyMedia(usize),
    /// A line does not follow the grammar.
    #[error("the session description does not parse: {0}")]
    Syntax(String),
}

impl Session {
    /// The longest description that is read, in bytes.
    pub const MAX_BYTES: usize = 65_535;
    /// The most `m=` lines that are read.
    pub const MAX_MEDIA: usize = 64;

    /// Reads a description, as far as the negotiation needs it. Bytes that are no UTF-8 (free text of old gateways) are replaced,
    /// not refused, and lines that nobody asks for may hold what they like.
    ///
    /// # Errors
    /// In the peer's bytes: too long, too many `m=` lines, or a line that cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(Fault::TooLong(bytes.len()));
        }
        let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
        let essentials = lenient::essentials(&text);
        let inner =
            sdp_types::Session::parse(essentials.as_bytes()).map_err(|e| Fault::Syntax(e.to_string()))?;
        if inner.medias.len() > Self::MAX_MEDIA {
            return Err(Fault::TooManyMedia(inner.medias.len()));
        }
        Ok(Self { inner, version: lenient::version(&text).unwrap_or_default() })
    }

    /// `o=`'s session version: unchanged means that the description is the one already known (RFC 3264 s.8). 0 where it is no
    /// number of 64 bits.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn medias(&self) -> impl Iterator<Item = Line<'_>> {
        self.inner.medias.iter().enumerate().map(|(index, media)| Line { session: &self.inner, media, index })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("version", &self.version).finish_non_exhaustive()
    }
}

/// One `m=` line with what it inherits from the session level.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    session: &'a sdp_types::Session,
    media: &'a Media,
    index: usize,
}

/// Where a description wants its packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Addresses {
    pub(crate) rtp: SocketAddr,
    pub(crate) rtcp: SocketAddr,
}

impl<'a> Line<'a> {
    pub(crate) fn is_audio(self) -> bool {
        self.media.media.eq_ignore_ascii_case("audio")
    }

    /// Its place among the `m=` lines.
    pub(crate) fn index(self) -> usize {
        self.index
    }

    pub(crate) fn media(self) -> &'a Media {
        self.media
    }

    pub(crate) fn transport(self) -> Transport {
        Transport::named(&self.media.proto)
    }

    /// The `a=crypto` lines that can be taken, in their order.
    pub(crate) fn cryptos(self) -> impl Iterator<Item = Crypto> {
        self.named("crypto").filter_map(|attribute| Crypto::parse(attribute.value.as_deref()?))
    }

    /// Whether it has any `a=crypto` line at all.
    pub(crate) fn has_crypto(self) -> bool {
        self.named("crypto").next().is_some()
    }

    /// Whether there is the fingerprint of a certificate, by which DTLS would be known (RFC 8122).
    pub(crate) fn has_fingerprint(self) -> bool {
        let mut session = self.session.attributes.iter();
        session.any(|attribute| attribute.attribute.eq_ignore_ascii_case("fingerprint"))
            || self.named("fingerprint").next().is_some()
    }

    /// The payload types in the line's order, each with the codec it stands for, if it is one of ours.
    pub(crate) fn codecs(self) -> impl Iterator<Item = (u8, Codec)> {
        let maps = self.rtpmaps();
        self.payload_types().filter_map(move |payload_type| {
            let codec = match &maps[usize::from(payload_type)] {
                Some(map) if map.rate == 8000 && map.channels == 1 => Codec::from_name(map.name),
                Some(_) => None,
                None => Codec::from_static_payload_type(payload_type),
            };
            codec.map(|codec| (payload_type, codec))
        })
    }

    /// The payload type of telephone-event at the codecs' clock rate.
    pub(crate) fn telephone_event(self) -> Option<u8> {
        let maps = self.rtpmaps();
        self.payload_types().find(|&payload_type| {
            maps[usize::from(payload_type)]
                .as_ref()
                .is_some_and(|map| map.rate == 8000 && map.name.eq_ignore_ascii_case("telephone-event"))
        })
    }

    /// Where RTP and RTCP are to be sent; `None` when the address is no IP literal or missing.
    pub(crate) fn addresses(self) -> Option<Addresses> {
        let connection: &Connection = self.media.connections.first().or(self.session.connection.as_ref())?;
        let address = connection.try_address().ok()?.ip;
        let rtp = SocketAddr::new(address, self.media.port);
        let next = SocketAddr::new(address, self.media.port.checked_add(1)?);
        let announced = self.value("rtcp").and_then(|value| control_address(value, address));
        Some(Addresses { rtp, rtcp: announced.unwrap_or(next) })
    }

    pub(crate) fn direction(self) -> Direction {
        let direction = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| Direction::of(&attribute.attribute))
        };
        direction(&self.media.attributes)
            .or_else(|| direction(&self.session.attributes))
            .unwrap_or(Direction::BOTH)
    }

    /// `a=ptime` in milliseconds, where it is sane.
    pub(crate) fn ptime_ms(self) -> Option<u8> {
        let ms: u8 = self.value("ptime")?.trim().parse().ok()?;
        (1..=200).contains(&ms).then_some(ms)
    }

    fn payload_types(self) -> impl Iterator<Item = u8> + use<'a> {
        let formats = self.media.fmt.split_ascii_whitespace();
        formats.filter_map(|fmt| fmt.parse().ok()).filter(|&pt: &u8| usize::from(pt) < PAYLOAD_TYPES)
    }

    /// By payload type, the first one of each. Read once: thousands of formats and thousands of maps fit in a description.
    fn rtpmaps(self) -> [Option<RtpMap<'a>>; PAYLOAD_TYPES] {
        let mut maps = [const { None }; PAYLOAD_TYPES];
        let lines = self.named("rtpmap");
        for map in lines.filter_map(|attribute| RtpMap::parse(attribute.value.as_deref()?)) {
            if let Some(place) = maps.get_mut(usize::from(map.payload_type)) {
                place.get_or_insert(map);
            }
        }
        maps
    }

    /// Its own attributes of that name, in any case.
    fn named(self, name: &'a str) -> impl Iterator<Item = &'a Attribute> {
        self.media.attributes.iter().filter(move |attribute| attribute.attribute.eq_ignore_ascii_case(name))
    }

    fn value(self, name: &'a str) -> Option<&'a str> {
        self.media.get_first_attribute_value(name).flatten()
    }
}

/// `a=rtpmap:<payload type> <name>/<rate>[/<channels>]`, read with the tolerance that gateways need.
struct RtpMap<'a> {
    payload_type: u8,
    name: &'a str,
    rate: u32,
    channels: u8,
}

impl<'a> RtpMap<'a> {
    fn parse(value: &'a str) -> Option<Self> {
        let (payload_type, encoding) = value.trim().split_once(|c: char| c.is_ascii_whitespace())?;
        let mut parts = encoding.trim().split('/');
        let name = parts.next()?;
        let rate = parts.next().map_or(Some(8000), |rate| rate.trim().parse().ok())?;
        let channels = parts.next().map_or(Some(1), |channels| channels.trim().parse().ok())?;
        Some(Self { payload_type: payload_type.parse().ok()?, name, rate, channels })
    }
}

/// `a=rtcp:<port> [IN IP4|IP6 <address>]` (RFC 3605).
fn control_address(value: &str, address: IpAddr) -> Option<SocketAddr> {
    let mut parts = value.split_ascii_whitespace();
    let port = parts.next()?.parse().ok().filter(|&port: &u16| port != 0)?;
    let address = parts.nth(2).and_then(|literal| literal.parse().ok()).unwrap_or(address);
    Some(SocketAddr::new(address, port))
}

/// A payload type has seven bits.
const PAYLOAD_TYPES: usize = 128;
