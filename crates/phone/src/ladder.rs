//! A call as a telephone engineer draws it.

use std::fmt;
use std::time::Duration;

/// One arrow, or one remark of a party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rung {
    /// Since the ladder's beginning, at the sender.
    pub at: Duration,
    /// Who sent, or who the remark is of.
    pub from: String,
    /// Whom to; `None` for a remark.
    pub to: Option<String>,
    /// `INVITE sdp`, `486`, `200 BYE` or a remark.
    pub label: String,
    /// In parentheses behind it: `lost`, `twice`.
    pub note: Option<String>,
}

/// Rungs in order of time. Printed one a line: `   20  caller -> us  ACK  (lost)`, times in ms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

impl Ladder {
    /// Adds one; a rung of an earlier time goes before later ones.
    pub fn push(&mut self, rung: Rung) {
        let place = self.rungs.partition_point(|there| there.at <= rung.at);
        self.rungs.insert(place, rung);
    }

    /// The rungs.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The ladder without its white space, line by line: for comparison with a drawn one.
    pub fn squeeze(drawn: &str) -> Vec<String> {
        let lines = drawn.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect()
    }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = |rung: &Rung| match &rung.to {
            Some(to) => format!("{} -> {to}", rung.from),
            None => rung.from.clone(),
        };
        let width = self.rungs.iter().map(|rung| arrow(rung).len()).max().unwrap_or(0);
        for rung in &self.rungs {
            let note = rung.note.as_ref().map(|note| format!("  ({note})")).unwrap_or_default();
            writeln!(f, "{:>6}  {:<width$}  {}{note}", rung.at.as_millis(), arrow(rung), rung.label)?;
        }
        Ok(())
    }
}
