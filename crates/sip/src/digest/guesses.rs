//! Slows down who guesses passwords: so many wrong answers at once, and then one now and then.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// The wrong answers of sources, or for user names. One costs [`PRICE`]; who owes more than [`CREDIT`] has to wait.
#[derive(Debug)]
pub(super) struct Guesses<K> {
    /// When the debt of each will be paid.
    paid: BTreeMap<K, Instant>,
}

/// Where a guess comes from: an address, or the network of a site that has IPv6 (RFC 6177: a /64 at least).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Source(IpAddr);

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }

    pub(super) const fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }
    }
}

impl<K: Ord + Copy> Guesses<K> {
    pub(super) fn new() -> Self {
        Self { paid: BTreeMap::new() }
    }

    /// How long it has to wait before another answer of it is looked at.
    pub(super) fn wait(&self, now: Instant, who: K) -> Option<Duration> {
        let owed = self.paid.get(&who)?.saturating_duration_since(now);
        owed.checked_sub(CREDIT).filter(|wait| !wait.is_zero())
    }

    /// Takes note of a wrong answer.
    pub(super) fn note(&mut self, now: Instant, who: K) {
        let paid = self.paid.get(&who).map_or(now, |&paid| paid.max(now)) + PRICE;
        if !self.paid.contains_key(&who) && self.paid.len() >= MAX_GUESSERS {
            self.paid.retain(|_, paid| *paid > now);
        }
        if !self.paid.contains_key(&who) && self.paid.len() >= MAX_GUESSERS {
            let least = self.paid.iter().min_by_key(|(_, paid)| **paid).map(|(&who, _)| who);
            if let Some(least) = least {
                self.paid.remove(&least);
            }
        }
        self.paid.insert(who, paid);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.paid.len()
    }
}

/// What a wrong answer costs.
const PRICE: Duration = Duration::from_secs(6);

/// What may be owed: ten wrong answers.
const CREDIT: Duration = Duration::from_mins(1);

/// How many are remembered; the one that owes least is forgotten first.
const MAX_GUESSERS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::clock;

    #[test]
    fn ten_guesses_are_free_and_then_one_in_six_seconds() {
        let (mut guesses, now) = (Guesses::new(), clock::start());
        for _ in 0..10 {
            assert_eq!(guesses.wait(now, 1), None);
            guesses.note(now, 1);
        }
        assert_eq!(guesses.wait(now, 1), None);
        guesses.note(now, 1);
        assert_eq!(guesses.wait(now, 1), Some(PRICE));
        assert_eq!(guesses.wait(now, 2), None);
        assert_eq!(guesses.wait(now + PRICE, 1), None);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_who_owes_most() {
        let (mut guesses, now) = (Guesses::new(), clock::start());
        for _ in 0..20 {
            guesses.note(now, 0);
        }
        for other in 1..6_000 {
            guesses.note(now, other);
        }
        assert_eq!(guesses.len(), MAX_GUESSERS);
        assert!(guesses.wait(now, 0).is_some());
    }

    #[test]
    fn a_site_with_ipv6_is_one_source() {
        let of = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
