//! The outer form of a number: scheme, parameters, escapes, separators.

use std::borrow::Cow;

use crate::E164;

/// A number freed of its outer form. Invariant: `digits` holds 1 to [`MAX_DIGITS`] ASCII digits.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Writing {
    pub(crate) kind: Kind,
    pub(crate) digits: String,
}

/// What stood before the digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A `+`.
    International,
    /// A `+`, and a `(0)` that is dialled only within the country.
    InternationalWithTrunkZero,
    /// Nothing: `00`, `011`, a national number, or a bare international one.
    Bare,
}

/// Room for fifteen digits behind any international prefix.
const MAX_DIGITS: usize = 24;

/// More is no number, whatever it is made of.
const MAX_LENGTH: usize = 256;

impl Writing {
    /// Reads it; `None` if it is not made of digits and visual separators (RFC 3966, section 3) alone.
    pub(crate) fn read(raw: &str, strip_prefix: Option<&str>) -> Option<Self> {
        if raw.len() > MAX_LENGTH {
            return None;
        }
        let raw = raw.trim_ascii();
        let raw = strip_scheme(raw, "tel:").unwrap_or(raw);
        let mut parts = raw.split(';');
        let number = unescape(parts.next()?)?;
        let number = strip_prefix.and_then(|prefix| number.strip_prefix(prefix)).unwrap_or(&number);
        let mut kind = Kind::Bare;
        let mut digits = String::new();
        for char in number.chars() {
            match char {
                '0'..='9' if digits.len() < MAX_DIGITS => digits.push(char),
                '+' if digits.is_empty() && kind == Kind::Bare => kind = Kind::International,
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return None,
            }
        }
        if digits.is_empty() {
            return None;
        }
        match kind {
            Kind::International if number.contains("(0)") => kind = Kind::InternationalWithTrunkZero,
            Kind::International | Kind::InternationalWithTrunkZero => {}
            Kind::Bare => {
                if let Some(context) = parts.find_map(global_context) {
                    kind = Kind::International;
                    digits.insert_str(0, context);
                }
            }
        }
        (digits.len() <= MAX_DIGITS).then_some(Self { kind, digits })
    }
}

/// The digits of `phone-context=+1`, which stand before those of the number (RFC 3966, section 5.1.5).
fn global_context(parameter: &str) -> Option<&str> {
    let digits = strip_scheme(parameter, "phone-context=")?.strip_prefix('+')?;
    let is_code = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(digits)
}

/// Does it look like something that a person dialled, though perhaps no number of anybody's?
pub(super) fn is_dialled(raw: &str) -> bool {
    let number = raw.split(';').next().unwrap_or_default();
    match unescape(number) {
        Some(text) => {
            let is_key = |char: char| char.is_numeric() || "*#+-.() ".contains(char);
            text.contains(char::is_numeric) && text.chars().all(is_key)
        }
        None => true,
    }
}

/// The digits as they stand, as an international number without its `+`.
pub(super) fn bare_digits(raw: &str, strip_prefix: Option<&str>) -> Option<E164> {
    let writing = Writing::read(raw, strip_prefix)?;
    E164::from_digits(&writing.digits).ok()
}

/// The user part in the value of a header: of a URI, bare or in angle brackets, or the value itself if it is no URI.
pub(super) fn user_of(value: &str) -> &str {
    let value = value.trim_ascii();
    let after_name =
        value.strip_prefix('"').and_then(|rest| rest.split_once('"')).map_or(value, |(_, rest)| rest);
    let uri = match after_name.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => value.split(',').next().unwrap_or_default(),
    };
    let uri = uri.trim_ascii();
    match strip_scheme(uri, "sip:").or_else(|| strip_scheme(uri, "sips:")) {
        Some(rest) => rest.rsplit_once('@').map_or("", |(user, _)| user),
        None => uri,
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Undoes `%41` (RFC 3261, section 19.1.2); `None` if an escape is broken or the result is no text.
fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
