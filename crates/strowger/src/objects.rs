//! `number`, `trunk`, `agent`, `settings`: thin clients of the HTTP API. Lists and single objects are read from the store where no daemon
//! answers.

use std::io::Read;
use std::path::Path;

use admin::{Method, Wanted};
use serde_json::{Map, Value, json};

use crate::cli::{Added, Asking, Changed, Fields, Named, NumberCommand, ObjectCommand, SettingsCommand};
use crate::commands;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::list::{self, Owned};
use crate::owned;
use crate::table::strike_out;

/// Which kind of objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Numbers,
    Agents,
    Trunks,
}

impl Kind {
    /// Their name in paths and in an inventory.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Agents => "agents",
            Self::Trunks => "trunks",
        }
    }

    const fn singular(self) -> &'static str {
        match self {
            Self::Numbers => "number",
            Self::Agents => "agent",
            Self::Trunks => "trunk",
        }
    }

    /// The field that names one.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Numbers => "e164",
            Self::Agents | Self::Trunks => "id",
        }
    }
}

/// Does what is asked for.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn run(kind: Kind, command: &ObjectCommand) -> Result<(), Failure> {
    match command {
        ObjectCommand::List(asking) => list(kind, asking).await,
        ObjectCommand::Show(named) => show(kind, named).await,
        ObjectCommand::Add(added) => add(kind, added).await,
        ObjectCommand::Set(changed) => set(kind, changed).await,
        ObjectCommand::Remove(named) => remove(kind, named).await,
    }
}

/// Does what is asked for.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn number(command: &NumberCommand) -> Result<(), Failure> {
    match command {
        NumberCommand::Object(command) => run(Kind::Numbers, command).await,
        NumberCommand::Verify(named) => verify(named).await,
    }
}

/// Does what is asked for.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn settings(command: &SettingsCommand) -> Result<(), Failure> {
    match command {
        SettingsCommand::Show(asking) => {
            let Owned { settings, .. } = owned::of(&[], &asking.daemon).await?;
            tell(&settings, asking)
        }
        SettingsCommand::Set(Added { fields, asking }) => {
            let patch = document(fields)?.to_string();
            let wanted = Wanted { body: Some(&patch), ..Wanted::of(Method::Patch, "/v1/settings") };
            tell(&Daemon::find(&asking.daemon)?.ask(&wanted).await?, asking)
        }
    }
}

async fn list(kind: Kind, asking: &Asking) -> Result<(), Failure> {
    let owned = owned::of(&[kind], &asking.daemon).await?;
    list::print(&list::objects(kind, &owned), asking.telling.form)
}

async fn show(kind: Kind, named: &Named) -> Result<(), Failure> {
    let object = owned::one(kind, &named.id, &named.asking.daemon).await?;
    let object = object.ok_or_else(|| {
        let (one, id) = (kind.singular(), &named.id);
        Failure::Absent(format!("there is no {one} `{id}`; `strowger {one} list` shows all"))
    })?;
    tell(&object, &named.asking)
}

async fn add(kind: Kind, added: &Added) -> Result<(), Failure> {
    let body = document(&added.fields)?.to_string();
    let path = format!("/v1/{}", kind.plural());
    let wanted = Wanted { body: Some(&body), ..Wanted::of(Method::Post, &path) };
    tell(&Daemon::find(&added.asking.daemon)?.ask(&wanted).await?, &added.asking)
}

async fn set(kind: Kind, changed: &Changed) -> Result<(), Failure> {
    let fields = document(&changed.fields)?.to_string();
    let path = path(kind, &changed.id);
    let wanted = Wanted { body: Some(&fields), ..Wanted::of(Method::Patch, &path) };
    tell(&Daemon::find(&changed.asking.daemon)?.ask(&wanted).await?, &changed.asking)
}

async fn remove(kind: Kind, named: &Named) -> Result<(), Failure> {
    let path = path(kind, &named.id);
    Daemon::find(&named.asking.daemon)?.send(&Wanted::of(Method::Delete, &path)).await?;
    let removed = json!({ kind.id(): named.id });
    commands::tell(named.asking.telling.form, &removed, || {
        format!("removed {} {}", kind.singular(), named.id)
    })
}

async fn verify(named: &Named) -> Result<(), Failure> {
    let path = format!("{}/verify", path(Kind::Numbers, &named.id));
    tell(&Daemon::find(&named.asking.daemon)?.ask(&Wanted::of(Method::Post, &path)).await?, &named.asking)
}

/// An object as JSON, or a line for each of its fields. No secret is shown.
fn tell(object: &Value, asking: &Asking) -> Result<(), Failure> {
    let mut object = object.clone();
    strike_out(&mut object);
    commands::tell(asking.telling.form, &object, || list::page(&object))
}

/// The path of one; what may not stand in a path is escaped.
pub(crate) fn path(kind: Kind, id: &str) -> String {
    format!("/v1/{}/{}", kind.plural(), escaped(id))
}

pub(crate) fn escaped(segment: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte);
    let octets = segment.bytes();
    octets
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The fields that are given, over those of the file.
fn document(fields: &Fields) -> Result<Value, Failure> {
    let mut document = match &fields.from {
        Some(file) => read(file)?,
        None => Value::Object(Map::new()),
    };
    for field in &fields.given {
        put(&mut document, &field.path, &field.value);
    }
    Ok(document)
}

fn put(into: &mut Value, path: &[String], value: &Value) {
    let Some((name, rest)) = path.split_first() else {
        *into = value.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(members) = into {
        put(members.entry(name.clone()).or_insert(Value::Null), rest, value);
    }
}

fn read(file: &Path) -> Result<Value, Failure> {
    let fault = |message: String| {
        let place = Place::File(file.display().to_string());
        let remedy = "give a file that holds one JSON object, as `show --json` prints it".to_owned();
        Failure::from(Faults(vec![Fault { place, key: String::new(), message, remedy }]))
    };
    let mut text = String::new();
    let took = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    took.map_err(|error| fault(format!("can't be read: {error}")))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| fault(format!("not JSON: {error}")))?;
    if document.is_object() { Ok(document) } else { Err(fault("not an object".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_put_into_what_is_there() {
        let mut document = json!({"id": "a", "endpoint": {"kind": "sip", "uri": "sip:a@b"}});
        put(&mut document, &["endpoint".into(), "uri".into()], &json!("sip:c@d"));
        put(&mut document, &["limits".into(), "max_calls".into()], &json!(7));
        let expected =
            json!({"id": "a", "endpoint": {"kind": "sip", "uri": "sip:c@d"}, "limits": {"max_calls": 7}});
        assert_eq!(document, expected);
    }

    #[test]
    fn an_id_is_one_segment_of_a_path() {
        assert_eq!(path(Kind::Numbers, "+14155550100"), "/v1/numbers/+14155550100");
        assert_eq!(path(Kind::Agents, "a/../b c?"), "/v1/agents/a%2F..%2Fb%20c%3F");
    }
}
