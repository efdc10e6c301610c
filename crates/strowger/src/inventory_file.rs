//! `inventory.toml`: read, checked, every fault told with its line.

use std::path::Path;

use numbers::Inventory;
use toml_edit::{Document, Item};

use crate::config::{meant, read};
use crate::fault::{Fault, Faults, Place, nearest};

/// Reads and checks the inventory in `path`.
///
/// # Errors
/// Every fault of the file.
pub(crate) fn load(path: &Path) -> Result<Inventory, Faults> {
    let (name, text) = read(path)?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<Inventory, Faults> {
    let inventory: Inventory = toml::from_str(text).map_err(|error| Faults(vec![syntax_fault(name, text, &error)]))?;
    let faults = inventory.faults();
    if faults.is_empty() {
        return Ok(inventory);
    }
    let document = Document::parse(text).ok();
    let place = |path: &str| match document.as_ref().and_then(|document| offset_of(document.as_item(), path)) {
        Some(offset) => Place::at(name, text, offset),
        None => Place::File(name.to_owned()),
    };
    Err(Faults(
        faults
            .into_iter()
            .map(|fault| Fault {
                place: place(&fault.path),
                key: fault.path,
                message: fault.message,
                remedy: fault.remedy,
            })
            .collect(),
    ))
}

/// What the TOML reader or a field's own check found.
fn syntax_fault(name: &str, text: &str, error: &toml::de::Error) -> Fault {
    let message = error.message().trim().replace('\n', ", ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let remedy = match quoted.split_first() {
        Some((wrong, known)) if message.starts_with("unknown ") => meant(nearest(wrong, known.iter().copied())),
        Some(_) | None => String::new(),
    };
    let place = match error.span() {
        Some(span) => Place::at(name, text, span.start),
        None => Place::File(name.to_owned()),
    };
    Fault { place, key: String::new(), message, remedy }
}

/// The byte offset of `path` (`numbers[3].trunk_id`), or of the nearest thing around it that is written.
fn offset_of(root: &Item, path: &str) -> Option<usize> {
    let mut item = root;
    let mut offset = None;
    for step in path.split(['.', '[']) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| item.get(index)),
            None => item.get(step),
        };
        let Some(next) = next else { break };
        offset = next.span().map(|span| span.start).or(offset);
        item = next;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_line_and_a_missing_key_the_line_of_its_table() {
        let text = "[settings]\n\n[[numbers]]\ne164 = \"+1\"\n\n[[numbers]]\ne164 = \"+2\"\nlabel = \"x\"\n";
        let document = Document::parse(text).unwrap();
        let line = |path| match Place::at("f", text, offset_of(document.as_item(), path).unwrap()) {
            Place::Line { line, .. } => line,
            Place::File(_) | Place::Environment(_) => 0,
        };
        assert_eq!(line("numbers[1].label"), 8);
        assert_eq!(line("numbers[0].e164"), 4);
        assert_eq!(line("numbers[1].trunk_id"), 6);
        assert_eq!(line("settings.default_agent_id"), 1);
    }
}
