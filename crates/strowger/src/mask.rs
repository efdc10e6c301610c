//! Telephone numbers as they may stand in a log.

use std::borrow::Cow;

/// Whether the log shows telephone numbers whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Numbers {
    Full,
    Masked,
}

impl Numbers {
    pub(crate) const fn from_full(full: bool) -> Self {
        if full { Self::Full } else { Self::Masked }
    }

    /// `number`, its digits between the third and the last two replaced by `*` when masked.
    pub(crate) fn show(self, number: &str) -> Cow<'_, str> {
        match self {
            Self::Full => Cow::Borrowed(number),
            Self::Masked => Cow::Owned(masked(number)),
        }
    }
}

fn masked(number: &str) -> String {
    let length = number.chars().count();
    let (head, tail) = if length > HEAD + TAIL { (HEAD, TAIL) } else { (0, 0) };
    number
        .chars()
        .enumerate()
        .map(|(index, character)| if index < head || index >= length - tail { character } else { '*' })
        .collect()
}

const HEAD: usize = 3;
const TAIL: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_number_is_masked_and_a_short_one_wholly() {
        assert_eq!(Numbers::Masked.show("+14155550100"), "+14*******00");
        assert_eq!(Numbers::Masked.show("911"), "***");
        assert_eq!(Numbers::Full.show("+14155550100"), "+14155550100");
    }
}
