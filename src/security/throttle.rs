//! Guessing passwords is slow: attempts to log in are counted per account and per address, in the database, so that
//! all instances share one budget; beyond it nothing is hashed until a pause has passed, which grows.
//!
//! An attempt is counted as a failure before its password is hashed, and taken back when it succeeds, so that attempts
//! made at the same moment cannot exceed the budget. The count is of what was typed, whether such an account exists or
//! not, so a pause reveals nothing about accounts.
//!
//! Successful logins of one account are limited as well, also before anything is hashed. Only they count against that
//! limit, so nobody without the password can use it up. The pause between two of them is short, like a first lockout.

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
use crate::models::{AttemptCounts, FailureKey, LockoutPolicy, SuccessLimit};
use crate::repositories::throttle;

/// How long a pause is remembered without asking, so that further attempts write nothing.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Pauses remembered at most.
const CAPACITY: u64 = 10_000;

/// Without a further failure for this long, and at least twice the longest pause, all is forgotten.
const MEMORY: Duration = Duration::from_hours(1);

/// How long an attempt counts as under way; should its instance die meanwhile, the next may begin after that.
const ATTEMPT_TIME: Duration = Duration::from_secs(30);

/// How long an attempt waits for others under way.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// The first pause, in milliseconds, before an attempt that waits for others under way asks again, and the longest: each
/// is twice the one before, with a random part so that they do not all ask at once.
const FIRST_PAUSE_MS: u64 = 25;
const LONGEST_PAUSE_MS: u64 = 400;

/// Limits how often passwords can be tried.
#[derive(Debug, Clone)]
pub struct LoginThrottle {
    database: Database,
    clock: Clock,
    account: LockoutPolicy,
    address: LockoutPolicy,
    successes: SuccessLimit,
    memory: Duration,
    lockouts: Cache<FailureKey, Lockout>,
    attempts: Family<[(&'static str, &'static str); 1], Counter>,
}

/// How an attempt to log in went.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// With the right password.
    Succeeded,
    /// With a wrong one, or for an account that does not exist.
    Failed,
    /// It was not even tried: too many failed before.
    Paused,
    /// It was refused: too many succeeded before.
    Limited,
}

impl Outcome {
    fn label(self) -> [(&'static str, &'static str); 1] {
        let outcome = match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Limited => "limited",
        };
        [("outcome", outcome)]
    }
}

/// Until when attempts are refused, and what each of them counts as.
#[derive(Debug, Clone, Copy)]
struct Lockout {
    until: DateTime<Utc>,
    outcome: Outcome,
}

/// The keys that a login attempt is counted under: the account it names and the address it comes from.
#[derive(Debug, Clone)]
pub struct LoginAttemptKey {
    account: FailureKey,
    address: FailureKey,
}

impl LoginAttemptKey {
    /// `account`, tried from `address`.
    #[must_use]
    pub fn new(account: FailureKey, address: IpAddr) -> Self {
        Self { account, address: FailureKey::of_address(address) }
    }
}

/// An attempt to log in that was let through and counted. It ends as [`failed`](Self::failed) or
/// [`succeeded`](Self::succeeded); one that is dropped stays counted.
#[derive(Debug)]
#[must_use = "the attempt counts as a failure until it has succeeded"]
pub struct Attempt {
    throttle: LoginThrottle,
    key: LoginAttemptKey,
    claimed_until: DateTime<Utc>,
}

/// Whether an attempt may begin.
enum Admission {
    /// It was counted, and is under way until then at the latest.
    Admitted { claimed_until: DateTime<Utc> },
    /// Too many have failed or succeeded.
    Locked { key: FailureKey, lockout: Lockout },
    /// The budget is used up by attempts under way.
    Busy,
}

