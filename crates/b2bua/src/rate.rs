//! A token bucket that holds one second's worth, kept as a theoretical arrival time (the GCRA of ITU-T I.371).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How many events a second may pass, in bursts of at most one second's worth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// When the bucket would be full again.
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes one token, if there is one. Zero a second lets nothing pass.
    pub(crate) fn take(&mut self, now: Instant, per_second: u32) -> bool {
        let Some(interval) = SECOND.checked_div(per_second) else { return false };
        let full_at = self.full_at.unwrap_or(now).max(now) + interval;
        if full_at > now + SECOND {
            return false;
        }
        self.full_at = Some(full_at);
        true
    }
}

/// A bucket for each trunk. Bounded by the Directory: only trunks that it holds have one.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    by_trunk: BTreeMap<String, Bucket>,
}

impl Buckets {
    pub(crate) fn take(&mut self, now: Instant, trunk: &str, per_second: u32) -> bool {
        if let Some(bucket) = self.by_trunk.get_mut(trunk) {
            return bucket.take(now, per_second);
        }
        self.by_trunk.entry(trunk.to_owned()).or_default().take(now, per_second)
    }

    pub(crate) fn retain(&mut self, known: impl Fn(&str) -> bool) {
        self.by_trunk.retain(|trunk, _| known(trunk));
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(bucket: &mut Bucket, at: Instant, tries: u32, per_second: u32) -> usize {
        (0..tries).filter(|_| bucket.take(at, per_second)).count()
    }

    #[test]
    fn a_burst_of_one_second_passes_and_the_rest_is_held_back() {
        let start = origin();
        let mut bucket = Bucket::default();
        assert_eq!(passed(&mut bucket, start, 25, 10), 10);
        assert_eq!(passed(&mut bucket, start + Duration::from_millis(100), 25, 10), 1);
        assert_eq!(passed(&mut bucket, start + Duration::from_secs(9), 25, 10), 10);
    }

    #[test]
    fn one_a_second_lets_one_a_second_pass() {
        let start = origin();
        let mut bucket = Bucket::default();
        assert!(bucket.take(start, 1));
        assert!(!bucket.take(start + Duration::from_millis(999), 1));
        assert!(bucket.take(start + Duration::from_secs(1), 1));
    }

    #[test]
    fn zero_a_second_lets_nothing_pass() {
        assert!(!Bucket::default().take(origin(), 0));
    }

    #[test]
    fn trunks_do_not_share_a_bucket_and_a_forgotten_one_starts_full() {
        let start = origin();
        let mut buckets = Buckets::default();
        assert!(buckets.take(start, "a", 1));
        assert!(!buckets.take(start, "a", 1));
        assert!(buckets.take(start, "b", 1));
        buckets.retain(|trunk| trunk == "b");
        assert!(buckets.take(start, "a", 1));
        assert!(!buckets.take(start, "b", 1));
    }

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn origin() -> Instant {
        Instant::now()
    }
}
