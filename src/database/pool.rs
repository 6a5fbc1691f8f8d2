//! The connection pool: deadpool, holding sqlx connections.
//!
//! sqlx's own pool pings every connection that is returned, which costs an extra round trip per request. This pool checks
//! only connections in an unknown state (see [`super::connection`]).

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    self, Manager, Metrics, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts,
};
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::writable;
use crate::config::DatabaseConfig;
use crate::error::is_read_only;

/// A connection that was idle for longer than this is checked before it is borrowed.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// A connection above the minimum is closed after it was idle for this time.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

/// While PostgreSQL refuses new connections, the backoff between attempts doubles from the first value to the second.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_millis(400);

/// Time limits for opening a connection, and for the check before it is borrowed.
const TIMEOUTS: Timeouts =
    Timeouts { wait: None, create: Some(Duration::from_secs(5)), recycle: Some(Duration::from_secs(1)) };

/// Time limit for closing a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The interval at which a closing pool checks whether all connections were returned.
const CLOSE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The lifetime of a connection is randomly shorter than the maximum, by up to this share, so that connections that were
/// opened together do not expire together.
const LIFETIME_JITTER: f64 = 0.1;

/// A connection borrowed from the pool. Dropping it returns it without a check.
pub(super) type PooledConnection = managed::Object<PgManager>;

/// A pool of connections to one PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    inner: managed::Pool<PgManager>,
    min_size: usize,
}

/// Opens connections, and checks them before they are borrowed.
pub(super) struct PgManager {
    options: Arc<PgConnectOptions>,
    max_lifetime: Duration,
    /// Connections of an older generation are closed instead of borrowed.
    generation: AtomicU64,
    /// Whether, since the watchdog's last check, connections were lost or led to a node that refuses writes.
    is_connection_lost: AtomicBool,
    /// Cancelled when the pool is closed, which ends all work on its connections.
    pub(super) closed: CancellationToken,
}

/// An open connection, its generation, and the time after which maintenance replaces it.
pub(super) struct ExpiringConnection {
    connection: PgConnection,
    generation: u64,
    expires_at: Instant,
}

impl ExpiringConnection {
    fn is_expired(&self) -> bool {
        Instant::now() >= self.expires_at
    }
}

impl fmt::Debug for ExpiringConnection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("ExpiringConnection").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Deref for ExpiringConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for ExpiringConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Without the options, which contain the password.
impl fmt::Debug for PgManager {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("PgManager").finish_non_exhaustive()
    }
}

impl Manager for PgManager {
    type Type = ExpiringConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<ExpiringConnection> {
        // Read the generation before connecting: a connection that is opened while others are retired is retired, too.
        let generation = self.generation.load(Ordering::Acquire);
        // Boxed because the future is large and rarely needed.
        let connection = self.unless_closed(Box::pin(writable::connect(&self.options))).await;
        if connection.as_ref().is_err_and(is_read_only) {
            self.is_connection_lost.store(true, Ordering::Relaxed);
        }
        let lifetime = self.max_lifetime.mul_f64(1.0 - LIFETIME_JITTER * rand::random::<f64>());
        Ok(ExpiringConnection { connection: connection?, generation, expires_at: Instant::now() + lifetime })
    }

    async fn recycle(&self, connection: &mut ExpiringConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if !self.is_current(connection) {
            return Err(RecycleError::message("the connection was lost, or leads to a node that refuses writes"));
        }
        if metrics.last_used() > CHECK_AFTER {
            self.unless_closed(Box::pin(writable::check(connection))).await?;
        }
        Ok(())
    }
}

impl PgManager {
    /// Retires this connection and all that are as old or older: they are closed instead of borrowed.
    pub(super) fn retire(&self, connection: &ExpiringConnection) {
        let (retired, next) = (connection.generation, connection.generation + 1);
        // If the exchange fails, they are already retired.
        let _ = self.generation.compare_exchange(retired, next, Ordering::AcqRel, Ordering::Relaxed);
        self.is_connection_lost.store(true, Ordering::Relaxed);
    }

    /// Whether this connection may be borrowed.
    pub(super) fn is_current(&self, connection: &ExpiringConnection) -> bool {
        connection.generation == self.generation.load(Ordering::Acquire)
    }

    /// Runs `work`, and returns `PoolClosed` as soon as the pool is closed.
    async fn unless_closed<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
        self.closed.run_until_cancelled(work).await.unwrap_or(Err(sqlx::Error::PoolClosed))
    }
}

impl Pool {
    /// A pool without connections yet. A background task opens and replaces connections until the pool is closed or
    /// dropped. Cancelling `closed` ends all work on the pool's connections.
    pub(super) fn open(options: PgConnectOptions, config: &DatabaseConfig, closed: CancellationToken) -> Self {
        let pool = Self::new_unmaintained(options, config, closed);
        let (inner, min_size) = (pool.inner.weak(), pool.min_size);
        let (closed, interval) = (pool.closed().clone(), config.maintenance_interval);
        tokio::spawn(async move {
            while let Some(inner) = inner.upgrade() {
                Self { inner, min_size }.maintain().await;
                if closed.run_until_cancelled(sleep(interval)).await.is_none() {
                    return;
                }
            }
        });
        pool
    }

