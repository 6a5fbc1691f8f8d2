//! Guessing passwords is slow: failed logins are counted per account and per address, in the database, so that
//! every instance spends from one budget; beyond it nothing is hashed until a pause has passed, which grows.
//!
//! The count is of what was typed, whether it exists or not, so a pause tells nothing about accounts.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::LoginConfig;
use crate::database::{Connection, Database};
use crate::error::{AppError, ErrorCode, Result};
use crate::models::{FailureKey, LockoutPolicy};
use crate::repositories::throttle;

/// How long a pause is remembered without asking, so that whoever goes on knocking costs no query.
const REMEMBERED_FOR: Duration = Duration::from_secs(5);

/// Pauses remembered at most.
const CAPACITY: u64 = 10_000;

/// Without a further failure for this long, and at least twice the longest pause, all is forgotten.
const MEMORY: Duration = Duration::from_hours(1);

/// How often what is long past is looked for.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// How long the one attempt after a pause may take; should its instance die meanwhile, the next may try after that.
const TURN: TimeDelta = TimeDelta::seconds(5);

/// Rows forgotten at a time.
const BATCH: i64 = 1_000;

/// Slows down whoever guesses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LoginThrottle {
    database: Database,
    clock: Clock,
    account: LockoutPolicy,
    address: LockoutPolicy,
    memory: Duration,
    pauses: Cache<FailureKey, DateTime<Utc>>,
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
}

impl Outcome {
    fn label(self) -> [(&'static str, &'static str); 1] {
        let outcome = match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Paused => "paused",
        };
        [("outcome", outcome)]
    }
}

/// Who tries to log in: the account they name, and where they are.
#[derive(Debug, Clone)]
pub struct Knock {
    account: FailureKey,
    address: FailureKey,
}

impl Knock {
    /// `account`, tried from `address`.
    #[must_use]
    pub fn new(account: FailureKey, address: IpAddr) -> Self {
        Self { account, address: FailureKey::of_address(address) }
    }
}

