//! What the endpoint is told: its configuration, and what goes with its verbs.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::digest::Credentials;
use crate::message::{StatusCode, is_structural, is_token};
use crate::{Flow, Transport};

/// Our handle of one INVITE usage: from its INVITE, in either direction, until both sides have forgotten it.
/// Never reused. (The dialog's identity on the wire is Call-ID and tags, RFC 3261 s.12.)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct DialogKey(pub u64);

/// Our handle of a server transaction that the core above has to answer: a non-INVITE request, or a re-INVITE.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TransactionKey(pub u64);

/// One listening socket, and the address by which peers reach it.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its transport.
    pub transport: Transport,
    /// The bound address: `Flow::local` of what arrives on it.
    pub local: SocketAddr,
    /// What Via and Contact say.
    pub advertised: SocketAddr,
}

/// What the endpoint is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// The sockets.
    pub listeners: Vec<Listener>,
    /// The User-Agent and Server header.
    pub user_agent: String,
    /// Round-trip estimate T1 (RFC 3261 s.17.1.1.1), 500 ms.
    pub t1: Duration,
    /// Largest retransmission interval T2 of non-INVITE requests and INVITE responses, 4 s.
    pub t2: Duration,
    /// How long a message stays in the network, T4, 5 s.
    pub t4: Duration,
    /// Bound on server and client transactions together; a request over it is answered 503.
    pub max_transactions: usize,
    /// Bound on dialogs; an INVITE over it is answered 503.
    pub max_dialogs: usize,
    /// An INVITE that is longer goes by TCP instead of UDP, if there is a listener for that (RFC 3261 s.18.1.1: 1,300). 0: none does.
    pub udp_max_payload: usize,
    /// How often sessions are refreshed.
    pub session: SessionTimer,
}

/// What we want of session timers (RFC 4028). A far side that knows nothing of them has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionTimer {
    /// How long a session lasts without a refresh, 90 s at least: what we ask for, and the most that we grant.
    pub interval: Duration,
    /// The shortest interval that we take (`Min-SE`), 90 s at least; a request for less is answered 422.
    pub least: Duration,
}

impl Default for SessionTimer {
    fn default() -> Self {
        Self { interval: Duration::from_mins(30), least: Duration::from_secs(90) }
    }
}

/// Whether an INVITE of ours takes reliable provisional responses (RFC 3262). Each is acknowledged by a PRACK here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reliability {
    /// It does not.
    #[default]
    Unsupported,
    /// It does, if the far side likes.
    Supported,
    /// It insists on them.
    Required,
}

/// A header that the caller adds. By construction it is one line and stays one: the name is a token (RFC 3261 s.25.1), and
/// the value holds no control character but tabs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    name: Cow<'static, str>,
    value: String,
}

impl Header {
    /// A header whose name the program knows, in its usual case. Control characters of the value become spaces.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        debug_assert!(is_token(name), "{name} is no header name");
        let mut value = value.into();
        if value.contains(is_control) {
            value = value.replace(is_control, " ");
        }
        Self { name: Cow::Borrowed(name), value }
    }

    /// A header whose name and value come from elsewhere, such as a configuration or another message. `None` if the name is no
    /// token, or that of a header which routes, frames, authenticates or names the message, full or compact: those are the
    /// endpoint's alone. `None` too if the value holds a control character.
    pub fn foreign(name: &str, value: &str) -> Option<Self> {
        let fits = is_token(name) && !is_structural(name) && !value.contains(is_control);
        fits.then(|| Self { name: Cow::Owned(name.to_owned()), value: value.to_owned() })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// What no value holds: line ends and their kin.
fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// A body and its Content-Type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Body {
    /// Such as `application/sdp`.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Bytes,
}

/// A response that the core above decides on.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Headers beside those that the endpoint itself sets (Via, From, To, Call-ID, `CSeq`, Contact, Server,
    /// Content-Length, Record-Route).
    pub headers: Vec<Header>,
    /// Its body.
    pub body: Option<Body>,
}

/// An INVITE that the core above wants sent.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Our listener and the next hop.
    pub flow: Flow,
    /// The Request-URI.
    pub request_uri: String,
    /// From as name-addr, without tag.
    pub from: String,
    /// To as name-addr, without tag.
    pub to: String,
    /// Max-Forwards to send (RFC 7332: the received one, less one).
    pub max_forwards: u8,
    /// Headers beside those that the endpoint itself sets.
    pub headers: Vec<Header>,
    /// The offer; `None` asks the far side to offer.
    pub body: Option<Body>,
    /// Whether provisional responses may be reliable.
    pub reliability: Reliability,
    /// What answers a 401 or 407 to it, and to what follows in its dialog; without, a 401 or 407 is its rejection.
    pub credentials: Option<Credentials>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_becomes_a_second_line() {
        for hostile in ["a\r\nVia: x", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{7f}b"] {
            assert_eq!(Header::foreign("X-Account", hostile), None, "{hostile:?}");
            let header = Header::new("X-Account", hostile);
            assert!(!header.value().contains(char::is_control), "{header:?}");
        }
        assert_eq!(Header::new("Subject", "a\tb").value(), "a\tb");
    }

    #[test]
    fn no_foreign_header_takes_the_endpoints_place() {
        for name in [
            "Via",
            "v",
            "FROM",
            "t",
            "cseq",
            "m",
            "Route",
            "L",
            "Min-SE",
            "user-agent",
            "Proxy-Authorization",
        ] {
            assert_eq!(Header::foreign(name, "x"), None, "{name}");
        }
        for name in ["", "X Account", "X-Account:", "X\r\nVia", "X-\u{e9}"] {
            assert_eq!(Header::foreign(name, "x"), None, "{name:?}");
        }
        let header = Header::foreign("X-Account", "42").unwrap();
        assert_eq!((header.name(), header.value()), ("X-Account", "42"));
    }
}
