//! `inventory.toml`: read, checked, every fault told with its line.

use std::path::Path;

use numbers::Inventory;
use toml_edit::{Document, Item, Key, TableLike};

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

pub(crate) fn parse(name: &str, text: &str) -> Result<Inventory, Faults> {
    let inventory: Inventory =
        toml::from_str(text).map_err(|error| Faults(vec![syntax_fault(name, text, &error)]))?;
    let faults = inventory.faults();
    if faults.is_empty() {
        return Ok(inventory);
    }
    let document = Document::parse(text).ok();
    let place = |path: &str| match document.as_ref().and_then(|document| offset_of(document.as_item(), path))
    {
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
        Some((wrong, known)) if message.starts_with("unknown ") => {
            meant(nearest(wrong, known.iter().copied()))
        }
        Some(_) | None => String::new(),
    };
    let (place, key) = match error.span() {
        Some(span) => (Place::at(name, text, span.start), key_at(text, span.start)),
        None => (Place::File(name.to_owned()), String::new()),
    };
    Fault { place, key, message, remedy }
}

/// The path (`numbers[3].trunk_id`) of what is written at `offset`; empty where nothing is.
fn key_at(text: &str, offset: usize) -> String {
    let found = Document::parse(text).ok().and_then(|document| within(document.as_table(), "", offset));
    found.unwrap_or_default()
}

/// The deepest key of `table` that has `offset` in its name or its value.
fn within(table: &dyn TableLike, path: &str, offset: usize) -> Option<String> {
    table.iter().find_map(|(name, item)| {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let named = table.key(name).and_then(Key::span).is_some_and(|span| span.contains(&offset));
        let deeper = match item {
            Item::ArrayOfTables(tables) => {
                let mut tables = tables.iter().enumerate();
                tables.find_map(|(index, table)| within(table, &format!("{path}[{index}]"), offset))
            }
            Item::Table(_) | Item::Value(_) | Item::None => {
                item.as_table_like().and_then(|table| within(table, &path, offset))
            }
        };
        let valued = item.is_value() && item.span().is_some_and(|span| span.contains(&offset));
        deeper.or_else(|| (named || valued).then_some(path))
    })
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
    fn a_place_finds_its_key_within_tables_lists_and_inline_tables() {
        let text = "[settings]\ndefault = 1\n[[numbers]]\ne164 = 1\n[[numbers]]\na = { b = 2 }\n";
        let key = |word: &str| key_at(text, text.find(word).unwrap());
        assert_eq!(key("default"), "settings.default");
        assert_eq!(key("e164"), "numbers[0].e164");
        assert_eq!(key("2 }"), "numbers[1].a.b");
        assert_eq!(key("{ b"), "numbers[1].a");
    }

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
