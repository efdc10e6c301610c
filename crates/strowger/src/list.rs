//! Lists, as a table or as JSON, of what the daemon or the store tells.

use comfy_table::Table;
use serde::Serialize;
use serde_json::Value;

use crate::calendar::{duration, short_utc};
use crate::cli::Form;
use crate::commands::{printable, tell};
use crate::failure::Failure;
use crate::objects::Kind;
use crate::table::{items, table, without_credentials};

/// What a list is of, ready to print either way.
pub(crate) struct Listed {
    pub(crate) table: Table,
    /// What there is to say of some of its rows.
    pub(crate) notes: Vec<String>,
    pub(crate) json: Value,
}

/// What is owned, as the HTTP API writes it.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) settings: Value,
    pub(crate) objects: Vec<(Kind, Vec<Value>)>,
}

/// The list of one kind.
pub(crate) fn objects(kind: Kind, owned: &Owned) -> Listed {
    let of_kind = owned.objects.iter().find(|(own, _)| *own == kind);
    let objects = of_kind.map(|(_, objects)| objects.as_slice()).unwrap_or_default();
    let table = match kind {
        Kind::Numbers => numbers(objects, text(&owned.settings, "default_agent_id").as_deref()),
        Kind::Agents => agents(objects),
        Kind::Trunks => trunks(objects),
    };
    let notes = objects.iter().flat_map(|object| notes(kind, object)).collect();
    Listed { table, notes, json: items(objects.iter().cloned()) }
}

/// To standard output.
pub(crate) fn print(listed: &Listed, form: Form) -> Result<(), Failure> {
    tell(form, &listed.json, || {
        if listed.table.is_empty() {
            return "none".to_owned();
        }
        let table = listed.table.trim_fmt();
        if listed.notes.is_empty() { table } else { format!("{table}\n\n{}", listed.notes.join("\n")) }
    })
}

/// A line for each field of an object that has a value; a dot leads into a table.
pub(crate) fn page(object: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", object, &mut lines);
    let width = lines.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
    lines.iter().map(|(key, value)| format!("{key:<width$}  {value}")).collect::<Vec<_>>().join("\n")
}

fn flatten(key: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, member, lines);
            }
        }
        Value::Null => {}
        Value::String(text) => lines.push((key.to_owned(), printable(text))),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            lines.push((key.to_owned(), printable(&value.to_string())));
        }
    }
}

