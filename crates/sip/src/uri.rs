//! SIP and tel URIs, as views of their text (RFC 3261 s.19.1, RFC 3966).

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use crate::host::{Host, host_port};
use crate::params::{Params, split_at, split_near};

/// A URI as written. Of `sip` and `sips` the host is well-formed, of `tel` there is a number; another scheme's rest is opaque.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme<'a>,
    user: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
    headers: Option<&'a str>,
}

/// A URI's scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme<'a> {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// `tel`
    Tel,
    /// Another one, as written.
    Other(&'a str),
}

/// Text that is no URI: what is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UriFault {
    /// White space, control characters, quotes or angle brackets inside of it.
    #[error("a URI holds a space, a quote, an angle bracket or a control character")]
    Character,
    /// Not of the form `scheme:rest`.
    #[error("a URI without a scheme")]
    Scheme,
    /// `sip:` and no host, or a host or port that is none.
    #[error("a URI whose host or port is malformed")]
    Host,
    /// Nothing after the scheme.
    #[error("a URI that is empty after its scheme")]
    Empty,
}

impl<'a> Uri<'a> {
    /// Reads a URI, without angle brackets around it.
    ///
    /// # Errors
    /// [`UriFault`].
    pub fn parse(text: &'a str) -> Result<Self, UriFault> {
        if text.bytes().fold(false, |found, byte| found | FOREIGN[usize::from(byte)]) {
            return Err(UriFault::Character);
        }
        let (scheme, rest) = split_near(text, |byte| byte == b':').ok_or(UriFault::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(UriFault::Scheme)?;
        if rest.is_empty() {
            return Err(UriFault::Empty);
        }
        match scheme {
            Scheme::Sip | Scheme::Sips => Self::parse_sip(text, scheme, rest),
            Scheme::Tel => {
                let (number, params) = split_at(rest, b';').unwrap_or((rest, ""));
                if number.is_empty() {
                    return Err(UriFault::Empty);
                }
                Ok(Self { user: Some(number), params: Params::new(params), ..Self::opaque(text, scheme) })
            }
            Scheme::Other(_) => Ok(Self::opaque(text, scheme)),
        }
    }

    /// The first `@` ends the user: a raw one may not be part of it, but sloppy URI headers hold some.
    fn parse_sip(text: &'a str, scheme: Scheme<'a>, rest: &'a str) -> Result<Self, UriFault> {
        let (user, rest) = match split_at(rest, b'@') {
            Some((user, rest)) => {
                (Some(split_near(user, |byte| byte == b':').map_or(user, |(user, _)| user)), rest)
            }
            None => (None, rest),
        };
        let end = memchr::memchr2(b';', b'?', rest.as_bytes()).unwrap_or(rest.len());
        let (sent, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (params, headers) = match split_at(rest, b'?') {
            Some((params, headers)) => (params, Some(headers)),
            None => (rest, None),
        };
        let params = params.strip_prefix(';').unwrap_or(params);
        let (host, port) = host_port(sent).ok_or(UriFault::Host)?;
        Ok(Self { text, scheme, user, host, port, params: Params::new(params), headers })
    }

    fn opaque(text: &'a str, scheme: Scheme<'a>) -> Self {
        Self { text, scheme, user: None, host: "", port: None, params: Params::default(), headers: None }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// The user as written, without a password; of `tel` the number.
    pub fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The user with its escapes undone, once (RFC 3261 s.19.1.2). It may hold any character then, NUL too.
    pub fn user_decoded(&self) -> Option<Cow<'a, str>> {
        self.user.map(unescaped)
    }

    /// The host as written, IPv6 in its brackets; empty if the scheme has none.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The host's address, if it is a literal one.
    pub fn address(&self) -> Option<IpAddr> {
        self.parsed_host().and_then(Host::address)
    }

    /// The host as a name or an address; `None` if the scheme has none.
    pub fn parsed_host(&self) -> Option<Host<'a>> {
        Host::parse(self.host)
    }

    /// The port, if written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The URI's parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Whether it names a loose router (RFC 3261 s.19.1.1). `lr=on` and the like count.
    pub fn lr(&self) -> bool {
        self.params.contains("lr")
    }

    /// The `transport` parameter as written.
    pub fn transport(&self) -> Option<&'a str> {
        self.params.get("transport")
    }

