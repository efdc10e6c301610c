//! Where a page of a list ends, in a form that nobody takes apart but us.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The last item of a page: an id, or whatever else names its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cursor(pub(crate) String);

/// It was not one of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{MARK}{}", self.0)))
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoCursor)?;
        let place = String::from_utf8(bytes).map_err(|_| NoCursor)?;
        let place = place.strip_prefix(MARK).filter(|place| place.len() <= LONGEST && fit(place));
        place.map(|place| Self(place.to_owned())).ok_or(NoCursor)
    }
}

/// Of the letters that ids have.
fn fit(place: &str) -> bool {
    !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

const MARK: &str = "1:";
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back_and_nothing_else() {
        for place in ["sales", "+14155550100", "1709251199123.3f9c"] {
            let cursor = Cursor(place.to_owned());
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for foreign in ["", "sales", "1:sales", "MQ", "MToA", "MTo=", "é"] {
            assert_eq!(foreign.parse::<Cursor>(), Err(NoCursor), "{foreign}");
        }
    }
}