/// Why a number would not do what it is there for.
fn notes(kind: Kind, object: &Value) -> Vec<String> {
    let id = text(object, kind.id()).unwrap_or_default();
    let warnings = object["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    warnings.map(|warning| format!("{id}: {}", printable(warning))).collect()
}

fn numbers(numbers: &[Value], default: Option<&str>) -> Table {
    let rows = numbers.iter().map(|number| {
        let agent = match (text(number, "agent_id"), default) {
            (Some(agent), _) => agent,
            (None, Some(default)) => format!("{default} (default)"),
            (None, None) => NONE.to_owned(),
        };
        vec![
            shown(number, "e164"),
            text(number, "label").unwrap_or_default(),
            shown(number, "trunk_id"),
            agent,
            switch(number["inbound"].as_bool().unwrap_or(true)),
            switch(number["outbound"].as_bool().unwrap_or(false)),
            text(number, "status").unwrap_or_else(|| "active".to_owned()),
        ]
    });
    table(&["NUMBER", "LABEL", "TRUNK", "AGENT", "IN", "OUT", "STATUS"], rows)
}

fn agents(agents: &[Value]) -> Table {
    let rows = agents.iter().map(|agent| {
        let endpoint = &agent["endpoint"];
        let place = text(endpoint, "url").map(|url| without_credentials(&url));
        let place = place.or_else(|| text(endpoint, "uri")).unwrap_or_else(|| "(built in)".to_owned());
        vec![
            shown(agent, "id"),
            text(agent, "name").unwrap_or_default(),
            shown(endpoint, "kind"),
            place,
            shown(agent, "fallback_agent_id"),
            shown(agent, "max_calls"),
        ]
    });
    table(&["AGENT", "NAME", "KIND", "REACHED AT", "FALLBACK", "MAX CALLS"], rows)
}

fn trunks(trunks: &[Value]) -> Table {
    let rows = trunks.iter().map(|trunk| {
        vec![
            shown(trunk, "id"),
            text(trunk, "label").unwrap_or_default(),
            joined(&trunk["inbound"], "addresses", |address| address.as_str().map(str::to_owned)),
            joined(&trunk["outbound"], "gateways", |gateway| text(gateway, "host")),
            shown(&trunk["limits"], "max_calls"),
        ]
    });
    table(&["TRUNK", "LABEL", "CALLS FROM", "CALLS TO", "MAX CALLS"], rows)
}

/// The list of a direction that is enabled, in one cell.
fn joined(direction: &Value, list: &str, word: impl Fn(&Value) -> Option<String>) -> String {
    let is_on = direction.is_object() && direction["enabled"].as_bool().unwrap_or(true);
    let words = direction[list].as_array().into_iter().flatten().filter_map(word);
    let words: Vec<String> = words.filter(|_| is_on).map(|word| printable(&word)).collect();
    if words.is_empty() { NONE.to_owned() } else { words.join(", ") }
}

/// The list of calls.
pub(crate) fn calls(records: Vec<Value>) -> Listed {
    Listed { table: call_table(&records), notes: Vec::new(), json: items(records) }
}

/// A row for each call: when, who, what became of it.
fn call_table(records: &[Value]) -> Table {
    let rows = records.iter().map(|record| {
        let party = |e164: &str, raw: &str| text(record, e164).unwrap_or_else(|| shown(record, raw));
        let ms = |key: &str| record[key].as_u64().unwrap_or_default();
        vec![
            shown(record, "id").chars().take(SHORT_ID).collect(),
            short_utc(ms("invite_at")),
            party("from", "from_raw"),
            party("to", "to_raw"),
            shown(record, "agent_id"),
            text(record, "status").unwrap_or_else(|| "up".to_owned()),
            shown(record, "sip_status"),
            duration(ms("duration_ms")),
            shown(record, "ended_by"),
            text(record, "reason").unwrap_or_default(),
        ]
    });
    table(
        &["ID", "INVITE (UTC)", "FROM", "TO", "AGENT", "STATUS", "SIP", "LASTED", "ENDED BY", "REASON"],
        rows,
    )
}

/// The word that an enum of the interface serialises to.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A field's text, if it has one.
pub(crate) fn text(object: &Value, key: &str) -> Option<String> {
    object[key].as_str().map(printable)
}

/// A field's value in a cell.
pub(crate) fn shown(object: &Value, key: &str) -> String {
    match &object[key] {
        Value::Null => NONE.to_owned(),
        Value::String(text) => printable(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => object[key].to_string(),
    }
}

fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// Of an id, enough to name one of millions.
const SHORT_ID: usize = 8;
pub(crate) const NONE: &str = "-";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_tell_their_agent_and_what_is_to_be_known_of_them() {
        let owned = Owned {
            settings: json!({"default_agent_id": "reception"}),
            objects: vec![(
                Kind::Numbers,
                vec![
                    json!({"e164": "+14155550100", "trunk_id": "acme", "agent_id": "sales", "outbound": true, "warnings": []}),
                    json!({"e164": "+14155550101", "trunk_id": "acme", "inbound": false, "warnings": ["inbound is off"]}),
                ],
            )],
        };
        let listed = objects(Kind::Numbers, &owned);
        let table = listed.table.trim_fmt();
        assert!(
            table.contains("+14155550100         acme   sales                on   on   active"),
            "{table}"
        );
        assert!(
            table.contains("+14155550101         acme   reception (default)  off  off  active"),
            "{table}"
        );
        assert_eq!(listed.notes, ["+14155550101: inbound is off"]);
    }

    #[test]
    fn a_page_has_a_line_for_each_field_that_has_a_value() {
        let trunk = json!({"id": "acme", "label": null, "inbound": {"addresses": ["192.0.2.1"]}, "limits": {"max_cps": 5}});
        assert_eq!(
            page(&trunk),
            "id                 acme\ninbound.addresses  [\"192.0.2.1\"]\nlimits.max_cps     5"
        );
    }
}
