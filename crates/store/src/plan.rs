//! What an inventory would change.

use std::collections::BTreeMap;
use std::fmt;

use numbers::Inventory;
use serde::Serialize;
use serde_json::Value;

/// What makes one inventory equal to another. Printed, it is a list like that of `diff`, and a line of counts; no
/// secret is in it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Plan {
    /// The revision that it starts from.
    pub revision: u64,
    /// Settings, agents, trunks, numbers, each by id. Nothing for what stays as it is.
    pub changes: Vec<Change>,
}

/// One object's change.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// What it is.
    pub kind: Kind,
    /// Its id; of a number, the number; of the settings, nothing.
    pub id: String,
    /// What becomes of it.
    pub action: Action,
}

/// The kinds of objects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Kind {
    Settings,
    Agent,
    Trunk,
    Number,
}

/// What becomes of an object.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// It comes.
    Add,
    /// Some of its fields change.
    Change(Vec<FieldChange>),
    /// It goes.
    Remove,
}

/// One field's change.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldChange {
    /// Its key, like `endpoint.url`.
    pub key: String,
    /// What it was, as JSON; nothing if it was not there, and `(hidden)` for what may be secret.
    pub old: Option<String>,
    /// What it becomes.
    pub new: Option<String>,
}

impl Plan {
    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many objects come, change and go.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |is: fn(&Action) -> bool| self.changes.iter().filter(|change| is(&change.action)).count();
        (
            count(|action| matches!(action, Action::Add)),
            count(|action| matches!(action, Action::Change(_))),
            count(|action| matches!(action, Action::Remove)),
        )
    }

    /// The line of counts.
    pub fn summary(&self) -> String {
        if self.is_empty() {
            return "nothing to change".to_owned();
        }
        let (adds, changes, removals) = self.counts();
        format!("{adds} to add, {changes} to change, {removals} to remove")
    }

    pub(crate) fn between(revision: u64, old: &Inventory, new: &Inventory) -> Self {
        let mut changes = Vec::new();
        if old.settings != new.settings {
            let action = Action::Change(field_changes(&old.settings, &new.settings));
            changes.push(Change { kind: Kind::Settings, id: String::new(), action });
        }
        compare(Kind::Agent, &old.agents, &new.agents, |agent| agent.id.clone(), &mut changes);
        compare(Kind::Trunk, &old.trunks, &new.trunks, |trunk| trunk.id.clone(), &mut changes);
        compare(Kind::Number, &old.numbers, &new.numbers, |number| number.e164.to_string(), &mut changes);
        Self { revision, changes }
    }
}

fn compare<T: PartialEq + Serialize>(
    kind: Kind,
    old: &[T],
    new: &[T],
    id: fn(&T) -> String,
    changes: &mut Vec<Change>,
) {
    let mut pairs: BTreeMap<String, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for object in old {
        pairs.entry(id(object)).or_default().0 = Some(object);
    }
    for object in new {
        pairs.entry(id(object)).or_default().1 = Some(object);
    }
    for (id, pair) in pairs {
        let action = match pair {
            (Some(old), Some(new)) if old != new => Action::Change(field_changes(old, new)),
            (None, Some(_)) => Action::Add,
            (Some(_), None) => Action::Remove,
            (Some(_), Some(_)) | (None, None) => continue,
        };
        changes.push(Change { kind, id, action });
    }
}

fn field_changes<T: Serialize>(old: &T, new: &T) -> Vec<FieldChange> {
    let (old, new) = (fields(old), fields(new));
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let change = |key: &String| FieldChange {
        key: key.clone(),
        old: old.get(key).map(|value| shown(key, value)),
        new: new.get(key).map(|value| shown(key, value)),
    };
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).map(change).collect()
}

/// The leaves of an object, by dotted key. Lists are leaves, and passwords.
fn fields<T: Serialize>(object: &T) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::new();
    if let Ok(value) = serde_json::to_value(object) {
        flatten(String::new(), value, &mut fields);
    }
    fields
}

fn flatten(key: String, value: Value, fields: &mut BTreeMap<String, Value>) {
    let Value::Object(members) = value else {
        fields.insert(key, value);
        return;
    };
    if is_password(&key) {
        fields.insert(key, Value::Object(members));
        return;
    }
    if members.is_empty() && !key.is_empty() {
        fields.insert(key, Value::Object(members));
        return;
    }
    for (name, member) in members {
        let key = if key.is_empty() { name } else { format!("{key}.{name}") };
        flatten(key, member, fields);
    }
}

fn shown(key: &str, value: &Value) -> String {
    let is_secret = is_password(key)
        || ["headers", "parameters"].iter().any(|word| key.split('.').any(|part| part == *word));
    let is_secret_url = key == "endpoint.url" && value.as_str().is_some_and(|url| url.contains(['@', '?']));
    if is_secret || is_secret_url { "(hidden)".to_owned() } else { value.to_string() }
}

fn is_password(key: &str) -> bool {
    let name = key.rsplit('.').next().unwrap_or_default();
    ["password", "call_password"].contains(&name)
}

impl Kind {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Agent => "agent",
            Self::Trunk => "trunk",
            Self::Number => "number",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, fields) = match &self.action {
            Action::Add => ('+', &[][..]),
            Action::Change(fields) => ('~', fields.as_slice()),
            Action::Remove => ('-', &[][..]),
        };
        write!(f, "{sign} {}", self.kind)?;
        if !self.id.is_empty() {
            write!(f, " {}", self.id)?;
        }
        for FieldChange { key, old, new } in fields {
            let old = old.as_deref().unwrap_or("(none)");
            let new = new.as_deref().unwrap_or("(none)");
            write!(f, "\n    {key}: {old} -> {new}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        f.write_str(&self.summary())
    }
}
