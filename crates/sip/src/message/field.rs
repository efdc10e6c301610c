//! One header of a message, as it stands there.

use std::borrow::Cow;

use super::index::{Index, Line};
use super::name::Name;

/// A header line, folds included.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    line: &'a Line,
    index: &'a Index,
    message: &'a [u8],
}

impl<'a> Field<'a> {
    pub(super) fn new(message: &'a [u8], index: &'a Index, line: &'a Line) -> Self {
        Self { line, index, message }
    }

    /// The name as written, which may be the compact one.
    pub fn name(self) -> &'a str {
        self.line.written.text(self.message)
    }

    /// The value, unfolded.
    pub fn value(self) -> Cow<'a, str> {
        if self.line.folded { unfold(self.raw()) } else { Cow::Borrowed(self.raw()) }
    }

    /// Whether it is the header of that name (full or compact, any case).
    pub fn is(self, name: &str) -> bool {
        let known = Name::of(name);
        known == self.line.name && (known != Name::Other || self.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn known(self) -> Name {
        self.line.name
    }

    /// Whether the value goes over several lines.
    pub(super) fn is_folded(self) -> bool {
        self.line.folded
    }

    /// The value as written.
    pub(super) fn raw(self) -> &'a str {
        self.line.value.text(self.message)
    }

    /// The line as written, where it is known to hold no line break and nothing but text.
    pub(super) fn whole(self) -> Option<&'a [u8]> {
        let plain = !self.line.folded && !self.index.stray;
        plain.then(|| self.line.written.to(self.line.value).bytes(self.message))
    }
}

/// Each line break with the white space around it becomes one space (RFC 3261 s.7.3.1).
pub(super) fn unfold(value: &str) -> Cow<'_, str> {
    if !value.contains('\n') {
        return Cow::Borrowed(value);
    }
    let mut unfolded = String::with_capacity(value.len());
    for (number, line) in value.split('\n').enumerate() {
        if number > 0 {
            unfolded.push(' ');
        }
        unfolded.push_str(line.trim_matches([' ', '\t', '\r']));
    }
    Cow::Owned(unfolded)
}
