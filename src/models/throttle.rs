//! Login attempts: their counters, the lockout after failures and the limit of successes.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{StoreId, UserId};

/// The key by which attempts are counted: a digest of an account's name or of an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct AttemptKey(Vec<u8>);

impl AttemptKey {
    /// A user, as entered in the login request.
    #[must_use]
    pub fn of_user(store_code: &str, username: &str) -> Self {
        Self::digest(b"user", &[store_code.as_bytes(), username.as_bytes()])
    }

    /// A table, as entered in the login request.
    #[must_use]
    pub fn of_table(store_code: &str, table_number: i64) -> Self {
        Self::digest(b"table", &[store_code.as_bytes(), &table_number.to_be_bytes()])
    }

    /// The current password of a logged-in user.
    #[must_use]
    pub fn of_current_password(store: StoreId, user: UserId) -> Self {
        Self::digest(b"login", &[&store.0.to_be_bytes(), &user.0.to_be_bytes()])
    }

    /// The set-up code, as entered from an address: guesses from one address must not lock out another.
    #[must_use]
    pub fn of_setup(address: IpAddr) -> Self {
        Self::digest(b"setup", &[network_of(address).to_string().as_bytes()])
    }

    /// An address. IPv6 addresses of one /64 share a key, since one client controls the whole /64.
    #[must_use]
    pub fn of_address(address: IpAddr) -> Self {
        Self::digest(b"address", &[network_of(address).to_string().as_bytes()])
    }

    fn digest(kind: &[u8], parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new_with_prefix(kind);
        for part in parts {
            // The length comes first, so that the boundary between two parts is unambiguous.
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().to_vec())
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The smallest network that an internet provider assigns to a customer: an IPv4 address or an IPv6 /64.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
    }
}

/// The attempts of one key.
#[derive(Debug, Clone)]
pub struct AttemptCounts {
    /// The failures since the last success, including attempts in progress.
    pub failures: i32,
    /// When the last attempt ended.
    pub last_at: DateTime<Utc>,
    /// The latest time at which the newest attempt in progress ends, if there is one.
    pub claimed_until: Option<DateTime<Utc>>,
    /// When the successful attempts would end if they came one after another at the permitted rate: the theoretical
    /// arrival time of [`SuccessLimit`].
    pub successes_until: DateTime<Utc>,
}

impl AttemptCounts {
    /// No attempts so far.
    #[must_use]
    pub fn none(now: DateTime<Utc>) -> Self {
        Self { failures: 0, last_at: now, claimed_until: None, successes_until: DateTime::UNIX_EPOCH }
    }
}

/// When failures cause a lockout, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct LockoutPolicy {
    /// The number of failures that causes the first lockout.
    pub failures_to_lockout: i32,
    /// The first lockout; each further failure doubles it.
    pub first: Duration,
    /// The longest lockout.
    pub longest: Duration,
}

impl LockoutPolicy {
    /// The end of the lockout; `None` if there are too few failures for one.
    #[must_use]
    pub fn locked_until(&self, counts: &AttemptCounts) -> Option<DateTime<Utc>> {
        let beyond = u32::try_from(counts.failures - self.failures_to_lockout).ok()?;
        let lockout = self.first.saturating_mul(2_u32.saturating_pow(beyond)).min(self.longest);
        counts.last_at.checked_add_signed(TimeDelta::from_std(lockout).ok()?)
    }
}

/// The rate limit of successful logins of one account: a burst, then the same number per hour, evenly spread (the
/// generic cell rate algorithm, GCRA).
#[derive(Debug, Clone, Copy)]
pub struct SuccessLimit {
    interval: TimeDelta,
}

impl SuccessLimit {
    const PERIOD: TimeDelta = TimeDelta::hours(1);

    /// A limit of `count` logins per hour.
    #[must_use]
    pub fn per_hour(count: i32) -> Self {
        Self { interval: Self::PERIOD / count.max(1) }
    }

    /// When the next login is allowed; `None` if it is allowed now.
    #[must_use]
    pub fn limited_until(&self, counts: &AttemptCounts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.after_success(counts, now) - Self::PERIOD;
        (until > now).then_some(until)
    }

    /// The new [`AttemptCounts::successes_until`] after one more success.
    #[must_use]
    pub fn after_success(&self, counts: &AttemptCounts, now: DateTime<Utc>) -> DateTime<Utc> {
        // The limit keeps this value within one period of the current time. A value far beyond that was written by an
        // instance whose clock was wrong.
        let is_wrong = counts.successes_until > now + Self::PERIOD * 2;
        let begins = if is_wrong { now } else { counts.successes_until.max(now) };
        begins + self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lockout_doubles_up_to_the_longest() {
        let policy =
            LockoutPolicy { failures_to_lockout: 5, first: Duration::from_secs(30), longest: Duration::from_mins(15) };
        let last_at = DateTime::UNIX_EPOCH;
        let lockout = |count| {
            let counts = AttemptCounts { failures: count, ..AttemptCounts::none(last_at) };
            policy.locked_until(&counts).map(|until| (until - last_at).num_seconds())
        };
        assert_eq!((lockout(0), lockout(4)), (None, None));
        assert_eq!((lockout(5), lockout(6), lockout(7)), (Some(30), Some(60), Some(120)));
        assert_eq!((lockout(10), lockout(i32::MAX)), (Some(900), Some(900)));
    }

    #[test]
    fn successes_are_limited_to_a_burst_and_then_an_even_rate() {
        let limit = SuccessLimit::per_hour(120);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut counts = AttemptCounts::none(now);
        for _ in 0..120 {
            assert_eq!(limit.limited_until(&counts, now), None);
            counts.successes_until = limit.after_success(&counts, now);
        }
        let next = now + TimeDelta::seconds(30);
        assert_eq!(limit.limited_until(&counts, now), Some(next));
        assert_eq!(limit.limited_until(&counts, next), None);
        counts.successes_until = limit.after_success(&counts, next);
        assert_eq!(limit.limited_until(&counts, next), Some(next + TimeDelta::seconds(30)));
    }

    #[test]
    fn a_success_counted_by_a_wrong_clock_does_not_lock_out() {
        let limit = SuccessLimit::per_hour(120);
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let counts = AttemptCounts { successes_until: now + TimeDelta::days(1), ..AttemptCounts::none(now) };
        assert_eq!(limit.limited_until(&counts, now), None);
        assert_eq!(limit.after_success(&counts, now), now + TimeDelta::seconds(30));
    }

    #[test]
    fn different_fields_have_different_keys() {
        let keys = [
            AttemptKey::of_user("ab", "c"),
            AttemptKey::of_user("a", "bc"),
            AttemptKey::of_table("ab", 1),
            AttemptKey::of_table("ab", 2),
            AttemptKey::of_current_password(StoreId(1), UserId(2)),
            AttemptKey::of_current_password(StoreId(2), UserId(1)),
            AttemptKey::of_address("192.0.2.1".parse().unwrap()),
            AttemptKey::of_address("2001:db8::1".parse().unwrap()),
            AttemptKey::of_setup("2001:db8::1".parse().unwrap()),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        let neighbour = AttemptKey::of_address("2001:db8::ffff:0:0:1".parse().unwrap());
        assert_eq!(neighbour, keys[7], "addresses of one /64 share a key");
    }
}
