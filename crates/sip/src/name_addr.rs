//! From, To, Contact, Route and their kin: a URI, perhaps with a display name and parameters (RFC 3261 s.20.10).

use std::borrow::Cow;

use crate::message::{is_carrying, shown};
use crate::params::{Params, split_at, trim};
use crate::uri::{Uri, UriFault};

/// One name-addr or addr-spec with the header's parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NameAddr<'a> {
    display: Option<&'a str>,
    uri: Uri<'a>,
    params: Params<'a>,
}

/// Text that is no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameAddrFault {
    /// A quote or an angle bracket without its partner.
    #[error("a quote or an angle bracket is not closed")]
    Unbalanced,
    /// A display name that must be in quotes.
    #[error("a display name holds a comma or a quote and is not in quotes")]
    Display,
    /// Something between `>` and the parameters.
    #[error("text after the closing angle bracket")]
    Trailing,
    /// A URI that needs angle brackets: it holds a question mark or a comma (RFC 3261 s.20.10).
    #[error("a URI with headers or a comma is not in angle brackets")]
    Bare,
    /// The URI is none.
    #[error(transparent)]
    Uri(#[from] UriFault),
}

impl<'a> NameAddr<'a> {
    /// Reads one value: an element of a list, not the list.
    ///
    /// # Errors
    /// [`NameAddrFault`].
    pub fn parse(text: &'a str) -> Result<Self, NameAddrFault> {
        let text = trim(text);
        if let Some(quoted) = text.strip_prefix('"') {
            let end = closing_quote(quoted).ok_or(NameAddrFault::Unbalanced)?;
            let (display, rest) = quoted.split_at_checked(end).ok_or(NameAddrFault::Unbalanced)?;
            let rest = trim(rest.get(1..).unwrap_or_default());
            return Self::enclosed(Some(display), rest.strip_prefix('<').ok_or(NameAddrFault::Display)?);
        }
        match memchr::memchr3(b'<', b';', b'"', text.as_bytes()).and_then(|at| text.split_at_checked(at)) {
            Some((display, rest)) if rest.starts_with('<') => {
                let display = trim(display);
                if display.contains(',') {
                    return Err(NameAddrFault::Display);
                }
                let display = (!display.is_empty()).then_some(display);
                Self::enclosed(display, rest.get(1..).unwrap_or_default())
            }
            Some((_, rest)) if rest.starts_with('"') => Err(NameAddrFault::Display),
            Some((uri, params)) => Self::bare(trim(uri), params),
            None => Self::bare(text, ""),
        }
    }

    fn enclosed(display: Option<&'a str>, rest: &'a str) -> Result<Self, NameAddrFault> {
        let (uri, rest) = split_at(rest, b'>').ok_or(NameAddrFault::Unbalanced)?;
        let uri = Uri::parse(uri)?;
        let params = match trim(rest) {
            "" => "",
            rest => rest.strip_prefix(';').ok_or(NameAddrFault::Trailing)?,
        };
        Ok(Self { display, uri, params: Params::new(params) })
    }

    /// Without angle brackets, parameters are the header's and not the URI's.
    fn bare(uri: &'a str, params: &'a str) -> Result<Self, NameAddrFault> {
        if uri.contains(['?', ',']) {
            return Err(NameAddrFault::Bare);
        }
        Ok(Self { display: None, uri: Uri::parse(uri)?, params: Params::new(params) })
    }

    /// The display name as written, without its quotes.
    pub fn display(&self) -> Option<&'a str> {
        self.display
    }

    /// The display name with its quoted pairs undone, and U+FFFD for each octet that is no UTF-8.
    pub fn display_decoded(&self) -> Option<Cow<'a, str>> {
        self.display.map(|display| {
            if !display.contains('\\') && !is_carrying(display) {
                return Cow::Borrowed(display);
            }
            let mut escaped = false;
            let unescaped = display.chars().filter(|&c| {
                escaped = c == '\\' && !escaped;
                !escaped
            });
            Cow::Owned(unescaped.map(shown).collect())
        })
    }

    /// The URI.
    pub fn uri(&self) -> Uri<'a> {
        self.uri
    }

    /// The header's parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag of From and To.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }
}

/// Where a quoted string ends; `text` starts after its opening quote.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escapes = 0;
    loop {
        let at = escapes + memchr::memchr2(b'"', b'\\', text.as_bytes().get(escapes..)?)?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some(at);
        }
        escapes = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_belong_to_the_uri_only_within_angles() {
        let bare = NameAddr::parse("sip:a@b;tag=1;x").unwrap();
        assert_eq!((bare.tag(), bare.uri().as_str()), (Some("1"), "sip:a@b"));
        let enclosed = NameAddr::parse("<sip:a@b;tag=2;lr> ; tag = 1").unwrap();
        assert_eq!((enclosed.tag(), enclosed.uri().params().get("tag")), (Some("1"), Some("2")));
    }

    #[test]
    fn display_names_come_quoted_bare_or_glued_to_the_bracket() {
        let quoted = NameAddr::parse(r#""J Rosenberg \\\"; <x>"   <sip:j@example.com>"#).unwrap();
        assert_eq!(quoted.display_decoded().as_deref(), Some(r#"J Rosenberg \"; <x>"#));
        assert_eq!(NameAddr::parse("caller<sip:c@example.com>;tag=3").unwrap().display(), Some("caller"));
        assert_eq!(
            NameAddr::parse("A. Bell (office) <sip:c@example.com>").unwrap().display(),
            Some("A. Bell (office)")
        );
    }

    #[test]
    fn a_quoted_parameter_may_hold_anything() {
        let value = NameAddr::parse(r#"<sip:a@b>;x="<;tag=no>";tag=yes"#).unwrap();
        assert_eq!(value.tag(), Some("yes"));
        let value = NameAddr::parse(r#"sip:a@b;x="<c>";tag=yes"#).unwrap();
        assert_eq!((value.uri().as_str(), value.tag()), ("sip:a@b", Some("yes")));
    }

    #[test]
    fn refuses_what_the_rfc_calls_malformed() {
        let fault = |text| NameAddr::parse(text).unwrap_err();
        assert_eq!(fault(r#""Mr. J. User <sip:j.user@example.com>"#), NameAddrFault::Unbalanced);
        assert_eq!(fault("<sip:a@b"), NameAddrFault::Unbalanced);
        assert_eq!(fault("Bell, Alexander <sip:a@b>"), NameAddrFault::Display);
        assert_eq!(fault("\"Watson\" < sip:t@example.org >"), NameAddrFault::Uri(UriFault::Character));
        assert_eq!(fault("sip:user@example.com?Route=%3Csip:b%3E"), NameAddrFault::Bare);
        assert_eq!(fault("<sip:a@b> <sip:c@d>"), NameAddrFault::Trailing);
        assert_eq!(fault(""), NameAddrFault::Uri(UriFault::Scheme));
    }
}
