//! One SIP message over the bytes it came in (RFC 3261 s.7): an index of its headers, nothing copied.

mod field;
mod index;
mod method;
mod name;
mod octets;
mod start;
mod status;
mod writer;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::{Buf, Bytes};

pub use field::Field;
pub use method::{CSeq, Method};
pub use status::StatusCode;
pub use writer::Writer;

pub(crate) use name::{is_structural, is_token};
pub(crate) use octets::{is_carrying, shown};

use crate::name_addr::NameAddr;
use crate::params::elements;
use crate::via::Via;
use field::unfold;
use index::{Fault, Index};
use name::{Name, Shape};
use start::Start;

/// A well-formed SIP message. A clone shares everything.
///
/// The header section is UTF-8, the body any bytes. An octet of a display name or of free text that is no UTF-8 stands in what the
/// accessors say as a private character of its own, which [`Writer`] prints as that octet again.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    index: Arc<Index>,
}

/// Bytes that are no well-formed SIP message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct Malformed {
    /// What is wrong, where (header or line), in words.
    pub fault: String,
    /// The message as far as it can be read, when it is a request other than ACK whose topmost Via says where an answer goes,
    /// and the status that it earns: 400, 414, 501, 505, 513. Of what it lacks or what is malformed in it the accessors say
    /// nothing (`""`, `None`, a CSeq of 0); [`Writer::response_to`] copies what there is.
    pub answer: Option<(StatusCode, Box<Message>)>,
}

/// Bounds on what a peer may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits;

impl Limits {
    /// Octets of a message, body included: what a datagram can hold.
    pub const SIZE: usize = 65_535;
    /// Header lines.
    pub const HEADERS: usize = 256;
    /// Octets of one header, folds included.
    pub const LINE: usize = 8_192;
    /// Octets of a Request-URI.
    pub const URI: usize = 2_048;
    /// Vias: more than the 70 hops that Max-Forwards allows as a rule, and than any path has.
    pub const VIAS: usize = 100;
}

/// How much of what was sent is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// As much as [`Limits::SIZE`] allows.
    Cut,
}

impl Message {
    /// Reads one datagram, or one framed message of a stream, in full. Line breaks before it are passed over, and so is what
    /// follows the body that Content-Length tells of.
    ///
    /// # Errors
    /// [`Malformed`], with what can be answered.
    pub fn parse(mut bytes: Bytes) -> Result<Self, Malformed> {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        bytes.advance(blank);
        let extent = if bytes.len() > Limits::SIZE { Extent::Cut } else { Extent::Whole };
        bytes.truncate(Limits::SIZE);
        let Some(text) = text_of(&bytes).filter(|text| !is_carrying(text)) else {
            return Self::parse_octets(&bytes, extent);
        };
        let read = index::read(text, bytes.len());
        Self::assemble(bytes, read, extent)
    }

    /// Reads a message whose headers are no UTF-8, which is well-formed if that is so in free text only.
    fn parse_octets(octets: &[u8], extent: Extent) -> Result<Self, Malformed> {
        let bytes = octets::carried(octets);
        let Some(text) = text_of(&bytes).filter(|_| bytes.len() <= Limits::SIZE) else {
            return Err(Malformed::silent(Fault::bad("the headers are not UTF-8")));
        };
        let read = index::read(text, bytes.len()).map(|(mut index, fault)| {
            if let Some(index) = Arc::get_mut(&mut index) {
                index.stray = true;
            }
            (index, fault)
        });
        let message = Self::assemble(bytes, read, extent)?;
        match octets::misplaced(&message) {
            None => Ok(message),
            Some(fault) => Err(message.refuse(fault)),
        }
    }

    fn assemble(
        mut bytes: Bytes,
        read: Result<(Arc<Index>, Option<Fault>), Fault>,
        extent: Extent,
    ) -> Result<Self, Malformed> {
        let (index, mut fault) = read.map_err(Malformed::silent)?;
        if extent == Extent::Cut {
            let words = format!("the message is over {} octets long", Limits::SIZE);
            fault = Some(Fault { status: StatusCode::MESSAGE_TOO_LARGE, words });
        }
        bytes.truncate(index.body.end());
        let message = Self { bytes, index };
        match fault {
            None => Ok(message),
            Some(fault) => Err(message.refuse(fault)),
        }
    }

    /// A message well-formed in itself whose end in its stream is unknown.
    pub(crate) fn unframed(self, words: &str) -> Malformed {
        self.refuse(Fault::bad(words))
    }

    /// The message that is refused for `fault`.
    fn refuse(self, fault: Fault) -> Malformed {
        let answerable = self.is_request() && *self.method() != Method::Ack && self.via().is_some();
        Malformed { answer: answerable.then(|| (fault.status, Box::new(self))), fault: fault.words }
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.index.start.is_request()
    }

