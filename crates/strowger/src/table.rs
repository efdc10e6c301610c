//! Tables for a terminal, and their JSON.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

/// Rows under a head, without lines, as `ps` prints them; as wide as the terminal at most.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The shape of every list: that of the HTTP API, one page of it. Secrets are struck out.
pub(crate) fn items(items: impl IntoIterator<Item = Value>) -> Value {
    let mut list = json!({ "items": items.into_iter().collect::<Vec<_>>(), "next_cursor": null });
    strike_out(&mut list);
    list
}

/// Puts `***` for all that is or may be secret.
pub(crate) fn strike_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), field) {
                    ("password" | "call_password", secret) if is_held(secret) => {
                        *secret = Value::from(STRUCK);
                    }
                    ("url", Value::String(url)) => *url = without_credentials(url),
                    ("headers", Value::Object(headers)) => {
                        for (_, header) in headers.iter_mut().filter(|(_, header)| header.is_string()) {
                            *header = Value::from(STRUCK);
                        }
                    }
                    (_, field) => strike_out(field),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(strike_out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A password in place, or what is kept of it; not where it is only named.
fn is_held(secret: &Value) -> bool {
    secret.is_string() || secret.get("md5").is_some()
}

/// The URL without `user:password@`, and without its query, which may hold a token.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let shown = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{STRUCK}@{host}"),
        None => format!("{scheme}://{authority}"),
    };
    match path.split_once('?') {
        Some((path, _)) => format!("{shown}{path}?{STRUCK}"),
        None => format!("{shown}{path}"),
    }
}

/// Stands for what is not shown.
pub(crate) const STRUCK: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_shows_no_secret() {
        let agent = json!({"id": "sales", "endpoint": {"kind": "media-stream", "url": "wss://me:pw@bots.example/x@y?t=pw",
            "headers": {"Authorization": "Bearer pw", "X-Key": {"env": "KEY"}}}, "password": "pw"});
        let list = items([agent]).to_string();
        assert!(!list.contains("pw"), "{list}");
        assert!(
            list.contains("wss://***@bots.example/x@y?***") && list.contains(r#"{"env":"KEY"}"#),
            "{list}"
        );
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_at_most() {
        let head = ["NUMBER", "LABEL", "TRUNK", "AGENT", "IN", "OUT", "STATUS"];
        let long = "a label that is longer than any terminal would like it to be";
        let row = ["+14155550100", long, "acme-telecom", "reception (default)", "on", "off", "active"];
        for width in [50, 80, 120] {
            let mut table = table(&head, [row.map(str::to_owned).to_vec()]);
            let printed = table.set_width(width).trim_fmt();
            let widest = printed.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|widest| widest <= usize::from(width)), "{width}:\n{printed}");
            let words = printed.split_whitespace().collect::<String>();
            assert!(words.contains("longer") && printed.contains("on "), "nothing is left out:\n{printed}");
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_thing() {
        let printed = table(&["ID", "NAME"], [vec!["a".to_owned(), "b".to_owned()]]).to_string();
        assert!(printed.contains("ID") && printed.contains('b'), "{printed}");
    }
}
