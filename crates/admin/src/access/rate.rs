//! How often each key and each address may ask: token buckets, so many at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::StatusCode;

use crate::problem::Problem;

/// Whose bucket.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Who {
    /// A key, by its id.
    Key(String),
    /// An address; of IPv6 the network that one customer has.
    Address(IpAddr),
    /// Those for whom there is no bucket left.
    Others,
}

/// A bucket for each: `a_second` drops run in, twice as many fit.
#[derive(Debug)]
pub(crate) struct Buckets {
    a_second: f64,
    held: Mutex<HashMap<Who, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    drops: f64,
    at: Instant,
}

impl Who {
    pub(crate) fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

impl Buckets {
    pub(crate) fn new(a_second: u32) -> Self {
        Self { a_second: a_second.into(), held: Mutex::default() }
    }

    /// Takes a drop.
    pub(crate) fn take(&self, who: Who) -> Result<(), Problem> {
        self.take_at(who, Instant::now()).map_err(|seconds| {
            let detail = format!("more than {} requests a second; wait {seconds} s", self.a_second);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too many requests", detail)
                .again(seconds)
        })
    }

    /// Or says after how many seconds there is one.
    fn take_at(&self, who: Who, now: Instant) -> Result<(), u64> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let full = self.a_second * 2.0;
        if held.len() >= MOST && !held.contains_key(&who) {
            held.retain(|_, bucket| bucket.filled(now, self.a_second) < full);
        }
        let who = if held.len() >= MOST && !held.contains_key(&who) { Who::Others } else { who };
        let bucket = held.entry(who).or_insert(Bucket { drops: full, at: now });
        let drops = bucket.filled(now, self.a_second).min(full);
        if drops < 1.0 {
            // Rates are whole numbers of one or more a second.
            return Err(1);
        }
        *bucket = Bucket { drops: drops - 1.0, at: now };
        Ok(())
    }
}

impl Bucket {
    fn filled(self, now: Instant, a_second: f64) -> f64 {
        self.drops + now.saturating_duration_since(self.at).as_secs_f64() * a_second
    }
}

const MOST: usize = 4_096;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(id: usize) -> Who {
        Who::Key(id.to_string())
    }

    #[test]
    fn twice_as_many_as_run_in_a_second_fit_in_each_bucket() {
        let buckets = Buckets::new(2);
        let now = Instant::now();
        for _ in 0..4 {
            assert!(buckets.take_at(key(1), now).is_ok());
        }
        assert!(buckets.take_at(key(1), now).is_err());
        assert!(buckets.take_at(key(2), now).is_ok());
        assert!(buckets.take_at(key(1), now + Duration::from_millis(499)).is_err());
        assert!(buckets.take_at(key(1), now + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn those_who_come_when_all_buckets_are_taken_share_one() {
        let buckets = Buckets::new(1);
        let now = Instant::now();
        for id in 0..MOST {
            assert!(buckets.take_at(key(id), now).is_ok());
        }
        assert!(buckets.take_at(key(MOST), now).is_ok());
        assert!(buckets.take_at(key(MOST + 1), now).is_ok());
        assert!(buckets.take_at(key(MOST + 2), now).is_err(), "the shared one is empty");
        assert!(buckets.held.lock().unwrap().len() <= MOST + 1);
        assert!(buckets.take_at(key(MOST + 3), now + Duration::from_secs(2)).is_ok());
    }

    #[test]
    fn an_ipv6_customer_has_one_bucket_for_all_addresses() {
        let of = |text: &str| Who::of_address(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
