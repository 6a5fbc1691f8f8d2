//! Rate limits: a token bucket for each key.

use std::hash::Hash;
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{AppError, ErrorCode, Limit, Result};

/// After this number of checks, keys whose buckets are full again are removed.
const CLEAN_UP_EVERY: u32 = 10_000;

/// A rate limit for each key, on this instance.
#[derive(Debug)]
pub struct RateLimit<K: Hash + Eq + Clone> {
    limit: Limit,
    rate: NonZero<u32>,
    limiter: DefaultKeyedRateLimiter<K>,
    since_clean_up: AtomicU32,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    /// Allows each key `rate` actions a second, and `burst` at once. Refusals name `limit`.
    #[must_use]
    pub fn per_second(limit: Limit, rate: NonZero<u32>, burst: NonZero<u32>) -> Self {
        Self::new(limit, rate, Quota::per_second(rate).allow_burst(burst))
    }

    /// Allows each key `rate` actions a minute, evenly spread, and as many at once. Refusals name `limit`.
    #[must_use]
    pub fn per_minute(limit: Limit, rate: NonZero<u32>) -> Self {
        Self::new(limit, rate, Quota::per_minute(rate))
    }

    fn new(limit: Limit, rate: NonZero<u32>, quota: Quota) -> Self {
        Self { limit, rate, limiter: RateLimiter::keyed(quota), since_clean_up: AtomicU32::new(0) }
    }

    /// Counts one action of `key`.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` with the time to wait, if the limit is reached.
    pub fn check(&self, key: &K) -> Result<()> {
        if self.since_clean_up.fetch_add(1, Ordering::Relaxed) >= CLEAN_UP_EVERY {
            self.since_clean_up.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| AppError {
            retry_after: Some(until.wait_time_from(DefaultClock::default().now())),
            ..AppError::limit_reached(ErrorCode::TooManyRequests, self.limit, self.rate.get().into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_budget() {
        let rate = RateLimit::per_second(Limit::DeviceRenewals, NonZero::new(2).unwrap(), NonZero::new(10).unwrap());
        for _ in 0..10 {
            rate.check(&"one").unwrap();
        }
        let refused = rate.check(&"one").unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        assert_eq!(refused.limit(), Some((Limit::DeviceRenewals, 2)));
        assert!(refused.retry_after.is_some());
        rate.check(&"other").unwrap();
    }
}
