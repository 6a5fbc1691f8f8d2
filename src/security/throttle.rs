//! The login throttle: limits how fast passwords can be guessed. Failed logins are counted per account and per address, in
//! the database, so that all instances share one budget. Above the budget, a lockout starts, which doubles with each
//! further failure; during a lockout no password is hashed.
//!
//! An attempt is counted as a failure before its password is hashed, and subtracted when it succeeds, so that concurrent
//! attempts cannot exceed the budget. Attempts are counted for any account name, whether it exists or not, so a lockout
//! does not reveal which accounts exist.
//!
//! Successful logins of one account are limited as well, also before hashing. Only successful logins count against this
//! limit, so it cannot be used up without the password. The wait between two of them is short, like a first lockout.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use scoped_futures::ScopedFutureExt;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::config::LoginConfig;
use crate::database::{Database, retention};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{AttemptCounts, AttemptKey, LockoutPolicy, SuccessLimit};
use crate::repositories::throttle;

/// How long a lockout is cached, so that further attempts need no query.
const LOCKOUT_CACHE_TTL: Duration = Duration::from_secs(5);

/// The number of cached lockouts.
const CAPACITY: u64 = 10_000;

/// Failures are deleted when there was no further one for this time, or for twice the longest lockout if that is longer.
const RETENTION: Duration = Duration::from_hours(1);

/// How long an attempt counts as in progress. If its instance dies, the next attempt can begin after this time.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

/// How long an attempt waits for others in progress.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The backoff, in milliseconds, of an attempt that waits for others in progress. It doubles from the first value to the
/// second, with jitter.
const FIRST_BACKOFF_MS: u64 = 25;
const MAX_BACKOFF_MS: u64 = 400;

/// Limits login attempts. Clones share the cache.
#[derive(Debug, Clone)]
pub struct LoginThrottle {
    database: Database,
    clock: Clock,
    account: LockoutPolicy,
    address: LockoutPolicy,
    successes: SuccessLimit,
    retention: Duration,
    lockouts: Cache<AttemptKey, Lockout>,
    attempts: Family<[(&'static str, &'static str); 1], Counter>,
}

/// The outcome of a login attempt.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The password was right.
    Succeeded,
    /// The password was wrong, or the account does not exist.
    Failed,
    /// Refused during a lockout, without a check of the password.
    LockedOut,
    /// Refused because of too many successful logins.
    Limited,
}

impl Outcome {
    fn label(self) -> [(&'static str, &'static str); 1] {
        let outcome = match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::LockedOut => "locked_out",
            Self::Limited => "limited",
        };
        [("outcome", outcome)]
    }
}

/// The end of a lockout, and the outcome of the attempts that it refuses.
#[derive(Debug, Clone, Copy)]
struct Lockout {
    until: DateTime<Utc>,
    outcome: Outcome,
}

/// The keys that a login attempt is counted under: its account and its address.
#[derive(Debug, Clone)]
pub struct AttemptKeys {
    account: AttemptKey,
    address: AttemptKey,
}

impl AttemptKeys {
    /// An attempt for `account` from `address`.
    #[must_use]
    pub fn new(account: AttemptKey, address: IpAddr) -> Self {
        Self { account, address: AttemptKey::of_address(address) }
    }
}

/// A login attempt that was counted and may continue. It ends with [`failed`](Self::failed) or
/// [`succeeded`](Self::succeeded); an attempt that is dropped remains counted as a failure.
#[derive(Debug)]
#[must_use = "the attempt counts as a failure until it has succeeded"]
pub struct Attempt {
    throttle: LoginThrottle,
    key: AttemptKeys,
    claimed_until: DateTime<Utc>,
}

/// Whether an attempt may begin.
enum Admission {
    /// It was counted, and is in progress until `claimed_until` at the latest.
    Admitted { claimed_until: DateTime<Utc> },
    /// Too many attempts have failed or succeeded.
    Locked { key: AttemptKey, lockout: Lockout },
    /// Attempts in progress use up the budget.
    Busy,
}

