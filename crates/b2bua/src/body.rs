//! The session description among what a message carries (RFC 3261 s.7.4, RFC 5621).

use sdp::Session;
use sip::Message;

use crate::fate::Fate;
use crate::refusal::SDP;

/// The session description of a message, if it has one: its body, or the part of a multipart body.
pub(crate) fn description(message: &Message) -> Result<Option<Session>, Fate> {
    let body = message.body();
    if body.is_empty() {
        return Ok(None);
    }
    if message.header("Content-Encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(Fate::UnsupportedBody);
    }
    let Some(content_type) = message.content_type() else { return Err(Fate::UnsupportedBody) };
    if *content_type == *SDP {
        return parse(body).map(Some);
    }
    if content_type.starts_with("multipart/") {
        let value = message.header("Content-Type").unwrap_or_default();
        let parts = boundary(&value).map(|boundary| parts(body, &boundary)).unwrap_or_default();
        return match parts.iter().find(|part| part.is_description()) {
            Some(part) => parse(part.content).map(Some),
            // RFC 5621 s.3.1: what a part requires that we don't read, we can't pass over.
            None if !parts.is_empty() && parts.iter().all(Part::is_optional) => Ok(None),
            None => Err(Fate::UnsupportedBody),
        };
    }
    if optional(message.header("Content-Disposition").as_deref()) {
        return Ok(None);
    }
    Err(Fate::UnsupportedBody)
}

fn parse(body: &[u8]) -> Result<Session, Fate> {
    Session::parse(body).map_err(|fault| Fate::BadRequest(fault.to_string()))
}

fn optional(disposition: Option<&str>) -> bool {
    let mut parameters = disposition.into_iter().flat_map(|value| value.split(';').skip(1));
    parameters.any(|parameter| parameter.replace(' ', "").eq_ignore_ascii_case("handling=optional"))
}

fn boundary(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// One part of a multipart body: its header fields, and what they head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part<'a> {
    fields: &'a [u8],
    content: &'a [u8],
}

impl Part<'_> {
    fn is_description(&self) -> bool {
        self.field("Content-Type")
            .is_some_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SDP))
    }

    fn is_optional(&self) -> bool {
        optional(self.field("Content-Disposition").as_deref())
    }

    fn field(&self, name: &str) -> Option<String> {
        String::from_utf8_lossy(self.fields).lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// The whole parts of a multipart body (RFC 2046 s.5.1), up to [`MAX_PARTS`]; one without an end is none.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes());
    std::iter::from_fn(|| {
        let open = rest.filter(|open| !open.starts_with(b"--"))?;
        let end = find(open, delimiter.as_bytes())?;
        let (part, next) = (open.get(..end)?, open.get(end + delimiter.len()..)?);
        let head = find(part, b"\r\n\r\n")?;
        rest = Some(next);
        Some(Part { fields: part.get(..head)?, content: part.get(head + 4..)? })
    })
    .take(MAX_PARTS)
    .collect()
}

const MAX_PARTS: usize = 32;

fn after<'a>(text: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    text.get(find(text, needle)? + needle.len()..)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1)).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
        parts(body, boundary).into_iter().find(Part::is_description).map(|part| part.content)
    }

    #[test]
    fn finds_the_description_beside_other_parts() {
        let body =
            b"preamble\r\n--b1\r\nContent-Type: application/isup;version=x\r\n\r\n\x01\x02\r\n--b1\r\n\
            content-type: Application/SDP\r\nContent-Disposition: session\r\n\r\nv=0\r\n\r\n--b1--\r\n";
        assert_eq!(described(body, "b1"), Some(b"v=0\r\n\r\n".as_slice()));
    }

    #[test]
    fn a_body_without_a_description_or_an_end_has_none() {
        assert_eq!(described(b"--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b1--", "b1"), None);
        assert_eq!(described(b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0", "b1"), None);
        assert_eq!(described(b"", "b1"), None);
        assert_eq!(described(b"--", ""), None);
    }

    #[test]
    fn a_part_is_required_unless_it_says_that_it_is_optional() {
        let body = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/isup\r\n\
            Content-Disposition: signal; handling=optional\r\n\r\nx\r\n--b--\r\n";
        let optional: Vec<bool> = parts(body, "b").iter().map(Part::is_optional).collect();
        assert_eq!(optional, [false, true]);
    }

    #[test]
    fn no_body_has_more_parts_than_are_read() {
        let body = format!("{}--b--", "--b\r\nA: b\r\n\r\nx\r\n".repeat(100));
        assert_eq!(parts(body.as_bytes(), "b").len(), MAX_PARTS);
    }

    #[test]
    fn the_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/mixed; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/mixed").as_deref(), None);
    }
}
