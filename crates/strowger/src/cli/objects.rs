//! What is owned, object by object: `number`, `trunk`, `agent`, `settings`, `key`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use store::Permission;

use super::Asking;

#[derive(Subcommand, Debug)]
pub(crate) enum ObjectCommand {
    /// All of them, as a table
    List(Asking),
    /// One of them, field by field
    Show(Named),
    /// Add one
    Add(Added),
    /// Change fields of one
    Set(Changed),
    /// Remove one
    Remove(Named),
}

#[derive(Subcommand, Debug)]
pub(crate) enum NumberCommand {
    #[command(flatten)]
    Object(ObjectCommand),
    /// Say of a personal number that its owner was asked, and let calls show it
    Verify(Named),
}

#[derive(Subcommand, Debug)]
pub(crate) enum SettingsCommand {
    /// What holds for all
    Show(Asking),
    /// Change some of it
    Set(Added),
}

#[derive(Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// All of them, as a table; what they are is not told
    List(Asking),
    /// Make one, and print it, this once
    Add(NewKey),
    /// Take one back
    Remove(Named),
}

#[derive(Args, Debug)]
pub(crate) struct Named {
    /// Its id; of a number, the number
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
pub(crate) struct Added {
    #[command(flatten)]
    pub(crate) fields: Fields,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
pub(crate) struct Changed {
    /// Its id; of a number, the number
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) fields: Fields,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct Fields {
    /// Fields, as in inventory.toml; a dot leads into a table. A value is JSON if it can be read as such, else text; null takes
    /// the default
    #[arg(value_name = "FIELD=VALUE", value_parser = field)]
    pub(crate) given: Vec<Field>,
    /// A JSON object of fields; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

/// `endpoint.url=wss://bots.example.com`: a path of names, and a value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Field {
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
}

#[derive(Args, Debug)]
pub(crate) struct NewKey {
    /// What it is let do
    #[arg(long, value_enum)]
    pub(crate) role: Role,
    /// What of that it is for: calls:write,numbers:read [default: all that the role allows]
    #[arg(long, value_name = "KIND:READ|WRITE", value_delimiter = ',')]
    pub(crate) scope: Vec<Permission>,
    /// Whose it is, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: String,
    /// Until when it is taken: 90d, 12h, 30m [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) expires: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
pub(crate) enum Role {
    /// Looks
    Viewer,
    /// Places and ends calls
    Operator,
    /// Changes all that is owned, and keys
    Admin,
}

fn field(text: &str) -> Result<Field, &'static str> {
    let (path, value) = text.split_once('=').ok_or("expected FIELD=VALUE, such as agent_id=sales")?;
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err("expected a name before the `=`, such as agent_id=sales");
    }
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok(Field { path, value })
}

/// A whole number with its unit.
fn span(text: &str) -> Result<std::time::Duration, &'static str> {
    let expected = "expected a whole number of days, hours or minutes, such as 90d, 12h or 30m";
    let unit = text.chars().last().ok_or(expected)?;
    let seconds = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _unknown => return Err(expected),
    };
    let count: u32 = text.trim_end_matches(unit).parse().map_err(|_| expected)?;
    if count == 0 {
        return Err(expected);
    }
    Ok(std::time::Duration::from_secs(u64::from(count) * seconds))
}

pub(super) const NUMBER_EXAMPLES: &str = "Examples:\n  \
    strowger number list\n  \
    strowger number add e164=+14155550100 trunk_id=acme agent_id=sales\n  \
    strowger number set +14155550100 outbound=true allowed_countries='[\"US\",\"CA\"]'\n  \
    strowger number set +14155550100 agent_id=null      the default agent answers\n  \
    strowger number add e164=+14155550199 trunk_id=acme source=personal outbound=true\n  \
    strowger number verify +14155550199                 its owner was asked, and calls may show it\n  \
    strowger number remove +14155550100";

pub(super) const AGENT_EXAMPLES: &str = "Examples:\n  \
    strowger agent list --json\n  \
    strowger agent add id=sales endpoint.kind=media-stream endpoint.url=wss://bots.example.com/sales\n  \
    strowger agent set sales max_calls=20 fallback_agent_id=reception\n  \
    strowger agent add --from sales.json";

pub(super) const TRUNK_EXAMPLES: &str = "Examples:\n  \
    strowger trunk show acme\n  \
    strowger trunk add id=acme inbound.addresses='[\"203.0.113.0/28\"]' inbound.did_country=US\n  \
    strowger trunk set acme outbound.gateways='[{\"host\":\"sip.acme.example\"}]' outbound.allowed_countries='[\"US\"]'\n  \
    strowger trunk set acme limits.max_calls=100";

pub(super) const SETTINGS_EXAMPLES: &str = "Examples:\n  \
    strowger settings show\n  \
    strowger settings set default_agent_id=reception";

pub(super) const KEY_EXAMPLES: &str = "Examples:\n  \
    strowger key add --role admin --label ops --expires 90d\n  \
    strowger key add --role operator --scope calls:write,records:read --label dialler\n  \
    strowger key list\n  \
    strowger key remove 3f9c21d8a0b1c2d3\n\n\
    Where no daemon answers, keys are made in the store itself: so the first one is.";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_json_if_it_reads_as_such_and_text_otherwise() {
        for (text, path, value) in [
            ("agent_id=sales", vec!["agent_id"], json!("sales")),
            ("e164=+14155550100", vec!["e164"], json!("+14155550100")),
            ("outbound=true", vec!["outbound"], json!(true)),
            ("max_calls=20", vec!["max_calls"], json!(20)),
            ("agent_id=null", vec!["agent_id"], json!(null)),
            ("endpoint.url=wss://a?b=c", vec!["endpoint", "url"], json!("wss://a?b=c")),
            ("label=", vec!["label"], json!("")),
            ("label=\"20\"", vec!["label"], json!("20")),
        ] {
            let path = path.into_iter().map(str::to_owned).collect();
            assert_eq!(field(text), Ok(Field { path, value }), "{text}");
        }
        for faulty in ["agent_id", "=sales", "endpoint.=x", ""] {
            assert!(field(faulty).is_err(), "{faulty}");
        }
    }

    #[test]
    fn a_span_has_a_unit() {
        assert_eq!(span("90d").map(|span| span.as_secs()), Ok(90 * 86_400));
        assert_eq!(span("30m").map(|span| span.as_secs()), Ok(1_800));
        for faulty in ["", "90", "d", "0h", "-1d", "1w", "1é"] {
            assert!(span(faulty).is_err(), "{faulty}");
        }
    }
}
