//! From the audit trail to events: whoever makes a change, and by whatever way, is told of.

use std::time::Duration;

use serde_json::json;
use store::{AuditEntry, Error, Store};

use super::Events;
use super::ring::Event;

/// Tells of each change of what is owned, for ever.
pub(crate) async fn follow(store: Store, events: Events) {
    let (mut seen, mut last) = loop {
        match begin(&store).await {
            Ok(found) => break found,
            Err(error) => {
                tracing::debug!(%error, "the audit trail can't be read yet");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    loop {
        seen = store.changed(seen).await;
        match store.audit(last, MOST + 1).await {
            Ok(entries) => {
                events.tell(Event::Inventory(told(seen, &entries)));
                last = entries.last().map_or(last, |entry| entry.seq);
                if entries.len() > MOST as usize {
                    last = newest(&store, last).await.unwrap_or(last);
                }
            }
            Err(error) => tracing::debug!(%error, "the audit trail can't be read"),
        }
    }
}

/// The revision, and the number of its newest entry: both of one moment, or a change between would be told of as none.
async fn begin(store: &Store) -> Result<(u64, u64), Error> {
    loop {
        let revision = store.revision().await?;
        let last = newest(store, 0).await?;
        if store.revision().await? == revision {
            return Ok((revision, last));
        }
    }
}

/// The number of the newest entry, which is this one or a later one.
async fn newest(store: &Store, from: u64) -> Result<u64, Error> {
    let (mut low, mut step) = (from, 1);
    // Twice as far each time, until there is nothing behind; then halfway back, until that is the last.
    while let Some(entry) = store.audit(low + step, 1).await?.first() {
        low = entry.seq;
        step *= 2;
    }
    let mut high = low + step;
    while low < high {
        let middle = low.midpoint(high);
        match store.audit(middle, 1).await?.first() {
            Some(entry) => low = entry.seq,
            None => high = middle,
        }
    }
    Ok(high)
}

fn told(revision: u64, entries: &[AuditEntry]) -> serde_json::Value {
    let is_complete = entries.len() <= MOST as usize;
    let changes: Vec<_> = entries
        .iter()
        .take(MOST as usize)
        .map(|entry| {
            let action = match (&entry.before, &entry.after) {
                (None, _) => "added",
                (Some(_), None) => "removed",
                (Some(_), Some(_)) => "changed",
            };
            json!({ "kind": entry.kind, "id": entry.id, "action": action, "actor": entry.actor })
        })
        .collect();
    json!({ "revision": revision, "changes": changes, "is_complete": is_complete })
}

/// Changes that are told of one by one.
const MOST: u32 = 100;
const AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use store::{Actor, Expect, NewKey, Role};

    use super::*;

    #[tokio::test]
    async fn the_newest_entry_is_found_without_reading_all() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        assert_eq!(newest(&store, 0).await.unwrap(), 0);
        for count in 1..40 {
            let agent: numbers::Agent =
                serde_json::from_value(json!({ "id": format!("a{count}"), "endpoint": { "kind": "echo" } }))
                    .unwrap();
            store.put(&Actor::cli(), agent.into(), Expect::New).await.unwrap();
            let last = store.audit(0, 1_000).await.unwrap().last().unwrap().seq;
            assert_eq!(newest(&store, 0).await.unwrap(), last);
        }
        let wanted = NewKey { label: "x".into(), role: Role::Viewer, scope: None, expires_at: None };
        store.add_key(&Actor::cli(), wanted).await.unwrap();
        let last = store.audit(0, 1_000).await.unwrap().last().unwrap().seq;
        assert_eq!(newest(&store, 3).await.unwrap(), last);
    }
}
