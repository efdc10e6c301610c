//! The documents name every word that a record may give as its reason.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::collections::BTreeSet;
use std::fs;

use numbers::Refusal;

/// The lines of the tables of reasons, each split at its bars.
fn rows() -> Vec<Vec<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, tables) = text.split_once("## Refusals").unwrap();
    let (tables, _) = tables.split_once("## Exit status").unwrap();
    let rows = tables.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn words(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_refusal_stands_in_the_table_with_its_status_and_retry_after() {
    let rows = rows();
    for refusal in Refusal::ALL {
        let row = rows.iter().find(|row| words(&row[1]).contains(refusal.reason()));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md does not name {}", refusal.reason()));
        assert!(row[2].contains(&refusal.status().to_string()), "{row:?}");
        let again = refusal.retry_after().map(|seconds| format!("Retry-After: {seconds}"));
        assert_eq!(
            row[2].split_once(", ").map(|(_, again)| again.to_owned()).filter(|_| row[2].contains("Retry")),
            again,
            "{row:?}"
        );
    }
}

#[test]
fn each_word_of_an_end_stands_in_the_tables_once() {
    let rows = rows();
    let named: Vec<&str> = rows.iter().flat_map(|row| words(&row[1])).collect();
    let distinct: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(named.len(), distinct.len(), "{named:?}");
    // The words are literals in the list of fates; a new one is to be told to the users.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../b2bua/src/fate/words.rs");
    let source = fs::read_to_string(path).unwrap();
    let literals = source.split('"').skip(1).step_by(2);
    let is_word =
        |text: &&str| text.contains('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let spoken: BTreeSet<&str> =
        literals.filter(is_word).chain(["normal", "canceled", "hangup", "shutdown", "cut-off"]).collect();
    let missing: Vec<_> = spoken.difference(&distinct).collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name {missing:?}");
    assert!(spoken.len() > 12, "the words are no literals any more: {spoken:?}");
}

#[test]
fn each_word_of_an_end_is_counted_in_a_series_of_its_own() {
    let metrics = witness::Metrics::new("0", std::sync::Arc::default());
    let text = metrics.text(witness::metrics::Standing::default());
    for row in rows() {
        // A crash counts nothing: the word is written at the next start.
        for word in words(&row[1]).into_iter().filter(|word| *word != "cut-off") {
            let series = format!("{{direction=\"inbound\",reason=\"{word}\"}} 0");
            assert!(text.contains(&series), "/metrics has no series for {word}");
        }
    }
}
