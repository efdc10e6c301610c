//! The `;name=value` lists that follow URIs and header values (RFC 3261 s.25.1, generic-param).

/// Parameters as written, without the semicolon in front. Empty ones (`;;`) are passed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Params<'a> {
    text: &'a str,
}

impl<'a> Params<'a> {
    /// The parameters of `a;b=c`. A semicolon in front does no harm.
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Each name and value in order; a value is as written, quotes and all.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        Split { rest: Some(self.text), separator: b';', angles: Angles::Plain }.filter_map(|param| {
            let (name, value) = match split_near(param, |byte| byte == b'=') {
                Some((name, value)) => (trim(name), Some(trim(value))),
                None => (trim(param), None),
            };
            (!name.is_empty()).then_some((name, value))
        })
    }

    /// The value of the first parameter of that name, any case; empty for a parameter without value.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// Whether there is a parameter of that name, with or without a value.
    pub fn contains(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The text as written.
    pub fn as_str(self) -> &'a str {
        self.text
    }
}

/// Strips linear white space, folds included, from both ends.
pub(crate) fn trim(text: &str) -> &str {
    let octets = text.as_bytes();
    let start = octets.iter().position(|&byte| !is_space_octet(byte)).unwrap_or(octets.len());
    let end = octets.iter().rposition(|&byte| !is_space_octet(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// Splits at the first such octet of ASCII, when it is not far: a plain loop beats the start of a vector search then.
pub(crate) fn split_near(text: &str, separates: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let at = text.bytes().position(separates)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `str::split_once` for one octet of ASCII, many octets at a time.
pub(crate) fn split_at(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(separator, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

pub(crate) fn is_space_octet(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The elements of a comma list (RFC 3261 s.7.3.1), trimmed; commas in quotes and in `<>` separate nothing.
/// Empty elements are among them.
pub(crate) fn elements(text: &str) -> impl Iterator<Item = &str> {
    Split { rest: Some(text), separator: b',', angles: Angles::Enclose }.map(trim)
}

/// Whether `<` and `>` shelter the separator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Angles {
    Plain,
    Enclose,
}

struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
    angles: Angles,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let Some(at) = self.next_separator(rest.as_bytes()) else {
            self.rest = None;
            return Some(rest);
        };
        self.rest = rest.get(at + 1..);
        rest.get(..at)
    }
}

impl Split<'_> {
    fn next_separator(&self, text: &[u8]) -> Option<usize> {
        let first = memchr::memchr(self.separator, text)?;
        let before = text.get(..first).unwrap_or_default();
        if memchr::memchr2(b'"', b'<', before).is_none() {
            return Some(first);
        }
        let mut quoted = false;
        let mut enclosed = false;
        let mut escaped = false;
        for (at, &byte) in text.iter().enumerate() {
            if quoted {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => quoted = false,
                    _ => {}
                }
            } else if byte == b'"' {
                quoted = !enclosed;
            } else if byte == b'<' {
                enclosed = self.angles == Angles::Enclose;
            } else if byte == b'>' {
                enclosed = false;
            } else if byte == self.separator && !enclosed {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_parameters_whatever_their_case_and_spacing() {
        let params = Params::new(" Branch = z9hG4bK1 ;rport; x=\"a;b\";;tag=");
        assert_eq!(params.get("branch"), Some("z9hG4bK1"));
        assert_eq!(params.get("rport"), Some(""));
        assert_eq!(params.get("x"), Some("\"a;b\""));
        assert_eq!(params.get("tag"), Some(""));
        assert_eq!(params.get("b"), None);
        assert_eq!(params.iter().count(), 4);
    }

    #[test]
    fn commas_in_quotes_and_angles_separate_nothing() {
        let list = r#""Bell, \"A\"" <sip:a,b@c>;q=1 , <sip:d@e>,,x"#;
        let split: Vec<_> = elements(list).collect();
        assert_eq!(split, [r#""Bell, \"A\"" <sip:a,b@c>;q=1"#, "<sip:d@e>", "", "x"]);
    }
}
