//! The rate limit of each client address.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{AppError, ErrorCode, Result};
use crate::models::network_of;

/// The burst: this many seconds' worth of requests at once.
const BURST_SECONDS: u32 = 5;

/// After this many requests, idle addresses are removed.
const CLEAN_UP_EVERY: u32 = 10_000;

/// Limits the requests of each address.
#[derive(Debug)]
pub struct RateLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    since_clean_up: AtomicU32,
}

impl RateLimit {
    /// Allows each address `per_second` requests, and five times as many at once.
    #[must_use]
    pub fn new(per_second: NonZero<u32>) -> Self {
        let burst = NonZero::new(per_second.get().saturating_mul(BURST_SECONDS)).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { limiter: RateLimiter::keyed(quota), since_clean_up: AtomicU32::new(0) }
    }

    /// Counts a request of `client`.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`.
    pub fn check(&self, client: IpAddr) -> Result<()> {
        if self.since_clean_up.fetch_add(1, Ordering::Relaxed) >= CLEAN_UP_EVERY {
            self.since_clean_up.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&network_of(client)).map_err(|until| AppError {
            retry_after: Some(until.wait_time_from(DefaultClock::default().now())),
            ..ErrorCode::TooManyRequests.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_a_budget_of_its_own() {
        let rate = RateLimit::new(NonZero::new(2).unwrap());
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
        for _ in 0..10 {
            rate.check(one).unwrap();
        }
        let refused = rate.check(one).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooManyRequests);
        assert!(refused.retry_after.is_some());
        rate.check(other).unwrap();
    }
}
