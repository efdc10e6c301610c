//! `strowger backup`: a copy of the store, while it is in use.

use serde_json::json;
use store::Store;

use crate::cli::Backup;
use crate::commands;
use crate::config::Config;
use crate::failure::Failure;

/// Copies the store to a file that does not exist.
pub(crate) async fn backup(backup: &Backup) -> Result<(), Failure> {
    let config = Config::load(backup.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let copied = store.backup(&backup.file).await;
    store.close().await;
    copied?;
    let file = backup.file.display().to_string();
    commands::tell(backup.telling.form, &json!({ "file": file }), || format!("backed up to {file}"))
}
