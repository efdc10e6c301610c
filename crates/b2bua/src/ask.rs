//! What somebody may ask of the core and is answered: a call of our own, digits for one that is up.

use std::collections::BTreeMap;

use media::command::Digit;

use crate::record::CallRecord;

/// Names who asked, until the answer. Given by the outside, which alone has to tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Asker(pub u64);

/// A call that is to be started: from a number of ours to the telephone network, with an agent that joins once it is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    from: String,
    to: String,
    agent_id: Option<String>,
    ring_s: Option<u32>,
    parameters: BTreeMap<String, String>,
}

/// Why there is no such call or no such digits to ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// Which part of it.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub words: String,
}

/// Digits to be sent, 1 to [`Digits::MOST`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digits(Vec<Digit>);

/// What who asked gets.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The record of the call, as it stands: with a status if it came to nothing at once.
    Placed(Box<CallRecord>),
    /// What became of the digits.
    Dialled(Dialled),
}

/// What became of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialled {
    /// They are being sent.
    Sent,
    /// There is no such call.
    Unknown,
    /// Nobody has answered, or the call is ending.
    NotTalking,
    /// The far side takes no digits beside the audio (RFC 4733).
    NotTaken,
}

impl Place {
    /// A call from a number, as written, to another.
    ///
    /// # Errors
    /// A number is none that anybody would write.
    pub fn new(from: &str, to: &str) -> Result<Self, Malformed> {
        for (field, number) in [("from", from), ("to", to)] {
            if number.is_empty() || number.chars().count() > LONGEST_NUMBER {
                let words = format!("expected a number of 1 to {LONGEST_NUMBER} characters");
                return Err(Malformed::new(field, words));
            }
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        Ok(Self { from, to, agent_id: None, ring_s: None, parameters: BTreeMap::new() })
    }

    /// With that agent, whatever the number says.
    #[must_use]
    pub fn joined_by(self, agent_id: impl Into<String>) -> Self {
        Self { agent_id: Some(agent_id.into()), ..self }
    }

    /// Given up after so many seconds without an answer, 1 to [`Place::LONGEST_RING_S`].
    ///
    /// # Errors
    /// It is not within these.
    pub fn ringing_for(self, seconds: u32) -> Result<Self, Malformed> {
        if (1..=Self::LONGEST_RING_S).contains(&seconds) {
            return Ok(Self { ring_s: Some(seconds), ..self });
        }
        Err(Malformed::new("ring_s", format!("expected 1 to {} seconds", Self::LONGEST_RING_S)))
    }

    /// With these among the `customParameters` of the agent's stream, in the place of its own of the same name.
    ///
    /// # Errors
    /// There are too many, or one is too long.
    pub fn telling(self, parameters: BTreeMap<String, String>) -> Result<Self, Malformed> {
        if parameters.len() > MAX_PARAMETERS {
            let words = format!("expected {MAX_PARAMETERS} parameters at most");
            return Err(Malformed::new("parameters", words));
        }
        let (names, values) = (1..=LONGEST_NAME, 0..=LONGEST_VALUE);
        let long = |(name, value): &(&String, &String)| {
            !names.contains(&name.chars().count()) || !values.contains(&value.chars().count())
        };
        if let Some((name, _)) = parameters.iter().find(long) {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            let words = format!(
                "expected names of 1 to {LONGEST_NAME} and values of at most {LONGEST_VALUE} characters"
            );
            return Err(Malformed::new(&format!("parameters.{name}"), words));
        }
        Ok(Self { parameters, ..self })
    }

    /// The calling number, as written.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The number to call, as written.
    pub fn to(&self) -> &str {
        &self.to
    }

    pub(crate) fn agent_id(&self) -> Option<&str> {
        self.agent_id.as_deref()
    }

    pub(crate) const fn ring_s(&self) -> Option<u32> {
        self.ring_s
    }

    pub(crate) const fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// Nobody lets a telephone ring for longer.
    pub const LONGEST_RING_S: u32 = 300;
}

impl Digits {
    /// Reads keys of a telephone: `0` to `9`, `*`, `#`, `A` to `D`.
    ///
    /// # Errors
    /// There are none or too many, or one is no key.
    pub fn parse(keys: &str) -> Result<Self, Malformed> {
        let digits: Option<Vec<_>> = keys.chars().map(Digit::from_key).collect();
        match digits {
            Some(digits) if (1..=Self::MOST).contains(&digits.len()) => Ok(Self(digits)),
            Some(_) | None => {
                let words = format!("expected 1 to {} of 0 to 9, *, # and A to D", Self::MOST);
                Err(Malformed::new("digits", words))
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Digit> {
        self.0.iter().copied()
    }

    /// As many as a leg keeps waiting, with some room for those of the far side's own.
    pub const MOST: usize = 32;
}

impl Malformed {
    fn new(field: &str, words: String) -> Self {
        Self { field: field.to_owned(), words }
    }
}

const LONGEST_NUMBER: usize = 128;
const MAX_PARAMETERS: usize = 32;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_keys_of_a_telephone() {
        let keys = |text| Digits::parse(text).map(|digits| digits.iter().map(Digit::key).collect::<String>());
        assert_eq!(keys("0123456789*#abcd").as_deref(), Ok("0123456789*#ABCD"));
        for wrong in ["", "12 3", "w", "+1", &"1".repeat(33)] {
            assert_eq!(keys(wrong).unwrap_err().field, "digits", "{wrong}");
        }
    }

    #[test]
    fn what_a_call_is_told_is_bounded() {
        let place = || Place::new("+14155550120", "+12125550177").unwrap();
        assert_eq!(Place::new("", "1").unwrap_err().field, "from");
        assert_eq!(Place::new("1", &"1".repeat(129)).unwrap_err().field, "to");
        for seconds in [0, 301] {
            assert_eq!(place().ringing_for(seconds).unwrap_err().field, "ring_s");
        }
        let many = (0..33).map(|name| (name.to_string(), String::new())).collect();
        assert_eq!(place().telling(many).unwrap_err().field, "parameters");
        let long = BTreeMap::from([("persona".to_owned(), "x".repeat(1025))]);
        assert_eq!(place().telling(long).unwrap_err().field, "parameters.persona");
        let fits = BTreeMap::from([("persona".to_owned(), "x".repeat(1024))]);
        assert_eq!(place().telling(fits.clone()).unwrap().parameters(), &fits);
    }
}
