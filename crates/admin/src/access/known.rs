//! Keys that the store has found a while ago, for requests that come while it can't be asked: calls are hung up by them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use store::Key;

/// By the hashes of their tokens.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    keys: HashMap<String, Found>,
    /// How many keys were taken back.
    removals: u64,
}

#[derive(Debug)]
struct Found {
    key: Key,
    at: Instant,
}

/// The moment before the store is asked: what it answers is not kept if a key was taken back meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked(u64);

impl Known {
    /// Taken before the store is asked.
    pub(crate) fn asked(&self) -> Asked {
        Asked(self.held().removals)
    }

    /// Keeps what the store has answered: a key, or that there is none.
    pub(crate) fn learn(&self, asked: Asked, hash: String, key: Option<&Key>, now: Instant) {
        let mut held = self.held();
        if asked.0 != held.removals {
            return;
        }
        let Some(key) = key else {
            held.keys.remove(&hash);
            return;
        };
        if held.keys.len() >= MOST && !held.keys.contains_key(&hash) {
            let oldest = held.keys.iter().min_by_key(|(_, found)| found.at).map(|(hash, _)| hash.clone());
            if let Some(oldest) = oldest {
                held.keys.remove(&oldest);
            }
        }
        held.keys.insert(hash, Found { key: key.clone(), at: now });
    }

    /// The key, if it was found not long ago.
    pub(crate) fn recall(&self, hash: &str, now: Instant) -> Option<Key> {
        let held = self.held();
        let found = held.keys.get(hash)?;
        (now.saturating_duration_since(found.at) < LONGEST).then(|| found.key.clone())
    }

    /// The key of this id has been taken back.
    pub(crate) fn forget(&self, id: &str) {
        let mut held = self.held();
        held.removals += 1;
        held.keys.retain(|_, found| found.key.id != id);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LONGEST: Duration = Duration::from_mins(5);
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use store::Role;

    use super::*;

    fn key(id: &str) -> Key {
        Key {
            id: id.to_owned(),
            label: id.to_owned(),
            role: Role::Admin,
            scope: None,
            last4: "0000".to_owned(),
            created_at: 0,
            expires_at: None,
        }
    }

    #[test]
    fn a_key_is_known_for_a_while_and_until_it_is_taken_back() {
        let (known, now) = (Known::default(), Instant::now());
        known.learn(known.asked(), "a".to_owned(), Some(&key("1")), now);
        assert_eq!(known.recall("a", now + LONGEST / 2), Some(key("1")));
        assert_eq!(known.recall("a", now + LONGEST), None);
        assert_eq!(known.recall("b", now), None);
        let asked = known.asked();
        known.forget("1");
        assert_eq!(known.recall("a", now), None);
        known.learn(asked, "a".to_owned(), Some(&key("1")), now);
        assert_eq!(known.recall("a", now), None, "it was taken back while the store was asked");
        known.learn(known.asked(), "a".to_owned(), Some(&key("1")), now);
        known.learn(known.asked(), "a".to_owned(), None, now);
        assert_eq!(known.recall("a", now), None, "the store says that there is none");
    }

    #[test]
    fn so_many_are_known_and_the_latest_of_them() {
        let (known, now) = (Known::default(), Instant::now());
        for (after, index) in (0..=MOST).enumerate() {
            let at = now + Duration::from_nanos(after as u64);
            known.learn(known.asked(), index.to_string(), Some(&key(&index.to_string())), at);
        }
        assert_eq!(known.held().keys.len(), MOST);
        assert_eq!((known.recall("0", now), known.recall("1", now)), (None, Some(key("1"))));
    }
}
