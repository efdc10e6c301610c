//! The headers of a caller's INVITE that some agent may be let see. Which of them, each agent's inventory says.

use sip::Message;
use sip::message::readable;

/// Names and values, in order: passable ([`numbers::is_passable`]), without control characters, and bounded. What is beyond the
/// bounds is left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Carried(Vec<(String, String)>);

impl Carried {
    pub(crate) fn of(request: &Message) -> Self {
        Self::from_lines(request.lines().map(|(name, value)| {
            // The one compact form among them (RFC 3261 s.20).
            let name = if name.eq_ignore_ascii_case("s") { "Subject" } else { name };
            (name, readable(&value).into_owned())
        }))
    }

    pub(super) fn from_lines<'a>(lines: impl Iterator<Item = (&'a str, String)>) -> Self {
        let mut octets = 0;
        let fits = lines.filter(|(name, value)| {
            numbers::is_passable(name)
                && name.len() <= MAX_NAME
                && value.len() <= MAX_VALUE
                && !value.chars().any(|c| c.is_control() && c != '\t')
        });
        let within = fits.take_while(|(name, value)| {
            octets += name.len() + value.len();
            octets <= MAX_OCTETS
        });
        Self(within.take(MAX_HEADERS).map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

const MAX_HEADERS: usize = 32;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 1024;
/// Of all together: an INVITE has to stay of a size that goes through a network.
const MAX_OCTETS: usize = 4096;
