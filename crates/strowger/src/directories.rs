//! From the store's inventory to the directory that calls are routed by, and again after each change.

use std::sync::Arc;

use b2bua::io::Input;
use numbers::Directory;
use store::Store;
use tokio::sync::mpsc;
use tracing::{error, info};

use crate::failure::Failure;
use crate::fault::{Fault, Faults, Place};
use crate::secrets;

/// Builds the directory of what is stored.
///
/// # Errors
/// When the store can't be read, or what it holds is no inventory of this version.
pub(crate) async fn load(store: &Store) -> Result<Directory, Failure> {
    let mut snapshot = store.snapshot().await?;
    secrets::reveal(&mut snapshot.inventory).map_err(stored)?;
    Ok(snapshot.directory().map_err(stored)?)
}

/// Hands the core a new directory after each change of the store. A faulty one is told, and the running one stays.
pub(crate) async fn watch(store: Store, mut seen: u64, inputs: mpsc::Sender<Input>) {
    loop {
        seen = store.changed(seen).await;
        match load(&store).await {
            Ok(directory) => {
                seen = directory.revision();
                let (numbers, agents, trunks) =
                    (directory.numbers().len(), directory.agents().len(), directory.trunks().len());
                if inputs.send(Input::Directory(Arc::new(directory))).await.is_err() {
                    return;
                }
                info!(revision = seen, numbers, agents, trunks, "inventory changed");
            }
            Err(failure) => {
                for fault in failure.to_string().lines() {
                    error!(
                        revision = seen,
                        fault, "the stored inventory is not taken, the running one stays"
                    );
                }
            }
        }
    }
}

fn stored(faults: Vec<numbers::Fault>) -> Faults {
    let told = faults.into_iter().map(|fault| Fault {
        place: Place::File("the stored inventory".to_owned()),
        key: fault.path,
        message: fault.message,
        remedy: fault.remedy,
    });
    Faults(told.collect())
}
