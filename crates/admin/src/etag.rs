//! Entity tags and the conditions made of them (RFC 9110 s.8.8.3, s.13).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// The tag of one representation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tag(String);

/// What a read is answered, by its conditions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freshness {
    Changed,
    Same,
}

impl Tag {
    pub(crate) fn new(version: &impl std::fmt::Display) -> Self {
        Self(format!("\"{version}\""))
    }

    pub(crate) fn header(&self) -> (HeaderName, HeaderValue) {
        // Digits and letters.
        let value = HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        (header::ETAG, value)
    }
}

/// Whether a read has something to tell (If-None-Match).
pub(crate) fn freshness(headers: &HeaderMap, held: &Tag) -> Freshness {
    let is_same = lists(headers, &header::IF_NONE_MATCH).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag == held.0
    });
    if is_same { Freshness::Same } else { Freshness::Changed }
}

/// Whether a change of this is wanted; `None` is what is not there.
pub(crate) fn check(headers: &HeaderMap, held: Option<&Tag>) -> Result<(), Problem> {
    let is_one = |tag: &str| held.is_some_and(|held| tag == "*" || tag == held.0);
    if headers.contains_key(header::IF_MATCH) && !lists(headers, &header::IF_MATCH).any(is_one) {
        let detail = "it is not, or no longer, what If-Match says; look at it again";
        return Err(failed(detail).of("If-Match"));
    }
    if lists(headers, &header::IF_NONE_MATCH).any(|tag| is_one(tag.strip_prefix("W/").unwrap_or(tag))) {
        return Err(failed("it is there, and what If-None-Match says it should not be").of("If-None-Match"));
    }
    Ok(())
}

fn failed(detail: &str) -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "changed", "It has been changed", detail)
}

fn lists<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_change_is_made_only_of_what_was_seen() {
        let held = Tag::new(&7);
        for (value, is_met) in [
            ("\"7\"", true),
            ("*", true),
            ("\"6\", \"7\"", true),
            ("\"6\"", false),
            ("7", false),
            ("W/\"7\"", false),
            ("", false),
        ] {
            assert_eq!(check(&headers(header::IF_MATCH, value), Some(&held)).is_ok(), is_met, "{value}");
            assert!(check(&headers(header::IF_MATCH, value), None).is_err(), "{value}");
        }
        for (value, is_met) in [("*", false), ("\"7\"", false), ("W/\"7\"", false), ("\"6\"", true)] {
            assert_eq!(check(&headers(header::IF_NONE_MATCH, value), Some(&held)).is_ok(), is_met, "{value}");
            assert!(check(&headers(header::IF_NONE_MATCH, value), None).is_ok(), "{value}");
        }
    }

    #[test]
    fn a_read_tells_nothing_anew_that_is_known() {
        let held = Tag::new(&7);
        assert_eq!(freshness(&headers(header::IF_NONE_MATCH, "\"1\", W/\"7\""), &held), Freshness::Same);
        assert_eq!(freshness(&headers(header::IF_NONE_MATCH, "\"1\""), &held), Freshness::Changed);
        assert_eq!(freshness(&HeaderMap::new(), &held), Freshness::Changed);
    }
}
