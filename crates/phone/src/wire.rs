//! Bytes and rsip's messages, with rsip's known faults kept outside: bodies stay bytes, a datagram cut short is refused,
//! and headers that we echo are echoed as text.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use rsip::headers::untyped::{ToTypedHeader, UntypedHeader};
use rsip::message::{HasHeaders, HeadersExt};
use rsip::{Header, Method, Request, Response, SipMessage, StatusCode, Uri};

/// Why bytes are no message to a phone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// rsip refused them.
    #[error("no SIP message: {0}")]
    Syntax(String),
    /// The body is shorter than its Content-Length.
    #[error("the body has {found} of {stated} bytes")]
    Truncated {
        /// As Content-Length states.
        stated: usize,
        /// As there are.
        found: usize,
    },
    /// A header that every message must have (RFC 3261 s.8.1.1) is not there or unreadable.
    #[error("no readable {0}")]
    Header(&'static str),
}

/// What one sees of a message in passing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glance {
    /// The method of a request; of a response, that of its `CSeq`.
    pub method: String,
    /// The status of a response.
    pub status: Option<u16>,
    /// The header.
    pub call_id: String,
    /// That of the topmost Via.
    pub branch: String,
    /// The number in `CSeq`.
    pub cseq: u32,
    /// Whether To has a tag.
    pub in_dialog: bool,
    /// Whether it carries a body.
    pub body: bool,
}

impl Glance {
    /// Reads a datagram.
    ///
    /// # Errors
    /// [`Fault`] for what is no message.
    pub fn of(bytes: &[u8]) -> Result<Self, Fault> {
        glance(&parse(bytes)?)
    }
}

impl std::fmt::Display for Glance {
    /// As ladders show it: `INVITE sdp`, `486`, `200 BYE`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            None => f.write_str(&self.method)?,
            Some(status) if self.method == "INVITE" => write!(f, "{status}")?,
            Some(status) => write!(f, "{status} {}", self.method)?,
        }
        if self.body { f.write_str(" sdp") } else { Ok(()) }
    }
}

pub(crate) fn glance(message: &SipMessage) -> Result<Glance, Fault> {
    let (cseq, method) = cseq(message).ok_or(Fault::Header("CSeq"))?;
    let (method, status) = match message {
        SipMessage::Request(request) => (request.method, None),
        SipMessage::Response(response) => (method, Some(response.status_code.code())),
    };
    Ok(Glance {
        method: method.to_string(),
        status,
        call_id: call_id(message),
        branch: branch(message).ok_or(Fault::Header("Via"))?,
        cseq,
        in_dialog: tag(&to(message)).is_some(),
        body: !message.body().is_empty(),
    })
}

pub(crate) fn parse(bytes: &[u8]) -> Result<SipMessage, Fault> {
    let mut message = SipMessage::try_from(bytes).map_err(|error| Fault::Syntax(error.to_string()))?;
    let stated = values(&message, "Content-Length").first().map(|value| value.trim().parse::<usize>());
    match stated {
        Some(Ok(stated)) => {
            let found = message.body().len();
            if found < stated {
                return Err(Fault::Truncated { stated, found });
            }
            message.body_mut().truncate(stated);
        }
        Some(Err(_)) => return Err(Fault::Header("Content-Length")),
        None => {}
    }
    message.call_id_header().map_err(|_| Fault::Header("Call-ID"))?;
    branch(&message).ok_or(Fault::Header("Via"))?;
    cseq(&message).ok_or(Fault::Header("CSeq"))?;
    message.from_header().map_err(|_| Fault::Header("From"))?;
    message.to_header().map_err(|_| Fault::Header("To"))?;
    Ok(message)
}

/// As text and with the body as it is: rsip prints bodies through UTF-8.
pub(crate) fn print(mut message: SipMessage) -> Bytes {
    let body = std::mem::take(message.body_mut());
    let head = message.to_string();
    let mut bytes = BytesMut::with_capacity(head.len() + body.len());
    bytes.put_slice(head.as_bytes());
    bytes.put_slice(&body);
    bytes.freeze()
}

/// The values of all headers of that name, in order, each as one text.
pub(crate) fn values(message: &impl HasHeaders, name: &str) -> Vec<String> {
    let lines = message.headers().iter().map(ToString::to_string);
    lines
        .filter_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
        .collect()
}

/// The members of a comma list, over all headers of that name; commas within `<>` and quotes do not part.
pub(crate) fn list(message: &impl HasHeaders, name: &str) -> Vec<String> {
    values(message, name).iter().flat_map(|value| split(value)).collect()
}

fn split(value: &str) -> Vec<String> {
    let (mut members, mut member) = (Vec::new(), String::new());
    let (mut quoted, mut bracketed) = (false, false);
    for letter in value.chars() {
        match letter {
            '"' => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            ',' if !quoted && !bracketed => {
                members.push(std::mem::take(&mut member).trim().to_owned());
                continue;
            }
            _ => {}
        }
        member.push(letter);
    }
    members.push(member.trim().to_owned());
    members.retain(|member| !member.is_empty());
    members
}

