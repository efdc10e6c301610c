//! What is wrong with a file that a user wrote: where, what, and what to do about it.

use std::fmt;

/// One fault, told in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    /// The key, such as `limits.max_calls` or `numbers[3].trunk_id`; empty where none can be named.
    pub(crate) key: String,
    pub(crate) message: String,
    /// What to do, to follow a semicolon; empty where the message says it all.
    pub(crate) remedy: String,
}

/// Where the faulty value stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The file as a whole.
    File(String),
    Line {
        file: String,
        /// From 1.
        line: usize,
    },
    /// The name of a variable of the environment.
    Environment(String),
}

/// Every fault that was found; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

impl Place {
    /// The line of `offset`, a byte position in `text`.
    pub(crate) fn at(file: &str, text: &str, offset: usize) -> Self {
        let before = text.as_bytes().iter().take(offset);
        Self::Line { file: file.to_owned(), line: 1 + before.filter(|byte| **byte == b'\n').count() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.write_str(file),
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment: {name}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The one of `known` that `word` was meant to be, if one is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_place_key_message_remedy() {
        let fault = Fault {
            place: Place::at("a.toml", "one\ntwo\nthree", 5),
            key: "log.level".into(),
            message: "no such level".into(),
            remedy: "write \"info\"".into(),
        };
        assert_eq!(fault.to_string(), "a.toml:2: log.level: no such level; write \"info\"");
    }

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_a_strange_one_finds_none() {
        assert_eq!(nearest("max_cals", ["max_cps", "max_calls"]), Some("max_calls"));
        assert_eq!(nearest("colour", ["max_cps", "max_calls"]), None);
    }
}
