//! What is there to watch a node by: every metric that the alert rules and the dashboard name is told from the first scrape on.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it should be")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use witness::Metrics;
use witness::metrics::Standing;

fn conf(name: &str) -> String {
    fs::read_to_string(format!("{}/../../conf/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Every word of a text that begins so.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("strowger_")).collect()
}

/// Those of the first scrape; of the metric whose series come with their statuses, its name in the TYPE line.
fn told() -> (String, BTreeSet<String>) {
    let text = Metrics::new("0", Arc::default()).text(Standing::default());
    let mut names: BTreeSet<String> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
        .collect();
    assert!(text.contains("# TYPE strowger_sip_statuses counter\n"), "{text}");
    names.insert("strowger_sip_statuses_total".to_owned());
    (text, names)
}

#[test]
fn each_metric_of_the_alerts_and_the_dashboard_is_told() {
    let (_, told) = told();
    for file in ["prometheus/alerts.yml", "grafana/strowger.json"] {
        let text = conf(file);
        let named = named(&text);
        assert!(named.len() > 8, "{file} names {named:?}");
        for name in named {
            assert!(told.contains(name), "{file} names {name}, which /metrics does not tell");
        }
    }
}

#[test]
fn each_word_of_an_alert_is_one_that_a_label_has() {
    let (text, _) = told();
    let alerts = conf("prometheus/alerts.yml");
    let mut words = 0;
    for label in ["reason", "direction", "kind"] {
        for part in alerts.split(&format!("{label}=")).skip(1) {
            for word in part.trim_start_matches('~').split('"').nth(1).unwrap().split('|') {
                assert!(text.contains(&format!("{label}=\"{word}\"")), "no {label} is {word}");
                words += 1;
            }
        }
    }
    assert!(words > 9, "{words}");
}

#[test]
fn each_metric_that_is_told_stands_in_the_operators_guide() {
    let guide = conf("../docs/operations.md");
    let named = named(&guide);
    for name in told().1 {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let name = base.filter(|base| HISTOGRAMS.contains(base)).unwrap_or(&name);
        assert!(named.contains(name), "docs/operations.md does not name {name}");
    }
}

const HISTOGRAMS: [&str; 5] = [
    "strowger_call_setup_seconds",
    "strowger_call_mos",
    "strowger_call_loss_ratio",
    "strowger_call_jitter_seconds",
    "strowger_call_round_trip_seconds",
];