/// A login that may be tried. It must be told how it went.
#[derive(Debug)]
#[must_use = "a failure that is not counted is free"]
pub struct Attempt {
    throttle: LoginThrottle,
    knock: Knock,
    /// After a pause only one may try at a time, whichever instance it asks: whose turn was taken.
    claimed: Vec<FailureKey>,
    has_failures: bool,
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
            memory: MEMORY.max(config.longest_lockout * 2),
            pauses: Cache::builder().time_to_live(REMEMBERED_FOR).max_capacity(CAPACITY).build(),
            attempts: Family::default(),
        }
    }

    /// Adds what is counted here to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        for outcome in [Outcome::Succeeded, Outcome::Failed, Outcome::Paused] {
            // There from the start, so that the first failure is seen as a rise.
            let _ = self.attempts.get_or_create(&outcome.label());
        }
        let help = "Passwords that were tried, and attempts that were refused after too many failures";
        registry.register("login_attempts", help, self.attempts.clone());
    }

    fn count(&self, outcome: Outcome) {
        self.attempts.get_or_create(&outcome.label()).inc();
    }

    /// The refusal of an attempt before `until`.
    fn paused(&self, until: DateTime<Utc>, now: DateTime<Utc>) -> AppError {
        self.count(Outcome::Paused);
        wait(until, now)
    }

    /// Refuses who is known to have to wait, at the cost of nothing.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub fn look(&self, knock: &Knock) -> Result<()> {
        let now = self.clock.now();
        let pause = [&knock.account, &knock.address].into_iter().filter_map(|key| self.pauses.get(key)).max();
        pause.filter(|until| *until > now).map_or(Ok(()), |until| Err(self.paused(until, now)))
    }

    /// Lets an attempt through, or says how long to wait.
    ///
    /// # Errors
    /// `TOO_MANY_REQUESTS`, with the time to wait.
    pub async fn admit(&self, knock: Knock) -> Result<Attempt> {
        let mut connection = self.database.acquire().await?;
        let known = throttle::find(connection.conn(), &[knock.account.clone(), knock.address.clone()]).await?;
        let now = self.clock.now();
        let known = |key: &FailureKey| known.iter().find(|one| one.key == *key && one.last_at >= self.forgotten(now));
        let both = [(known(&knock.account), self.account), (known(&knock.address), self.address)];

        let pauses = both.iter().filter_map(|(failures, policy)| {
            let failures = (*failures)?;
            Some((failures, policy.locked_until(failures)?))
        });
        let pauses: Vec<_> = pauses.collect();
        if let Some((failures, until)) = pauses.iter().max_by_key(|(_, until)| *until).filter(|(_, until)| *until > now)
        {
            self.pauses.insert(failures.key.clone(), *until);
            return Err(self.paused(*until, now));
        }
        let mut claimed = Vec::new();
        for (failures, _) in &pauses {
            if !throttle::claim(connection.conn(), failures, now, now + TURN).await? {
                release(&mut connection, &claimed).await?;
                self.count(Outcome::Paused);
                // Theirs is the one attempt after the pause; it is over in a moment.
                return Err(ErrorCode::TooManyRequests.into());
            }
            claimed.push(failures.key.clone());
        }
        connection.done();
        let has_failures = both.iter().any(|(failures, _)| failures.is_some());
        Ok(Attempt { throttle: self.clone(), knock, claimed, has_failures })
    }

    /// The account has a new password: what was guessed of the old one keeps nobody waiting any more. Should that
    /// not be possible now, the pause ends by itself.
    pub async fn end_pauses(&self, accounts: &[FailureKey]) {
        for account in accounts {
            self.pauses.invalidate(account);
            let ended = async { throttle::reset(self.database.acquire().await?.conn(), account).await };
            if let Err(error) = ended.await {
                tracing::warn!(%error, "a pause of logins could not be ended");
            }
        }
    }

    /// Forgets what is long past, now and every hour, until `closing`.
    pub async fn keep_tidy(self, closing: CancellationToken) {
        loop {
            match self.forget_old().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, cause = error.cause, "old failed logins could not be forgotten; trying again");
                }
            }
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(TIDY_EVERY) => {}
            }
        }
    }

    async fn forget_old(&self) -> Result<u64> {
        let before = self.forgotten(self.clock.now());
        throttle::forget(self.database.acquire().await?.conn(), before, BATCH).await
    }

    fn forgotten(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::from_std(self.memory).unwrap_or(TimeDelta::MAX)
    }
}

impl Attempt {
    /// The password was wrong: both counts grow, the same way whether the account exists or not.
    ///
    /// # Errors
    /// Of the database.
    pub async fn failed(self) -> Result<()> {
        self.throttle.count(Outcome::Failed);
        let now = self.throttle.clock.now();
        let forgotten = self.throttle.forgotten(now);
        let mut connection = self.throttle.database.acquire().await?;
        for key in [&self.knock.account, &self.knock.address] {
            throttle::add(connection.conn(), key, now, forgotten).await?;
        }
        Ok(())
    }

    /// The password was right: the account's failures are forgotten, and the address is forgiven for these and no
    /// others, so that one good account buys no guesses at another.
    ///
    /// # Errors
    /// Of the database.
    pub async fn succeeded(self) -> Result<()> {
        self.throttle.count(Outcome::Succeeded);
        if !self.has_failures {
            return Ok(());
        }
        let mut connection = self.throttle.database.acquire().await?;
        release(&mut connection, &self.claimed).await?;
        self.throttle.pauses.invalidate(&self.knock.account);
        // What others took back already is taken back once.
        let forgotten = throttle::reset(connection.conn(), &self.knock.account).await?;
        if forgotten > 0 {
            throttle::forgive(connection.conn(), &self.knock.address, forgotten).await?;
        }
        Ok(())
    }
}

async fn release(connection: &mut Connection, keys: &[FailureKey]) -> Result<()> {
    for key in keys {
        throttle::release(connection.conn(), key).await?;
    }
    Ok(())
}

fn wait(until: DateTime<Utc>, now: DateTime<Utc>) -> AppError {
    // To the next whole second: a client that waits as told must not be early.
    let left = (until - now).to_std().unwrap_or_default() + Duration::from_millis(999);
    AppError { retry_after: Some(left), ..ErrorCode::TooManyRequests.into() }
}
