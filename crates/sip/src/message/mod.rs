//! One SIP message over the bytes it came in (RFC 3261 s.7): an index of its headers, nothing copied.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

/// A request method (RFC 3261 s.7.1 and the RFCs that add to it).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    /// Any other token.
    Extension(Box<str>),
}

/// A response status, 100 to 699.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct StatusCode(u16);

/// A well-formed SIP message. The header section is UTF-8, the body any bytes.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
}

/// The number and method of a CSeq header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CSeq {
    /// 0 to 2^31-1.
    pub number: u32,
    /// The method.
    pub method: Method,
}

/// Bytes that are no well-formed SIP message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct Malformed {
    /// What is wrong, where (header or line), in words.
    pub fault: String,
    /// The message as far as it can be read, when it is a request that has enough of Via, From, To, Call-ID and CSeq to be
    /// answered, and the status that it earns: 400, 505, 413, 513 ...
    pub answer: Option<(StatusCode, Box<Message>)>,
}

#[expect(unused_variables, clippy::todo, reason = "boundary first")]
impl Message {
    /// Reads one datagram, or one framed message of a stream, in full.
    ///
    /// # Errors
    /// [`Malformed`], with what can be answered.
    pub fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        todo!()
    }
    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        todo!()
    }
    /// The method: of a request its own, of a response that of its CSeq.
    pub fn method(&self) -> &Method {
        todo!()
    }
    /// The Request-URI of a request as written.
    pub fn request_uri(&self) -> Option<&str> {
        todo!()
    }
    /// The status of a response.
    pub fn status(&self) -> Option<StatusCode> {
        todo!()
    }
    /// The reason phrase of a response.
    pub fn reason_phrase(&self) -> Option<&str> {
        todo!()
    }
    /// The first value of the header of that name (full name, any case; its compact form is found too), unfolded.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        todo!()
    }
    /// Every value of the header of that name in order, one for each element where the header is a comma list (Via, Route,
    /// Record-Route, Contact, Allow, Supported, Require, ...), else one for each line.
    pub fn headers<'a>(&'a self, name: &str) -> impl Iterator<Item = Cow<'a, str>> + 'a {
        std::iter::empty()
    }
    /// Every header line in order: name as written and value unfolded.
    pub fn lines(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        std::iter::empty()
    }
    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        todo!()
    }
    /// The tag of From; `None` from an RFC 2543 peer.
    pub fn from_tag(&self) -> Option<&str> {
        todo!()
    }
    /// The tag of To.
    pub fn to_tag(&self) -> Option<&str> {
        todo!()
    }
    /// The CSeq.
    pub fn cseq(&self) -> &CSeq {
        todo!()
    }
    /// The body, empty if there is none.
    pub fn body(&self) -> &[u8] {
        todo!()
    }
    /// The media type of the body, lower case and without parameters, such as `application/sdp`.
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        todo!()
    }
    /// The message as it came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

impl StatusCode {
    /// A status.
    ///
    /// # Errors
    /// `None` outside of 100 to 699.
    pub const fn new(code: u16) -> Option<Self> {
        if code >= 100 && code <= 699 { Some(Self(code)) } else { None }
    }
    /// The number.
    pub const fn code(self) -> u16 {
        self.0
    }
    /// Whether it is 100 to 199.
    pub const fn is_provisional(self) -> bool {
        self.0 < 200
    }
    /// Whether it is 200 to 299.
    pub const fn is_success(self) -> bool {
        self.0 >= 200 && self.0 < 300
    }
}
