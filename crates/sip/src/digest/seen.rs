//! Which requests have used a nonce (`nc`, RFC 7616 s.3.4.5): each count is taken once, in any order near the highest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::nonce::Minted;

/// The nonces that right credentials came with, by their numbers, and so by their age.
#[derive(Debug, Default)]
pub(super) struct Seen {
    nonces: BTreeMap<u64, Uses>,
    /// Those up to this number had to make room: they count as stale.
    forgotten: u64,
}

/// How far the counts of a nonce have come.
#[derive(Clone, Copy, Debug)]
struct Uses {
    made: Instant,
    highest: u32,
    /// Which of the [`WINDOW`] counts below the highest have come, the nearest in the lowest bit.
    below: u64,
}

/// Which use of its nonce a request is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    Counted(u32),
    /// Without a count (RFC 2069): the only one.
    Only,
}

/// What comes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Noted {
    Fresh,
    Replayed,
    /// Nobody knows any longer.
    Forgotten,
}

impl Seen {
    /// Takes note of a use of a nonce that is younger than `lifetime`.
    pub(super) fn note(&mut self, now: Instant, lifetime: Duration, nonce: Minted, used: Use) -> Noted {
        while self.nonces.first_key_value().is_some_and(|(_, uses)| uses.made + lifetime <= now) {
            self.nonces.pop_first();
        }
        if nonce.number <= self.forgotten {
            return Noted::Forgotten;
        }
        if let Some(uses) = self.nonces.get_mut(&nonce.number) {
            return uses.note(used);
        }
        if self.nonces.len() >= MAX_NONCES
            && let Some((number, _)) = self.nonces.pop_first()
        {
            self.forgotten = number;
        }
        let (highest, below) = match used {
            Use::Counted(count) => (count, 0),
            Use::Only => (u32::MAX, u64::MAX),
        };
        self.nonces.insert(nonce.number, Uses { made: nonce.at, highest, below });
        Noted::Fresh
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nonces.len()
    }
}

impl Uses {
    fn note(&mut self, used: Use) -> Noted {
        let Use::Counted(count) = used else { return Noted::Replayed };
        if let Some(ahead) = count.checked_sub(self.highest).filter(|&ahead| ahead > 0) {
            // The one that was the highest is `ahead` below.
            let shifted = self.below.checked_shl(ahead).unwrap_or(0);
            self.below = shifted | 1_u64.checked_shl(ahead - 1).unwrap_or(0);
            self.highest = count;
            return Noted::Fresh;
        }
        let behind = self.highest - count;
        let Some(bit) = behind.checked_sub(1).and_then(|at| 1_u64.checked_shl(at)) else {
            return Noted::Replayed;
        };
        if self.below & bit != 0 {
            return Noted::Replayed;
        }
        self.below |= bit;
        Noted::Fresh
    }
}

/// How many nonces are in use at a time.
pub(super) const MAX_NONCES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::clock;

    const LIFETIME: Duration = Duration::from_mins(5);

    #[test]
    fn each_count_is_taken_once_within_64_of_the_highest() {
        let (mut seen, now) = (Seen::default(), clock::start());
        let mut note = |count| seen.note(now, LIFETIME, Minted { at: now, number: 1 }, Use::Counted(count));
        for fresh in [1, 3, 2, 70, 6, 69] {
            assert_eq!(note(fresh), Noted::Fresh, "{fresh}");
            assert_eq!(note(fresh), Noted::Replayed, "{fresh}");
        }
        assert_eq!(note(5), Noted::Replayed, "too far behind to know");
        assert_eq!(
            (note(u32::MAX), note(70), note(u32::MAX - 64)),
            (Noted::Fresh, Noted::Replayed, Noted::Fresh)
        );
    }

    #[test]
    fn a_use_without_a_count_is_the_only_one() {
        let (mut seen, now) = (Seen::default(), clock::start());
        let mut note = |number, used| seen.note(now, LIFETIME, Minted { at: now, number }, used);
        assert_eq!(note(1, Use::Only), Noted::Fresh);
        assert_eq!(note(1, Use::Only), Noted::Replayed);
        assert_eq!(note(1, Use::Counted(7)), Noted::Replayed);
        assert_eq!(note(1, Use::Counted(u32::MAX)), Noted::Replayed);
        assert_eq!((note(2, Use::Counted(1)), note(2, Use::Only)), (Noted::Fresh, Noted::Replayed));
    }

    #[test]
    fn nonces_are_forgotten_with_age_and_for_room_and_never_taken_again() {
        let (mut seen, now) = (Seen::default(), clock::start());
        let most = u64::try_from(MAX_NONCES).unwrap();
        for number in 1..=most + 1 {
            assert_eq!(seen.note(now, LIFETIME, Minted { at: now, number }, Use::Counted(1)), Noted::Fresh);
        }
        assert_eq!(seen.len(), MAX_NONCES);
        let first = Minted { at: now, number: 1 };
        assert_eq!(seen.note(now, LIFETIME, first, Use::Counted(2)), Noted::Forgotten);
        let later = now + LIFETIME;
        let last = Minted { at: later, number: most + 2 };
        assert_eq!(seen.note(later, LIFETIME, last, Use::Counted(1)), Noted::Fresh);
        assert_eq!(seen.len(), 1);
    }
}
