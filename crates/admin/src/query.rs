//! The query of a request: names that the operation knows, each once.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::cursor::Cursor;
use crate::problem::Problem;

/// What stands in the query, taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Takes it apart; a name that is none of `known`, or is there twice, is a problem.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let detail = format!("`{}` is no parameter here; known: {known}", name.escape_debug());
                return Err(Problem::query(&name, detail));
            }
            if found.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Problem::query(&name, format!("`{name}` is there twice; write it once")));
            }
        }
        Ok(Self(found))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value as what it is meant to be; `expected` says what that is.
    pub(crate) fn value<T: std::str::FromStr>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let parse =
            |text: &str| text.parse().map_err(|_| Problem::query(name, format!("expected {expected}")));
        self.text(name).map(parse).transpose()
    }

    /// How many items a page has.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let expected = "a whole number from 1 to 1000";
        match self.value("limit", expected)?.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(Problem::query("limit", format!("expected {expected}"))),
        }
    }

    /// Behind which item the page begins.
    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        self.value("cursor", "the next_cursor of another page of this list, as it is")
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

pub(crate) const MOST: u32 = 1_000;
pub(crate) const DEFAULT_LIMIT: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_stand_once() {
        let query = Query::parse("limit=5&cursor=", &["limit", "cursor"]).unwrap();
        assert_eq!(query.limit().unwrap(), 5);
        for faulty in ["limt=5", "limit=1&limit=2", "%00=1", "=x"] {
            assert!(Query::parse(faulty, &["limit"]).is_err(), "{faulty}");
        }
        for limit in ["0", "1001", "-1", "1e3", "99999999999999999999", "", "%FF", "٣"] {
            assert!(Query::parse(&format!("limit={limit}"), &["limit"]).unwrap().limit().is_err(), "{limit}");
        }
    }
}