    /// A pool without the background task.
    pub(super) fn new_unmaintained(
        options: PgConnectOptions,
        config: &DatabaseConfig,
        closed: CancellationToken,
    ) -> Self {
        let manager = PgManager {
            options: Arc::new(options),
            max_lifetime: config.max_lifetime,
            generation: AtomicU64::new(0),
            is_connection_lost: AtomicBool::new(false),
            closed,
        };
        // Last in, first out: the memory of the connection used last is still cached, and surplus connections become idle.
        let mut pool_config = PoolConfig::new(config.max_connections as usize);
        (pool_config.queue_mode, pool_config.timeouts) = (QueueMode::Lifo, TIMEOUTS);
        let Ok(inner) = managed::Pool::builder(manager).config(pool_config).runtime(Runtime::Tokio1).build() else {
            unreachable!("building fails only if timeouts are set without a runtime")
        };
        Self { inner, min_size: config.min_connections as usize }
    }

    /// The address and the settings of new connections.
    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.inner.manager().options
    }

    /// An idle connection, a new one, or the next one that is returned, whichever is available first.
    ///
    /// # Errors
    /// If no connection is available before `deadline`: PostgreSQL's last error when opening one, or `PoolTimedOut`.
    /// `PoolClosed` if the pool is closed.
    pub(super) async fn get(&self, deadline: Instant) -> sqlx::Result<PooledConnection> {
        let (mut reason, mut backoff) = (sqlx::Error::PoolTimedOut, FIRST_BACKOFF);
        let attempts = async {
            loop {
                match self.inner.get().await {
                    Ok(connection) => return Ok(connection),
                    Err(PoolError::Backend(error)) if is_temporary(&error) => reason = error,
                    Err(PoolError::Backend(error)) => return Err(error),
                    Err(PoolError::Timeout(_)) => reason = sqlx::Error::PoolTimedOut,
                    Err(_) => return Err(sqlx::Error::PoolClosed),
                }
                sleep(backoff).await;
                backoff = MAX_BACKOFF.min(backoff * 2);
            }
        };
        timeout_at(deadline, attempts).await.unwrap_or(Err(reason))
    }

    /// Whether the pool is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Cancelled when the pool is closed.
    pub(super) fn closed(&self) -> &CancellationToken {
        &self.inner.manager().closed
    }

    /// Whether, since the last call, a connection was lost or led to a node that refuses writes.
    pub(super) fn take_connection_lost(&self) -> bool {
        self.inner.manager().is_connection_lost.swap(false, Ordering::Relaxed)
    }

    /// The number of connections, and how many of them are idle.
    pub(super) fn size(&self) -> (usize, usize) {
        let status = self.inner.status();
        (status.size, status.available)
    }

    /// Closes the pool at once: waiting callers get an error, idle connections are dropped, and connections in use are
    /// dropped when they are returned.
    pub(super) fn close_now(&self) {
        self.closed().cancel();
        self.inner.close();
    }

    /// Closes the pool and waits at most `limit` until the last connection is returned.
    pub(super) async fn close(&self, limit: Duration) {
        let idle = self.inner.retain(|_, _| false).removed;
        self.inner.close();
        close_all(idle).await;
        let all_returned = async {
            while self.inner.status().size > 0 {
                sleep(CLOSE_POLL_INTERVAL).await;
            }
        };
        let _ = timeout(limit, all_returned).await;
        self.closed().cancel();
    }

    /// Closes idle connections above the minimum, opens those that are missing, and replaces expired ones.
    async fn maintain(&self) {
        let mut excess = self.inner.status().size.saturating_sub(self.min_size);
        let unneeded = self.inner.retain(|_, metrics| {
            let is_unneeded = excess > 0 && metrics.last_used() >= IDLE_TIMEOUT;
            excess -= usize::from(is_unneeded);
            !is_unneeded
        });
        close_all(unneeded.removed).await;
        self.open_missing().await;
        // Replace one at a time, and only while new connections can be opened: the others stay available to requests.
        while self.inner.status().size >= self.min_size {
            let expired = self.remove_one_expired();
            if expired.is_empty() {
                return;
            }
            close_all(expired).await;
            self.open_missing().await;
        }
    }

    fn remove_one_expired(&self) -> Vec<ExpiringConnection> {
        let mut is_found = false;
        let result = self.inner.retain(|connection, _| {
            let is_first = !is_found && connection.is_expired();
            is_found |= is_first;
            !is_first
        });
        result.removed
    }

    /// Opens connections until there are `min_size`.
    ///
    /// deadpool opens a connection only while none is idle. So this borrows as many connections as are idle or missing. Each
    /// is returned by itself: an idle one right after its check, even if the new ones cannot be opened.
    async fn open_missing(&self) {
        let status = self.inner.status();
        let missing = self.min_size.saturating_sub(status.size);
        if missing == 0 {
            return;
        }
        let borrow = async || {
            let connection = self.inner.get().await;
            // Return it only after all of them have started, because the next one would otherwise borrow it again.
            yield_now().await;
            drop(connection);
        };
        join_all((0..status.available + missing).map(|_| borrow())).await;
    }
}

/// Closes connections with a message to the server. A pooler treats a connection that is only dropped as a crashed client.
async fn close_all(connections: Vec<ExpiringConnection>) {
    join_all(connections.into_iter().map(|closing| timeout(CLOSE_TIMEOUT, closing.connection.close()))).await;
}

/// Whether the wait for a connection ended without one.
pub(super) fn is_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut) || is_temporary(error)
}

/// Whether another attempt may succeed: PostgreSQL is starting, has reached its connection limit, refuses the login (the
/// password was changed), or refuses writes. Open connections may still work, and one of them may be returned to the pool.
fn is_temporary(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            let state = error.code().unwrap_or_default();
            matches!(state.as_ref(), "25006" | "53300" | "57P03") || state.starts_with("28")
        }
        _ => false,
    }
}
