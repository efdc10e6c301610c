//! Which headers hold secrets.

use std::collections::BTreeSet;

/// The names of headers that hold secrets of the inventory, beside those of credentials, which always do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Secrets {
    /// In lower case.
    headers: BTreeSet<Vec<u8>>,
}

impl Secrets {
    /// Adds names of headers. None is ever taken out: calls that are up keep what they were admitted with.
    pub fn learn<'a>(&mut self, headers: impl IntoIterator<Item = &'a str>) {
        self.headers.extend(headers.into_iter().map(|name| name.to_ascii_lowercase().into_bytes()));
    }

    /// Whether the header of that name, in any case, is one of them.
    pub(crate) fn hold(&self, name: &[u8]) -> bool {
        !self.headers.is_empty() && self.headers.contains(&name.to_ascii_lowercase())
    }
}