impl LoginThrottle {
    /// A throttle that counts in `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, config: &LoginConfig) -> Self {
        let policy = |failures_to_lockout| LockoutPolicy {
            failures_to_lockout,
            first: config.first_lockout,
            longest: config.longest_lockout,
        };
        Self {
            database,
            clock,
            account: policy(config.failures_per_account),
            address: policy(config.failures_per_address),
            successes: SuccessLimit::per_hour(config.successes_per_account),
            retention: RETENTION.max(config.longest_lockout * 2),
            lockouts: Cache::builder().time_to_live(LOCKOUT_CACHE_TTL).max_capacity(CAPACITY).build(),
            attempts: Family::default(),
        }
    }

    /// Adds the metric of login attempts to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::LockedOut, Outcome::Limited] {
            // Create all series at the start, so that `rate()` includes the first failure.
            let _ = self.attempts.get_or_create(&outcome.label());
        }
        let help = "Login attempts, including those refused after too many failures or logins";
        registry.register("login_attempts", help, self.attempts.clone());
    }

    fn count(&self, outcome: Outcome) {
        self.attempts.get_or_create(&outcome.label()).inc();
    }

    /// The error for an attempt during `lockout`.
    fn refusal(&self, lockout: Lockout, now: DateTime<Utc>) -> AppError {
        self.count(lockout.outcome);
        // Round up to the next second, so that a client that waits for `Retry-After` is not too early.
        let left = (lockout.until - now).to_std().unwrap_or_default() + Duration::from_millis(999);
        AppError { retry_after: Some(left), ..ErrorCode::TooManyRequests.into() }
    }

    /// Refuses an attempt during a cached lockout, without a query.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub fn check_cached(&self, key: &AttemptKeys) -> Result<()> {
        let now = self.clock.now();
        let lockouts = [&key.account, &key.address].into_iter().filter_map(|key| self.lockouts.get(key));
        let longest = lockouts.filter(|lockout| lockout.until > now).max_by_key(|lockout| lockout.until);
        longest.map_or(Ok(()), |lockout| Err(self.refusal(lockout, now)))
    }

    /// Counts an attempt and admits it. If attempts in progress use up the budget, waits for them.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub async fn begin_attempt(&self, key: AttemptKeys) -> Result<Attempt> {
        let wait_until = Instant::now() + MAX_WAIT;
        let mut backoff = FIRST_BACKOFF_MS;
        loop {
            let now = self.clock.now();
            match self.admit(&key, now).await? {
                Admission::Admitted { claimed_until } => {
                    return Ok(Attempt { throttle: self.clone(), key, claimed_until });
                }
                Admission::Locked { key, lockout } => {
                    self.lockouts.insert(key, lockout);
                    return Err(self.refusal(lockout, now));
                }
                Admission::Busy if Instant::now() < wait_until => {
                    sleep(Duration::from_millis(rand::random_range(backoff / 2..=backoff))).await;
                    backoff = MAX_BACKOFF_MS.min(backoff * 2);
                }
                Admission::Busy => {
                    self.count(Outcome::LockedOut);
                    return Err(ErrorCode::TooManyRequests.into());
                }
            }
        }
    }

    /// Decides in one transaction by the counts of the account and of the address, the first line that applies:
    ///
    /// | counts | result |
    /// |---|---|
    /// | the account has too many successes | `Locked`, `Outcome::Limited` |
    /// | a key has enough failures for a lockout, and an attempt in progress that may still succeed | `Busy` |
    /// | a key has enough failures, and its lockout has not ended | `Locked`, `Outcome::LockedOut` |
    /// | other | `Admitted`, counted as a failure of both keys |
    async fn admit(&self, key: &AttemptKeys, now: DateTime<Utc>) -> Result<Admission> {
        let claimed_until = now + ATTEMPT_TIME;
        let expired_before = self.expired_before(now);
        let admit = self.database.transaction_without_store(|tx| {
            async move {
                let keys = [&key.account, &key.address];
                let mut counted = Vec::with_capacity(keys.len());
                let mut is_busy = false;
                let mut lockouts = Vec::new();
                for (key, policy) in keys.into_iter().zip([self.account, self.address]) {
                    let mut counts = throttle::lock(tx, key, now).await?;
                    if counts.last_at < expired_before {
                        counts = AttemptCounts::none(now);
                    }
                    if let Some(until) = self.successes.limited_until(&counts, now) {
                        let lockout = Lockout { until, outcome: Outcome::Limited };
                        return Ok(Admission::Locked { key: key.clone(), lockout });
                    }
                    if let Some(until) = policy.locked_until(&counts) {
                        // Ignore a claim far beyond the time of an attempt: the clock of its instance is wrong.
                        let is_claimed = |until: DateTime<Utc>| until > now && until < claimed_until + ATTEMPT_TIME;
                        is_busy |= counts.claimed_until.is_some_and(is_claimed);
                        if until > now {
                            lockouts.push((key, until));
                        }
                    }
                    counts.failures = counts.failures.saturating_add(1);
                    counts.claimed_until = Some(claimed_until);
                    counted.push((key, counts));
                }
                if is_busy {
                    return Ok(Admission::Busy);
                }
                if let Some((key, until)) = lockouts.into_iter().max_by_key(|(_, until)| *until) {
                    let lockout = Lockout { until, outcome: Outcome::LockedOut };
                    return Ok(Admission::Locked { key: key.clone(), lockout });
                }
                for (key, counts) in counted {
                    throttle::update(tx, key, &counts).await?;
                }
                Ok(Admission::Admitted { claimed_until })
            }
            .scope_boxed()
        });
        admit.await
    }

    /// Deletes the attempts of accounts that have a new password. If that fails, their lockouts end by themselves.
    pub async fn clear_lockouts(&self, accounts: &[AttemptKey]) {
        for account in accounts {
            self.lockouts.invalidate(account);
            let cleared = self.database.write(|conn| throttle::reset(conn, account).scope_boxed());
            if let Err(error) = cleared.await {
                tracing::warn!(%error, "a login lockout could not be cleared; it will expire");
            }
        }
    }

    /// Deletes old attempts now and every hour; never returns.
    pub async fn run_cleanup(&self) {
        retention::run("login attempts", || self.delete_old()).await;
    }

    async fn delete_old(&self) -> Result<u64> {
        let before = self.expired_before(self.clock.now());
        let delete = || self.database.write(|conn| throttle::delete_old(conn, before, retention::BATCH).scope_boxed());
        retention::in_batches(delete).await
    }

    fn expired_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::from_std(self.retention).unwrap_or(TimeDelta::MAX)
    }
}

