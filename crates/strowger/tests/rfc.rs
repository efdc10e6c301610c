//! `docs/rfc.md` names code and tests that are there.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cells of each row that tells of an RFC: RFC, section, behaviour, code, test, deviation.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/rfc.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| RFC "));
    rows.map(|row| row.split('|').skip(1).map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The functions that are tests, and the names of the scenarios.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in files(&root().join("crates")).into_iter().chain(files(&root().join("tests"))) {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => {
                let text = fs::read_to_string(&path).unwrap();
                let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
                for pair in lines.windows(2) {
                    let function = pair[1].trim_start_matches("async ").strip_prefix("fn ");
                    if let (true, Some(function)) = (pair[0].contains("test]"), function) {
                        names.extend(function.split_once('(').map(|(name, _)| name.to_owned()));
                    }
                }
            }
            Some("xml") => names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned)),
            Some(_) | None => {}
        }
    }
    names
}

#[test]
fn every_file_and_test_that_the_table_of_rfcs_names_is_there() {
    let (rows, tests) = (rows(), tests());
    assert!(rows.len() > 50 && tests.len() > 500, "{} rows, {} tests", rows.len(), tests.len());
    let mut missing = BTreeSet::new();
    for row in &rows {
        let [rfc, _section, _behaviour, code, shown, _deviation, ..] = row.as_slice() else {
            panic!("a row of six cells: {row:?}");
        };
        let (code, shown) = (quoted(code), quoted(shown));
        assert!(!code.is_empty() && !shown.is_empty(), "RFC {rfc}: a row without code or test: {row:?}");
        let crates = root().join("crates");
        missing.extend(code.into_iter().filter(|path| !crates.join(path).exists()));
        missing.extend(shown.into_iter().filter(|test| !tests.contains(*test)));
    }
    assert!(missing.is_empty(), "docs/rfc.md names what is not there: {missing:#?}");
}