    /// The method: of a request its own, of a response that of its CSeq.
    pub fn method(&self) -> &Method {
        match &self.index.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => &self.index.cseq.method,
        }
    }

    /// The Request-URI of a request as written.
    pub fn request_uri(&self) -> Option<&str> {
        match self.index.start {
            Start::Request { uri, .. } => Some(uri.text(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The status of a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase of a response.
    pub fn reason_phrase(&self) -> Option<&str> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { reason, .. } => Some(reason.text(&self.bytes)),
        }
    }

    /// The first value of the header of that name (full name, any case; its compact form is found too), unfolded. Of a comma
    /// list it is the first element.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers(name).next()
    }

    /// Every value of the header of that name in order, one for each element where the header is a comma list (Via, Route,
    /// Record-Route, Contact, Allow, Supported, Require, ...), else one for each line.
    pub fn headers<'a>(&'a self, name: &str) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let known = Name::of(name);
        // An unknown name is compared with that of the first line found, so that the iterator needs no copy of it.
        let other = self.fields().find(|field| known == Name::Other && field.is(name)).map(Field::name);
        let fields = self.fields().filter(move |field| match other {
            Some(other) => field.is(other),
            None => known != Name::Other && field.known() == known,
        });
        fields.flat_map(move |field| {
            let (single, list) = match known.shape() {
                Shape::Single => (Some(field.value()), None),
                Shape::List => (None, Some(elements(field.raw()).filter(|element| !element.is_empty()))),
            };
            let unfolded =
                move |element| if field.is_folded() { unfold(element) } else { Cow::Borrowed(element) };
            single.into_iter().chain(list.into_iter().flatten().map(unfolded))
        })
    }

    /// Every header line in order: name as written and value unfolded.
    pub fn lines(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.fields().map(|field| (field.name(), field.value()))
    }

    /// Every header line in order, to be copied by [`Writer::copy`].
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.index.lines.iter().map(|line| Field::new(&self.bytes, &self.index, line))
    }

    /// The topmost Via. Every message that `parse` accepts has one.
    pub fn via(&self) -> Option<Via<'_>> {
        self.first(Name::Via).and_then(|value| elements(value).next()).and_then(Via::parse)
    }

    /// From. Every message that `parse` accepts has one.
    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.first(Name::From).and_then(|value| NameAddr::parse(value).ok())
    }

    /// To. Every message that `parse` accepts has one.
    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.first(Name::To).and_then(|value| NameAddr::parse(value).ok())
    }

    /// The first Contact; `None` for `*` too, and for one of a response that is malformed.
    pub fn contact(&self) -> Option<NameAddr<'_>> {
        let value = self.first(Name::Contact)?;
        elements(value).find(|element| !element.is_empty()).and_then(|element| NameAddr::parse(element).ok())
    }

    /// Max-Forwards, 0 to 255.
    pub fn max_forwards(&self) -> Option<u8> {
        self.first(Name::MaxForwards).and_then(|value| value.parse().ok())
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        self.index.call_id.text(&self.bytes)
    }

    /// The tag of From; `None` from an RFC 2543 peer.
    pub fn from_tag(&self) -> Option<&str> {
        self.index.from_tag.map(|tag| tag.text(&self.bytes))
    }

    /// The tag of To.
    pub fn to_tag(&self) -> Option<&str> {
        self.index.to_tag.map(|tag| tag.text(&self.bytes))
    }

    /// The CSeq.
    pub fn cseq(&self) -> &CSeq {
        &self.index.cseq
    }

    /// The body, empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.index.body.bytes(&self.bytes)
    }

    /// The media type of the body, lower case and without parameters, such as `application/sdp`.
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        let value = self.first(Name::ContentType)?;
        let media = value.split(';').next().unwrap_or_default();
        let space = |c: char| c.is_ascii_whitespace();
        let plain = !media.trim().contains(|c| space(c) || c.is_ascii_uppercase());
        if plain {
            return Some(Cow::Borrowed(media.trim()));
        }
        Some(Cow::Owned(media.chars().filter(|&c| !space(c)).map(|c| c.to_ascii_lowercase()).collect()))
    }

    /// The message as it came, less line breaks in front and octets behind, with its headers as text.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The value of the first line of that name as written, folds and all.
    fn first(&self, name: Name) -> Option<&str> {
        self.index.lines.iter().find(|line| line.name == name).map(|line| line.value.text(&self.bytes))
    }

    /// The values of each line of that name, unfolded.
    fn values_of(&self, name: Name) -> impl Iterator<Item = Cow<'_, str>> {
        self.fields().filter(move |field| field.known() == name).map(Field::value)
    }
}

/// What a value says, with U+FFFD for each octet of it that is no UTF-8.
pub fn readable(value: &str) -> Cow<'_, str> {
    if is_carrying(value) { Cow::Owned(value.chars().map(shown).collect()) } else { Cow::Borrowed(value) }
}

/// The octets as text, or as much of them as covers the headers; `None` if the headers are no UTF-8.
fn text_of(octets: &[u8]) -> Option<&str> {
    let valid = match std::str::from_utf8(octets) {
        Ok(text) => return Some(text),
        Err(error) => octets.get(..error.valid_up_to())?,
    };
    let text = std::str::from_utf8(valid).ok()?;
    text.contains("\r\n\r\n").then_some(text)
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

impl Malformed {
    fn silent(fault: Fault) -> Self {
        Self { fault: fault.words, answer: None }
    }
}
