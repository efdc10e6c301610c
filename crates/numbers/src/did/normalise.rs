//! Any usual writing of a number, as E.164.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber};

use super::writing::{Kind, Writing};
use crate::{Country, E164};

/// Fewer digits are a short code, unless the numbering plan has a number as short as that.
const MIN_DIGITS: usize = 7;

/// Digits that make a bare international number hard to mistake for a national one.
const MIN_BARE_DIGITS: usize = 11;

/// The calling code of the North American Numbering Plan, whose international prefix is 011.
const NORTH_AMERICA: u16 = 1;

/// Reads a number in any of the usual writings: `+`, `00` or `011` and the international number, the international
/// number alone, or the national one of `did_country`; with visual separators, escapes, `tel:` and parameters.
/// `strip_prefix` is taken off the front first, if it is there.
///
/// `None` for short codes, and for whatever is not made of ASCII digits: SIP users are not always numbers.
pub fn normalise(raw: &str, did_country: Option<Country>, strip_prefix: Option<&str>) -> Option<E164> {
    let Writing { kind, digits } = Writing::read(raw, strip_prefix)?;
    match kind {
        Kind::International => literal(&digits).or_else(|| valid_international(&digits)),
        Kind::InternationalWithTrunkZero => valid_international(&digits).or_else(|| literal(&digits)),
        Kind::Bare => match did_country {
            Some(country) => bare_within(country, &digits),
            None => bare(&digits),
        },
    }
}

/// What holds in the country comes first, what is in the numbering plan before what only has a fitting length.
fn bare_within(country: Country, digits: &str) -> Option<E164> {
    let national = PHONE_NUMBER_UTIL.parse(digits, Some(country.region()?)).ok();
    national
        .as_ref()
        .filter(|number| number.is_valid())
        .and_then(e164)
        .or_else(|| valid_international(digits.strip_prefix("00")?))
        .or_else(|| valid_international(digits.strip_prefix("011")?))
        .or_else(|| bare_international(digits))
        .or_else(|| national.as_ref().filter(|number| is_possible(number, digits)).and_then(e164))
        .or_else(|| literal(digits.strip_prefix("00")?))
        .or_else(|| match country.calling_code() {
            Some(NORTH_AMERICA) => literal(digits.strip_prefix("011")?),
            Some(_) | None => None,
        })
}

/// Without a country, `011` may begin a national number: what follows must be in a numbering plan.
fn bare(digits: &str) -> Option<E164> {
    match digits.strip_prefix("00") {
        Some(rest) => valid_international(rest).or_else(|| literal(rest)),
        None => match digits.strip_prefix("011") {
            Some(rest) => valid_international(rest),
            None => bare_international(digits),
        },
    }
}

fn bare_international(digits: &str) -> Option<E164> {
    if digits.len() < MIN_BARE_DIGITS || digits.starts_with('0') {
        return None;
    }
    valid_international(digits)
}

fn literal(digits: &str) -> Option<E164> {
    if digits.len() < MIN_DIGITS {
        return None;
    }
    E164::from_digits(digits).ok()
}

fn valid_international(digits: &str) -> Option<E164> {
    let number = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok()?;
    if !number.is_valid() {
        return None;
    }
    e164(&number)
}

/// Has it a length that the country uses? Numbering plans grow faster than the tables.
fn is_possible(number: &PhoneNumber, digits: &str) -> bool {
    digits.len() >= MIN_DIGITS
        && !digits.starts_with("00")
        && number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)
}

fn e164(number: &PhoneNumber) -> Option<E164> {
    E164::parse(&number.format_as(rlibphonenumber::PhoneNumberFormat::E164)).ok()
}
