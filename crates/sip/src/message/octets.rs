//! Octets in the headers that are no UTF-8: gateways put Latin-1 into display names and free text.
//!
//! Each is carried through the text as one character of its own, the end of the last private plane, and printed as it came: what we
//! copy stays the same to the octet.

use bytes::Bytes;

use super::index::Fault;
use super::name::Name;
use super::{Field, Message};
use crate::name_addr::NameAddr;
use crate::params::elements;

/// The message with its headers as text; the body is any octets anyhow.
pub(super) fn carried(octets: &[u8]) -> Bytes {
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n").map_or(octets.len(), |at| at + 4);
    let (head, body) = octets.split_at(end);
    let mut carried = Vec::with_capacity(octets.len() + ROOM);
    for chunk in head.utf8_chunks() {
        // Characters that carry nothing but look so are carried themselves: what is printed is what came.
        for piece in chunk.valid().split_inclusive(is_carrier) {
            let mut plain = piece.chars();
            let last = plain.next_back().filter(|&c| is_carrier(c));
            let plain = if last.is_some() { plain.as_str() } else { piece };
            carried.extend_from_slice(plain.as_bytes());
            carry(&mut carried, last.map_or("", |_| &piece[plain.len()..]).as_bytes());
        }
        carry(&mut carried, chunk.invalid());
    }
    carried.extend_from_slice(body);
    carried.into()
}

fn carry(carried: &mut Vec<u8>, octets: &[u8]) {
    for &octet in octets {
        carried.extend_from_slice(&[LEAD, 0x8F, 0xBE | (octet >> 6 & 1), 0x80 | (octet & 0x3F)]);
    }
}

/// The octet that the character at the start of a text carries, if it does, and what follows it.
pub(super) fn stray(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        &[LEAD, 0x8F, third @ (0xBE | 0xBF), fourth, ref rest @ ..] => {
            Some((0x80 | (third & 1) << 6 | (fourth & 0x3F), rest))
        }
        _other => None,
    }
}

/// What it reads as for a person.
pub(crate) fn shown(c: char) -> char {
    if is_carrier(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// Whether a text carries stray octets.
pub(crate) fn is_carrying(text: &str) -> bool {
    memchr::memchr(LEAD, text.as_bytes()).is_some() && text.contains(is_carrier)
}

/// A stray octet where there is no free text.
pub(super) fn misplaced(message: &Message) -> Option<Fault> {
    if message.request_uri().is_some_and(is_carrying) {
        return Some(Fault::bad("the Request-URI is not UTF-8"));
    }
    let field = message.fields().find(|field| is_carrying(field.raw()) && !is_free(*field))?;
    Some(Fault::bad(format!("{} is not UTF-8", field.name())))
}

/// Whether the stray octets of a header stand in text that only people read.
#[expect(clippy::wildcard_enum_match_arm, reason = "what we do not take apart is free text for us")]
fn is_free(field: Field<'_>) -> bool {
    match field.known() {
        Name::From | Name::To | Name::Contact | Name::Route | Name::RecordRoute => {
            elements(field.raw()).all(|element| {
                // What is no address at all has been judged before.
                NameAddr::parse(element).map_or(true, |address| {
                    let display = address.display().unwrap_or_default();
                    strays(element) == strays(display)
                })
            })
        }
        Name::Via
        | Name::CallId
        | Name::CSeq
        | Name::MaxForwards
        | Name::ContentLength
        | Name::ContentType => false,
        _ => true,
    }
}

fn strays(text: &str) -> usize {
    text.chars().filter(|&c| is_carrier(c)).count()
}

const fn is_carrier(c: char) -> bool {
    matches!(c, '\u{10FF80}'..='\u{10FFFF}')
}

/// What carriers, and few other characters, begin with in UTF-8.
pub(super) const LEAD: u8 = 0xF4;

/// For a name or two.
const ROOM: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_that_is_no_text_comes_back() {
        for octet in 0x80..=0xFF {
            let carried = carried(&[b'a', octet, b'b']);
            let text = std::str::from_utf8(&carried).unwrap();
            assert!(is_carrying(text));
            assert_eq!(text.chars().map(shown).collect::<String>(), "a\u{FFFD}b");
            assert_eq!(stray(&carried[1..]), Some((octet, &b"b"[..])));
        }
    }

    #[test]
    fn a_character_that_looks_like_a_carrier_comes_back_as_itself() {
        let text = "a\u{10FFE9}b\u{10FFFF}";
        let carried = carried(text.as_bytes());
        let (mut printed, mut rest) = (Vec::new(), &carried[..]);
        while let Some((first, after)) = rest.split_first() {
            let (octet, after) = stray(rest).unwrap_or((*first, after));
            printed.push(octet);
            rest = after;
        }
        assert_eq!(printed, text.as_bytes());
    }
}