impl Attempt {
    /// Ends an attempt with a wrong password. Both keys are already counted, whether the account exists or not.
    pub async fn failed(self) -> Result<()> {
        self.throttle.count(Outcome::Failed);
        let Self { throttle: LoginThrottle { database, clock, .. }, key, claimed_until } = &self;
        let now = clock.now();
        // A separate statement for each, so that no attempt holds the lock of one key while it waits for the other.
        for key in [&key.account, &key.address] {
            database.write(|conn| throttle::fail(conn, key, now, *claimed_until).scope_boxed()).await?;
        }
        Ok(())
    }

    /// Ends an attempt with the right password: resets the account's failures, and subtracts the same number from the
    /// address. Failures of other accounts still count, so one valid login does not reset the address.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if other logins of the account reached the limit while this one was in progress.
    pub async fn succeeded(self) -> Result<()> {
        let Self { throttle, key, claimed_until } = &self;
        for key in [&key.account, &key.address] {
            throttle.lockouts.invalidate(key);
        }
        let now = throttle.clock.now();
        let settle = throttle.database.transaction_without_store(|tx| {
            async move {
                let counts = throttle::lock(tx, &key.account, now).await?;
                let limited_until = throttle.successes.limited_until(&counts, now);
                let successes_until = match limited_until {
                    Some(_) => counts.successes_until,
                    None => throttle.successes.after_success(&counts, now),
                };
                let settled = AttemptCounts { successes_until, ..AttemptCounts::none(now) };
                throttle::update(tx, &key.account, &settled).await?;
                throttle::decrement(tx, &key.address, counts.failures, *claimed_until).await?;
                Ok(limited_until)
            }
            .scope_boxed()
        });
        if let Some(until) = settle.await? {
            return Err(throttle.refusal(Lockout { until, outcome: Outcome::Limited }, now));
        }
        throttle.count(Outcome::Succeeded);
        Ok(())
    }
}
