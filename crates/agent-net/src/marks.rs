//! The names of the marks that a bot set and that are not told yet: the packet path knows only numbers.

use std::collections::BTreeMap;

use media::agent::MarkId;

/// Pending marks of one stream: at most [`PENDING`], each of at most [`NAME_LENGTH`] bytes.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    minted: u32,
    pending: BTreeMap<MarkId, String>,
}

impl Marks {
    /// A number for a name; `None` over a bound.
    pub(crate) fn set(&mut self, name: String) -> Option<MarkId> {
        if self.pending.len() >= PENDING || name.len() > NAME_LENGTH {
            return None;
        }
        self.minted = self.minted.wrapping_add(1);
        let mark = MarkId(self.minted);
        self.pending.insert(mark, name);
        Some(mark)
    }

    /// The name of a mark that was reached; its number is forgotten.
    pub(crate) fn reached(&mut self, mark: MarkId) -> Option<String> {
        self.pending.remove(&mark)
    }
}

const PENDING: usize = 4_096;
const NAME_LENGTH: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_once_even_if_set_twice() {
        let mut marks = Marks::default();
        let (one, two) = (marks.set("a".into()).unwrap(), marks.set("a".into()).unwrap());
        assert_eq!(marks.reached(one).as_deref(), Some("a"));
        assert_eq!(marks.reached(one), None);
        assert_eq!(marks.reached(two).as_deref(), Some("a"));
    }

    #[test]
    fn marks_over_the_bounds_are_refused_until_one_is_reached() {
        let mut marks = Marks::default();
        assert_eq!(marks.set("n".repeat(NAME_LENGTH + 1)), None);
        let first = marks.set("n".repeat(NAME_LENGTH)).unwrap();
        for _ in 1..PENDING {
            assert!(marks.set("m".into()).is_some());
        }
        assert_eq!(marks.set("m".into()), None);
        assert!(marks.reached(first).is_some());
        assert!(marks.set("m".into()).is_some());
    }
}
