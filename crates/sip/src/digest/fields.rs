//! The `name=value` lists of challenges and credentials (RFC 3261 s.25.1, RFC 7235 s.2.1).

use std::borrow::Cow;

use crate::params::{elements, is_space, trim};

/// The fields of one challenge, or of one request's credentials, for the scheme Digest. Values are without their quotes and escapes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Fields<'a> {
    pairs: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    /// Those of each Digest in a header value. There should be one; some put several into one line. Other schemes are passed over.
    pub(super) fn all(value: &'a str) -> Vec<Self> {
        let mut all = Vec::new();
        let mut digest = false;
        for element in elements(value) {
            let pair = match opening(element) {
                Some((scheme, first)) => {
                    digest = scheme.eq_ignore_ascii_case("Digest");
                    if digest {
                        all.push(Self::default());
                    }
                    first
                }
                None => element,
            };
            if let (true, Some(last), Some((name, value))) = (digest, all.last_mut(), pair.split_once('=')) {
                last.pairs.push((trim(name), unquoted(trim(value))));
            }
        }
        all
    }

    /// The first field of that name, any case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// A scheme in front of the first field of its list: `Digest realm="x"`, but not `realm = "x"`.
fn opening(element: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = element.split_once(is_space)?;
    let rest = trim(rest);
    (!scheme.contains(['=', '"']) && !rest.starts_with('=')).then_some((scheme, rest))
}

/// What a quoted string says; what follows its end is passed over.
fn unquoted(value: &str) -> Cow<'_, str> {
    let Some(inner) = value.strip_prefix('"') else { return Cow::Borrowed(value) };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner.split('"').next().unwrap_or_default());
    }
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next().filter(|&character| character != '"') {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Cow::Owned(plain)
}

/// A text as a quoted string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_quoted_or_not_in_any_case_and_spacing() {
        let all = Fields::all(r#"digest Realm = "a, \"b\" \\", NONCE=x=,qop="auth,auth-int" , stale=TRUE"#);
        let [fields] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(fields.get("realm"), Some(r#"a, "b" \"#));
        assert_eq!(fields.get("nonce"), Some("x="));
        assert_eq!(fields.get("QOP"), Some("auth,auth-int"));
        assert_eq!(fields.get("stale"), Some("TRUE"));
        assert_eq!(fields.get("opaque"), None);
    }

    #[test]
    fn several_challenges_in_one_line_are_told_apart_and_other_schemes_passed_over() {
        let all = Fields::all(
            r#"Basic realm="n", Digest realm="a", nonce="1", Bearer x="y", Digest realm="b",nonce="2""#,
        );
        let realms: Vec<_> = all.iter().map(|fields| (fields.get("realm"), fields.get("nonce"))).collect();
        assert_eq!(realms, [(Some("a"), Some("1")), (Some("b"), Some("2"))]);
        for none in ["", "Digest", "Basic dXNlcjpwYXNz", "realm=\"a\""] {
            assert_eq!(
                Fields::all(none).iter().filter(|fields| fields.get("realm").is_some()).count(),
                0,
                "{none}"
            );
        }
    }

    #[test]
    fn what_is_quoted_reads_as_it_was() {
        for text in ["", "plain", "a \"b\"", "back\\slash", "\\\"", "J\u{e4}s\u{f8}n, Doe"] {
            let value = format!("Digest username={}", quoted(text));
            assert_eq!(Fields::all(&value)[0].get("username"), Some(text), "{value}");
        }
    }
}
