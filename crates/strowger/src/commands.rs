//! The commands that come and go: `check`, `apply`; and how all of them tell what they did.

use std::io::{self, Write};
use std::path::Path;

use numbers::Inventory;
use serde_json::{Value, json};
use sip_net::{Tls, Trust};
use store::Store;

use crate::cli::{Apply, Check, Form};
use crate::config::Config;
use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::plan::{self, Length};
use crate::{inventory_file, secrets};

/// Names every fault of both files.
pub(crate) fn check(check: &Check) -> Result<(), Failure> {
    let config = Config::load(check.config.path.as_deref());
    let realm = config.as_ref().ok().map(Config::realm);
    let inventory = check.inventory.as_deref().map(whole_inventory).transpose();
    let mut faults = Vec::new();
    let mut lines = Vec::new();
    match config {
        Ok(config) => match config.tls_files().map(|files| Tls::load(files, &Trust::Only(Vec::new()))) {
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(_)) | None => lines.push("configuration: in order".to_owned()),
        },
        Err(Faults(found)) => faults.extend(found),
    }
    let mut document = json!({ "inventory": null, "warnings": [] });
    match inventory {
        Ok(None) => {}
        Ok(Some(inventory)) => {
            let warnings = warnings(&inventory, realm.as_deref());
            document = json!({ "inventory": counts(&inventory), "warnings": warnings });
            lines.push(format!("inventory: in order, {}", census(&inventory)));
            lines.extend(warnings.iter().map(|warning| warned(warning)));
        }
        Err(Faults(found)) => faults.extend(found),
    }
    match check.telling.form {
        // Of two files one may be in order.
        Form::Text => lines.iter().try_for_each(|line| write_out(line))?,
        Form::Json if faults.is_empty() => write_out(&format!("{document:#}"))?,
        Form::Json => {}
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
    let realm = config.realm();
    let store = store.of_realm(&realm);
    let plan = if apply.dry_run { store.plan(&inventory).await } else { store.apply(&inventory).await };
    store.close().await;
    let plan = plan?;
    let warnings = warnings(&inventory, Some(&realm));
    if apply.telling.form == Form::Json {
        let document = json!({
            "dry_run": apply.dry_run,
            "plan": plan::document(&plan),
            "inventory": counts(&inventory),
            "warnings": warnings,
        });
        return write_out(&format!("{document:#}"));
    }
    write_out(&plan::text(&plan, if apply.full { Length::Full } else { Length::Bounded }))?;
    warnings.iter().try_for_each(|warning| write_out(&warned(warning)))?;
    match (plan.is_empty(), apply.dry_run) {
        (true, _) => Ok(()),
        (false, true) => write_out("dry run: nothing was changed"),
        (false, false) => write_out(&format!("applied: the store has {}", census(&inventory))),
    }
}

/// What a command has to say: the document, or the words for it.
pub(crate) fn tell(form: Form, document: &Value, words: impl FnOnce() -> String) -> Result<(), Failure> {
    match form {
        Form::Json => write_out(&format!("{document:#}")),
        Form::Text => write_out(&words()),
    }
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

/// What is no fault; with what is of no use in the realm of the configuration, if that can be read.
fn warnings(inventory: &Inventory, realm: Option<&str>) -> Vec<String> {
    let useless = realm.map(|realm| inventory.useless_passwords(realm)).unwrap_or_default();
    inventory.warnings().into_iter().chain(useless).collect()
}

fn warned(warning: &str) -> String {
    format!("warning: {}", printable(warning))
}

fn counts(inventory: &Inventory) -> Value {
    json!({
        "numbers": inventory.numbers.len(),
        "agents": inventory.agents.len(),
        "trunks": inventory.trunks.len(),
    })
}

fn census(inventory: &Inventory) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    [
        count(inventory.numbers.len(), "number"),
        count(inventory.agents.len(), "agent"),
        count(inventory.trunks.len(), "trunk"),
    ]
    .join(", ")
}

/// A plan against no store at all.
const NOWHERE: &str = "sqlite::memory:";