pub(crate) fn call_id(message: &impl HeadersExt) -> String {
    message.call_id_header().map(|header| header.value().to_owned()).unwrap_or_default()
}

pub(crate) fn cseq(message: &impl HeadersExt) -> Option<(u32, Method)> {
    let typed = message.cseq_header().ok()?.typed().ok()?;
    Some((typed.seq, typed.method))
}

pub(crate) fn branch(message: &impl HeadersExt) -> Option<String> {
    parameter(list(message, "Via").first()?, "branch")
}

pub(crate) fn from(message: &impl HeadersExt) -> String {
    message.from_header().map(|header| header.value().to_owned()).unwrap_or_default()
}

pub(crate) fn to(message: &impl HeadersExt) -> String {
    message.to_header().map(|header| header.value().to_owned()).unwrap_or_default()
}

/// The tag of a From or To value.
pub(crate) fn tag(value: &str) -> Option<String> {
    parameter(value, "tag")
}

/// A header parameter: one behind the `>`, if there is one.
pub(crate) fn parameter(value: &str, name: &str) -> Option<String> {
    let outside = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    outside.split(';').skip(1).find_map(|parameter| {
        let (found, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

/// The URI of a name-addr or addr-spec.
pub(crate) fn uri(value: &str) -> Option<Uri> {
    let bare = match value.split_once('<') {
        Some((_, rest)) => rest.split_once('>')?.0,
        None => value.split(';').next()?,
    };
    Uri::try_from(bare.trim()).ok()
}

pub(crate) fn contact(message: &impl HeadersExt) -> Option<Uri> {
    uri(list(message, "Contact").first()?)
}

/// Where a URI with an address literal leads; `None` for a name, which a phone can't look up.
pub(crate) fn destination(uri: &Uri) -> Option<SocketAddr> {
    let address = uri.host().to_string().parse::<IpAddr>().ok()?;
    let port = uri.port().map_or(5060, |port| *port.value());
    Some(SocketAddr::new(address, port))
}

/// A request with its Content-Length and Max-Forwards.
pub(crate) fn request(method: Method, uri: Uri, mut headers: Vec<Header>, sdp: Option<&str>) -> Request {
    headers.push(Header::MaxForwards("70".into()));
    describe(&mut headers, sdp);
    let body = sdp.map(|sdp| sdp.as_bytes().to_vec()).unwrap_or_default();
    Request { method, uri, version: rsip::Version::V2, headers: headers.into(), body }
}

/// What an ACK of a failure or a CANCEL takes from its INVITE as it is; To and `CSeq` are its own.
pub(crate) fn carried(invite: &Request) -> Vec<Header> {
    let headers = invite.headers().iter();
    let kept = headers.filter(|header| {
        matches!(header, Header::Via(_) | Header::From(_) | Header::CallId(_) | Header::Route(_))
    });
    kept.cloned().collect()
}

/// A response to `request` (RFC 3261 s.8.2.6), with our tag if the request has none yet.
pub(crate) fn response(
    request: &Request,
    status: u16,
    tag_of_ours: &str,
    extra: Vec<Header>,
    sdp: Option<&str>,
) -> Response {
    let mut headers: Vec<Header> =
        values(request, "Via").into_iter().map(|via| Header::Via(via.into())).collect();
    headers.push(Header::From(from(request).into()));
    let to = to(request);
    let tagged = if status == 100 || tag(&to).is_some() { to } else { format!("{to};tag={tag_of_ours}") };
    headers.push(Header::To(tagged.into()));
    headers.push(Header::CallId(call_id(request).into()));
    headers.extend(values(request, "CSeq").into_iter().map(|cseq| Header::CSeq(cseq.into())));
    if request.method == Method::Invite && (101..300).contains(&status) {
        let routes = values(request, "Record-Route").into_iter();
        headers.extend(routes.map(|route| Header::RecordRoute(route.into())));
    }
    headers.extend(extra);
    describe(&mut headers, sdp);
    let body = sdp.map(|sdp| sdp.as_bytes().to_vec()).unwrap_or_default();
    let status_code = StatusCode::Other(status, phrase(status).to_owned());
    Response { status_code, version: rsip::Version::V2, headers: headers.into(), body }
}

fn describe(headers: &mut Vec<Header>, sdp: Option<&str>) {
    if sdp.is_some() {
        headers.push(Header::ContentType("application/sdp".into()));
    }
    headers.push(Header::ContentLength(sdp.map_or(0, str::len).to_string().into()));
}

/// rsip prints `404 NotFound`; peers expect the words of RFC 3261 s.21.
const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        486 => "Busy Here",
        487 => "Request Terminated",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "As Scripted",
    }
}
