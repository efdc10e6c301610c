//! The few things that are read of a message while it passes: its start line, its Call-ID, the method of its CSeq. Without an
//! allocation, and of any octets: that a message is whole is for the endpoint to say.

use memchr::memchr;

/// The start line, as far as it is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start<'a> {
    /// A request, with its method.
    Request(&'a [u8]),
    /// A response, with a status from 100 to 699.
    Response(u16),
    /// Nothing that could be counted.
    Nothing,
}

/// Reads the start line.
pub(crate) fn start(message: &[u8]) -> Start<'_> {
    let message = trim_lines(message);
    if let Some(rest) = message.strip_prefix(b"SIP/2.0 ") {
        return match rest {
            [a @ b'1'..=b'6', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => {
                let digit = |octet: &u8| u16::from(octet - b'0');
                Start::Response(digit(a) * 100 + digit(b) * 10 + digit(c))
            }
            _ => Start::Nothing,
        };
    }
    match memchr(b' ', message.get(..LONGEST_METHOD).unwrap_or(message)) {
        Some(end) if end > 0 => Start::Request(&message[..end]),
        Some(_) | None => Start::Nothing,
    }
}

/// The Call-ID of a message, by its long or compact name: the first `LONGEST_CALL_ID` characters of it, as a record keeps
/// them.
pub fn call_id(message: &[u8]) -> Option<String> {
    let value = header(message, b"call-id", b"i")?;
    let id: String = String::from_utf8_lossy(value).chars().take(LONGEST_CALL_ID).collect();
    (!id.is_empty()).then_some(id)
}

/// The method in the CSeq.
pub(crate) fn cseq_method(message: &[u8]) -> Option<&[u8]> {
    let value = header(message, b"cseq", b"")?;
    value.rsplit(|octet| matches!(octet, b' ' | b'\t')).next()
}

/// The value of the first header of that name (in lower case), without the white space around it.
fn header<'a>(message: &'a [u8], name: &[u8], compact: &[u8]) -> Option<&'a [u8]> {
    let mut rest = trim_lines(message);
    let is_it = |found: &[u8]| {
        found.eq_ignore_ascii_case(name) || (!compact.is_empty() && found.eq_ignore_ascii_case(compact))
    };
    // The start line has no colon where a header's name ends, but for a URI: it is passed over.
    rest = after_line(rest);
    while !rest.is_empty() {
        let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
        if line.trim_ascii().is_empty() {
            return None;
        }
        if let Some(colon) = memchr(b':', line)
            && is_it(line[..colon].trim_ascii_end())
        {
            let value = line[colon + 1..].trim_ascii();
            let next = after_line(rest);
            let folded = value.is_empty() && next.first().is_some_and(|octet| matches!(octet, b' ' | b'\t'));
            let next = &next[..memchr(b'\n', next).unwrap_or(next.len())];
            return Some(if folded { next.trim_ascii() } else { value });
        }
        rest = after_line(rest);
    }
    None
}

/// What follows the first line.
fn after_line(octets: &[u8]) -> &[u8] {
    memchr(b'\n', octets).map_or(&[], |end| &octets[end + 1..])
}

/// Without the line ends before the start line (RFC 3261 s.7.5).
fn trim_lines(mut message: &[u8]) -> &[u8] {
    while let [b'\r' | b'\n', rest @ ..] = message {
        message = rest;
    }
    message
}

/// In characters.
const LONGEST_CALL_ID: usize = 256;
const LONGEST_METHOD: usize = 65;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_line_is_a_method_or_a_status() {
        assert_eq!(start(b"INVITE sip:a@b SIP/2.0\r\n"), Start::Request(b"INVITE"));
        assert_eq!(start(b"\r\n\r\nBYE sip:a@b SIP/2.0\r\n"), Start::Request(b"BYE"));
        assert_eq!(start(b"SIP/2.0 486 Busy Here\r\n"), Start::Response(486));
        for nothing in
            [&b"SIP/2.0 099 x\r\n"[..], b"SIP/2.0 700 x", b"SIP/2.0 2", b"\r\n\r\n", b"", b" x", b"x"]
        {
            assert_eq!(start(nothing), Start::Nothing, "{nothing:?}");
        }
        assert_eq!(start(&[b'A'; 100]), Start::Nothing);
    }

    #[test]
    fn a_call_id_is_found_by_either_name_in_any_case_and_folded() {
        for written in ["Call-ID: a@b", "CALL-ID :a@b ", "i: a@b", "I:\ta@b", "Call-ID:\r\n a@b"] {
            let message = format!("BYE sip:i:c@d SIP/2.0\r\nVia: x\r\n{written}\r\nCSeq: 2 BYE\r\n\r\n");
            assert_eq!(call_id(message.as_bytes()).as_deref(), Some("a@b"), "{written}");
        }
    }

    #[test]
    fn what_stands_in_a_body_is_no_header() {
        assert_eq!(call_id(b"BYE sip:c@d SIP/2.0\r\nVia: x\r\n\r\ni: a@b\r\n"), None);
        assert_eq!(call_id(b"i: a@b\r\n\r\n"), None);
        assert_eq!(call_id(b""), None);
    }

    #[test]
    fn a_call_id_is_kept_to_256_characters() {
        let message = format!("BYE sip:c@d SIP/2.0\r\nCall-ID: {}\r\n\r\n", "é".repeat(300));
        assert_eq!(call_id(message.as_bytes()).unwrap(), "é".repeat(256));
    }

    #[test]
    fn the_method_of_a_response_is_that_of_its_cseq() {
        assert_eq!(cseq_method(b"SIP/2.0 200 OK\r\ncseq: 7  OPTIONS\r\n\r\n"), Some(&b"OPTIONS"[..]));
        assert_eq!(cseq_method(b"SIP/2.0 200 OK\r\n\r\n"), None);
    }
}
