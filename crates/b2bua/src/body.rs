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
        let part = boundary(&value).and_then(|boundary| part(body, &boundary));
        return part.map(parse).transpose();
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

/// The content of the first part of a multipart body that is a session description (RFC 2046 s.5.1).
fn part<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes())?;
    while !rest.starts_with(b"--") {
        let end = find(rest, delimiter.as_bytes())?;
        let (part, next) = (rest.get(..end)?, rest.get(end + delimiter.len()..)?);
        let head = find(part, b"\r\n\r\n")?;
        let (fields, content) = (part.get(..head)?, part.get(head + 4..)?);
        let is_description = String::from_utf8_lossy(fields).lines().any(|line| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("Content-Type")
                && value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SDP)
        });
        if is_description {
            return Some(content);
        }
        rest = next;
    }
    None
}

fn after<'a>(text: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    text.get(find(text, needle)? + needle.len()..)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1)).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_description_beside_other_parts() {
        let body =
            b"preamble\r\n--b1\r\nContent-Type: application/isup;version=x\r\n\r\n\x01\x02\r\n--b1\r\n\
            content-type: Application/SDP\r\nContent-Disposition: session\r\n\r\nv=0\r\n\r\n--b1--\r\n";
        assert_eq!(part(body, "b1"), Some(b"v=0\r\n\r\n".as_slice()));
    }

    #[test]
    fn a_body_without_a_description_or_an_end_has_none() {
        assert_eq!(part(b"--b1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b1--", "b1"), None);
        assert_eq!(part(b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0", "b1"), None);
        assert_eq!(part(b"", "b1"), None);
        assert_eq!(part(b"--", ""), None);
    }

    #[test]
    fn the_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/mixed; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/mixed").as_deref(), None);
    }
}
