//! ISO 3166 country codes, and lists of allowed destinations.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Two letters, held in upper case. Whether a country has that code is for [`Country::calling_code`] to say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

/// It is not two letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a country is two letters of ISO 3166, like US or GB")]
pub struct CountryError;

impl Country {
    /// The code, like `US`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The country's calling code, like 44; none if no country with telephones has these letters.
    pub fn calling_code(self) -> Option<u16> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.region()?)?;
        u16::try_from(code).ok()
    }

    /// The same for the numbering library.
    pub(crate) fn region(self) -> Option<Region> {
        self.as_str().parse().ok()
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(CountryError),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format_args!("`{text}`: {error}")))
    }
}

/// One entry of a list of allowed destinations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Destination {
    /// Every country, and no special destination.
    Worldwide,
    /// One country.
    Country(Country),
    /// A calling code that belongs to no country, like 800 or 883.
    NonGeographic(u16),
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        if text == "worldwide" {
            return Ok(Self::Worldwide);
        }
        if let Some(digits) = text.strip_prefix('+') {
            let code = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
            return match code.flatten() {
                Some(code @ 1..=999) => Ok(Self::NonGeographic(code)),
                Some(_) | None => Err(DestinationError),
            };
        }
        text.parse().map(Self::Country).map_err(|CountryError| DestinationError)
    }
}

/// It is neither a country, nor `worldwide`, nor a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a destination is a country like \"US\", \"worldwide\", or a non-geographic code like \"+800\"")]
pub struct DestinationError;

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worldwide => f.write_str("worldwide"),
            Self::Country(country) => country.fmt(f),
            Self::NonGeographic(code) => write!(f, "+{code}"),
        }
    }
}

/// Where calls may go: `"worldwide"`, or a list of countries and non-geographic codes. An empty list allows nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowedCountries(pub Vec<Destination>);

impl Serialize for AllowedCountries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [Destination::Worldwide] => serializer.serialize_str("worldwide"),
            list => serializer.collect_seq(list.iter().map(Destination::to_string)),
        }
    }
}

impl<'de> Deserialize<'de> for AllowedCountries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AllowedCountriesVisitor)
    }
}

struct AllowedCountriesVisitor;

impl<'de> Visitor<'de> for AllowedCountriesVisitor {
    type Value = AllowedCountries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"worldwide\", or a list like [\"US\", \"CA\", \"+800\"]")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<AllowedCountries, E> {
        if text != "worldwide" {
            return Err(E::invalid_value(de::Unexpected::Str(text), &self));
        }
        Ok(AllowedCountries(vec![Destination::Worldwide]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<AllowedCountries, A::Error> {
        let mut list = Vec::new();
        while let Some(text) = items.next_element::<String>()? {
            let destination = text.parse();
            list.push(destination.map_err(|error| de::Error::custom(format_args!("`{text}`: {error}")))?);
        }
        Ok(AllowedCountries(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_knows_its_calling_code() {
        assert_eq!("us".parse::<Country>().unwrap().calling_code(), Some(1));
        assert_eq!("GB".parse::<Country>().unwrap().calling_code(), Some(44));
        assert_eq!("ZZ".parse::<Country>().unwrap().calling_code(), None);
        for text in ["", "U", "USA", "U1", "é"] {
            assert_eq!(text.parse::<Country>(), Err(CountryError), "{text}");
        }
    }

    #[test]
    fn allowed_countries_are_worldwide_or_a_list() {
        for json in [r#""worldwide""#, r#"["US","CA"]"#, r#"["worldwide","+800"]"#, "[]"] {
            let allowed: AllowedCountries = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&allowed).unwrap(), json);
        }
        for json in [r#""US""#, r#"["USA"]"#, r#"["+"]"#, r#"["+-1"]"#, r#"["+1000"]"#, "7"] {
            assert!(serde_json::from_str::<AllowedCountries>(json).is_err(), "{json}");
        }
    }
}
