//! The only ways to use a connection: [`Database::read`], [`Database::write`] and [`Database::transaction`].
//!
//! Each acquires a connection, sets a deadline, retries after a conflict, commits, and returns the connection. The work is
//! a closure, because it may run more than once. It returns a boxed future, so that the closure can borrow both the
//! connection and the caller's arguments (`|conn| async move { … }.scope_boxed()`).

use std::sync::Arc;
use std::time::Duration;

use scoped_futures::ScopedBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::connection::{Connection, LastStatement};
use super::retry::{is_conflict, pause_before_retry};
use super::{Database, pool, pool_error};
use crate::error::{AppError, ErrorCode, Result, is_read_only};
use crate::models::StoreId;

/// The number of attempts, if the work conflicts with another transaction.
const ATTEMPTS: u32 = 3;

/// How long a statement of a transaction waits for a row lock. Longer than PostgreSQL's `deadlock_timeout`, so that a
/// deadlock is detected and retried first.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The transactions of one store use at most this fraction (1/4) of the pool, so that a store whose rows are locked does
/// not use the connections of all others. Transactions without a store (logins) have the same share.
const STORE_SHARE: u32 = 4;

/// A statement had no answer within its timeout plus a margin for the network, so the connection is lost.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL did not answer in time; the connection was closed")]
struct DeadlineElapsed;

/// No connection was available, so no statement was sent to PostgreSQL.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NoConnection(sqlx::Error);

/// Whether the statements of a piece of work are one transaction.
#[derive(Debug, Clone, Copy)]
enum Commit {
    /// PostgreSQL commits each statement by itself.
    EachStatement,
    /// All statements are one transaction.
    Together,
}

impl Database {
    /// Runs statements that only read. Each sees its own snapshot. It does the same as [`write`](Self::write); the name
    /// states the intent.
    ///
    /// # Errors
    /// The errors of `work`; `SERVICE_UNAVAILABLE` if there is no connection, or no answer in time.
    pub async fn read<'a, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        self.run(Commit::EachStatement, Instant::now() + self.acquire_timeout(), work).await
    }

    /// Runs one statement that writes; PostgreSQL commits it by itself.
    ///
    /// # Errors
    /// The errors of `work`; `SERVICE_UNAVAILABLE` if there is no connection, or no answer in time.
    pub async fn write<'a, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        self.run(Commit::EachStatement, Instant::now() + self.acquire_timeout(), work).await
    }

    /// Runs `work` in a transaction on the rows of `store`, committed if it succeeds and rolled back if it fails.
    ///
    /// # Errors
    /// The errors of `work`; `SERVICE_UNAVAILABLE` if there is no connection, no answer in time, or a row stays locked. If
    /// the commit itself fails, the writes may or may not be committed.
    pub async fn transaction<'a, T, F>(&self, store: StoreId, work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        self.run_with_permit(Some(store), work).await
    }

    /// Like [`transaction`](Self::transaction), for rows that belong to no store, and for the creation of a store.
    pub async fn transaction_without_store<'a, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        self.run_with_permit(None, work).await
    }

    async fn run_with_permit<'a, T, F>(&self, store: Option<StoreId>, work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        let deadline = Instant::now() + self.acquire_timeout();
        let _permit = self.store_permit(store, deadline).await?;
        self.run(Commit::Together, deadline, work).await
    }

    async fn run<'a, T, F>(&self, commit: Commit, acquire_by: Instant, mut work: F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        let mut done = self.attempt(commit, acquire_by, &mut work).await;
        for _ in 1..ATTEMPTS {
            match done {
                Err(error) if is_conflict(&error) => pause_before_retry(&error).await,
                done => return done,
            }
            // A new deadline: the time until the conflict was not spent on waiting for a connection.
            done = self.attempt(commit, Instant::now() + self.acquire_timeout(), &mut work).await;
        }
        done
    }

    async fn attempt<'a, T, F>(&self, commit: Commit, acquire_by: Instant, work: &mut F) -> Result<T>
    where
        F: for<'c> FnMut(&'c mut Connection) -> ScopedBoxFuture<'a, 'c, Result<T>> + Send,
        T: Send,
    {
        let mut connection = self.acquire(acquire_by).await?;
        let (pool_closed, last_statement) = (connection.pool_closed(), connection.last_statement());
        let steps = async {
            if let Commit::Together = commit {
                connection.begin(LOCK_TIMEOUT).await?;
            }
            let result = work(&mut connection).await?;
            if let Commit::Together = commit {
                connection.commit().await?;
            }
            Ok(result)
        };
        let result: Result<T> = tokio::select! {
            // Check the result first: after a stall of the whole process, it may arrive together with the deadline.
            biased;
            result = steps => result,
            () = self.statement_deadline(&last_statement) => {
                connection.mark_broken();
                return Err(AppError::caused_by(ErrorCode::ServiceUnavailable, DeadlineElapsed));
            }
            () = pool_closed.cancelled() => return Err(pool_error(sqlx::Error::PoolClosed)),
        };
        match result.as_ref().err().and_then(AppError::database_cause) {
            // Errors from elsewhere leave no statement unfinished.
            None => {
                connection.mark_ready();
                self.note_answer();
            }
            Some(cause) if is_read_only(cause) => connection.mark_broken(),
            Some(_) => {}
        }
        result
    }

    /// Completes when a statement had no answer for longer than `answer_timeout`. PostgreSQL itself ends a statement after
    /// `statement_timeout`, so the connection was lost in the network.
    async fn statement_deadline(&self, last_statement: &LastStatement) {
        loop {
            let deadline = last_statement.sent_at() + self.answer_timeout();
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    async fn acquire(&self, acquire_by: Instant) -> Result<Connection> {
        let (pool, started) = (self.pool(), Instant::now());
        let result = pool.get(acquire_by).await;
        self.0.metrics.observe_wait(started.elapsed(), result.as_ref().is_err_and(pool::is_timeout));
        match result {
            Ok(pooled) => Ok(Connection::new(pooled, self.answer_timeout())),
            Err(sqlx::Error::PoolClosed) => Err(pool_error(sqlx::Error::PoolClosed)),
            Err(error) => Err(AppError::caused_by(ErrorCode::from(&error), NoConnection(error))),
        }
    }

    /// The permit for one more transaction of `store`; `None` stands for all transactions without a store.
    async fn store_permit(&self, store: Option<StoreId>, deadline: Instant) -> Result<OwnedSemaphorePermit> {
        let share = (self.0.config.max_connections / STORE_SHARE).max(1);
        let permits = self.0.store_permits.get_with(store, || Arc::new(Semaphore::new(share as usize)));
        let busy = || {
            AppError::caused_by(ErrorCode::ServiceUnavailable, "the store's other transactions did not finish in time")
        };
        timeout_at(deadline, permits.acquire_owned()).await.map_err(|_| busy())?.map_err(AppError::internal)
    }

    fn acquire_timeout(&self) -> Duration {
        self.0.config.acquire_timeout
    }

    /// Time limit for the answer to a statement.
    fn answer_timeout(&self) -> Duration {
        const NETWORK_MARGIN: Duration = Duration::from_secs(2);
        self.0.config.statement_timeout + NETWORK_MARGIN
    }
}
