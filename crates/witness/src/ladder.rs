//! A trace as telephone engineers draw it: time downwards, the caller to the left, we in the middle, the agent to the right.
//!
//! 79 columns wide at most. What a peer wrote is shown without its control characters, so that no message commands a terminal.

mod rung;

use std::fmt::{self, Write};
use std::net::SocketAddr;

use sip::Transport;

use crate::{Direction, Item, Leg, Trace};

use self::rung::{Rung, Turn};

/// Draws the trace.
pub fn draw(trace: &Trace) -> String {
    let mut drawing = Drawing { text: String::new(), start_us: 0, legs: Legs::A, peers: [None, None] };
    // Writing to a string does not fail.
    drawing.all(trace).ok();
    drawing.text
}

struct Drawing {
    text: String,
    start_us: u64,
    legs: Legs,
    /// With whom each leg last spoke.
    peers: [Option<(Transport, SocketAddr)>; 2],
}

/// Whether the agent has a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Legs {
    A,
    Both,
}

impl Drawing {
    fn all(&mut self, trace: &Trace) -> fmt::Result {
        let Some(first) = trace.items.first() else { return Ok(()) };
        self.start_us = first.at_us;
        if trace.items.iter().any(|item| item.leg == Leg::B) {
            self.legs = Legs::Both;
        }
        self.head(trace)?;
        let mut lines = Vec::with_capacity(trace.items.len());
        for (index, item) in trace.items.iter().enumerate() {
            let again = trace.items[..index].iter().any(|earlier| same(earlier, item));
            let turn = if again { Turn::Again } else { Turn::First };
            lines.push(Rung::of(&item.message, turn));
        }
        for (item, rung) in trace.items.iter().zip(&lines) {
            self.turn(item)?;
            self.arrow(item, &rung.label)?;
            for note in &rung.notes {
                self.words(item.leg, note)?;
            }
        }
        if trace.not_kept > 0 {
            writeln!(self.text, "\n{} later messages were not kept.", trace.not_kept)?;
        }
        Ok(())
    }

    /// Who is who, and the heads of the columns.
    fn head(&mut self, trace: &Trace) -> fmt::Result {
        let first = |leg| trace.items.iter().find(|item| item.leg == leg);
        for (name, leg) in [("caller", Leg::A), ("agent", Leg::B)] {
            if let Some(item) = first(leg) {
                let Item { remote, local, transport, .. } = item;
                writeln!(self.text, "{name:<7} {remote} by {transport}, to our {local}")?;
                self.peers[index(leg)] = Some((*transport, *remote));
            }
        }
        let agent = match self.legs {
            Legs::A => "",
            Legs::Both => "agent",
        };
        let line = format!("{:>TIME$}  caller{:24}strowger{:28}{agent}", "ms", "", "");
        writeln!(self.text, "\n{}", line.trim_end())
    }

    /// A leg that goes on with another peer.
    fn turn(&mut self, item: &Item) -> fmt::Result {
        let peer = (item.transport, item.remote);
        let known = &mut self.peers[index(item.leg)];
        if known.replace(peer).is_some_and(|known| known != peer) {
            let turn = format!("{} by {}:", item.remote, item.transport);
            return self.words(item.leg, &turn);
        }
        Ok(())
    }

    fn arrow(&mut self, item: &Item, label: &str) -> fmt::Result {
        let label = fit(label, LANE - 6);
        let line = "─".repeat(LANE - 4 - label.chars().count());
        let rightwards =
            matches!((item.leg, item.direction), (Leg::A, Direction::In) | (Leg::B, Direction::Out));
        let arrow = if rightwards { format!("─ {label} {line}>") } else { format!("<─ {label} {line}") };
        let ms = item.at_us.saturating_sub(self.start_us) / 1000;
        self.row(&ms.to_string(), item.leg, &arrow)
    }

    /// Words in a lane, on a few lines.
    fn words(&mut self, leg: Leg, words: &str) -> fmt::Result {
        for line in wrap(words) {
            self.row("", leg, &format!("    {line:<width$}", width = LANE - 4))?;
        }
        Ok(())
    }

    fn row(&mut self, time: &str, leg: Leg, lane: &str) -> fmt::Result {
        let empty = " ".repeat(LANE);
        let (left, right) = match leg {
            Leg::A => (lane, empty.as_str()),
            Leg::B => (empty.as_str(), lane),
        };
        match self.legs {
            Legs::A => writeln!(self.text, "{time:>TIME$}  │{left}│"),
            Legs::Both => writeln!(self.text, "{time:>TIME$}  │{left}│{right}│"),
        }
    }
}

const fn index(leg: Leg) -> usize {
    match leg {
        Leg::A => 0,
        Leg::B => 1,
    }
}

/// Sent again, octet for octet (RFC 3261 s.17).
fn same(earlier: &Item, item: &Item) -> bool {
    earlier.leg == item.leg
        && earlier.direction == item.direction
        && earlier.remote == item.remote
        && earlier.message == item.message
}

/// At most so many characters, none of which moves the cursor.
fn fit(text: &str, most: usize) -> String {
    let shown = |character: char| if (' '..='~').contains(&character) { character } else { '?' };
    let length = text.chars().count();
    if length <= most {
        return text.chars().map(shown).collect();
    }
    text.chars().map(shown).take(most - 1).chain(['…']).collect()
}

/// The text on lines of a lane, the first few of them.
fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= NOTE - 2 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    let more = lines.len() > NOTE_LINES;
    lines.truncate(NOTE_LINES);
    let mut shown: Vec<String> = lines.iter().map(|line| fit(line, NOTE - 2)).collect();
    if let Some(last) = shown.last_mut().filter(|_| more) {
        last.push_str(" …");
    }
    shown
}

/// The width of a time, and of the lane between two lines.
const TIME: usize = 7;
const LANE: usize = 33;
/// The width of a note, and its lines.
const NOTE: usize = LANE - 5;
const NOTE_LINES: usize = 3;

#[cfg(test)]
mod tests;