impl LoginThrottle {
    /// A throttle that counts in `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, config: &LoginConfig) -> Self {
        let policy = |free_failures| LockoutPolicy {
            free_failures,
            first: config.first_lockout,
            longest: config.longest_lockout,
        };
        Self {
            database,
            clock,
            account: policy(config.failures_per_account),
            address: policy(config.failures_per_address),
            successes: SuccessLimit::per_hour(config.successes_per_account),
            memory: MEMORY.max(config.longest_lockout * 2),
            lockouts: Cache::builder().time_to_live(REMEMBERED_FOR).max_capacity(CAPACITY).build(),
            attempts: Family::default(),
        }
    }

    /// Adds what is counted here to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::Paused, Outcome::Limited] {
            // There from the start, so that the first failure is seen as a rise.
            let _ = self.attempts.get_or_create(&outcome.label());
        }
        let help = "Passwords that were tried, and attempts that were refused after too many failures or logins";
        registry.register("login_attempts", help, self.attempts.clone());
    }

    fn count(&self, outcome: Outcome) {
        self.attempts.get_or_create(&outcome.label()).inc();
    }

    /// The refusal of an attempt during `lockout`.
    fn refusal(&self, lockout: Lockout, now: DateTime<Utc>) -> AppError {
        self.count(lockout.outcome);
        // To the next whole second: a client that waits as told must not be early.
        let left = (lockout.until - now).to_std().unwrap_or_default() + Duration::from_millis(999);
        AppError { retry_after: Some(left), ..ErrorCode::TooManyRequests.into() }
    }

    /// Refuses an attempt that is known to have to wait, without asking the database.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub fn check_cached(&self, key: &LoginAttemptKey) -> Result<()> {
        let now = self.clock.now();
        let lockouts = [&key.account, &key.address].into_iter().filter_map(|key| self.lockouts.get(key));
        let longest = lockouts.filter(|lockout| lockout.until > now).max_by_key(|lockout| lockout.until);
        longest.map_or(Ok(()), |lockout| Err(self.refusal(lockout, now)))
    }

    /// Counts an attempt and lets it through. Where the budget is used up by attempts under way, waits for them.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub async fn begin_attempt(&self, key: LoginAttemptKey) -> Result<Attempt> {
        let wait_until = Instant::now() + MAX_WAIT;
        let mut pause = FIRST_PAUSE_MS;
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
                    sleep(Duration::from_millis(rand::random_range(pause / 2..=pause))).await;
                    pause = LONGEST_PAUSE_MS.min(pause * 2);
                }
                Admission::Busy => {
                    self.count(Outcome::Paused);
                    return Err(ErrorCode::TooManyRequests.into());
                }
            }
        }
    }

    async fn admit(&self, key: &LoginAttemptKey, now: DateTime<Utc>) -> Result<Admission> {
        let claimed_until = now + ATTEMPT_TIME;
        let forget_before = self.forget_before(now);
        let admit = self.database.transaction_without_store(|tx| {
            async move {
                let keys = [&key.account, &key.address];
                let mut counted = Vec::with_capacity(keys.len());
                let mut is_busy = false;
                let mut lockouts = Vec::new();
                for (key, policy) in keys.into_iter().zip([self.account, self.address]) {
                    let mut counts = throttle::lock(tx, key, now).await?;
                    if counts.last_at < forget_before {
                        counts = AttemptCounts::none(now);
                    }
                    if let Some(until) = self.successes.limited_until(&counts, now) {
                        let lockout = Lockout { until, outcome: Outcome::Limited };
                        return Ok(Admission::Locked { key: key.clone(), lockout });
                    }
                    if let Some(until) = policy.locked_until(&counts) {
                        // A claim far beyond the time of an attempt was made by an instance whose clock is wrong.
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
                    let lockout = Lockout { until, outcome: Outcome::Paused };
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

    /// Forgets the attempts at accounts that have a new password. Where that is not possible now, their pauses end by
    /// themselves.
    pub async fn clear_lockouts(&self, accounts: &[FailureKey]) {
        for account in accounts {
            self.lockouts.invalidate(account);
            let cleared = self.database.write(|conn| throttle::reset(conn, account).scope_boxed());
            if let Err(error) = cleared.await {
                tracing::warn!(%error, "a pause of logins could not be ended");
            }
        }
    }

    /// Deletes old attempts now and every hour; it does not end.
    pub async fn run_cleanup(&self) {
        retention::run("login attempts", || self.forget_old()).await;
    }

    async fn forget_old(&self) -> Result<u64> {
        let before = self.forget_before(self.clock.now());
        let forget = || self.database.write(|conn| throttle::forget(conn, before, retention::BATCH).scope_boxed());
        retention::in_batches(forget).await
    }

    fn forget_before(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::from_std(self.memory).unwrap_or(TimeDelta::MAX)
    }
}

impl Attempt {
    /// The password was wrong. Both keys were counted already, the same way whether the account exists or not.
    pub async fn failed(self) -> Result<()> {
        self.throttle.count(Outcome::Failed);
        let Self { throttle: LoginThrottle { database, clock, .. }, key, claimed_until } = &self;
        let now = clock.now();
        // Each in a statement of its own, so that no attempt holds one key and waits for the other.
        for key in [&key.account, &key.address] {
            database.write(|conn| throttle::fail(conn, key, now, *claimed_until).scope_boxed()).await?;
        }
        Ok(())
    }

    /// The password was right: forgets the account's failures and takes the same number back from the address. Failures
    /// of other accounts still count, so one valid login does not reset the address.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS` if other logins of the account reached the limit while this one was under way.
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
                throttle::forgive(tx, &key.address, counts.failures, *claimed_until).await?;
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
