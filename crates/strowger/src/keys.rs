//! `strowger key`: the keys of the HTTP API, made and taken back.

use std::time::{SystemTime, UNIX_EPOCH};

use admin::{Method, Wanted};
use serde_json::{Value, json};

use crate::calendar::utc;
use crate::cli::{KeyCommand, Listing, Named, NewKey, Role};
use crate::commands::write_out;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::list::{self, Listed, shown};
use crate::objects::escaped;
use crate::owned::pages;
use crate::table::{items, table};

/// Does what is asked for.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn run(command: &KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::List(listing) => list(listing).await,
        KeyCommand::Add(key) => add(key).await,
        KeyCommand::Remove(named) => remove(named).await,
    }
}

async fn list(listing: &Listing) -> Result<(), Failure> {
    let keys = pages(&Daemon::find(&listing.daemon)?, "/v1/keys").await?;
    let rows = keys.iter().map(|key| {
        let expires = key["expires_at"].as_u64().map_or_else(|| "never".to_owned(), utc);
        vec![shown(key, "id"), shown(key, "label"), shown(key, "role"), shown(key, "last4"), expires]
    });
    let table = table(&["KEY", "LABEL", "ROLE", "ENDS IN", "EXPIRES (UTC)"], rows);
    list::print(&Listed { table, notes: Vec::new(), json: items(keys) }, listing.json)
}

async fn add(key: &NewKey) -> Result<(), Failure> {
    let role = match key.role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    };
    let mut body = json!({ "label": key.label, "role": role });
    if let Some(span) = key.expires {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + span;
        body["expires_at"] = u64::try_from(until.as_millis()).unwrap_or(u64::MAX).into();
    }
    let body = body.to_string();
    let wanted = Wanted { body: Some(&body), ..Wanted::of(Method::Post, "/v1/keys") };
    tell(&Daemon::find(&key.daemon)?.ask(&wanted).await?, key.json)
}

/// What the key is, which nobody is told again.
fn tell(made: &Value, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return write_out(&format!("{made:#}"));
    }
    let id = shown(made, "id");
    write_out(&format!(
        "{}\nThis is key {id}, told this once. Give it as --key or STROWGER_KEY; take it back with: strowger key remove {id}",
        shown(made, "token")
    ))
}

async fn remove(named: &Named) -> Result<(), Failure> {
    let path = format!("/v1/keys/{}", escaped(&named.id));
    Daemon::find(&named.daemon)?.send(&Wanted::of(Method::Delete, &path)).await?;
    write_out(&if named.json {
        json!({ "id": named.id }).to_string()
    } else {
        format!("removed key {}", named.id)
    })
}
