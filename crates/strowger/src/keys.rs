//! `strowger key`: the keys of the HTTP API, made and taken back by the daemon; where none answers, in the store.

use std::time::{SystemTime, UNIX_EPOCH};

use admin::{Method, Wanted};
use serde_json::{Value, json};
use store::{Actor, Scope, Store};

use crate::calendar::utc;
use crate::cli::{self, Asking, KeyCommand, Named, NewKey, Role};
use crate::commands;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::list::{self, Listed, shown};
use crate::objects::escaped;
use crate::owned::{is_absent, pages};
use crate::table::{items, table};

/// Does what is asked for.
///
/// # Errors
/// There is no daemon, or it refuses.
pub(crate) async fn run(command: &KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::List(asking) => list(asking).await,
        KeyCommand::Add(key) => add(key).await,
        KeyCommand::Remove(named) => remove(named).await,
    }
}

async fn list(asking: &Asking) -> Result<(), Failure> {
    let told = async { pages(&Daemon::find(&asking.daemon)?, "/v1/keys").await };
    let keys = match told.await {
        Err(failure) if is_absent(&failure, &asking.daemon) => {
            let store = Store::open_existing(&store_url(&asking.daemon)?).await?;
            let keys = store.keys().await;
            store.close().await;
            keys?.iter().map(serde_json::to_value).collect::<Result<_, _>>()?
        }
        told => told?,
    };
    let rows = keys.iter().map(|key| {
        let expires = key["expires_at"].as_u64().map_or_else(|| "never".to_owned(), utc);
        let scope =
            key["scope"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
        let scope = if scope.is_empty() { "all".to_owned() } else { scope.join(" ") };
        vec![shown(key, "id"), shown(key, "label"), shown(key, "role"), scope, shown(key, "last4"), expires]
    });
    let table = table(&["KEY", "LABEL", "ROLE", "SCOPE", "ENDS IN", "EXPIRES (UTC)"], rows);
    list::print(&Listed { table, notes: Vec::new(), json: items(keys) }, asking.telling.form)
}

async fn add(key: &NewKey) -> Result<(), Failure> {
    let role = match key.role {
        Role::Viewer => store::Role::Viewer,
        Role::Operator => store::Role::Operator,
        Role::Admin => store::Role::Admin,
    };
    let expires_at = key.expires.map(|span| {
        let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + span;
        u64::try_from(until.as_millis()).unwrap_or(u64::MAX)
    });
    let scope = Scope::new(key.scope.iter().copied());
    let wanted = store::NewKey { label: key.label.clone(), role, scope, expires_at };
    let made = match by_daemon(&wanted, &key.asking.daemon).await {
        Err(failure) if is_absent(&failure, &key.asking.daemon) => {
            in_store(wanted, &key.asking.daemon).await?
        }
        made => made?,
    };
    tell(&made, &key.asking)
}

async fn by_daemon(wanted: &store::NewKey, told: &cli::Daemon) -> Result<Value, Failure> {
    let mut body = json!({ "label": wanted.label, "role": wanted.role });
    if let Some(expires_at) = wanted.expires_at {
        body["expires_at"] = expires_at.into();
    }
    if let Some(scope) = &wanted.scope {
        body["scope"] = serde_json::to_value(scope)?;
    }
    let body = body.to_string();
    Daemon::find(told)?.ask(&Wanted { body: Some(&body), ..Wanted::of(Method::Post, "/v1/keys") }).await
}

/// Whoever may write the store may make a key of it: so the first one is made, before there is a daemon that takes it.
async fn in_store(wanted: store::NewKey, told: &cli::Daemon) -> Result<Value, Failure> {
    let store = Store::open(&store_url(told)?).await?;
    let made = store.add_key(&Actor::cli(), wanted).await;
    store.close().await;
    let (key, token) = made?;
    let mut made = serde_json::to_value(key)?;
    made["token"] = token.reveal().into();
    Ok(made)
}

fn store_url(told: &cli::Daemon) -> Result<String, Failure> {
    Ok(Config::load(told.config.path.as_deref())?.store_url())
}

/// What the key is, which nobody is told again.
fn tell(made: &Value, asking: &Asking) -> Result<(), Failure> {
    commands::tell(asking.telling.form, made, || {
        let id = shown(made, "id");
        format!(
            "{}\nThis is key {id}, told this once. Give it as --key or STROWGER_KEY; take it back with: strowger key remove {id}",
            shown(made, "token")
        )
    })
}

async fn remove(named: &Named) -> Result<(), Failure> {
    let path = format!("/v1/keys/{}", escaped(&named.id));
    let removed =
        async { Daemon::find(&named.asking.daemon)?.send(&Wanted::of(Method::Delete, &path)).await };
    match removed.await {
        Err(failure) if is_absent(&failure, &named.asking.daemon) => {
            let store = Store::open_existing(&store_url(&named.asking.daemon)?).await?;
            let removed = store.remove_key(&Actor::cli(), &named.id).await;
            store.close().await;
            removed?;
        }
        removed => drop(removed?),
    }
    commands::tell(named.asking.telling.form, &json!({ "id": named.id }), || {
        format!("removed key {}", named.id)
    })
}
