//! Prints requests and responses (RFC 3261 s.7). Whatever a value holds, it stays one header: line breaks become spaces.

use std::fmt::{self, Write};

use bytes::Bytes;

use super::name::{Name, is_token, is_token_octet};
use super::{Field, Message, Method, StatusCode, octets};

/// A message as it is written, start line first. Content-Length is its own matter: one that the caller adds is left out.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Starts a request. Spaces and line breaks in the URI come out as escapes.
    pub fn request(method: &Method, uri: &str) -> Self {
        let mut out = Vec::with_capacity(TYPICAL);
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        if uri.bytes().any(|byte| byte <= b' ') {
            for byte in uri.bytes() {
                if byte <= b' ' {
                    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                } else {
                    out.push(byte);
                }
            }
        } else {
            out.extend_from_slice(uri.as_bytes());
        }
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// Starts a response, with the status's usual phrase if none is given.
    pub fn response(status: StatusCode, reason: Option<&str>) -> Self {
        let mut writer = Self { out: Vec::with_capacity(TYPICAL) };
        writer.out.extend_from_slice(b"SIP/2.0 ");
        writer.decimal(status.code().into());
        writer.out.push(b' ');
        writer.text(reason.unwrap_or(status.reason()));
        writer.out.extend_from_slice(b"\r\n");
        writer
    }

    /// Starts the response to `request`, with what RFC 3261 s.8.2.6.2 has copied as written: each Via, and From, To, Call-ID
    /// and CSeq once, as far as a malformed request has them.
    pub fn response_to(request: &Message, status: StatusCode, reason: Option<&str>) -> Self {
        let mut writer = Self::response(status, reason);
        for value in request.values_of(Name::Via) {
            writer.header(Name::Via.text(), &value);
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            if let Some(value) = request.values_of(name).next() {
                writer.header(name.text(), &value);
            }
        }
        writer
    }

    /// Adds a header. Line breaks in the value come out as spaces, what is no token in the name is left out.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.out.reserve(name.len() + value.len() + 4);
        if self.name(name) {
            self.text(value);
            self.out.extend_from_slice(b"\r\n");
        }
        self
    }

    /// Adds a header of another message, as it stands there but for folds.
    pub fn copy(&mut self, field: Field<'_>) -> &mut Self {
        match field.whole() {
            Some(line) if field.known() != Name::ContentLength => {
                self.out.reserve(line.len() + 2);
                self.out.extend_from_slice(line);
                self.out.extend_from_slice(b"\r\n");
                self
            }
            Some(_) | None => self.header(field.name(), &field.value()),
        }
    }

    /// Adds a header whose value is put together by `format_args!`.
    pub fn header_args(&mut self, name: &str, value: fmt::Arguments<'_>) -> &mut Self {
        if self.name(name) {
            let written = Value(self).write_fmt(value);
            debug_assert!(written.is_ok(), "a buffer in memory takes everything");
            self.out.extend_from_slice(b"\r\n");
        }
        self
    }

    /// Ends the message, with a body and its Content-Type or without. An empty Content-Type is one that is there already.
    pub fn finish(mut self, body: Option<(&str, &[u8])>) -> Bytes {
        let (content_type, body) = body.unwrap_or_default();
        if !content_type.is_empty() {
            self.header("Content-Type", content_type);
        }
        self.out.extend_from_slice(b"Content-Length: ");
        self.decimal(body.len());
        self.out.extend_from_slice(b"\r\n\r\n");
        self.out.extend_from_slice(body);
        self.out.into()
    }

    fn name(&mut self, name: &str) -> bool {
        let length = Name::ContentLength.text();
        if name.len() == length.len() && name.eq_ignore_ascii_case(length) || name == "l" || name == "L" {
            return false;
        }
        let start = self.out.len();
        if is_token(name) {
            self.out.extend_from_slice(name.as_bytes());
        } else {
            self.out.extend(name.bytes().filter(|&byte| is_token_octet(byte)));
        }
        let named = self.out.len() > start;
        if named {
            self.out.extend_from_slice(b": ");
        }
        named
    }

    fn text(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        while let Some((plain, special)) =
            memchr::memchr3(b'\r', b'\n', octets::LEAD, rest).and_then(|at| rest.split_at_checked(at))
        {
            self.out.extend_from_slice(plain);
            let (octet, after) = octets::stray(special).unwrap_or_else(|| {
                let octet = special.first().copied().filter(|octet| !matches!(octet, b'\r' | b'\n'));
                (octet.unwrap_or(b' '), special.get(1..).unwrap_or_default())
            });
            self.out.push(octet);
            rest = after;
        }
        self.out.extend_from_slice(rest);
    }

    fn decimal(&mut self, mut number: usize) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b"0123456789"[number % 10];
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }
}

/// The value of a header that is being formatted.
struct Value<'a>(&'a mut Writer);

impl Write for Value<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.text(text);
        Ok(())
    }
}

/// What a message takes as a rule, in octets.
const TYPICAL: usize = 1500;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_in_its_length_and_body() {
        let mut writer = Writer::request(&Method::Invite, "sip:a@b");
        writer
            .header("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")
            .header_args("CSeq", format_args!("{} {}", 1, Method::Invite));
        assert_eq!(
            writer.finish(Some(("text/plain", b"hello"))),
            "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\n\
             Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        );
    }

    #[test]
    fn a_response_has_the_usual_phrase_unless_given_another() {
        let usual = Writer::response(StatusCode::BUSY_HERE, None).finish(None);
        assert_eq!(usual, "SIP/2.0 486 Busy Here\r\nContent-Length: 0\r\n\r\n");
        let other = Writer::response(StatusCode::BUSY_HERE, Some("Gone\r\nfishing")).finish(None);
        assert_eq!(other, "SIP/2.0 486 Gone  fishing\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn no_value_name_or_uri_injects_a_header() {
        let mut writer = Writer::request(&Method::Options, "sip:a@b SIP/2.0\r\nEvil: 1");
        writer.header("X", "a\r\nEvil: 2\r\n\r\nbody").header("Y\r\nEvil: 3", "b");
        writer
            .header_args("Z", format_args!("{}", "c\nEvil: 4"))
            .header("content-length", "99")
            .header("l", "98");
        let printed = writer.finish(None);
        let printed = std::str::from_utf8(&printed).unwrap();
        let lines: Vec<_> = printed.split("\r\n").collect();
        assert_eq!(lines.len(), 7, "{printed}");
        assert_eq!(lines[0], "OPTIONS sip:a@b%20SIP/2.0%0D%0AEvil:%201 SIP/2.0");
        assert_eq!(lines[2], "YEvil3: b");
        assert_eq!(lines[4], "Content-Length: 0");
        assert!(!printed.contains("\nEvil"));
    }
}
