//! A connection borrowed from the pool, and how it is given back.
//!
//! A request may be cancelled in the middle of a statement. The rest of the answer is then still on its way, and the
//! next borrower would read it. So a connection goes straight back to the pool only when its last statement is known to
//! have ended; otherwise a background task first waits for PostgreSQL and rolls back what was begun.

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

/// A borrowed connection. Repositories take it as `&mut PgConnection`; each time, the log line of the request under way
/// counts one query.
#[derive(Debug)]
pub struct Connection {
    /// `None` once it was given back.
    pooled: Option<PooledConnection>,
    state: State,
    last_statement: LastStatement,
    /// How long PostgreSQL may take to end a statement that was cancelled here.
    cleanup_timeout: Duration,
}

/// When the newest statement of a connection was sent.
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

/// What is known of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// PostgreSQL waits for the next statement.
    Ready,
    /// A statement was sent, and its end was not seen.
    InStatement,
    /// A transaction was begun, and its end was not seen.
    InTransaction,
    /// PostgreSQL stopped answering on it.
    Broken,
}

impl Connection {
    pub(super) fn new(pooled: PooledConnection, cleanup_timeout: Duration) -> Self {
        let last_statement = LastStatement(Arc::new(Mutex::new(Instant::now())));
        Self { pooled: Some(pooled), state: State::Ready, last_statement, cleanup_timeout }
    }

    /// Follows the statements of this connection.
    pub(super) fn last_statement(&self) -> LastStatement {
        self.last_statement.clone()
    }

    /// Cancelled when the pool that this connection belongs to is closed.
    pub(super) fn pool_closed(&self) -> CancellationToken {
        let pool = self.pooled.as_ref().and_then(Object::pool);
        pool.map_or_else(CancellationToken::new, |pool| pool.manager().closed.clone())
    }

    /// Begins a transaction in which no statement waits longer than `lock_timeout` for a row.
    pub(super) async fn begin(&mut self, lock_timeout: Duration) -> Result<()> {
        // Set first: if this is cancelled half-way, there may be a transaction.
        self.state = State::InTransaction;
        let begin = format!("BEGIN; SET LOCAL lock_timeout = {}", lock_timeout.as_millis());
        raw_sql(sqlx::AssertSqlSafe(begin)).execute(self.raw()).await?;
        Ok(())
    }

    /// Commits. On an error the writes may or may not have happened.
    pub(super) async fn commit(&mut self) -> Result<()> {
        raw_sql("COMMIT").execute(self.raw()).await?;
        self.state = State::Ready;
        Ok(())
    }

    /// Every statement outside a transaction has ended.
    pub(super) fn mark_ready(&mut self) {
        if self.state == State::InStatement {
            self.state = State::Ready;
        }
    }

    /// PostgreSQL stopped answering: the connection is closed instead of given back. So are the pool's idle ones, which
    /// go the same way through the network.
    pub(super) fn mark_broken(&mut self) {
        self.state = State::Broken;
        if let Some(pool) = self.pooled.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
    }

    fn raw(&mut self) -> &mut PgConnection {
        self.last_statement.sent();
        let Some(pooled) = &mut self.pooled else { unreachable!("only drop takes it") };
        pooled
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        let Some(pooled) = &self.pooled else { unreachable!("only drop takes it") };
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

/// Gives a connection back once PostgreSQL has ended its statement; closes it where that takes too long.
async fn clean_up(mut pooled: PooledConnection, state: State, cleanup_timeout: Duration) {
    let Some(pool) = Object::pool(&pooled) else { return };
    let cleaned = async {
        if state == State::InTransaction {
            raw_sql("ROLLBACK").execute(&mut *pooled).await.map(drop)
        } else {
            pooled.ping().await
        }
    };
    let cleaned = pool.manager().closed.run_until_cancelled(timeout(cleanup_timeout, cleaned)).await;
    if !matches!(cleaned, Some(Ok(Ok(())))) {
        drop(Object::take(pooled));
    }
}
