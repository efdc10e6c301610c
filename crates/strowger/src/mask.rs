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
    /// A text in which URIs may stand, the user of each shown as a number is.
    pub(crate) fn show_uris(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Full => Cow::Borrowed(text),
            Self::Masked => Cow::Owned(users_masked(text)),
        }
    }
}

/// `sip:` and `sips:` have the user before the `@`, `tel:` is nothing else.
fn users_masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(colon) = rest.find(':') {
        let (scheme, after) = rest.split_at(colon + 1);
        shown.push_str(scheme);
        let is = |name: &str| {
            scheme
                .get(..colon)
                .and_then(|scheme| scheme.get(scheme.len().checked_sub(name.len())?..))
                .is_some_and(|end| end.eq_ignore_ascii_case(name))
        };
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(after.len());
        let user = if is("tel") {
            after[..end].find(';').unwrap_or(end)
        } else if is("sip") || is("sips") {
            after[..end].rfind('@').unwrap_or(0)
        } else {
            0
        };
        shown.push_str(&masked(&after[..user]));
        rest = &after[user..];
    }
    shown.push_str(rest);
    shown
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

    #[test]
    fn the_user_of_each_uri_in_a_text_is_masked() {
        let text = "<sip:+14155550100@192.0.2.7:5060;lr>, \"Bob\" <SIPS:14155550100;phone-context=x@[2001:db8::1]>;x=y:z tel:+14155550100;ext=1";
        assert_eq!(
            Numbers::Masked.show_uris(text),
            "<sip:+14*******00@192.0.2.7:5060;lr>, \"Bob\" <SIPS:141**********************=x@[2001:db8::1]>;x=y:z tel:+14*******00;ext=1"
        );
        assert_eq!(Numbers::Masked.show_uris("sip:192.0.2.7:5060 : é:"), "sip:192.0.2.7:5060 : é:");
        assert_eq!(Numbers::Full.show_uris(text), text);
    }
}
