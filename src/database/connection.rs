//! A connection borrowed from the pool, and how it is returned.
//!
//! A request may be cancelled in the middle of a statement. PostgreSQL then still sends the rest of the result, and the
//! next user of the connection would read it. So a connection returns directly to the pool only if its last statement has
//! certainly ended. Otherwise a background task first waits for the end of the statement and rolls back an open
//! transaction.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::Object;
use sqlx::{Connection as _, PgConnection, raw_sql};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::pool::PooledConnection;
use crate::error::Result;
use crate::request_context::count_query;

/// A borrowed connection. Repositories take it as `&mut PgConnection`; each time, the query count in the request's log
/// line increases by one.
#[derive(Debug)]
pub struct Connection {
    /// `None` after it was returned.
    pooled: Option<PooledConnection>,
    state: State,
    last_statement: LastStatement,
    /// Time limit for the end of a statement whose request was cancelled.
    cleanup_timeout: Duration,
}

/// The time at which the latest statement on a connection was sent.
#[derive(Debug, Clone)]
pub(super) struct LastStatement(Arc<Mutex<Instant>>);

impl LastStatement {
    pub(super) fn sent_at(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// The state of a connection, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// PostgreSQL waits for the next statement.
    Ready,
    /// A statement was sent and may still be running.
    InStatement,
    /// A transaction was begun and may still be open.
    InTransaction,
    /// PostgreSQL does not answer on this connection, or refuses writes.
    Broken,
}

impl Connection {
    pub(super) fn new(pooled: PooledConnection, cleanup_timeout: Duration) -> Self {
        let last_statement = LastStatement(Arc::new(Mutex::new(Instant::now())));
        Self { pooled: Some(pooled), state: State::Ready, last_statement, cleanup_timeout }
    }

    /// Observes when statements are sent on this connection.
    pub(super) fn last_statement(&self) -> LastStatement {
        self.last_statement.clone()
    }

    /// Cancelled when the pool of this connection is closed.
    pub(super) fn pool_closed(&self) -> CancellationToken {
        let pool = self.pooled.as_ref().and_then(Object::pool);
        pool.map_or_else(CancellationToken::new, |pool| pool.manager().closed.clone())
    }

    /// Begins a transaction in which no statement waits longer than `lock_timeout` for a row lock.
    pub(super) async fn begin(&mut self, lock_timeout: Duration) -> Result<()> {
        // Set the state first: if this future is dropped, the transaction may already have begun.
        self.state = State::InTransaction;
        let begin = format!("BEGIN; SET LOCAL lock_timeout = {}", lock_timeout.as_millis());
        raw_sql(sqlx::AssertSqlSafe(begin)).execute(self.raw()).await?;
        Ok(())
    }

    /// Commits. After an error, the writes may or may not be committed.
    pub(super) async fn commit(&mut self) -> Result<()> {
        raw_sql("COMMIT").execute(self.raw()).await?;
        self.state = State::Ready;
        Ok(())
    }

    /// Call this when every statement outside a transaction has ended.
    pub(super) fn mark_ready(&mut self) {
        if self.state == State::InStatement {
            self.state = State::Ready;
        }
    }

    /// Call this when PostgreSQL does not answer or refuses writes. Closes this connection instead of returning it, and all
    /// connections that the pool opened before it, because they lead to the same node.
    pub(super) fn mark_broken(&mut self) {
        self.state = State::Broken;
        let Some(pooled) = &self.pooled else { return };
        if let Some(pool) = Object::pool(pooled) {
            pool.manager().retire(pooled);
            pool.retain(|idle, _| pool.manager().is_current(idle));
        }
    }

    fn raw(&mut self) -> &mut PgConnection {
        self.last_statement.sent();
        let Some(pooled) = &mut self.pooled else { unreachable!("only `drop` takes the connection out") };
        pooled
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        let Some(pooled) = &self.pooled else { unreachable!("only `drop` takes the connection out") };
        pooled
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        count_query();
        if self.state == State::Ready {
            self.state = State::InStatement;
        }
        self.raw()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take() else { return };
        match (self.state, Handle::try_current()) {
            (State::Ready, _) => drop(pooled),
            (state @ (State::InStatement | State::InTransaction), Ok(runtime)) => {
                drop(runtime.spawn(clean_up(pooled, state, self.cleanup_timeout)));
            }
            (State::Broken, _) | (_, Err(_)) => drop(Object::take(pooled)),
        }
    }
}

/// Returns a connection to the pool when its statement has ended, or closes it if that takes too long.
async fn clean_up(mut pooled: PooledConnection, state: State, cleanup_timeout: Duration) {
    let Some(pool) = Object::pool(&pooled) else { return };
    let cleaned = async {
        if state == State::InTransaction {
            raw_sql("ROLLBACK").execute(&mut **pooled).await.map(drop)
        } else {
            pooled.ping().await
        }
    };
    let cleaned = pool.manager().closed.run_until_cancelled(timeout(cleanup_timeout, cleaned)).await;
    if !matches!(cleaned, Some(Ok(Ok(())))) {
        drop(Object::take(pooled));
    }
}
