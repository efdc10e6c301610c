//! Noticing that another process has changed the inventory.

use std::time::Duration;

use tracing::warn;

use crate::Store;

impl Store {
    /// Waits until the revision is another than `seen`, and returns it. Looks four times a second; a store that
    /// can't be read is looked at again.
    pub async fn changed(&self, seen: u64) -> u64 {
        let mut is_told = false;
        loop {
            match self.revision().await {
                Ok(revision) if revision != seen => return revision,
                Ok(_) => is_told = false,
                Err(error) if is_told => {
                    tracing::debug!(%error, "the revision of the inventory still can't be read");
                }
                Err(error) => {
                    warn!(%error, "the revision of the inventory can't be read");
                    is_told = true;
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }
}

const PERIOD: Duration = Duration::from_millis(250);
