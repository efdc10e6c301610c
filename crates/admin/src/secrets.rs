//! Secrets go in and never come out: what is shown says that there is one, and what is sent back as it was shown is kept.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::problem::Problem;

/// For eyes. A secret that is only named, `{"file": ..}` or `{"env": ..}`, is shown so.
pub(crate) fn hide(value: &mut Value) {
    for path in SENT.into_iter().chain(SHOWN_TO_US) {
        visit(value, path, &mut |place| {
            if place.get("file").is_none() && place.get("env").is_none() {
                *place = set();
            }
        });
    }
    visit(value, URL, &mut |place| {
        if let Some(url) = place.as_str() {
            *place = hidden_url(url).into();
        }
    });
}

/// Each secret that a patch has is as it is there: what is held of it is not patched in part.
pub(crate) fn replace(patched: &mut Value, patch: &Value) {
    for path in SENT.into_iter().chain(SHOWN_TO_US) {
        replace_at(patched, patch, path);
    }
}

/// The secrets that stay as they are held, of those that are sent somewhere.
#[derive(Debug, Default)]
pub(crate) struct Kept(Vec<String>);

impl Kept {
    /// For an object that leads elsewhere: none may stay, for each was given for another place.
    pub(crate) fn check_stays(&self) -> Result<(), Problem> {
        let Some(field) = self.0.first() else { return Ok(()) };
        let detail = "the secret was given for another place than this would send it to: write it again, or take it out (null)";
        Err(Problem::new(StatusCode::CONFLICT, "secret-moved", "The secret would go elsewhere", detail)
            .of(field))
    }
}

/// Puts what is held in the place of what was sent as it is shown.
pub(crate) fn restore(value: &mut Value, held: Option<&Value>) -> Result<Kept, Problem> {
    let mut kept = Kept::default();
    for path in SENT {
        restore_at(value, held, path, "", &mut kept.0)?;
    }
    for path in SHOWN_TO_US {
        restore_at(value, held, path, "", &mut Vec::new())?;
    }
    let held_url = held.and_then(|held| held.pointer("/endpoint/url")).and_then(Value::as_str);
    if let Some(Value::String(url)) = value.pointer_mut("/endpoint/url")
        && url.contains(HIDDEN)
    {
        match held_url.filter(|held| hidden_url(held) == *url) {
            Some(held) => held.clone_into(url),
            None => return Err(nothing_held("endpoint.url")),
        }
    }
    Ok(kept)
}

fn restore_at(
    value: &mut Value,
    held: Option<&Value>,
    path: &[&str],
    told: &str,
    kept: &mut Vec<String>,
) -> Result<(), Problem> {
    let Some((name, rest)) = path.split_first() else {
        if *value == set() {
            *value = held.cloned().ok_or_else(|| nothing_held(told))?;
            kept.push(told.to_owned());
        }
        return Ok(());
    };
    let Some(members) = value.as_object_mut() else { return Ok(()) };
    for (key, member) in members.iter_mut().filter(|(key, _)| *name == EACH || key == name) {
        let told = if told.is_empty() { key.clone() } else { format!("{told}.{key}") };
        restore_at(member, held.and_then(|held| held.get(key)), rest, &told, kept)?;
    }
    Ok(())
}

fn replace_at(patched: &mut Value, by: &Value, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else { return by.clone_into(patched) };
    let (Some(members), Some(others)) = (patched.as_object_mut(), by.as_object()) else { return };
    for (key, member) in members.iter_mut().filter(|(key, _)| *name == EACH || key == name) {
        if let Some(other) = others.get(key) {
            replace_at(member, other, rest);
        }
    }
}

fn visit(value: &mut Value, path: &[&str], act: &mut dyn FnMut(&mut Value)) {
    let Some((name, rest)) = path.split_first() else { return act(value) };
    let Some(members) = value.as_object_mut() else { return };
    for (_, member) in members.iter_mut().filter(|(key, _)| *name == EACH || key == name) {
        visit(member, rest, act);
    }
}

/// Without what stands before `@`, and without the query.
fn hidden_url(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?***"));
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{url}{query}") };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{path}{query}"),
        None => format!("{scheme}://{authority}{path}{query}"),
    }
}

fn set() -> Value {
    json!({ "set": true })
}

fn nothing_held(field: &str) -> Problem {
    let detail =
        "this is how a secret is shown, and none is held here that it could stand for: write the secret";
    Problem::new(StatusCode::CONFLICT, "secret-absent", "No secret to keep", detail).of(field)
}

/// Where secrets stand, of any kind of object, that are sent to where it is.
const SENT: [&[&str]; 5] = [
    &["endpoint", "call_password"],
    &["endpoint", "headers", EACH],
    &["endpoint", "parameters", EACH],
    &["outbound", "password"],
    &["outbound", "headers", EACH],
];
/// Where those stand that others have to show.
const SHOWN_TO_US: [&[&str]; 2] = [&["endpoint", "password"], &["inbound", "password"]];
const URL: &[&str] = &["endpoint", "url"];
const EACH: &str = "*";
const HIDDEN: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_and_sent_back_is_what_was_held() {
        let held = json!({
            "endpoint": { "url": "wss://bob:hunter2@h:1/x?t=hunter2", "password": "hunter2", "headers": { "A": "hunter2", "B": { "env": "B" } }, "parameters": { "key": "hunter2" } },
            "inbound": { "password": { "username": "pbx", "realm": "strowger", "md5": "hunter2", "sha256": "hunter2" } },
            "outbound": { "password": "hunter2", "headers": { "C": "hunter2" } },
        });
        let mut shown = held.clone();
        hide(&mut shown);
        let text = shown.to_string();
        assert!(!text.contains("hunter2") && text.contains("wss://***@h:1/x?***"), "{text}");
        restore(&mut shown, Some(&held)).unwrap();
        assert_eq!(shown, held);
    }

    #[test]
    fn a_patch_puts_a_secret_in_the_place_of_another_whole() {
        let held = json!({ "inbound": { "username": "pbx", "password": { "realm": "strowger", "md5": "0" } },
            "outbound": { "headers": { "A": { "file": "/a" }, "B": { "env": "B" } } } });
        let patch = json!({ "inbound": { "password": { "env": "PBX" } },
            "outbound": { "headers": { "A": { "set": true } } } });
        let mut patched = crate::merge::merge(held.clone(), patch.clone());
        replace(&mut patched, &patch);
        restore(&mut patched, Some(&held)).unwrap();
        let expected = json!({ "inbound": { "username": "pbx", "password": { "env": "PBX" } },
            "outbound": { "headers": { "A": { "file": "/a" }, "B": { "env": "B" } } } });
        assert_eq!(patched, expected);
    }

    #[test]
    fn nothing_is_kept_where_nothing_was() {
        for sent in [
            json!({ "endpoint": { "headers": { "New": { "set": true } } } }),
            json!({ "endpoint": { "parameters": { "key": { "set": true } } } }),
            json!({ "inbound": { "password": { "set": true } } }),
            json!({ "endpoint": { "url": "wss://***@elsewhere/x" } }),
        ] {
            let held =
                json!({ "endpoint": { "url": "wss://bob:hunter2@h/x", "headers": { "A": "hunter2" } } });
            assert!(restore(&mut sent.clone(), Some(&held)).is_err(), "{sent}");
            assert!(restore(&mut sent.clone(), None).is_err(), "{sent}");
        }
    }
}
