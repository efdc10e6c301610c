//! A telephone number as the world knows it (ITU-T E.164).

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An international number. Invariant: 1 to 15 digits, the first not zero; held without the `+`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(u64);

/// Why a writing is no E.164 number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum E164Error {
    /// It does not begin with `+`.
    #[error("an E.164 number begins with +, like +14155550100")]
    NoPlus,
    /// There is something else than `0` to `9` after the `+`.
    #[error("only the digits 0 to 9 may follow the +, like +14155550100")]
    NotADigit,
    /// No digit, or more than fifteen.
    #[error("an E.164 number has 1 to 15 digits, like +14155550100")]
    Length,
    /// The first digit is zero; no country code begins with it.
    #[error("the digit after + is never 0: the country code comes first, like +14155550100")]
    LeadingZero,
}

impl E164 {
    /// Most digits that a number may have (E.164, section 6.1).
    pub const MAX_DIGITS: usize = 15;

    /// Reads `+` and 1 to 15 digits, nothing else. Other writings: [`crate::did::normalise`].
    ///
    /// # Errors
    ///
    /// Names what is wrong with the writing.
    pub fn parse(text: &str) -> Result<Self, E164Error> {
        Self::from_digits(text.strip_prefix('+').ok_or(E164Error::NoPlus)?)
    }

    /// Reads 1 to 15 digits without the `+`.
    ///
    /// # Errors
    ///
    /// Names what is wrong with the writing.
    pub fn from_digits(digits: &str) -> Result<Self, E164Error> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(E164Error::NotADigit);
        }
        if digits.is_empty() || digits.len() > Self::MAX_DIGITS {
            return Err(E164Error::Length);
        }
        if digits.starts_with('0') {
            return Err(E164Error::LeadingZero);
        }
        let value = digits.bytes().fold(0, |value: u64, byte| value * 10 + u64::from(byte - b'0'));
        Ok(Self(value))
    }

    /// The number without its `+`: at most 999,999,999,999,999.
    pub const fn digits(self) -> u64 {
        self.0
    }

    /// Could it be somebody's, as far as the numbering plans that we know go?
    pub fn is_in_numbering_plan(self) -> bool {
        PHONE_NUMBER_UTIL.parse(self.to_string(), None).is_ok_and(|number| number.is_valid())
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for E164 {
    type Err = E164Error;

    fn from_str(text: &str) -> Result<Self, E164Error> {
        Self::parse(text)
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(format_args!("`{text}`: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_one_to_fifteen_digits() {
        for text in ["+1", "+14155550100", "+442079460000", "+999999999999999"] {
            assert_eq!(E164::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(E164::parse("+14155550100").unwrap().digits(), 14_155_550_100);
    }

    #[test]
    fn refuses_what_is_no_number_and_says_why() {
        for (text, error) in [
            ("", E164Error::NoPlus),
            ("14155550100", E164Error::NoPlus),
            ("+", E164Error::Length),
            ("+1234567890123456", E164Error::Length),
            ("+0123", E164Error::LeadingZero),
            ("++1", E164Error::NotADigit),
            ("+1 415", E164Error::NotADigit),
            ("+1415\u{0665}", E164Error::NotADigit),
            ("\u{ff0b}1415", E164Error::NoPlus),
        ] {
            assert_eq!(E164::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn is_a_string_with_its_plus_in_json() {
        let number = E164::parse("+14155550100").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"+14155550100\"");
        assert_eq!(serde_json::from_str::<E164>("\"+14155550100\"").unwrap(), number);
        let error = serde_json::from_str::<E164>("\"4155550100\"").unwrap_err().to_string();
        assert!(error.contains("`4155550100`: an E.164 number begins with +"), "{error}");
    }
}
