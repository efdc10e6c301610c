//! What is owned, as the daemon tells it; where none answers, as the store of this machine has it.

use admin::{FetchError, Wanted};
use serde::Serialize;
use serde_json::Value;
use store::Store;

use crate::cli;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::directories;
use crate::failure::Failure;
use crate::list::Owned;
use crate::objects::{self, Kind};

/// The settings, and all objects of these kinds.
///
/// # Errors
/// Neither the daemon nor a store has them.
pub(crate) async fn of(kinds: &[Kind], told: &cli::Daemon) -> Result<Owned, Failure> {
    match asked(kinds, told).await {
        Err(failure) if is_absent(&failure, told) => stored(told).await,
        answered => answered,
    }
}

/// The object of this id.
///
/// # Errors
/// Neither the daemon nor a store can tell.
pub(crate) async fn one(kind: Kind, id: &str, told: &cli::Daemon) -> Result<Option<Value>, Failure> {
    let path = objects::path(kind, id);
    let asked = async { Daemon::find(told)?.ask(&Wanted::get(&path)).await };
    match asked.await {
        Err(failure) if is_absent(&failure, told) => {
            let Owned { objects, .. } = stored(told).await?;
            let mut objects = objects.into_iter().filter(|(own, _)| *own == kind).flat_map(|(_, all)| all);
            Ok(objects.find(|object| object[kind.id()] == *id))
        }
        answered => answered.map(Some),
    }
}

/// Whether nobody was there to ask. Who names a daemon wants that one.
pub(crate) fn is_absent(failure: &Failure, told: &cli::Daemon) -> bool {
    let nobody = matches!(
        failure,
        Failure::Daemon(FetchError::Unreachable { .. }) | Failure::NoAddress | Failure::NotServed { .. }
    );
    nobody && told.url.is_none()
}

async fn asked(kinds: &[Kind], told: &cli::Daemon) -> Result<Owned, Failure> {
    let daemon = Daemon::find(told)?;
    let settings = daemon.ask(&Wanted::get("/v1/settings")).await?;
    let mut objects = Vec::new();
    for kind in kinds {
        objects.push((*kind, pages(&daemon, &format!("/v1/{}", kind.plural())).await?));
    }
    Ok(Owned { settings, objects })
}

/// All pages of a list.
///
/// # Errors
/// There is no answer, or it is a refusal.
pub(crate) async fn pages(daemon: &Daemon, path: &str) -> Result<Vec<Value>, Failure> {
    pages_up_to(usize::MAX, daemon, path).await
}

/// The first pages of a list: enough for so many items, and perhaps a few more.
///
/// # Errors
/// There is no answer, or it is a refusal.
pub(crate) async fn pages_up_to(enough: usize, daemon: &Daemon, path: &str) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = daemon.read(&format!("{path}?limit={PAGE}{cursor}")).await?;
        if let Value::Array(found) = page["items"].take() {
            items.extend(found);
        }
        match page["next_cursor"].as_str() {
            Some(next) if items.len() < enough => cursor = format!("&cursor={}", objects::escaped(next)),
            Some(_) | None => return Ok(items),
        }
    }
}

async fn stored(told: &cli::Daemon) -> Result<Owned, Failure> {
    let config = Config::load(told.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let (inventory, directory) = (store.inventory().await, directories::load(&store).await.ok());
    store.close().await;
    let inventory = inventory?;
    let mut numbers = Vec::new();
    for number in &inventory.numbers {
        let mut value = serde_json::to_value(number)?;
        if let (Value::Object(members), Some(directory)) = (&mut value, &directory) {
            members.insert("warnings".to_owned(), directory.warnings(number).into());
        }
        numbers.push(value);
    }
    let objects = vec![
        (Kind::Numbers, numbers),
        (Kind::Agents, values(&inventory.agents)?),
        (Kind::Trunks, values(&inventory.trunks)?),
    ];
    Ok(Owned { settings: serde_json::to_value(&inventory.settings)?, objects })
}

fn values(list: &[impl Serialize]) -> serde_json::Result<Vec<Value>> {
    list.iter().map(serde_json::to_value).collect()
}

/// Objects in one answer.
const PAGE: u32 = 200;
