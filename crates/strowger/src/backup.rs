//! `strowger backup`: a copy of the store, while it is in use.

use store::Store;

use crate::cli::Backup;
use crate::config::Config;
use crate::failure::Failure;

/// Copies the store to a file that does not exist.
pub(crate) async fn backup(backup: &Backup) -> Result<(), Failure> {
    let config = Config::load(backup.config.path.as_deref())?;
    let store = Store::open_existing(&config.store_url()).await?;
    let copied = store.backup(&backup.file).await;
    store.close().await;
    copied?;
    println!("backed up to {}", backup.file.display());
    Ok(())
}
