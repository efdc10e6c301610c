//! The commands that come and go: `check`, `apply`, the lists.

use std::io::{self, Write};
use std::path::Path;

use numbers::Inventory;
use sip_net::{Tls, Trust};
use store::Store;

use crate::cli::{Apply, CallListing, Check};
use crate::config::Config;
use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::plan::{self, Length};
use crate::{inventory_file, list, secrets};

/// Names every fault of both files.
pub(crate) fn check(check: &Check) -> Result<(), Failure> {
    let config = Config::load(check.config.path.as_deref());
    let inventory = check.inventory.as_deref().map(whole_inventory).transpose();
    let mut faults = Vec::new();
    match config {
        Ok(config) => match config.tls_files().map(|files| Tls::load(files, &Trust::Only(Vec::new()))) {
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(_)) | None => println!("configuration: in order"),
        },
        Err(Faults(found)) => faults.extend(found),
    }
    match inventory {
        Ok(None) => {}
        Ok(Some(inventory)) => {
            println!("inventory: in order, {}", census(&inventory));
            for warning in inventory.warnings() {
                println!("warning: {}", printable(&warning));
            }
        }
        Err(Faults(found)) => faults.extend(found),
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
}

/// Makes the stored inventory equal to the file.
pub(crate) async fn apply(apply: &Apply) -> Result<(), Failure> {
    let config = Config::load(apply.config.path.as_deref())?;
    let inventory = inventory_file::load(&apply.file)?;
    let url = config.store_url();
    let store = match (apply.dry_run, Store::open_existing(&url).await) {
        (true, Err(store::Error::Missing { .. })) => Store::open(NOWHERE).await?,
        (true, opened) => opened?,
        (false, _) => Store::open(&url).await?,
    };
    let store = store.of_realm(&config.realm());
    let plan = if apply.dry_run { store.plan(&inventory).await } else { store.apply(&inventory).await };
    store.close().await;
    let plan = plan?;
    write_out(&plan::text(&plan, if apply.full { Length::Full } else { Length::Bounded }))?;
    for warning in inventory.warnings() {
        write_out(&format!("warning: {}", printable(&warning)))?;
    }
    match (plan.is_empty(), apply.dry_run) {
        (true, _) => {}
        (false, true) => write_out("dry run: nothing was changed")?,
        (false, false) => write_out(&format!("applied: the store has {}", census(&inventory)))?,
    }
    Ok(())
}

pub(crate) async fn call_list(calls: &CallListing) -> Result<(), Failure> {
    let config = Config::load(calls.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let records = store.recent_calls(calls.limit).await;
    store.close().await;
    list::print(&list::calls(&records?)?, calls.json)
}

/// To standard output.
pub(crate) fn write_out(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever reads has read enough: `strowger call list | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

/// What a peer wrote, without what moves the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}

/// The inventory with its secrets: a secret that can't be had is a fault here.
fn whole_inventory(path: &Path) -> Result<Inventory, Faults> {
    let told = |fault: numbers::Fault| Fault {
        place: Place::File(path.display().to_string()),
        key: fault.path,
        message: fault.message,
        remedy: fault.remedy,
    };
    let resolved = inventory_file::load(path)?.resolve(secrets::look_up);
    resolved.map_err(|faults| Faults(faults.into_iter().map(told).collect()))
}

/// A plan against no store at all.
const NOWHERE: &str = "sqlite::memory:";

fn census(inventory: &Inventory) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    [
        count(inventory.numbers.len(), "number"),
        count(inventory.agents.len(), "agent"),
        count(inventory.trunks.len(), "trunk"),
    ]
    .join(", ")
}