    /// The `maddr` parameter as written.
    pub fn maddr(&self) -> Option<&'a str> {
        self.params.get("maddr")
    }

    /// What follows the question mark.
    pub fn headers(&self) -> Option<&'a str> {
        self.headers
    }

    /// The URI as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'a> Scheme<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if text.eq_ignore_ascii_case("sip") {
            return Some(Self::Sip);
        }
        if text.eq_ignore_ascii_case("sips") {
            return Some(Self::Sips);
        }
        if text.eq_ignore_ascii_case("tel") {
            return Some(Self::Tel);
        }
        let (first, rest) = text.as_bytes().split_first()?;
        let well_formed = first.is_ascii_alphabetic()
            && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        well_formed.then_some(Self::Other(text))
    }
}

/// What no URI holds.
const FOREIGN: [bool; 256] = {
    let mut foreign = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        foreign[byte as usize] = byte <= b' ' || matches!(byte, b'<' | b'>' | b'"' | 0x7f);
        byte += 1;
    }
    foreign
};

/// Undoes `%HH`; a percent sign that starts no escape stays. Octets that are no UTF-8 become U+FFFD.
pub fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escape =
            after.first_chunk::<2>().and_then(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
        match escape {
            Some(octet) if byte == b'%' => {
                decoded.push(octet);
                rest = after.get(2..).unwrap_or_default();
            }
            Some(_) | None => decoded.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part_of_a_sip_uri() {
        let uri = Uri::parse("SIPS:+1%34155550100:secret@[2001:db8::1]:5061;transport=tls;lr?Replaces=a@b")
            .unwrap();
        assert_eq!(uri.scheme(), Scheme::Sips);
        assert_eq!(uri.user(), Some("+1%34155550100"));
        assert_eq!(uri.user_decoded().as_deref(), Some("+14155550100"));
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::1]", Some(5061)));
        assert_eq!(uri.address(), "2001:db8::1".parse().ok());
        assert_eq!(uri.transport(), Some("tls"));
        assert!(uri.lr());
        assert_eq!(uri.headers(), Some("Replaces=a@b"));
    }

    #[test]
    fn a_user_may_hold_semicolons_and_slashes() {
        let uri =
            Uri::parse("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1@example.com").unwrap();
        assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(uri.host(), "example.com");
        let uri = Uri::parse("sip:user;par=u%40example.net@example.com").unwrap();
        assert_eq!(uri.user_decoded().as_deref(), Some("user;par=u@example.net"));
    }

    #[test]
    fn a_tel_uri_has_its_number_as_user() {
        let uri = Uri::parse("tel:+1-201-555-0123;phone-context=x").unwrap();
        assert_eq!((uri.scheme(), uri.user(), uri.host()), (Scheme::Tel, Some("+1-201-555-0123"), ""));
        assert_eq!(uri.params().get("phone-context"), Some("x"));
    }

    #[test]
    fn escapes_are_undone_once_and_only_where_they_are_whole() {
        assert_eq!(unescaped("%25%34%31"), "%41");
        assert_eq!(unescaped("null-%00-null"), "null-\0-null");
        assert_eq!(unescaped("100%"), "100%");
        assert_eq!(unescaped("%zz%4"), "%zz%4");
    }

    #[test]
    fn other_schemes_are_opaque() {
        let uri = Uri::parse("soap.beep://192.0.2.103:3002").unwrap();
        assert_eq!((uri.scheme(), uri.parsed_host()), (Scheme::Other("soap.beep"), None));
    }

    #[test]
    fn refuses_what_is_no_uri() {
        assert_eq!(Uri::parse("user@example.com"), Err(UriFault::Scheme));
        assert_eq!(Uri::parse("sip:user@example.com; lr"), Err(UriFault::Character));
        assert_eq!(Uri::parse("<sip:user@example.com>"), Err(UriFault::Character));
        assert_eq!(Uri::parse("sip:2001:db8::10"), Err(UriFault::Host));
        assert_eq!(Uri::parse("sip:a@b@c"), Err(UriFault::Host));
        assert_eq!(Uri::parse("sip:"), Err(UriFault::Empty));
        assert_eq!(Uri::parse("tel:;x"), Err(UriFault::Empty));
    }
}
